/** A real nginx with WebDAV on ports of its own. */
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "../repository.ts";
import { freePort, serverProgram, startServer, stopServer } from "./programs.ts";

export interface Nginx {
  /** Everything it serves lies here. */
  root: string;
  /** `http://127.0.0.1:PORT`; below it `/open`, `/basic` (ada:secret), `/custom` (X-Token: secret), `/moved` (redirects to /open), `/forbidden`, `/kept` (nothing is deleted), `/full`. */
  url: string;
  /** The same with a certificate of our own authority. */
  secureUrl: string;
  /** PEM file of that authority. */
  authority: string;
  stop(): Promise<void>;
}

export const nginx = serverProgram("nginx", "apt-get install nginx-light libnginx-mod-http-dav-ext");

export async function startNginx(): Promise<Nginx> {
  if (nginx === null) throw new Error("nginx is not installed");
  const folder = makeFolder("nginx");
  const root = join(folder, "root");
  for (const name of ["open", "basic", "custom", "full", "forbidden", "kept"]) mkdirSync(join(root, name), { recursive: true });
  const [port, securePort] = [await freePort(), await freePort()];
  const { certificate, key, authority } = makeCertificate(folder);
  const hash = spawnSync("openssl", ["passwd", "-apr1", "secret"], { encoding: "utf8" }).stdout.trim();
  writeFileSync(join(folder, "users"), `ada:${hash}\n`);
  const dav =
    "dav_methods PUT DELETE MKCOL COPY MOVE; dav_ext_methods PROPFIND OPTIONS; create_full_put_path on; dav_access user:rw group:rw all:r;";
  writeFileSync(
    join(folder, "nginx.conf"),
    `
load_module /usr/lib/nginx/modules/ngx_http_dav_ext_module.so;
${process.getuid?.() === 0 ? "user root;" : ""}
worker_processes 1; daemon off; pid ${folder}/pid; error_log ${folder}/error.log;
events { worker_connections 512; }
http {
  access_log ${folder}/access.log;
  client_max_body_size 0; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi; uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  server {
    listen 127.0.0.1:${port};
    listen 127.0.0.1:${securePort} ssl;
    ssl_certificate ${certificate}; ssl_certificate_key ${key};
    root ${root};
    location /open/ { ${dav} }
    location /basic/ { auth_basic "members"; auth_basic_user_file ${folder}/users; ${dav} }
    location /custom/ { if ($http_x_token != "secret") { return 401; } ${dav} }
    location /moved/ { rewrite ^/moved/(.*)$ /open/$1 redirect; }
    location /kept/ { ${dav.replace("DELETE ", "")} }
    location /forbidden/ { return 403; }
    location /full/ { if ($request_method = PUT) { return 507; } ${dav} }
    location /small/ { client_max_body_size 1k; alias ${root}/open/; ${dav} }
  }
}
`,
  );
  const child = await startServer(nginx, ["-e", `${folder}/error.log`, "-c", `${folder}/nginx.conf`], { port });
  return {
    root,
    url: `http://127.0.0.1:${port}`,
    secureUrl: `https://127.0.0.1:${securePort}`,
    authority,
    stop: () => stopServer(child),
  };
}

/** A certificate for 127.0.0.1, signed by an authority nobody knows. */
function makeCertificate(folder: string): { certificate: string; key: string; authority: string } {
  const file = (name: string) => join(folder, name);
  const openssl = (args: string[]) => {
    const { status, stderr } = spawnSync("openssl", args, { cwd: folder, encoding: "utf8" });
    if (status !== 0) throw new Error(`openssl: ${stderr}`);
  };
  writeFileSync(file("names"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
  const subject = (name: string) => ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", `/CN=${name}`];
  openssl(["req", "-x509", ...subject("authority"), "-days", "2", "-keyout", "ca.key", "-out", "ca.pem"]);
  openssl(["req", ...subject("127.0.0.1"), "-keyout", "server.key", "-out", "server.csr"]);
  openssl([
    "x509",
    "-req",
    "-in",
    "server.csr",
    "-CA",
    "ca.pem",
    "-CAkey",
    "ca.key",
    "-CAcreateserial",
    "-days",
    "2",
    "-extfile",
    "names",
    "-out",
    "server.pem",
  ]);
  return { certificate: file("server.pem"), key: file("server.key"), authority: file("ca.pem") };
}
