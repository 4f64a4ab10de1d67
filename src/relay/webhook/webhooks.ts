/**
 * Delivers entries to agents that are reached by webhook: in order within a conversation, again until they are
 * taken, from the agent's cursor on. Nothing is remembered but the cursor; a restart goes on from it. SPEC P233 to P239.
 */
import type { Bytes } from "#base/bytes.ts";
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/log.ts";
import type { RandomBytes } from "#base/random.ts";
import { makeId, type AgentId, type ConversationId, type DeliveryId } from "#protocol/ids.ts";
import type { Agent } from "#protocol/rest.ts";
import type { AtRest } from "../at-rest.ts";
import type { Directory } from "../directory/directory.ts";
import type { AgentRow } from "../directory/rows.ts";
import { factsOf } from "../json-log.ts";
import { endpointOf } from "../live/sign-in.ts";
import { createGathering } from "../live/gathering.ts";
import type { LogStore, StoredEntry } from "../log/log-store.ts";
import { secondsSince, type Metrics } from "../metrics.ts";
import type { Outbound, OutboundAnswer } from "../outbound.ts";
import {
  deliveryBody,
  deliveryHeaders,
  deliveryIdOf,
  isNews,
  noticeBody,
  retryDelayMs,
  type Notice,
} from "./delivery.ts";

const ANSWER_WITHIN_MS = 10_000;
const CONVERSATIONS_AT_ONCE = 8;
/** Failures in a row after which the agent counts as unreachable. */
const FAILURES_UNTIL_UNREACHABLE = 10;
const HEALTH_EVERY_MS = 60_000;
/** Without a health address the oldest entry itself is tried, less often. */
const TRY_EVERY_MS = 600_000;
/** A database that takes no cursor or cannot be read: what is due is delivered again, under the same id, not in a rush. */
const DATABASE_AGAIN_MS = 5_000;
const PAGE_ENTRIES = 50;
const PAGE_BYTES = 4_194_304;

type Needs = {
  readonly log: LogStore;
  readonly directory: Directory;
  /** Tells of each conversation that has more than before. */
  readonly onGrown: (listener: (conversationId: ConversationId) => void) => () => void;
  readonly outbound: Outbound;
  readonly atRest: AtRest;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly metrics: Metrics;
  readonly events: Log;
  /** Writes the agent's standing and tells its creator. */
  readonly govern: (agentId: AgentId, status: Agent["governance"], reason: string) => Promise<void>;
};

/** What is under way for one agent. */
type Lane = {
  /** Conversations that may have something new and are not begun. */
  readonly ready: Set<ConversationId>;
  /** Others than those that are ready may have something: all are to be looked at. */
  isUnsure: boolean;
  readonly running: Set<ConversationId>;
  /** Conversations that wait for their next try. */
  readonly waiting: Map<ConversationId, () => void>;
  failuresInRow: number;
  cancelProbe: (() => void) | null;
  /** The database could not be asked; it is, again, then. */
  cancelRetry: (() => void) | null;
};

/** What is posted at every try, byte for byte. */
type Delivery = { readonly deliveryId: string; readonly body: Bytes };

/** What came of one entry. */
type Verdict =
  | { readonly kind: "taken" }
  | { readonly kind: "gone" }
  | { readonly kind: "failed"; readonly askedMs: number | null };

export class Webhooks {
  readonly #needs: Needs;
  readonly #laneByAgent = new Map<AgentId, Lane>();
  readonly #underWay = new Set<Promise<void>>();
  readonly #noticesWaiting = new Set<() => void>();
  /** The database could not say whom to look at; it is asked again then. */
  #cancelWakeAll: (() => void) | null = null;
  /** It is another node's work, or nobody's yet. */
  #isStopped = true;
  #isEnded = false;

  constructor(needs: Needs) {
    this.#needs = needs;
    // Entries that are told in one go grow few conversations, and each is looked at once.
    const gather = createGathering<ConversationId>((ids) => {
      for (const id of ids) this.#follow(id);
    });
    needs.onGrown((conversationId) => {
      if (!this.#isStopped) gather(conversationId);
    });
  }

  /** Takes up every agent's delivery where the last run left it. */
  start(): void {
    if (this.#isEnded) return;
    this.#isStopped = false;
    this.#wakeAll();
  }

  #wakeAll(): void {
    const woken = this.#needs.directory.webhookAgents().then((agents) => {
      for (const agentId of agents) this.wake(agentId);
    });
    this.#track(woken.catch(this.#allAgainLater));
  }

  /** For a look that failed: nobody knows for whom there is something, so all are looked at, once for all that fails. */
  readonly #allAgainLater = (fault: unknown): never => {
    if (!this.#isStopped)
      this.#cancelWakeAll ??= this.#needs.clock.after(DATABASE_AGAIN_MS, () => {
        this.#cancelWakeAll = null;
        this.#wakeAll();
      });
    throw fault;
  };

  /** There may be something for the agent in any conversation, or its settings changed. */
  wake(agentId: AgentId): void {
    if (this.#isStopped) return;
    this.#laneOf(agentId).isUnsure = true;
    this.#goOn(agentId);
  }

  #goOn(agentId: AgentId): void {
    if (!this.#isStopped) this.#track(this.#drain(agentId).catch(this.#againLater(agentId)));
  }

  /** For a task that failed: what it was about is ready again, the fault goes on to whoever tracks it. */
  #againLater(agentId: AgentId, conversationId?: ConversationId): (fault: unknown) => never {
    return (fault) => {
      const lane = this.#laneOf(agentId);
      if (conversationId !== undefined) {
        lane.running.delete(conversationId);
        lane.ready.add(conversationId);
      }
      this.#goOnLater(agentId);
      throw fault;
    };
  }

  #goOnLater(agentId: AgentId): void {
    if (this.#isStopped) return;
    const lane = this.#laneOf(agentId);
    lane.cancelRetry ??= this.#needs.clock.after(DATABASE_AGAIN_MS, () => {
      lane.cancelRetry = null;
      this.#goOn(agentId);
    });
  }

  #follow(conversationId: ConversationId): void {
    if (this.#isStopped) return;
    const told = this.#needs.directory.webhookMembers(conversationId).then((agents) => {
      for (const agentId of agents) {
        this.#laneOf(agentId).ready.add(conversationId);
        this.#goOn(agentId);
      }
    });
    this.#track(told.catch(this.#allAgainLater));
  }

  /**
   * Posts what has no place in the log: told again while it fails, until it is given up or this relay stops. The node
   * that learned of it posts it, whichever delivers entries.
   */
  notify(agentId: AgentId, notice: Notice): void {
    const { clock, random } = this.#needs;
    const deliveryId = makeId<DeliveryId>(clock.now(), random);
    const body = noticeBody(notice, clock.now());
    this.#track(this.#tell(agentId, { deliveryId, body }, 1));
  }

  async #tell(agentId: AgentId, delivery: Delivery, tries: number): Promise<void> {
    const agent = await this.#needs.directory.agent(agentId);
    if (this.#isEnded || agent?.connection_mode !== "webhook") return;
    if (agent.governance === "paused" || agent.governance === "blocked") return;
    const verdict = await this.#post(agent, delivery);
    if (verdict.kind !== "failed" || this.#isEnded) return;
    const delayMs = retryDelayMs(tries, verdict.askedMs, this.#needs.random);
    if (delayMs === null) return;
    const cancel = this.#needs.clock.after(delayMs, () => {
      this.#noticesWaiting.delete(cancel);
      this.#track(this.#tell(agentId, delivery, tries + 1));
    });
    this.#noticesWaiting.add(cancel);
  }

  /** Begins nothing more until it is started again: another node does it. */
  rest(): void {
    this.#isStopped = true;
    this.#cancelWakeAll?.();
    this.#cancelWakeAll = null;
    for (const lane of this.#laneByAgent.values()) this.#quiet(lane);
  }

  /** Begins nothing more and waits for what is under way. */
  async stop(): Promise<void> {
    this.#isEnded = true;
    this.rest();
    for (const cancel of this.#noticesWaiting) cancel();
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
  }

  // Begins what is ready, as many at once as may be.
  async #drain(agentId: AgentId): Promise<void> {
    const lane = this.#laneOf(agentId);
    const agent = await this.#needs.directory.agent(agentId);
    if (this.#isStopped) return;
    if (agent?.connection_mode !== "webhook" || agent.governance !== "active") {
      lane.ready.clear();
      lane.isUnsure = true;
      if (agent?.connection_mode === "webhook" && agent.governance === "unreachable")
        this.#probeLater(agent);
      return;
    }
    if (lane.isUnsure) await this.#lookAtAll(lane, agentId);
    for (const conversationId of lane.ready) {
      if (this.#isStopped || lane.running.size >= CONVERSATIONS_AT_ONCE) return;
      // What is under way goes on until it is level, and is looked at once more after it.
      if (lane.running.has(conversationId) || lane.waiting.has(conversationId)) continue;
      lane.ready.delete(conversationId);
      lane.running.add(conversationId);
      const begun = this.#begin(agentId, conversationId);
      this.#track(begun.catch(this.#againLater(agentId, conversationId)));
    }
  }

  async #lookAtAll(lane: Lane, agentId: AgentId): Promise<void> {
    lane.isUnsure = false;
    try {
      const rows = await this.#needs.log.behind(agentId, endpointOf(agentId));
      for (const { conversationId } of rows) lane.ready.add(conversationId);
    } catch (fault) {
      lane.isUnsure = true;
      throw fault;
    }
  }

  async #begin(agentId: AgentId, conversationId: ConversationId): Promise<void> {
    const place = await this.#needs.log.placeIn(conversationId, agentId, endpointOf(agentId));
    const isBehind = place !== null && place.cursor < place.lastSeq;
    if (isBehind) return this.#deliver(agentId, conversationId, place.cursor, 0);
    this.#laneOf(agentId).running.delete(conversationId);
    this.#goOn(agentId);
    return undefined;
  }

  // One conversation from its cursor on, until it is level or an entry fails.
  async #deliver(
    agentId: AgentId,
    conversationId: ConversationId,
    cursor: number,
    triesBefore: number,
  ): Promise<void> {
    const lane = this.#laneOf(agentId);
    let tries = triesBefore;
    let taken = cursor;
    for (;;) {
      const agent = await this.#needs.directory.agent(agentId);
      const entries = await this.#pageAfter(conversationId, taken);
      if (this.#isStopped || agent?.governance !== "active" || entries.length === 0) break;
      for (const entry of entries) {
        const verdict = await this.#offer(agent, entry);
        if (verdict.kind !== "taken") {
          // Until what follows from it is written, a wake must not take the conversation for one at rest.
          await this.#failed(agent, entry, verdict, tries + 1).finally(() =>
            lane.running.delete(conversationId),
          );
          // One entry that is refused must not keep the other conversations.
          this.#goOn(agentId);
          return;
        }
        tries = 0;
        taken = entry.seq;
        if (!(await this.#advance(agentId, conversationId, taken))) {
          lane.running.delete(conversationId);
          this.#deliverLater(lane, agentId, entry, 0, DATABASE_AGAIN_MS);
          return;
        }
      }
    }
    lane.running.delete(conversationId);
    this.#goOn(agentId);
  }

  async #offer(agent: AgentRow, entry: StoredEntry): Promise<Verdict> {
    if (!isNews(entry, agent.agent_id)) return { kind: "taken" };
    const delivery = {
      deliveryId: deliveryIdOf(agent.agent_id, entry),
      body: deliveryBody(entry),
    };
    const verdict = await this.#post(agent, delivery);
    if (verdict.kind === "taken") this.#laneOf(agent.agent_id).failuresInRow = 0;
    return verdict;
  }

  async #post(agent: AgentRow, { deliveryId, body }: Delivery): Promise<Verdict> {
    const { clock, metrics, outbound } = this.#needs;
    const startedAt = clock.now();
    const key = this.#keyOf(agent);
    const signed = { agentId: agent.agent_id, deliveryId, now: startedAt, body };
    const answer: OutboundAnswer =
      key === null
        ? { outcome: "refused-target" }
        : await outbound.send({
            method: "POST",
            url: agent.webhook_url ?? "",
            headers: deliveryHeaders({ key, ...signed }),
            body,
            timeoutMs: ANSWER_WITHIN_MS,
          });
    metrics.count("webhook_attempts_total", { result: resultOf(answer) });
    metrics.observe("webhook_seconds", secondsSince(clock.now(), startedAt));
    if (answer.outcome !== "answered") return { kind: "failed", askedMs: null };
    if (isSuccess(answer.status)) return { kind: "taken" };
    if (answer.status === 410) return { kind: "gone" };
    return { kind: "failed", askedMs: answer.retryAfterMs };
  }

  async #failed(
    agent: AgentRow,
    entry: StoredEntry,
    verdict: Exclude<Verdict, { kind: "taken" }>,
    tries: number,
  ): Promise<void> {
    const agentId = agent.agent_id;
    const lane = this.#laneOf(agentId);
    // Others under way may have failed first.
    const isActive = (await this.#needs.directory.agent(agentId))?.governance === "active";
    if (this.#isStopped || !isActive) return;
    if (verdict.kind === "gone") {
      this.#quiet(lane);
      await this.#needs.govern(agentId, "paused", "gone");
      return;
    }
    lane.failuresInRow += 1;
    const delayMs = retryDelayMs(tries, verdict.askedMs, this.#needs.random);
    if (delayMs === null || lane.failuresInRow >= FAILURES_UNTIL_UNREACHABLE) {
      this.#quiet(lane);
      await this.#needs.govern(agentId, "unreachable", "webhook_failed");
      return;
    }
    this.#deliverLater(lane, agentId, entry, tries, delayMs);
  }

  #deliverLater(
    lane: Lane,
    agentId: AgentId,
    { conversationId, seq }: StoredEntry,
    tries: number,
    delayMs: number,
  ): void {
    const cancel = this.#needs.clock.after(delayMs, () => {
      lane.waiting.delete(conversationId);
      lane.running.add(conversationId);
      const delivered = this.#deliver(agentId, conversationId, seq - 1, tries);
      this.#track(delivered.catch(this.#againLater(agentId, conversationId)));
    });
    lane.waiting.set(conversationId, cancel);
  }

  #probeLater(agent: AgentRow): void {
    const lane = this.#laneOf(agent.agent_id);
    const delayMs = agent.health_check_url === null ? TRY_EVERY_MS : HEALTH_EVERY_MS;
    lane.cancelProbe ??= this.#needs.clock.after(delayMs, () => {
      lane.cancelProbe = null;
      this.#track(this.#probe(agent.agent_id));
    });
  }

  // Well again means: from the cursor on, nothing left out.
  async #probe(agentId: AgentId): Promise<void> {
    const agent = await this.#needs.directory.agent(agentId);
    if (this.#isStopped || agent?.governance !== "unreachable") return;
    const url = agent.health_check_url;
    const answer =
      url === null
        ? null
        : await this.#needs.outbound.send({
            method: "GET",
            url,
            headers: {},
            body: null,
            timeoutMs: ANSWER_WITHIN_MS,
          });
    const isWell = answer === null || (answer.outcome === "answered" && isSuccess(answer.status));
    if (isWell) {
      // One failure sends it back; without a health address that is how it is asked.
      this.#laneOf(agentId).failuresInRow = url === null ? FAILURES_UNTIL_UNREACHABLE - 1 : 0;
      await this.#needs.govern(agentId, "active", "webhook_answers");
    }
    this.wake(agentId);
  }

  #pageAfter(conversationId: ConversationId, after: number): Promise<readonly StoredEntry[]> {
    const bounds = { maxEntries: PAGE_ENTRIES, maxBytes: PAGE_BYTES };
    return this.#needs.log.page({ conversationId, after, before: null, ...bounds });
  }

  async #advance(agentId: AgentId, conversationId: ConversationId, seq: number): Promise<boolean> {
    const move = { endpointId: endpointOf(agentId), accountId: agentId, conversationId, seq };
    return (await this.#needs.log.advanceCursors([move])).ok;
  }

  #keyOf(agent: AgentRow): Uint8Array | null {
    const sealed = agent.webhook_secret;
    return sealed === null ? null : this.#needs.atRest.open(`webhook ${agent.agent_id}`, sealed);
  }

  #laneOf(agentId: AgentId): Lane {
    const lane = this.#laneByAgent.get(agentId) ?? {
      ready: new Set(),
      isUnsure: true,
      running: new Set(),
      waiting: new Map(),
      failuresInRow: 0,
      cancelProbe: null,
      cancelRetry: null,
    };
    this.#laneByAgent.set(agentId, lane);
    return lane;
  }

  #quiet(lane: Lane): void {
    lane.ready.clear();
    lane.isUnsure = true;
    for (const cancel of lane.waiting.values()) cancel();
    lane.waiting.clear();
    lane.cancelProbe?.();
    lane.cancelProbe = null;
    lane.cancelRetry?.();
    lane.cancelRetry = null;
  }

  #track(task: Promise<void>): void {
    this.#underWay.add(task);
    void task
      .catch((fault: unknown) => this.#needs.events.error("webhook.failed", factsOf(fault)))
      .finally(() => this.#underWay.delete(task));
  }
}

const isSuccess = (status: number): boolean => status >= 200 && status < 300;

const resultOf = (answer: OutboundAnswer): string =>
  answer.outcome === "answered" ? `${Math.floor(answer.status / 100)}xx` : answer.outcome;
