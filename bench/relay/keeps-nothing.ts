/**
 * The peer of B9: the same `ws` server on the same frames, which checks nothing and keeps nothing. It numbers a message,
 * acknowledges it to its sender and hands it to every other socket.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer, type WebSocket } from "ws";
import { passOn, type BareMessage } from "./bare-frames.ts";

const server = createServer();
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
let seq = 0;
sockets.on("connection", (socket: WebSocket) => {
  socket.on("message", (bytes) => {
    const message = JSON.parse((bytes as Buffer).toString()) as BareMessage;
    if (message.type === "message.send") passOn(message, ++seq, socket, sockets.clients);
  });
});
server.listen(0, "127.0.0.1", () =>
  process.send?.({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }),
);
process.on("SIGTERM", () => process.exit(0));
