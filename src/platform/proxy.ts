/** Which proxy leads to a server, as the usual environment variables say. */
import { BlockList, isIP } from "node:net";

/** Null: none. Throws nothing: a variable that is no URL counts as absent. */
export function proxyFor(url: URL, env: Readonly<Record<string, string | undefined>>): URL | null {
  const scheme = url.protocol.slice(0, -1);
  const value = env[`${scheme}_proxy`] || env[`${scheme.toUpperCase()}_PROXY`] || env.all_proxy || env.ALL_PROXY;
  if (!value || isExcepted(url, env.no_proxy ?? env.NO_PROXY ?? "")) return null;
  const text = value.includes("://") ? value : `http://${value}`;
  const proxy = URL.canParse(text) ? new URL(text) : null;
  return proxy !== null && /^https?:$/.test(proxy.protocol) ? proxy : null;
}

function isExcepted({ hostname, port, protocol }: URL, exceptions: string): boolean {
  const number = port || (protocol === "https:" ? "443" : "80");
  const name = hostname.replace(/^\[|\]$/g, "");
  return exceptions
    .split(/[,\s]+/)
    .map((one) => one.toLowerCase())
    .filter(Boolean)
    .some((one) => {
      if (isIP(one) !== 0) return one === name;
      if (one.includes("/")) return isInNetwork(name, one);
      const [host = "", only] = one.split(/:(?=\d+$)/);
      const domain = host.replace(/^\*?\./, "").replace(/^\[|\]$/g, "");
      const isHost = host === "*" || name === domain || name.endsWith(`.${domain}`);
      return isHost && (only === undefined || only === number);
    });
}

/** `10.0.0.0/8`: of addresses only. */
function isInNetwork(address: string, network: string): boolean {
  const [base = "", bits = ""] = network.split("/");
  const family = isIP(base);
  if (family === 0 || isIP(address) !== family || !/^\d{1,3}$/.test(bits) || Number(bits) > (family === 4 ? 32 : 128)) return false;
  const type = family === 4 ? "ipv4" : "ipv6";
  const list = new BlockList();
  list.addSubnet(base, Number(bits), type);
  return list.check(address, type);
}
