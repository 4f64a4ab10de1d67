/**
 * The peer of B9: the same `ws` server on the same frames, which checks nothing and keeps nothing. It numbers a message,
 * acknowledges it to its sender and hands it to every other socket.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer, type WebSocket } from "ws";

const server = createServer();
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
let seq = 0;
sockets.on("connection", (socket: WebSocket) => {
  socket.on("message", (bytes) => {
    const frame = JSON.parse((bytes as Buffer).toString()) as Record<string, unknown>;
    if (frame["type"] !== "message.send") return;
    const { client_message_id, conversation_id, encrypted_payload } = frame;
    const place = {
      conversation_id,
      conversation_seq: ++seq,
      created_at: new Date().toISOString(),
    };
    socket.send(JSON.stringify({ type: "message.ack", client_message_id, ...place }));
    const pushed = JSON.stringify({
      type: "message.new",
      ...place,
      message_id: client_message_id,
      client_message_id,
      encrypted_payload,
    });
    for (const other of sockets.clients) if (other !== socket) other.send(pushed);
  });
});
server.listen(0, "127.0.0.1", () =>
  process.send?.({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }),
);
process.on("SIGTERM", () => process.exit(0));
