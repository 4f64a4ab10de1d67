/**
 * A whole relay in this process without a port: its REST is called and its sockets are met where the network ends, and
 * what is between is a {@link Wire}. The database is a file, so that the relay can end and come back to it.
 */
import type { Fetch } from "../../src/peer/rest.ts";
import type { Launch, Line } from "../../src/peer/endpoint-world.contract.ts";
import { CLOSE, closeReason } from "../../src/protocol/close-codes.ts";
import { openRelay, type OpenRelay } from "../../src/relay/open-relay.ts";
import { createOriginCheck } from "../../src/relay/origins.ts";
import type { Link } from "../../src/relay/live/connection.ts";
import type { Session } from "../../src/relay/relay.ts";
import type { Wire } from "./wire.ts";

/** What the relay would read off a connection. */
const CALLER = { incoming: { socket: { remoteAddress: "127.0.0.1" } } };

/** Launches relays that are met over this wire. */
export const launchOver =
  (wire: Wire): Launch =>
  async ({ port = 1, ...options }) => {
    const url = `http://127.0.0.1:${port}`;
    const origins = createOriginCheck([], () => port);
    const opened = await openRelay({ ...options, writes: "here" }, origins);
    const stop = opened.start();
    const lines = new Set<Line>();
    const asked = new Set<Promise<unknown>>();
    let isThere = true;
    return {
      url,
      port,
      fetch: async (...request) => {
        await wire.turn();
        if (!isThere) throw new TypeError("nobody listens");
        const answering = answer(opened, request);
        asked.add(answering);
        const answered = await answering.finally(() => asked.delete(answering));
        await wire.turn();
        return answered;
      },
      openSocket(address) {
        const path = new URL(address).pathname === "/ws/agent" ? "agent" : "human";
        const line = aLine(wire, (link) => (isThere ? opened.relay.connect(link, path) : null));
        lines.add(line);
        return line;
      },
      async close() {
        stop();
        isThere = false;
        await opened.sayGoodbye();
        await Promise.all(asked);
        for (const line of lines) line.terminate();
        await opened.close();
      },
    };
  };

async function answer({ app }: OpenRelay, [address, request]: Parameters<Fetch>) {
  const answered = await app.fetch(new Request(address, request), CALLER);
  const text = await answered.text();
  return { status: answered.status, headers: answered.headers, text: async () => text };
}

/** A WebSocket and what the relay has of it. `connect` gives null when nobody listens. */
function aLine(wire: Wire, connect: (link: Link) => Session | null): Line {
  const [up, down] = [wire.lane(), wire.lane()];
  let session: Session | null = null;
  let isOpen = true;
  const hangUp = (code: number): void => {
    session?.closed(code);
    session = null;
  };
  const end = (code: number, reason: string): void => {
    if (!isOpen) return;
    isOpen = false;
    line.onclose?.({ code, reason });
  };
  const line: Line = {
    onopen: null,
    onmessage: null,
    onclose: null,
    send: (text) => up.push(() => session?.receive(text)),
    close(code = CLOSE.normal.code) {
      isOpen = false;
      down.cut();
      up.push(() => hangUp(code));
    },
    terminate() {
      // What has left may arrive or not.
      if (wire.lot()) up.cut();
      up.push(() => hangUp(CLOSE.lost.code));
      if (!isOpen) return;
      isOpen = false;
      down.cut();
      down.push(() => line.onclose?.({ code: CLOSE.lost.code, reason: "" }));
    },
  };
  const link: Link = {
    bufferedBytes: () => 0,
    onSignedIn: () => undefined,
    send: (text) =>
      down.push(() => {
        if (isOpen) line.onmessage?.({ data: text });
      }),
    ping: () => down.push(() => up.push(() => session?.heard())),
    close: (code, retryAfterS) =>
      down.push(() => {
        up.push(() => hangUp(code.code));
        end(code.code, closeReason(code, retryAfterS));
      }),
  };
  up.push(() => {
    session = connect(link);
    down.push(() => {
      if (session === null) end(CLOSE.lost.code, "");
      else if (isOpen) line.onopen?.(null as never);
    });
  });
  return line;
}
