/**
 * An agent whose work can be counted: for each command it writes one line into the file EFFECTS names, then answers.
 * "hold …" keeps it at work until its process dies; a command that comes back as interrupted is done if it was not.
 */
import { appendFileSync, readFileSync } from "node:fs";
import { HasheeAgent } from "../../src/sdk/index.ts";
import { runInTerminal } from "../../src/sdk/examples/run-in-terminal.ts";

const effects = process.env["EFFECTS"] ?? "";
const isDone = (messageId: string): boolean =>
  readFileSync(effects, "utf8").includes(`\t${messageId}\t`);

const agent = await HasheeAgent.init();
agent.addMessageHandler(async (msg) => {
  if (msg.payload.type !== "text") return;
  const { text } = msg.payload;
  if (text.startsWith("hold") && msg.interrupted !== true) {
    process.send?.({ [text]: true });
    await new Promise(() => {});
  }
  const isRepeat = msg.interrupted === true && isDone(msg.message_id);
  if (!isRepeat) appendFileSync(effects, `${process.pid}\t${msg.message_id}\t${text}\n`);
  // Whether the process that did it had answered, too, nobody knows.
  const answer = `${isRepeat ? "surely " : ""}done: ${text}`;
  await agent.send(msg.conversation_id, { type: "text", text: answer });
});
runInTerminal("counting", agent);
