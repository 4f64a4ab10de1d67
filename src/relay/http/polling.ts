/**
 * Entries for an agent that asks for them: what it lacks, in order within each conversation, and a cursor that
 * acknowledges the batch when it is handed back. SPEC P240.
 */
import { base64UrlToBytes, bytesToBase64Url } from "#base/base64.ts";
import { utf8, utf8ToText } from "#base/bytes.ts";
import { isUuid, type AgentId, type ConversationId } from "#protocol/ids.ts";
import { DEFAULT_POLL, MAX_POLL_WAIT_S } from "#protocol/limits.ts";
import type { DurableFrame } from "#protocol/relay-frame.ts";
import { createGathering } from "../live/gathering.ts";
import { refuse } from "../failure.ts";
import { endpointOf } from "../live/sign-in.ts";
import { entryToFrame } from "../log/entry-frame.ts";
import type { InboxRow } from "../log/log-store.ts";
import { sameAgent } from "./agent-parts.ts";
import { answerPage, pageSize, queryCount, type Api, type RelayApp } from "./api.ts";
import { createPollLanes, type PollLane, type PollLanes } from "./poll-lanes.ts";

const PAGE_BYTES = 4_194_304;

/** How far each conversation was handed out. */
type Places = ReadonlyMap<ConversationId, number>;
type Batch = { readonly frames: readonly DurableFrame[]; readonly places: Places };

export function servePolling(app: RelayApp, api: Api): void {
  // One poller at a time: two would acknowledge each other's batches.
  const polling = new Set<AgentId>();
  const lanes = createPollLanes(api.log, api.clock);
  // Once for all who poll, however many they are.
  const gather = createGathering<ConversationId>((ids) => {
    for (const id of ids) void lanes.grown(id);
  });
  api.relay.onGrown(gather);
  app.get(
    "/agents/:id/messages/poll",
    api.agent(async (http, agent) => {
      const agentId = sameAgent(api, http, agent);
      if (!agentId.ok) return agentId;
      if (agent.connection_mode !== "polling") return refuse("FORBIDDEN", { reason: "mode" });
      const text = http.req.query("cursor");
      const places = text === undefined ? new Map() : parseCursor(text);
      if (places === null) return refuse("BAD_REQUEST", { path: "cursor" });
      if (polling.has(agentId.value)) return refuse("POLL_BUSY");
      polling.add(agentId.value);
      const { together } = api.relay;
      const chore = `poll ${agentId.value}`;
      try {
        if (together !== null && !(await together.takeChore(chore))) return refuse("POLL_BUSY");
        const acknowledged = await acknowledge(api, agentId.value, places);
        if (!acknowledged.ok) return acknowledged;
        const waitS = Math.min(queryCount(http, "wait") ?? 0, MAX_POLL_WAIT_S);
        const limit = http.req.query("limit") === undefined ? DEFAULT_POLL : pageSize(http);
        const batch = await waitForBatch(api, lanes, agentId.value, {
          limit,
          waitS,
          gone: http.req.raw.signal,
        });
        return answerPage(batch.frames, batch.frames.length === 0 ? null : cursorOf(batch.places));
      } finally {
        await together?.dropChore(chore);
        polling.delete(agentId.value);
      }
    }),
  );
}

async function waitForBatch(
  api: Api,
  lanes: PollLanes,
  agentId: AgentId,
  {
    limit,
    waitS,
    gone,
  }: { readonly limit: number; readonly waitS: number; readonly gone: AbortSignal },
): Promise<Batch> {
  const ends = AbortSignal.any([gone, api.relay.stopping]);
  const lane = lanes.of(agentId);
  let isOver = waitS === 0;
  const cancel = api.clock.after(waitS * 1_000, () => {
    isOver = true;
    lane.tell();
  });
  ends.addEventListener("abort", () => lane.tell(), { once: true });
  try {
    for (;;) {
      // Made before reading, so that nothing slips in between.
      const told = new Promise<void>((resolve) => (lane.tell = resolve));
      await lanes.lookAtAll(lane, () => api.log.behind(agentId, endpointOf(agentId)));
      const batch = await readBatch(api, lane, agentId, limit);
      if (batch.frames.length > 0 || isOver || ends.aborted) return batch;
      await told;
    }
  } finally {
    cancel();
    lane.tell = () => undefined;
  }
}

async function readBatch(
  api: Api,
  lane: PollLane,
  agentId: AgentId,
  limit: number,
): Promise<Batch> {
  const frames: DurableFrame[] = [];
  const places = new Map<ConversationId, number>();
  const onlyOwn = new Map<ConversationId, number>();
  for (const conversationId of [...lane.ready]) {
    if (frames.length >= limit) break;
    const row = await placeToRead(api, lane, agentId, conversationId);
    if (row === null) continue;
    const entries = await api.log.page({
      conversationId: row.conversationId,
      after: row.cursor,
      before: row.lastSeq + 1,
      maxEntries: limit - frames.length,
      maxBytes: PAGE_BYTES / 4,
    });
    const others = entries.filter((entry) => entry.senderId !== agentId);
    frames.push(...others.map((entry) => entryToFrame(entry, false)));
    const last = entries.at(-1)?.seq;
    if (last !== undefined) (others.length > 0 ? places : onlyOwn).set(row.conversationId, last);
  }
  // Its own words need no acknowledgement.
  await acknowledge(api, agentId, onlyOwn);
  return { frames, places };
}

/** Where the agent stands in a conversation that it lacks something of; null: it has all, and that is noted. */
async function placeToRead(
  api: Api,
  lane: PollLane,
  agentId: AgentId,
  conversationId: ConversationId,
): Promise<InboxRow | null> {
  // Before it is looked at, so that what grows meanwhile is ready again.
  lane.ready.delete(conversationId);
  try {
    const row = await api.log.placeIn(conversationId, agentId, endpointOf(agentId));
    if (row === null || row.cursor >= row.lastSeq) return null;
    // Ready until it is acknowledged.
    lane.ready.add(conversationId);
    return row;
  } catch (fault) {
    lane.ready.add(conversationId);
    throw fault;
  }
}

const acknowledge = (api: Api, agentId: AgentId, places: Places) =>
  api.log.advanceCursors(
    [...places].map(([conversationId, seq]) => ({
      endpointId: endpointOf(agentId),
      accountId: agentId,
      conversationId,
      seq,
    })),
  );

// It names only places; the log lets nobody acknowledge what is not theirs or does not exist.
const cursorOf = (places: Places): string =>
  bytesToBase64Url(utf8(JSON.stringify(Object.fromEntries(places))));

function parseCursor(text: string): Places | null {
  const bytes = text.length <= 65_536 ? base64UrlToBytes(text) : null;
  const json = bytes === null ? null : utf8ToText(bytes);
  try {
    const value: unknown = JSON.parse(json ?? "");
    if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
    const places = Object.entries(value as Record<string, unknown>);
    const isSound = places.every(([id, seq]) => isUuid(id) && Number.isSafeInteger(seq));
    return isSound ? new Map(places as [ConversationId, number][]) : null;
  } catch {
    return null;
  }
}
