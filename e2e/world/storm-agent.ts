/** An agent that answers "storm 500" with that many messages, as fast as the line takes them. */
import { HasheeAgent } from "../../src/sdk/index.ts";
import { runInTerminal } from "../../src/sdk/examples/run-in-terminal.ts";

const agent = await HasheeAgent.init();
agent.addMessageHandler(async (msg) => {
  const text = msg.payload.type === "text" ? msg.payload.text : "";
  const count = Number(/^storm (\d+)/.exec(text)?.[1] ?? Number.NaN);
  if (!Number.isInteger(count)) return;
  const gust = agent.createStreamSession(msg.conversation_id);
  const said = Array.from({ length: count }, async (_, at) => {
    if (at % 10 === 0) void gust.delta(`gust ${at} `);
    await agent.send(msg.conversation_id, {
      type: "text",
      // Rows of many heights: what a list guesses about rows it has not drawn is wrong.
      text: `drop ${at + 1}\n${"rain ".repeat((at * 37) % 160)}`,
    });
  });
  await Promise.all(said);
  await gust.done();
  await agent.send(msg.conversation_id, { type: "text", text: `calm after ${text}` });
  process.send?.({ [text]: true });
});
runInTerminal("storm", agent);
