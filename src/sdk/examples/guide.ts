// A tour of what a conversation can hold, by a script without a model. Ask it in English or Chinese.
import { HasheeAgent, type AgentMessage } from "#sdk/index.ts";
import { tellOfFiles } from "./guide/files.ts";
import { greet, pressedText, runShow } from "./guide/shows.ts";
import { isTopic, topicOf, type Topic } from "./guide/topics.ts";
import { WORDS } from "./guide/words.ts";
import { languageOf, type Language } from "./language.ts";
import { runInTerminal } from "./run-in-terminal.ts";

const languageByConversation = new Map<string, Language>();
const actByConversation = new Map<string, AbortController>();
const wordsFor = (conversationId: string) =>
  WORDS[languageByConversation.get(conversationId) ?? "en"];

const agent = await HasheeAgent.init();
runInTerminal("guide", agent);

agent.addMessageHandler(async (msg) => {
  const id = msg.conversation_id;
  if (msg.payload.type === "system" || !agent.isFor(msg)) return;
  if (msg.attachments !== undefined && msg.attachments.length > 0) {
    await tellOfFiles(agent, id, wordsFor(id), msg.attachments);
    return;
  }
  if (msg.payload.type !== "text") {
    await agent.send(id, { type: "text", text: wordsFor(id).notText });
    return;
  }
  const language = languageOf(msg.payload.text);
  if (language !== null) languageByConversation.set(id, language);
  const topic = topicOf(msg.payload.text);
  if (topic === null) await agent.send(id, { type: "text", text: wordsFor(id).notUnderstood });
  else begin(topic, id, { ...msg, text: msg.payload.text });
});

agent.addEventHandler(async (event) => {
  if (event.type === "agent.capability_changed") return;
  const id = event.conversation_id;
  if (event.type === "relation.established") {
    const isChinese = event.payload["language"]?.startsWith("zh") === true;
    languageByConversation.set(id, isChinese ? "zh" : "en");
    await greet(agent, id, wordsFor(id), event.payload["display_name"] ?? "");
  } else if (event.type === "artifact_response") {
    const text = pressedText(wordsFor(id), event);
    if (text !== null) await agent.send(id, { type: "text", text });
    else if (event.artifact.subtype === "reply" && isTopic(event.ref_action))
      begin(event.ref_action, id, { ...event, text: event.artifact.title });
  }
});

// Not awaited: an act may wait for minutes, and the person may ask for something else meanwhile.
function begin(
  topic: Topic,
  conversationId: string,
  asked: Pick<AgentMessage, "message_id" | "sender_id"> & { readonly text: string },
): void {
  actByConversation.get(conversationId)?.abort();
  const act = new AbortController();
  actByConversation.set(conversationId, act);
  const { signal } = act;
  runShow(topic, { agent, conversationId, asked, words: wordsFor(conversationId), signal }).catch(
    (error: unknown) => console.error("[guide]", error instanceof Error ? error.message : error),
  );
}
