/** The `ws` package meets relay.ts: upgrades, links, signs of life; nothing else is decided here. */
import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer, type WebSocket } from "ws";
import { CLOSE, closeReason } from "#protocol/close-codes.ts";
import { MAX_FRAME_BYTES } from "#protocol/limits.ts";
import type { Link } from "./live/connection.ts";
import type { OriginCheck } from "./origins.ts";
import type { Relay } from "./relay.ts";

/** Sockets of one address that have not signed in. */
const MAX_STRANGERS_PER_ADDRESS = 50;

/** Attaches the socket paths to a server; the returned function ends what is still open. */
export function attachSockets(
  server: Server,
  needs: {
    readonly relay: Relay;
    readonly origins: OriginCheck;
    readonly addressOf: (request: IncomingMessage) => string;
  },
): () => void {
  const { relay, origins } = needs;
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: 2 * MAX_FRAME_BYTES,
    perMessageDeflate: false,
  });
  const strangersByAddress = new Map<string, number>();

  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const path = pathOf(request);
    const { origin, host } = request.headers;
    const address = needs.addressOf(request);
    if (path === null) return refuseUpgrade(socket, "404 Not Found");
    const mayOmitOrigin = path === "agent";
    if ((origin === undefined && !mayOmitOrigin) || !origins.isAllowed(origin, host)) {
      return refuseUpgrade(socket, "403 Forbidden");
    }
    const strangers = strangersByAddress.get(address) ?? 0;
    if (strangers >= MAX_STRANGERS_PER_ADDRESS)
      return refuseUpgrade(socket, "429 Too Many Requests");
    sockets.handleUpgrade(request, socket, head, (opened) => {
      strangersByAddress.set(address, (strangersByAddress.get(address) ?? 0) + 1);
      serveSocket(relay, { opened, line: socket, path }, () => {
        const left = (strangersByAddress.get(address) ?? 1) - 1;
        if (left > 0) strangersByAddress.set(address, left);
        else strangersByAddress.delete(address);
      });
    });
    return undefined;
  };
  server.on("upgrade", onUpgrade);
  return () => {
    server.off("upgrade", onUpgrade);
    for (const socket of sockets.clients) socket.terminate();
    sockets.close();
  };
}

function serveSocket(
  relay: Relay,
  {
    opened: socket,
    line,
    path,
  }: { readonly opened: WebSocket; readonly line: Duplex; readonly path: "human" | "agent" },
  onKnown: () => void,
): void {
  let forget: (() => void) | null = onKnown;
  const known = (): void => {
    forget?.();
    forget = null;
  };
  const link: Link = {
    bufferedBytes: () => socket.bufferedAmount,
    send(text) {
      gatherWrites(line);
      socket.send(text);
    },
    onSignedIn: known,
    ping: () => socket.ping(),
    close: (code, retryAfterS) => socket.close(code.code, closeReason(code, retryAfterS)),
  };
  const session = relay.connect(link, path);
  socket.on("message", (bytes, isBinary) => {
    const size = (bytes as Buffer).length;
    if (isBinary) link.close(CLOSE.protocolError);
    else if (size > MAX_FRAME_BYTES) link.close(CLOSE.frameTooLarge);
    else session.receive((bytes as Buffer).toString("utf8"));
  });
  socket.on("pong", () => session.heard());
  socket.on("close", (code) => {
    known();
    session.closed(code);
  });
  // `ws` ends a socket whose frame is far over the limit by itself; the error event needs no answer.
  socket.on("error", () => undefined);
}

/** What one turn of the event loop sends over a socket leaves with one system call: the dearest part of a small frame. */
function gatherWrites(line: Duplex): void {
  if (line.writableCorked > 0) return;
  line.cork();
  process.nextTick(() => line.uncork());
}

function pathOf(request: IncomingMessage): "human" | "agent" | null {
  const path = (request.url ?? "").split("?")[0];
  if (path === "/ws/human") return "human";
  return path === "/ws/agent" ? "agent" : null;
}

function refuseUpgrade(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
