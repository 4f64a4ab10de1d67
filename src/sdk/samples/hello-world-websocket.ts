import { HasheeAgent } from "@hasheeai/agent-sdk-ts";
import { writeFile, readFile, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
const KEYS_FILE = join(
process.env.HOME ?? ".",
".hashee",
process.env.HASHEE_AGENT_ID ?? "",
"keystore.json",
);
// 1. 启动时尝试加载持久化的私钥
async function loadKeys() {
try {
const buf = await readFile(KEYS_FILE, "utf8");
return JSON.parse(buf);
} catch {
return null;
}
}
// 2. SDK 首次生成密钥时回调持久化
async function persistKeys(keys: object) {
await mkdir(dirname(KEYS_FILE), { recursive: true });
await writeFile(KEYS_FILE, JSON.stringify(keys, null, 2), { mode: 0o600 });
console.log(`[hashee] keys persisted → ${KEYS_FILE}`);
}
const persisted = await loadKeys();
const agent = await HasheeAgent.init({
agentId: process.env.HASHEE_AGENT_ID!,
token: process.env.HASHEE_AGENT_TOKEN!,
baseUrl: process.env.HASHEE_BASE_URL ?? "https://api.hashee.ai",
connectionMode: "websocket",
privateKey: persisted?.privateKey, // 可选;不传 SDK 自动生成
signingPrivateKey: persisted?.signingPrivateKey, // 可选
onKeyGenerated: persisted ? undefined : persistKeys,
});
agent.addStatusHandler((status) => {
console.log(`[hashee] connection: ${status}`);
});
agent.addMessageHandler(async (msg) => {
if (msg.payload?.type !== "text") return;
const text = msg.payload.text;
console.log(`[hashee] inbound text="${text}" from=${msg.sender_id}`);
await agent.typing(msg.conversation_id);
// 这里替换成你的 LLM 调用 / 业务逻辑
const reply = `你好!我收到了 "${text}"`;
await agent.send(msg.conversation_id, {
type: "text",
text: reply,
});
console.log(`[hashee] replied conv=${msg.conversation_id}`);
});
// 3. 优雅退出
const shutdown = async (signal: string) => {
console.log(`\n[hashee] received ${signal}; shutting down...`);
try {
await agent.close();
} catch (e) {
console.error("[hashee] shutdown error", e);
}
process.exit(0);
};
process.on("SIGINT", () => shutdown("SIGINT"));
process.on("SIGTERM", () => shutdown("SIGTERM"));
console.log("[hashee] up; waiting for messages... (Ctrl+C to quit)");
