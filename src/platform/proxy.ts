/** Which proxy leads to a server, as the usual environment variables say. */

/** Null: none. Throws nothing: a variable that is no URL counts as absent. */
export function proxyFor(url: URL, env: Readonly<Record<string, string | undefined>>): URL | null {
  const scheme = url.protocol.slice(0, -1);
  const value = env[`${scheme}_proxy`] || env[`${scheme.toUpperCase()}_PROXY`] || env.all_proxy || env.ALL_PROXY;
  if (!value || isExcepted(url, env.no_proxy ?? env.NO_PROXY ?? "")) return null;
  const text = value.includes("://") ? value : `http://${value}`;
  return URL.canParse(text) && text.startsWith("http:") ? new URL(text) : null;
}

function isExcepted({ hostname, port, protocol }: URL, exceptions: string): boolean {
  const number = port || (protocol === "https:" ? "443" : "80");
  return exceptions
    .split(",")
    .map((one) => one.trim().toLowerCase())
    .filter(Boolean)
    .some((one) => {
      const [host = "", only] = one.split(/:(?=\d+$)/);
      const domain = host.replace(/^\*?\./, "");
      const isHost = host === "*" || hostname === domain || hostname.endsWith(`.${domain}`);
      return isHost && (only === undefined || only === number);
    });
}
