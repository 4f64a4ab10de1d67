/**
 * Which conversations are in memory. Beyond a number, those that were not used for longest are put away, a few in a
 * round; what putting away means is `put-away.ts`. SPEC E96.
 */
import type { Clock } from "#base/clock.ts";
import type { ConversationId } from "#protocol/ids.ts";

export interface Resting {
  /** The conversation is used: it is put away last of all. */
  use(conversationId: ConversationId): void;
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
  /** By conversation the number of its last use; the least recently used first. */
  readonly #uses = new Map<ConversationId, number>();
  #count = 0;
  #isClosed = false;
  #stopTimer: (() => void) | null = null;

  constructor(options: Needs) {
    this.#options = options;
  }

  use(conversationId: ConversationId): void {
    if (this.#options.limit === Infinity) return;
    this.#uses.delete(conversationId);
    this.#uses.set(conversationId, ++this.#count);
    this.#lookLater();
  }

  close(): void {
    this.#isClosed = true;
    this.#stopTimer?.();
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
    const excess = this.#excess();
    const most = Math.min(excess, Math.max(LEAVING.least, Math.ceil(excess * LEAVING.part)));
    let leaving = 0;
    let hasGone = false;
    for (const [conversationId, use] of [...this.#uses]) {
      if (this.#isClosed || leaving >= most) break;
      const outcome = await this.#options.putAway(conversationId);
      if (outcome !== "busy") leaving += 1;
      if (outcome !== "gone") continue;
      hasGone = true;
      // Used meanwhile: it is back.
      if (this.#uses.get(conversationId) === use) this.#uses.delete(conversationId);
    }
    if (hasGone) this.#options.onGone();
  }
}
