// An agent in ten lines: it says back what it hears, and of files what they are.
import { HasheeAgent } from "#sdk/index.ts";
import { runInTerminal } from "./run-in-terminal.ts";

const agent = await HasheeAgent.init();
runInTerminal("echo", agent);
agent.addMessageHandler(async (msg) => {
  const words = msg.payload.type === "text" ? [msg.payload.text] : [];
  const files = (msg.attachments ?? []).map((f) => `${f.filename} (${f.mime}, ${f.size} bytes)`);
  const text = [...words, ...files].filter((line) => line !== "").join("\n\n");
  if (text === "" || !agent.isFor(msg)) return;
  await agent.send(msg.conversation_id, { type: "text", text });
});
