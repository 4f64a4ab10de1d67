/** All plain agents of an open account. The rest of the engine asks here whether a conversation is with one. */
import { err, ok, type Result } from "#base/result.ts";
import type {
  ChannelCommandInput,
  ChannelHeadView,
  PlainAgentInput,
  TurnView,
} from "#bridge/channel-views.ts";
import { makeSessionId } from "#channels/turn-id.ts";
import type { ChannelCommand, TurnId } from "#peer/channel.ts";
import type { OutgoingMessage } from "#peer/endpoint.ts";
import type { Store } from "#peer/store.ts";
import { makeId, type AccountId, type ConversationId, type MessageId } from "#protocol/ids.ts";
import type { Book } from "../conversations/book.ts";
import { makeConversation } from "../conversations/conversation.ts";
import type { EngineDeps } from "../deps.ts";
import type { EngineFailure } from "../failure.ts";
import type { People } from "../people.ts";
import { loadRecords, putRecord, TABLE } from "../records.ts";
import type { SessionSinks } from "../session.ts";
import { createActivityWatch } from "./activity-watch.ts";
import { checkFor, DEFAULT_MODEL } from "./plain-address.ts";
import type { PlainConversation } from "./plain-conversation.ts";
import type { PlainAgent } from "./plain-record.ts";
import { listTurns, loadQueue } from "./plain-store.ts";
import { turnKey } from "./plain-record.ts";

type Answer<Value> = Promise<Result<Value, EngineFailure>>;

export interface PlainAgents {
  has(id: ConversationId): boolean;
  headOf(id: ConversationId): ChannelHeadView | null;
  turnOf(id: ConversationId, messageId: MessageId): TurnView | null;
  outgoing(id: ConversationId): readonly OutgoingMessage[];
  settled(id: ConversationId): Promise<void>;
  prepare(id: ConversationId, messageIds: Iterable<MessageId>): Promise<void>;
  add(input: PlainAgentInput): Answer<ConversationId>;
  remove(id: ConversationId): Answer<null>;
  /** Fails with `engine/not-plain`, and as the channel does. */
  sendText(id: ConversationId, text: string): Answer<MessageId>;
  withdraw(id: ConversationId, messageId: MessageId): Answer<null>;
  run(id: ConversationId, command: ChannelCommandInput): Result<null, EngineFailure>;
  watchActivity(id: ConversationId): Result<null, EngineFailure>;
  unwatchActivity(id: ConversationId): Result<null, EngineFailure>;
  /** Every line that waits tries at once. */
  nudge(): void;
  close(): Promise<void>;
}

type Needs = {
  readonly deps: EngineDeps;
  readonly store: Store;
  readonly selfId: AccountId;
  readonly book: () => Book;
  readonly people: People;
  readonly sinks: SessionSinks;
};

const MAX_NAME_CHARACTERS = 60;

/** Opens nothing yet; {@link PlainAgents} of kept agents come with `start`. */
export function createPlainAgents(needs: Needs): PlainAgents & { start(): Promise<void> } {
  const { deps, store, people, sinks, selfId } = needs;
  const open = new Map<ConversationId, PlainConversation>();
  const activity = createActivityWatch(deps, sinks.emit);

  /** Kept agents whose code has not come; each nudge tries again. */
  const unopened = new Map<ConversationId, PlainAgent>();

  const admit = async (agent: PlainAgent): Promise<void> => {
    const id = agent.conversationId;
    const code = await fetchConversation();
    if (code === null) {
      unopened.set(id, agent);
      return;
    }
    const conversation = await code.openPlainConversation(
      {
        deps,
        store,
        selfId,
        tell: (events) => sinks.thread(id, events),
        fold: (entries) => needs.book().change(id, { type: "entries", entries }),
        touch: () => showPresence(id),
      },
      agent,
    );
    open.set(id, conversation);
    showPresence(id);
  };

  const showPresence = (id: ConversationId): void => {
    const conversation = open.get(id);
    if (conversation === undefined) return;
    const { status } = conversation.head().status;
    people.setPresence(
      conversation.agent().agentId,
      status === "online" ? "online" : status === "waiting" ? "offline" : "unknown",
    );
    needs.book().touch(id);
  };

  const of = (id: ConversationId): Result<PlainConversation, EngineFailure> => {
    const conversation = open.get(id);
    return conversation === undefined ? err({ kind: "engine/not-plain" }) : ok(conversation);
  };

  const add = async (input: PlainAgentInput): Answer<ConversationId> => {
    const checked = checkFor(input.protocol, input.url, deps.origin);
    if (!checked.ok) return checked;
    // Before anything is kept: an agent that nobody can open is no agent.
    if ((await fetchConversation()) === null) return err({ kind: "engine/not-fetched" });
    const now = deps.clock.now();
    const agent: PlainAgent = {
      conversationId: makeId<ConversationId>(now, deps.random),
      agentId: makeId<AccountId>(now, deps.random),
      protocol: input.protocol,
      url: checked.value.url,
      model: input.model?.trim() || DEFAULT_MODEL[input.protocol],
      apiKey: input.apiKey?.trim() || null,
      remembers: input.remembers,
      sessionId: makeSessionId(deps.random),
      ticket: null,
      lastSeq: 0,
      openTurn: null,
    };
    const kept = await store.commit({
      puts: [putRecord(TABLE.plainAgents, agent.conversationId, agent)],
    });
    if (!kept.ok) return kept;
    const { agentId, conversationId: id } = agent;
    const name = input.name.trim().slice(0, MAX_NAME_CHARACTERS) || new URL(agent.url).host;
    // Names of accounts are the relay's to give; this one never goes there.
    await people.note({ id: agentId, kind: "agent", name, fetchedAt: Number.MAX_SAFE_INTEGER });
    const relation = "established" as const;
    needs
      .book()
      .add(makeConversation({ id, kind: "h2a", peerId: agentId, relation, createdAt: now }));
    needs.book().change(id, {
      type: "ledger",
      membersMayAdd: false,
      isClosed: false,
      members: [
        { id: selfId, kind: "human", role: "owner" },
        { id: agentId, kind: "agent", role: "member" },
      ],
    });
    await admit(agent);
    return ok(id);
  };

  const remove = async (id: ConversationId): Answer<null> => {
    const found = of(id);
    if (!found.ok) return found;
    open.delete(id);
    activity.unwatch(id);
    await found.value.close();
    const turns = await listTurns(store, id);
    const queue = await loadQueue(store, id);
    const gone = await store.commit({
      deletes: [
        { table: TABLE.plainAgents, key: id },
        { table: TABLE.people, key: found.value.agent().agentId },
        ...turns.map((one) => ({ table: TABLE.plainTurns, key: turnKey(id, one) })),
        ...queue.map(([one]) => ({ table: TABLE.plainQueue, key: turnKey(id, one) })),
      ],
    });
    if (!gone.ok) return gone;
    await needs.book().remove(id);
    return ok(null);
  };

  return {
    async start() {
      const kept = await loadRecords<PlainAgent>(store, TABLE.plainAgents);
      for (const agent of kept.values()) await admit(agent);
    },
    has: (id) => open.has(id),
    headOf: (id) => open.get(id)?.head() ?? null,
    turnOf: (id, messageId) => open.get(id)?.turnOf(messageId) ?? null,
    outgoing: (id) => open.get(id)?.outgoing() ?? [],
    settled: async (id) => open.get(id)?.settled(),
    prepare: async (id, messageIds) => open.get(id)?.prepare(messageIds),
    add,
    remove,
    async sendText(id, text) {
      const found = of(id);
      if (!found.ok) return found;
      const sent = await found.value.sendText(text, {
        deletes: [{ table: TABLE.drafts, key: id }],
      });
      if (sent.ok) needs.book().setDraft(id, { text: "", replyToId: null });
      return sent;
    },
    async withdraw(id, messageId) {
      const found = of(id);
      return found.ok ? found.value.withdraw(messageId) : found;
    },
    run(id, command) {
      const found = of(id);
      if (!found.ok) return found;
      if (command.type !== "try-again") return found.value.run(commandOf(command, deps));
      found.value.nudge();
      return ok(null);
    },
    watchActivity(id) {
      const found = of(id);
      return found.ok ? activity.watch(found.value.agent()) : found;
    },
    unwatchActivity(id) {
      activity.unwatch(id);
      return ok(null);
    },
    nudge() {
      const again = [...unopened.values()];
      unopened.clear();
      for (const agent of again) void admit(agent);
      for (const one of open.values()) one.nudge();
    },
    async close() {
      activity.close();
      await Promise.all([...open.values()].map((one) => one.close()));
    },
  };
}

/** The channels are code that most never need, so it is fetched for the first plain agent. Null: it did not come. */
const fetchConversation = (): Promise<typeof import("./plain-conversation.ts") | null> =>
  import("./plain-conversation.ts").catch(() => null);

/** The page names no turns: those that a command opens get their id here. */
function commandOf(
  command: Exclude<ChannelCommandInput, { type: "try-again" }>,
  { clock, random }: EngineDeps,
): ChannelCommand {
  return command.type === "solve-tasks" || command.type === "replan"
    ? { ...command, turnId: makeId<MessageId>(clock.now(), random) as string as TurnId }
    : command;
}
