// An agent in ten lines: it says back what it hears.
import { HasheeAgent } from "#sdk/index.ts";
import { runInTerminal } from "./run-in-terminal.ts";

const agent = await HasheeAgent.init();
runInTerminal("echo", agent);
agent.addMessageHandler(async (msg) => {
  if (msg.payload.type !== "text" || !agent.isFor(msg)) return;
  await agent.send(msg.conversation_id, { type: "text", text: msg.payload.text });
});
