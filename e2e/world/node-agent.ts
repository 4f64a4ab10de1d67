/** An agent that types, then answers in a stream what it was asked, word by word. */
import { HasheeAgent } from "../../src/sdk/index.ts";
import { runInTerminal } from "../../src/sdk/examples/run-in-terminal.ts";

const agent = await HasheeAgent.init();
agent.addMessageHandler(async (msg) => {
  if (msg.payload.type !== "text") return;
  agent.typing(msg.conversation_id);
  const stream = agent.createStreamSession(msg.conversation_id);
  for (const word of msg.payload.text.split(" ")) await stream.delta(`${word} `);
  await stream.done();
});
runInTerminal("streaming", agent);
