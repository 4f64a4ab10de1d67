/** Commands that say something, or take it back. */
import { parseJson } from "#protocol/parse.ts";
import type { Artifact } from "#protocol/artifact.ts";
import { readFile } from "node:fs/promises";
import { messageOf, type Found } from "./message-of.ts";
import { UsageError, wholeInput, type Command, type CommandArguments } from "./command.ts";

type Sent = { readonly message_id: string; readonly conversation_seq: number };
const reportOf = (sent: Sent) => ({
  json: sent,
  lines: [`${sent.message_id}  ${sent.conversation_seq}`],
});

export const send: Command = {
  words: "<conversation> <text | ->",
  does: "sends a text; - reads it from the pipe",
  options: {
    "reply-to": { type: "string", does: "id of the message it answers" },
    mention: { type: "string", multiple: true, does: "id of an account; may come several times" },
  },
  async run(agent, given) {
    const conversationId = given.word(0, "conversation");
    const word = given.word(1, "text");
    const text = word === "-" ? await wholeInput(given.input()) : word;
    const mentions = [...given.texts("mention")];
    const replyTo = given.text("reply-to");
    const quoted = replyTo === undefined ? null : await messageOf(agent, conversationId, replyTo);
    const sent = await agent.send(conversationId, {
      type: "text",
      text,
      ...(mentions.length === 0 ? {} : { mentions }),
      ...(quoted === null ? {} : { reply_to: quoteOf(quoted) }),
    });
    return reportOf(sent);
  },
};

/** Whole characters of the text that a quote shows. */
const PREVIEW_CHARACTERS = 80;

function quoteOf({ message_id, sender_id, payload }: Found) {
  const text = payload?.type === "text" ? payload.text : "";
  const cut = text.slice(0, PREVIEW_CHARACTERS);
  return { message_id, sender_id, preview_text: cut.isWellFormed() ? cut : cut.slice(0, -1) };
}

export const stream: Command = {
  words: "<conversation>",
  does: "sends what comes in by the pipe while it comes; one message at its end",
  options: {},
  isLive: true,
  async run(agent, given) {
    const session = agent.createStreamSession(given.word(0, "conversation"));
    for await (const piece of given.input()) {
      if (session.signal.aborted) break;
      await session.delta(piece);
    }
    return reportOf(await session.done());
  },
};

export const typing: Command = {
  words: "<conversation>",
  does: "shows that an answer is being written",
  options: { seconds: { type: "string", does: "how long, 5 unless said otherwise" } },
  isLive: true,
  async run(agent, given) {
    const conversationId = given.word(0, "conversation");
    const seconds = given.count("seconds") ?? 5;
    await agent.typing(conversationId);
    await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
    await agent.stopTyping(conversationId);
    return { json: { conversation_id: conversationId, seconds }, lines: [] };
  },
};

export const sendArtifact: Command = {
  words: "<conversation> <json | @file | ->",
  does: "sends a card: {subtype, title, payload}",
  options: {},
  async run(agent, given) {
    const artifact = await artifactOf(given);
    const sent = await agent.sendArtifact(given.word(0, "conversation"), { artifact });
    return { json: sent, lines: [`${sent.message_id}  ${sent.artifact_id}`] };
  },
};

async function artifactOf(given: CommandArguments): Promise<Artifact> {
  const word = given.word(1, "card");
  const text =
    word === "-"
      ? await wholeInput(given.input())
      : word.startsWith("@")
        ? await readFile(word.slice(1), "utf8")
        : word;
  const json = parseJson(text);
  const isObject = json.ok && typeof json.value === "object" && json.value !== null;
  if (!isObject) throw new UsageError("A card is a JSON object: {subtype, title, payload}.");
  // The agent checks it against its kind before it leaves.
  return json.value as Artifact;
}

export const react: Command = {
  words: "<conversation> <message> <emoji>",
  does: "adds a reaction to a message",
  options: { remove: { type: "boolean", does: "takes it back" } },
  async run(agent, given) {
    const sent = await agent.send(given.word(0, "conversation"), {
      type: "reaction",
      message_id: given.word(1, "message"),
      emoji: given.word(2, "emoji"),
      op: given.flag("remove") ? "remove" : "add",
    });
    return reportOf(sent);
  },
};

export const recall: Command = {
  words: "<conversation> <message>",
  does: "takes back an own message, within two minutes",
  options: {},
  async run(agent, given) {
    const message_id = given.word(1, "message");
    await agent.recallMessage(given.word(0, "conversation"), message_id);
    return { json: { message_id }, lines: [] };
  },
};
