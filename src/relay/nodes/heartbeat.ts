/**
 * How nodes know who lives: each counts up its row once a second; one whose count stands still for four is buried by
 * whoever sees it first, and its sockets, streams and chores with it. No clock is compared with another's. Who comes
 * back from the dead learns it from the database, before it can act. SPEC R45.
 */
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/log.ts";
import type { RandomBytes } from "#base/random.ts";
import { makeId } from "#protocol/ids.ts";
import { factsOf } from "../json-log.ts";
import type { Writer } from "../store/writer.ts";
import type { Ended, Heard, Used } from "./node-commands.ts";

const SILENT_MS = 4_000;
/** Who could not look for so long judges nobody by it. */
const BLIND_MS = 2_500;

type Needs = {
  readonly writer: Writer;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly events: Log;
  /** When the sockets of agents here were last used. */
  readonly used: () => Used;
  readonly onHeard: (heard: Heard, openBefore: readonly string[]) => void;
  /** Another node is gone, and with it these. */
  readonly onEnded: (ended: Ended) => void;
  /** The others have buried this node: nothing that hangs on it may go on. */
  readonly onBuried: () => void;
};

export class Heartbeat {
  readonly #needs: Needs;
  readonly #seenByNode = new Map<string, { beat: number; since: number }>();
  /** When each socket was last used, as the database has it by now. */
  #written: ReadonlyMap<string, number> = new Map();
  #nodeId: string;
  #lookedAt = 0;
  #beating: Promise<void> | null = null;
  #isStopped = false;

  constructor(needs: Needs) {
    this.#needs = needs;
    this.#nodeId = makeId(needs.clock.now(), needs.random);
  }

  /** Another one after each burial. */
  get nodeId(): string {
    return this.#nodeId;
  }

  /** Rejects when the database cannot be written. */
  async join(): Promise<void> {
    const joined = await this.#needs.writer.run("joinNodes", { nodeId: this.#nodeId });
    if (!joined.ok) throw new Error("the database takes no node");
  }

  /** Once a second; never twice at a time. */
  beat(): Promise<void> {
    this.#beating ??= this.#beat()
      .catch((fault: unknown) => this.#needs.events.warn("beat.failed", factsOf(fault)))
      .finally(() => {
        this.#beating = null;
      });
    return this.#beating;
  }

  /** Goes for good: nobody has to wait for its silence. */
  async leave(): Promise<Ended | null> {
    this.#isStopped = true;
    await this.#beating;
    const { writer, clock } = this.#needs;
    const left = await writer.run("endNode", {
      nodeId: this.#nodeId,
      beat: null,
      now: clock.now(),
    });
    return left.ok ? left.value : null;
  }

  async #beat(): Promise<void> {
    if (this.#isStopped) return;
    const { writer, used, onHeard } = this.#needs;
    const open = used();
    const news = open.filter(
      ({ connectionId, usedAt }) => this.#written.get(connectionId) !== usedAt,
    );
    const heard = await writer.run("beat", { nodeId: this.#nodeId, used: news });
    if (!heard.ok) throw new Error("the database takes no sign of life");
    this.#written = new Map(open.map(({ connectionId, usedAt }) => [connectionId, usedAt]));
    if (heard.value === null) return this.#rise();
    onHeard(
      heard.value,
      open.map(({ connectionId }) => connectionId),
    );
    await this.#judge(heard.value.nodes);
  }

  // Under another name: what hung on the old one is others' by now.
  async #rise(): Promise<void> {
    this.#needs.events.error("node.buried");
    this.#needs.onBuried();
    this.#nodeId = makeId(this.#needs.clock.now(), this.#needs.random);
    await this.join();
  }

  async #judge(nodes: Heard["nodes"]): Promise<void> {
    const { clock, writer, events, onEnded } = this.#needs;
    const now = clock.now();
    const wasBlind = now - this.#lookedAt > BLIND_MS;
    this.#lookedAt = now;
    const alive = new Set(nodes.map(({ node_id }) => node_id));
    for (const nodeId of this.#seenByNode.keys())
      if (!alive.has(nodeId)) this.#seenByNode.delete(nodeId);
    for (const { node_id, beat } of nodes) {
      const seen = this.#seenByNode.get(node_id);
      if (wasBlind || seen?.beat !== beat) this.#seenByNode.set(node_id, { beat, since: now });
      else if (node_id !== this.#nodeId && now - seen.since >= SILENT_MS) {
        const ended = await writer.run("endNode", { nodeId: node_id, beat, now });
        if (!ended.ok || ended.value === null) continue;
        events.warn("node.ended", { sockets_of: ended.value.agents.length });
        onEnded(ended.value);
      }
    }
  }
}
