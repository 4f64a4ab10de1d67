/** The peer layer's socket over the `ws` package. */
import { WebSocket } from "ws";
import type { OpenSocket, Socket } from "#peer/socket.ts";
import { MAX_FRAME_BYTES } from "#protocol/limits.ts";

/** Starts a connection; a refused one tells `onclose` like a lost one. */
export const openNodeSocket: OpenSocket = (url) => openFrom(url, undefined);

/** The same for a person's line, which a relay takes only from a page of its own: `origin` says so. */
export const openNodeSocketFrom =
  (origin: string): OpenSocket =>
  (url) =>
    openFrom(url, origin);

function openFrom(url: string, origin: string | undefined): Socket {
  const line = new WebSocket(url, {
    maxPayload: MAX_FRAME_BYTES,
    perMessageDeflate: false,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    ...(origin === undefined ? {} : { origin }),
  });
  const socket: Socket = {
    onopen: null,
    onmessage: null,
    onclose: null,
    send: (text) => {
      if (line.readyState === line.OPEN) line.send(text);
    },
    close: (code, reason) => line.close(code, reason),
  };
  line.on("open", () => socket.onopen?.(undefined as never));
  line.on("message", (data, isBinary) =>
    socket.onmessage?.({ data: isBinary ? null : data.toString() }),
  );
  line.on("close", (code, reason) => socket.onclose?.({ code, reason: reason.toString() }));
  // The close that follows carries the news; without a listener Node would end the process.
  line.on("error", () => undefined);
  return socket;
}

/** A relay that takes the connection and says nothing is as good as none. */
const HANDSHAKE_TIMEOUT_MS = 10_000;
