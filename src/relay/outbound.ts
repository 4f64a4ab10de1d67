/**
 * Requests the relay makes at somebody's wish: to webhooks and push services. HTTPS only, no redirects, and no way
 * into the network the relay stands in: a name is resolved once, what it stands for is checked, and exactly that
 * address is connected to. SPEC P239.
 */
import { lookup } from "node:dns/promises";
import { request as requestPlain, type RequestOptions } from "node:http";
import { request as requestTls } from "node:https";
import { BlockList, isIP } from "node:net";
import type { Clock } from "#base/clock.ts";

export type OutboundRequest = {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | null;
  readonly timeoutMs: number;
};

/** What came of it. The answer's body is not read. */
export type OutboundAnswer =
  | { readonly outcome: "answered"; readonly status: number; readonly retryAfterMs: number | null }
  | { readonly outcome: "refused-target" | "timeout" | "unreachable" };

export interface Outbound {
  send(request: OutboundRequest): Promise<OutboundAnswer>;
}

/** `allowsPrivate`: also plain http, and addresses of this machine and its network; for development. */
export function createOutbound(clock: Clock, allowsPrivate: boolean): Outbound {
  return {
    async send(request) {
      const url = parseTarget(request.url, allowsPrivate);
      const address = url === null ? null : await resolve(url.hostname);
      if (url === null || address === null) return { outcome: "refused-target" };
      if (address === "unknown") return { outcome: "unreachable" };
      if (!allowsPrivate && isPrivate(address)) return { outcome: "refused-target" };
      return exchange(clock, url, address, request);
    },
  };
}

/** Whether a URL may be a target at all, before its name is resolved. */
export const isTargetUrl = (text: string, allowsPrivate: boolean): boolean =>
  parseTarget(text, allowsPrivate) !== null;

type Address = { readonly address: string; readonly family: number };

function parseTarget(text: string, allowsPrivate: boolean): URL | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || url.username !== "" || url.password !== "") return null;
  if (url.protocol === "https:") return url;
  return allowsPrivate && url.protocol === "http:" ? url : null;
}

async function resolve(hostname: string): Promise<Address | "unknown"> {
  const name = hostname.replace(/^\[|\]$/g, "");
  const family = isIP(name);
  if (family !== 0) return { address: name, family };
  return lookup(name).catch(() => "unknown" as const);
}

const PRIVATE = new BlockList();
for (const [network, bits] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
] as const)
  PRIVATE.addSubnet(network, bits, "ipv4");
// Only global unicast is public; of it, the ranges that carry IPv4 addresses or are for documents are not.
for (const [network, bits] of [
  ["::", 3],
  ["4000::", 2],
  ["8000::", 1],
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
] as const)
  PRIVATE.addSubnet(network, bits, "ipv6");

const isPrivate = ({ address, family }: Address): boolean =>
  PRIVATE.check(address, family === 6 ? "ipv6" : "ipv4");

function exchange(
  clock: Clock,
  url: URL,
  target: Address,
  { method, headers, body, timeoutMs }: OutboundRequest,
): Promise<OutboundAnswer> {
  const abort = new AbortController();
  const options: RequestOptions = {
    method,
    headers: { ...headers, ...(body === null ? {} : { "content-length": String(body.length) }) },
    signal: abort.signal,
    agent: false,
    // The checked address, not whatever the name stands for a moment later.
    lookup: (_name, { all }, done) => {
      if (all === true) done(null, [target]);
      else done(null, target.address, target.family);
    },
  };
  return new Promise((settle) => {
    const end = (answer: OutboundAnswer): void => {
      cancel();
      settle(answer);
    };
    const cancel = clock.after(timeoutMs, () => {
      abort.abort();
      end({ outcome: "timeout" });
    });
    const sent = (url.protocol === "https:" ? requestTls : requestPlain)(url, options, (answer) => {
      const retryAfterMs = secondsOf(answer.headers["retry-after"]);
      end({ outcome: "answered", status: answer.statusCode ?? 0, retryAfterMs });
      answer.destroy();
    });
    sent.on("error", () => end({ outcome: "unreachable" }));
    sent.end(body ?? undefined);
  });
}

const secondsOf = (header: string | undefined): number | null =>
  header !== undefined && /^\d{1,6}$/.test(header) ? Number(header) * 1_000 : null;
