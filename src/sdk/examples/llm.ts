// Passes what people say to a language model and its answer back, as it comes.
import { HasheeAgent, type AgentMessage } from "#sdk/index.ts";
import { createContexts } from "./llm/context.ts";
import { ModelError, readModelSettings, streamChat, type ModelSettings } from "./llm/chat.ts";
import { refusalText, setupText } from "./llm/words.ts";
import { runInTerminal } from "./run-in-terminal.ts";

const SYSTEM_PROMPT =
  "You are an assistant in a private, end-to-end encrypted chat. Answer in the language you are spoken to. Markdown is shown.";

const settings = readModelSettings(process.env);
const contexts = createContexts();
const agent = await HasheeAgent.init();
runInTerminal("model", agent);

agent.addMessageHandler(async (msg) => {
  if (msg.payload.type !== "text" || !agent.isFor(msg)) return;
  if (settings === null) {
    await agent.send(msg.conversation_id, { type: "text", text: setupText(msg.payload.text) });
    return;
  }
  await agent.typing(msg.conversation_id);
  await answer(settings, msg, msg.payload.text);
});

async function answer(model: ModelSettings, msg: AgentMessage, question: string): Promise<void> {
  const asked = contexts.add(msg.conversation_id, { role: "user", content: question });
  const stream = agent.createStreamSession(msg.conversation_id);
  let text = "";
  try {
    const messages = [{ role: "system", content: SYSTEM_PROMPT } as const, ...asked];
    for await (const piece of streamChat(model, messages, stream.signal)) {
      text += piece;
      await stream.delta(piece);
    }
    // Stopped before the first word: there is nothing to keep.
    if (text === "") await stream.abort("empty");
    else await stream.done();
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    await stream.abort("model-failed");
    text = "";
    await agent.send(msg.conversation_id, {
      type: "text",
      text: refusalText(error.status, question),
    });
  } finally {
    await agent.stopTyping(msg.conversation_id);
  }
  if (text !== "") contexts.add(msg.conversation_id, { role: "assistant", content: text });
}
