/** A server of its own process that takes frames and keeps nothing; tells its port, and how many it got when asked. */
import { WebSocketServer } from "ws";

let count = 0;
const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
server.on("connection", (socket) => socket.on("message", () => (count += 1)));
server.on("listening", () => {
  const address = server.address();
  process.send?.(typeof address === "object" && address !== null ? address.port : 0);
});
process.on("message", () => process.send?.(count));
