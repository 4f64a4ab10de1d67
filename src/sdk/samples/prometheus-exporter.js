/** The published minimal Prometheus exporter, between the marks; around it an agent, and a port that is free. */
import { Server } from "node:http";
import { HasheeAgent } from "@hasheeai/agent-sdk-ts";

const { listen } = Server.prototype;
Server.prototype.listen = function (port) {
  return listen.call(this, 0, "127.0.0.1", () => {
    console.log(`asked for ${port}, listening on ${this.address().port}`);
  });
};
const agent = await HasheeAgent.init();
process.on("SIGTERM", () => process.exit(0));
// ── published
import promClient from "prom-client";
const register = new promClient.Registry();
const inboundTotal = new promClient.Counter({
name: "hashee_message_inbound_total",
help: "...",
labelNames: ["conv_type", "payload_type"],
});
register.registerMetric(inboundTotal);
agent.addMessageHandler((msg) => {
inboundTotal.inc({ conv_type: msg.conversation_type, payload_type: msg.payload?.type ?? "unknown" });
});
import http from "node:http";
http.createServer(async (req, res) => {
if (req.url === "/metrics") {
res.setHeader("Content-Type", register.contentType);
res.end(await register.metrics());
} else {
res.statusCode = 404; res.end();
}
}).listen(9090);
// ── until here
