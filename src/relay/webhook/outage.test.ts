import { expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { silentLog } from "#base/log.ts";
import { ok } from "#base/result.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import type { AgentId, ConversationId } from "#protocol/ids.ts";
import type { Directory } from "../directory/directory.ts";
import type { AgentRow } from "../directory/rows.ts";
import type { LogStore, StoredEntry } from "../log/log-store.ts";
import { createMetrics } from "../metrics.ts";
import { anId } from "../relay-world.contract.ts";
import { Webhooks } from "./webhooks.ts";

/** Two agents with a conversation each, on a database that may be away; what is posted is noted by its agent. */
function twoAgents() {
  const clock = createFakeClock();
  const state = { isAway: false, looksAtAll: 0 };
  const asked = async <Value>(value: () => Value): Promise<Value> => {
    if (state.isAway) throw new Error("away");
    return value();
  };
  const agents = [anId<AgentId>(), anId<AgentId>()] as const;
  const conversations = agents.map(() => anId<ConversationId>());
  const of = (agentId: AgentId): ConversationId => {
    const found = conversations[agents.indexOf(agentId)];
    if (found === undefined) throw new Error("an agent of the test");
    return found;
  };
  const lastSeqs = new Map(conversations.map((id) => [id, 0]));
  const cursors = new Map(conversations.map((id) => [id, 0]));
  const entryAt = (conversationId: ConversationId, seq: number): StoredEntry =>
    ({
      conversationId,
      seq,
      at: 1,
      kind: "relation.established",
      messageId: null,
      senderId: null,
      senderType: "system",
      senderDeviceId: null,
      meta: { payload: {} },
      body: null,
      sessionOpen: null,
      recalledAt: null,
      countsUnread: false,
    }) as StoredEntry;
  const place = (id: ConversationId) => ({
    cursor: cursors.get(id) ?? 0,
    lastSeq: lastSeqs.get(id) ?? 0,
  });
  const log: Pick<LogStore, "behind" | "placeIn" | "page" | "advanceCursors"> = {
    behind: (agentId) =>
      asked(() => {
        const conversationId = of(agentId as AgentId);
        const { cursor, lastSeq } = place(conversationId);
        return cursor < lastSeq ? [{ conversationId, cursor, lastSeq, joinedSeq: 1 }] : [];
      }) as ReturnType<LogStore["behind"]>,
    placeIn: (id) => asked(() => place(id)) as ReturnType<LogStore["placeIn"]>,
    page: ({ conversationId, after }) =>
      asked(() =>
        (after ?? 0) < place(conversationId).lastSeq
          ? [entryAt(conversationId, (after ?? 0) + 1)]
          : [],
      ),
    advanceCursors: (moves) =>
      asked(() => {
        for (const { conversationId, seq } of moves) cursors.set(conversationId, seq);
        return ok([]);
      }),
  };
  const directory: Pick<Directory, "webhookAgents" | "webhookMembers" | "agent"> = {
    webhookAgents: () => {
      state.looksAtAll += 1;
      return asked(() => [...agents]);
    },
    webhookMembers: (id) => asked(() => agents.filter((agentId) => of(agentId) === id)),
    agent: (agentId) =>
      asked(() => {
        const row: Partial<AgentRow> = {
          agent_id: agentId,
          connection_mode: "webhook",
          governance: "active",
          webhook_url: agentId,
          webhook_secret: new Uint8Array(),
        };
        return row as AgentRow;
      }),
  };
  const grown: ((conversationId: ConversationId) => void)[] = [];
  const posted: string[] = [];
  const webhooks = new Webhooks({
    log: log as LogStore,
    directory: directory as Directory,
    onGrown(listener) {
      grown.push(listener);
      return () => undefined;
    },
    outbound: {
      async send({ url }) {
        posted.push(url);
        return { outcome: "answered", status: 200, retryAfterMs: null };
      },
    },
    atRest: { seal: () => new Uint8Array(32), open: () => new Uint8Array(32) },
    clock,
    random: createSeededRandom(4),
    metrics: createMetrics(),
    events: silentLog,
    govern: async () => undefined,
  });
  /** One more entry in the conversation of an agent; `isTold`: this relay hears of it. */
  const say = (which: 0 | 1, isTold: boolean) => {
    const id = of(agents[which]);
    lastSeqs.set(id, place(id).lastSeq + 1);
    if (isTold) for (const tell of grown) tell(id);
  };
  return { clock, state, agents, webhooks, posted, say };
}

test("[P238] deliveries that were left are taken up by a start while the database is away, once it is back", async () => {
  const { clock, state, agents, webhooks, posted, say } = twoAgents();
  for (const which of [0, 1] as const) say(which, false);
  state.isAway = true;

  webhooks.start();
  await clock.advance(11_000);
  const meanwhile = [...posted];
  state.isAway = false;
  await clock.advance(5_000);
  await expect.poll(() => posted.length).toBe(2);

  expect(meanwhile).toEqual([]);
  expect(posted.toSorted()).toEqual([...agents].toSorted());
  await webhooks.stop();
});

test("[P238] what came while nobody could say whom it is for reaches every agent once the database is back", async () => {
  const { clock, state, agents, webhooks, posted, say } = twoAgents();
  webhooks.start();
  await clock.advance(0);
  state.isAway = true;

  for (let i = 0; i < 20; i++) {
    say(0, true);
    await clock.advance(100);
  }
  // Nobody tells of this one.
  say(1, false);
  const looks = state.looksAtAll;
  state.isAway = false;
  await clock.advance(5_000);
  await expect.poll(() => posted.length).toBe(21);

  expect(looks).toBe(1);
  expect(state.looksAtAll).toBe(2);
  expect(posted.filter((agentId) => agentId === agents[1])).toHaveLength(1);
  await webhooks.stop();
});

test("[P238] a relay that leaves the deliveries to another one asks nothing more", async () => {
  const { clock, state, webhooks, posted, say } = twoAgents();
  say(0, false);
  state.isAway = true;
  webhooks.start();
  await clock.advance(0);

  webhooks.rest();
  state.isAway = false;
  await clock.advance(60_000);

  expect([state.looksAtAll, posted]).toEqual([1, []]);
  await webhooks.stop();
});
