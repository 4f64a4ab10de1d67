/** Commands that look: who the agent is, where it is a member, what was said. */
import type { ConversationSummary, HistoryPage } from "#sdk/reading/reading.ts";
import type { Command } from "./command.ts";

export const whoami: Command = {
  words: "",
  does: "the agent's name, id, fingerprint and invite part",
  options: {},
  async run(agent) {
    const { display_name, online } = await agent.profile();
    const facts = {
      agent_id: agent.agentId,
      display_name,
      fingerprint: agent.fingerprint,
      relay: agent.baseUrl,
      online,
    };
    return {
      json: facts,
      lines: Object.entries(facts).map(([name, fact]) => `${name.padEnd(13)}${String(fact)}`),
    };
  },
};

export const conversations: Command = {
  words: "",
  does: "the conversations the agent is in, groups too, newest first",
  options: {
    limit: { type: "string", does: "a page of so many, 200 at most; all unless said otherwise" },
    after: { type: "string", does: "the page behind the one that said this is next" },
  },
  async run(agent, given) {
    const [limit, after] = [given.count("limit"), given.text("after")];
    if (limit === undefined && after === undefined) {
      const all = await agent.conversations();
      return { json: all, lines: all.map(lineOfConversation) };
    }
    const page = await agent.conversationsPage({
      ...(limit === undefined ? {} : { limit }),
      ...(after === undefined ? {} : { after }),
    });
    const more = page.next === null ? [] : [`--after ${page.next}`];
    return { json: page, lines: [...page.conversations.map(lineOfConversation), ...more] };
  },
};

const lineOfConversation = (one: ConversationSummary): string =>
  `${one.conversation_id}  ${one.type.padEnd(5)}  ${String(one.last_seq).padStart(6)}  ${one.relation_status ?? ""}  ${oneLine(one.display_name)}`;

export const messages: Command = {
  words: "<conversation>",
  does: "a page of messages, oldest first, the agent's own among them while their keys are there",
  options: {
    before: { type: "string", does: "only entries before this place in the log" },
    limit: { type: "string", does: "entries to look at, 50 unless said otherwise, 200 at most" },
  },
  async run(agent, given) {
    const [before, limit] = [given.count("before"), given.count("limit")];
    const page = await agent.history(given.word(0, "conversation"), {
      ...(before === undefined ? {} : { before }),
      ...(limit === undefined ? {} : { limit }),
    });
    return { json: page, lines: page.messages.map(lineOf) };
  },
};

function lineOf(message: HistoryPage["messages"][number]): string {
  const who = "sender_display_name" in message ? message.sender_display_name : "";
  const place = `${String(message.conversation_seq).padStart(6)}  ${message.created_at}`;
  return `${place}  ${message.message_id}  ${oneLine(who) || message.sender_id}: ${contentOf(message)}`;
}

function contentOf(message: HistoryPage["messages"][number]): string {
  if (message.payload === null) return `(${message.because})`;
  const { payload } = message;
  switch (payload.type) {
    case "text":
      return oneLine(payload.text);
    case "artifact":
      return `[${payload.artifact.subtype}] ${oneLine(payload.artifact.title)}`;
    case "file":
      return `[file] ${oneLine(payload.filename)} (${payload.size} bytes)`;
    case "reaction":
      return `[${payload.op === "add" ? "reacted" : "took back"}] ${oneLine(payload.emoji)}`;
    default:
      return `[${payload.type}]`;
  }
}

/** Text of others on one line, without anything a terminal would obey. */
const oneLine = (text: string): string =>
  // oxlint-disable-next-line no-control-regex -- control characters are the point
  text.replace(/\s+/g, " ").replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, "�");
