/**
 * Addresses that a person may type for an agent server: which can work from this page, and what to say about those
 * that cannot. Nothing is asked of the network. SPEC A80–A84.
 */
import { err, ok, type Result } from "#base/result.ts";
import type { UnreachableCause } from "#peer/channel-failure.ts";

export type AddressFailure =
  /** No address at all. */
  | { readonly kind: "channels/bad-address" }
  /** Only `ws`, `wss`, `http` and `https` lead anywhere. */
  | { readonly kind: "channels/scheme-not-allowed" }
  /** A name and a password do not belong into an address: it is shown and kept. */
  | { readonly kind: "channels/credentials-in-address" }
  /** A page that came over TLS may not open a plain line to another machine; the browser would refuse. */
  | { readonly kind: "channels/mixed-content" };

export type CheckedAddress = {
  readonly url: string;
  /** Nobody else's machine is on the way. */
  readonly isLoopback: boolean;
  /** Whoever is on the way can read along: no TLS, and not this machine. */
  readonly isReadableOnTheWay: boolean;
  /** In a private network: browsers ask the person first, or refuse public pages. */
  readonly isPrivateNetwork: boolean;
  /** To name when nothing answers. */
  readonly likelyCauses: readonly UnreachableCause[];
};

/** Which transport a protocol runs over; an address may be typed with either scheme. */
export type Transport = "socket" | "http";

const SCHEMES: Readonly<Record<string, Readonly<Record<Transport, string>>>> = {
  "ws:": { socket: "ws:", http: "http:" },
  "http:": { socket: "ws:", http: "http:" },
  "wss:": { socket: "wss:", http: "https:" },
  "https:": { socket: "wss:", http: "https:" },
};

/**
 * Checks an address for a page of `pageOrigin` (null: no browser, no page). `host:port` alone gets the plain scheme
 * on this machine and TLS elsewhere.
 *
 * Fails with `channels/bad-address`, `channels/scheme-not-allowed`, `channels/credentials-in-address`,
 * `channels/mixed-content`.
 */
export function checkAddress(
  text: string,
  transport: Transport,
  pageOrigin: string | null,
): Result<CheckedAddress, AddressFailure> {
  const typed = text.trim();
  if (typed === "" || typed.length > 2_000 || /\s/.test(typed))
    return err({ kind: "channels/bad-address" });
  const parsed = parseUrl(withScheme(typed));
  if (parsed === null) return err({ kind: "channels/bad-address" });
  const scheme = SCHEMES[parsed.protocol]?.[transport];
  if (scheme === undefined) return err({ kind: "channels/scheme-not-allowed" });
  if (parsed.hostname === "") return err({ kind: "channels/bad-address" });
  if (parsed.username !== "" || parsed.password !== "")
    return err({ kind: "channels/credentials-in-address" });
  const isLoopback = isLoopbackHost(parsed.hostname);
  const isSecure = scheme === "wss:" || scheme === "https:";
  const page = pageOrigin === null ? null : parseUrl(pageOrigin);
  if (page?.protocol === "https:" && !isSecure && !isLoopback)
    return err({ kind: "channels/mixed-content" });
  parsed.hash = "";
  const isPrivateNetwork = isLoopback || isPrivateHost(parsed.hostname);
  return ok({
    url: parsed.href.replace(/^[a-z]+:/, scheme),
    isLoopback,
    isReadableOnTheWay: !isSecure && !isLoopback,
    isPrivateNetwork,
    likelyCauses: causesOf({ transport, page, isSecure, isPrivateNetwork }),
  });
}

const withScheme = (typed: string): string => {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(typed)) return typed;
  // `localhost:8080` reads as a scheme to a URL parser; `javascript:…` is one.
  if (!/^(\[[0-9a-f:.]+\]|[^\s:/?#@]+)(:\d{1,5})?([/?].*)?$/i.test(typed)) return typed;
  const host = parseUrl(`http://${typed}`)?.hostname ?? "";
  return `${isLoopbackHost(host) || isPrivateHost(host) ? "http" : "https"}://${typed}`;
};

function parseUrl(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

const isLoopbackHost = (host: string): boolean =>
  host === "localhost" ||
  host.endsWith(".localhost") ||
  host === "[::1]" ||
  host.startsWith("127.");

const isPrivateHost = (host: string): boolean =>
  /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|169\.254\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.)/.test(
    host,
  ) ||
  /^\[(f[cd]|fe[89ab])/i.test(host) ||
  host.endsWith(".local") ||
  !/[.:]/.test(host);

function causesOf(about: {
  readonly transport: Transport;
  readonly page: URL | null;
  readonly isSecure: boolean;
  readonly isPrivateNetwork: boolean;
}): readonly UnreachableCause[] {
  const isPageElsewhere = about.page !== null && !isLoopbackHost(about.page.hostname);
  return [
    "server-down",
    "wrong-path",
    // A socket's handshake may be refused for its origin as well, by servers that look at it.
    ...(about.page === null ? [] : (["cross-origin-refused"] as const)),
    ...(about.isPrivateNetwork && isPageElsewhere ? (["private-network"] as const) : []),
    ...(about.isSecure ? (["certificate"] as const) : []),
    ...(about.page === null ? [] : (["page-policy"] as const)),
  ];
}
