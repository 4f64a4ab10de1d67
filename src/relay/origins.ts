/** Which web pages may talk to this relay: its own, and those its operator named. SPEC P9. */

export interface OriginCheck {
  /** Origins a page may have; the first is the relay's public one. */
  list(): readonly string[];
  /** No `Origin`: not a browser's cross-site request. Otherwise a listed one, or the very host that was asked. */
  isAllowed(origin: string | undefined, host: string | undefined): boolean;
}

/** `listed` empty: loopback only, on the port the relay got. */
export function createOriginCheck(listed: readonly string[], port: () => number): OriginCheck {
  const list = (): readonly string[] =>
    listed.length > 0 ? listed : [`http://127.0.0.1:${port()}`, `http://localhost:${port()}`];
  return {
    list,
    isAllowed(origin, host) {
      if (origin === undefined || list().includes(origin)) return true;
      // A page served by this relay under a name the operator did not list, when none is listed at all.
      return (
        listed.length === 0 && host !== undefined && origin === `http://${host}` && isLoopback(host)
      );
    },
  };
}

const isLoopback = (host: string): boolean =>
  /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(host);
