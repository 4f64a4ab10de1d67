/**
 * A whole relay on a port: what the command line, the launcher and the tests all start.
 */
import type { IncomingMessage, Server } from "node:http";
import { createAdaptorServer } from "@hono/node-server";
import { systemClock } from "#base/clock.ts";
import { createOriginCheck } from "./origins.ts";
import { openRelay, type RelayOptions } from "./open-relay.ts";
import { attachSockets } from "./ws-server.ts";

export type RunningRelay = {
  readonly url: string;
  readonly port: number;
  /** Tells every endpoint to come back, writes what is pending, stops. */
  close(): Promise<void>;
};

/** How long a closing relay waits for requests it has taken. */
const REQUEST_LIMIT_MS = 5_000;
/** Longer than proxies keep a quiet connection (60 s): who closes it first must not be we, while they write into it. */
const KEEP_ALIVE_MS = 75_000;

/** Creates and starts a relay. Rejects when the port is taken or the folder cannot be used. */
export async function createRelayServer(options: RelayOptions): Promise<RunningRelay> {
  const { clock = systemClock, host = "127.0.0.1" } = options;
  let port = options.port ?? 0;
  const origins = createOriginCheck(options.origins ?? [], () => port);
  const opened = await openRelay(options, origins);
  const server = createAdaptorServer({ fetch: opened.app.fetch }) as Server;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  const addressOf = (request: IncomingMessage): string =>
    callerAddress(request, options.trustsProxy ?? false);
  const closeConnections = closingOnceIdle(server);
  const detachSockets = attachSockets(server, { relay: opened.relay, origins, addressOf });
  port = await listen(server, port, host);

  const stop = opened.start();
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${port}`,
    port,
    async close() {
      stop();
      const closed = closeConnections();
      await opened.sayGoodbye();
      detachSockets();
      // Requests that were taken are answered; one that hangs ends the wait.
      const cut = clock.after(REQUEST_LIMIT_MS, () => server.closeAllConnections());
      await closed;
      cut();
      await opened.close();
    },
  };
}

/** Closes the server. Node ends connections that are idle by then; those that become so later are ended too. */
function closingOnceIdle(server: Server): () => Promise<void> {
  let isClosing = false;
  const look = (): void => {
    if (isClosing) server.closeIdleConnections();
  };
  server.on("request", (request, response) => {
    request.once("close", look);
    response.once("close", look);
  });
  return () => {
    isClosing = true;
    return new Promise((done) => server.close(() => done()));
  };
}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((done, fail) => {
    server.once("error", fail);
    server.listen(port, host, () => {
      server.off("error", fail);
      const address = server.address();
      done(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}

function callerAddress(request: IncomingMessage, trustsProxy: boolean): string {
  const forwarded = trustsProxy ? request.headers["x-forwarded-for"] : undefined;
  const named =
    String(forwarded ?? "")
      .split(",")
      .at(-1)
      ?.trim() ?? "";
  return named === "" ? (request.socket.remoteAddress ?? "") : named;
}
