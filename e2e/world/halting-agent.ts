/**
 * An agent that halts in the midst of what it was asked for, as long as one looks at it, and ends it on SIGUSR2: half of
 * a "stream" has come, or it goes on to "type". Anything else it answers at once.
 */
import { setTimeout as pause } from "node:timers/promises";
import { HasheeAgent } from "../../src/sdk/index.ts";
import { ENGLISH } from "../../src/sdk/examples/guide/words-en.ts";
import { runInTerminal } from "../../src/sdk/examples/run-in-terminal.ts";

/** Often enough that a stream does not end by its silence. */
const PIECE_MS = 10_000;

const agent = await HasheeAgent.init();
let ends = new AbortController();

async function stream(conversationId: string, { signal }: AbortController): Promise<void> {
  const pieces = ENGLISH.stream.match(/[\s\S]{1,40}/gu) ?? [];
  const writing = agent.createStreamSession(conversationId);
  for (const [at, piece] of pieces.entries()) {
    await writing.delta(piece);
    if (at >= pieces.length / 2) await pause(PIECE_MS, null, { signal }).catch(() => null);
  }
  await writing.done();
}

async function type(conversationId: string, { signal }: AbortController): Promise<void> {
  await agent.typing(conversationId);
  await new Promise((end) => signal.addEventListener("abort", end));
  await agent.send(conversationId, { type: "text", text: "that was what I wrote" });
}

agent.addMessageHandler(async ({ payload, conversation_id: id }) => {
  if (payload.type !== "text") return;
  ends = new AbortController();
  if (payload.text === "stream") await stream(id, ends);
  else if (payload.text === "type") await type(id, ends);
  else await agent.send(id, { type: "text", text: ENGLISH.markdown });
});
process.on("SIGUSR2", () => ends.abort());
runInTerminal("halting", agent);
