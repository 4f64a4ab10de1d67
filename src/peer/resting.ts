/**
 * Which conversations are in memory. Beyond a number, those that were not used for longest are put away, a few in a
 * round; what putting away means is `put-away.ts`. SPEC E96.
 */
import type { Clock } from "#base/clock.ts";
import type { ConversationId } from "#protocol/ids.ts";

export interface Resting {
  /** The conversation is used: it is put away last of all. */
  use(conversationId: ConversationId): void;
  /** The conversation may be in memory; one that nobody used is put away first of all. */
  note(conversationId: ConversationId): void;
  close(): void;
}

/** `leaving`: its session's end is being said; it is asked again in the next round. */
export type PutAway = "gone" | "leaving" | "busy";

/** Looked at so often while there are too many. */
const ROUND_MS = 1_000;
/**
 * Each word about a session's end counts as a message at the relay, and answers go first: so many in a round at least,
 * and this part of what is too many.
 */
const LEAVING = { least: 2, part: 1 / 4 };

type Needs = {
  readonly clock: Clock;
  /** Infinity: nothing is ever put away. */
  readonly limit: number;
  /** Without a line no session's end can be said. */
  readonly isReady: () => boolean;
  readonly putAway: (conversationId: ConversationId) => Promise<PutAway>;
  /** Some have gone. */
  readonly onGone: () => void;
};

export const createResting = (options: Needs): Resting => new LeastUsed(options);

class LeastUsed implements Resting {
  readonly #options: Needs;
  /** By conversation the number of its last use, 0 for none. */
  readonly #uses = new Map<ConversationId, number>();
  /** Those that another round is to finish; one that is used meanwhile stays. */
  readonly #leaving = new Set<ConversationId>();
  #count = 0;
  #gone = 0;
  #isClosed = false;
  #stopTimer: (() => void) | null = null;

  constructor(options: Needs) {
    this.#options = options;
  }

  use(conversationId: ConversationId): void {
    this.#leaving.delete(conversationId);
    this.#set(conversationId, ++this.#count);
  }

  note(conversationId: ConversationId): void {
    this.#set(conversationId, this.#uses.get(conversationId) ?? 0);
  }

  close(): void {
    this.#isClosed = true;
    this.#stopTimer?.();
  }

  #set(conversationId: ConversationId, use: number): void {
    if (this.#options.limit === Infinity) return;
    this.#uses.set(conversationId, use);
    this.#lookLater();
  }

  #excess(): number {
    return this.#uses.size - this.#options.limit;
  }

  #lookLater(): void {
    if (this.#isClosed || this.#stopTimer !== null || this.#excess() <= 0) return;
    this.#stopTimer = this.#options.clock.after(ROUND_MS, () => {
      void this.#round().finally(() => {
        this.#stopTimer = null;
        this.#lookLater();
      });
    });
  }

  async #round(): Promise<void> {
    if (!this.#options.isReady()) return;
    const goneBefore = this.#gone;
    for (const conversationId of [...this.#leaving])
      if (!this.#isClosed) await this.#putAway(conversationId);
    await this.#begin(this.#excess() - this.#leaving.size);
    if (this.#gone > goneBefore) this.#options.onGone();
  }

  async #begin(excess: number): Promise<void> {
    const most = Math.min(excess, Math.max(LEAVING.least, Math.ceil(excess * LEAVING.part)));
    let begun = 0;
    for (const [conversationId] of [...this.#uses].toSorted(([, a], [, b]) => a - b)) {
      if (this.#isClosed || begun >= most) return;
      if (this.#leaving.has(conversationId)) continue;
      if ((await this.#putAway(conversationId)) !== "busy") begun += 1;
    }
  }

  async #putAway(conversationId: ConversationId): Promise<PutAway> {
    const use = this.#uses.get(conversationId);
    const outcome = await this.#options.putAway(conversationId);
    if (outcome === "gone") this.#gone += 1;
    // Used meanwhile: it is back.
    if (this.#uses.get(conversationId) !== use) return outcome;
    if (outcome === "leaving") this.#leaving.add(conversationId);
    if (outcome !== "gone") return outcome;
    this.#leaving.delete(conversationId);
    this.#uses.delete(conversationId);
    return outcome;
  }
}
