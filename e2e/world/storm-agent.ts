/**
 * An agent that answers "storm 500" with that many messages and a stream between them, as fast as the line takes
 * them, and does so again on SIGUSR2. It tells its parent when everything lies with the relay.
 */
import { HasheeAgent } from "../../src/sdk/index.ts";
import { runInTerminal } from "../../src/sdk/examples/run-in-terminal.ts";

const agent = await HasheeAgent.init();
let again = (): void => {};

async function storm(conversationId: string, count: number, name: string): Promise<void> {
  const gust = agent.createStreamSession(conversationId);
  const said = Array.from({ length: count }, async (_, at) => {
    if (at % 10 === 0) void gust.delta(`gust ${at} `);
    await agent.send(conversationId, {
      type: "text",
      // Rows of many heights: what a list guesses about rows it has not drawn is wrong.
      text: `drop ${at + 1}\n${"rain ".repeat((at * 37) % 160)}`,
    });
  });
  await Promise.all(said);
  await gust.done();
  await agent.send(conversationId, { type: "text", text: `calm after ${name}` });
  process.send?.({ [name]: true });
}

agent.addMessageHandler(async (msg) => {
  const text = msg.payload.type === "text" ? msg.payload.text : "";
  const count = Number(/^storm (\d+)/.exec(text)?.[1] ?? Number.NaN);
  if (!Number.isInteger(count)) return;
  again = () => void storm(msg.conversation_id, count, `${text} again`);
  await storm(msg.conversation_id, count, text);
});
process.on("SIGUSR2", () => again());
runInTerminal("storm", agent);
