/**
 * Tells other nodes that conversations grew: at once when it is quiet, gathered when it is not, ids and places alone.
 * Never inside the transaction that appends: what it costs there everybody would wait for. SPEC S15.
 */
import type { Clock } from "#base/clock.ts";
import type { ConversationId } from "#protocol/ids.ts";

/** At most 20 a second. */
const PAUSE_MS = 50;

/** Up to where a conversation goes, and whether its members may be others now. */
export type Place = [conversationId: ConversationId, seq: number, changesMembers: boolean];

export class Hints {
  readonly #clock: Clock;
  readonly #say: (places: Place[]) => void;
  readonly #waiting = new Map<ConversationId, Place>();
  #saidAt = Number.NEGATIVE_INFINITY;
  #cancel: (() => void) | null = null;

  constructor(clock: Clock, say: (places: Place[]) => void) {
    this.#clock = clock;
    this.#say = say;
  }

  add([conversationId, seq, changesMembers]: Place): void {
    const [, earlierSeq, changed] = this.#waiting.get(conversationId) ?? [null, 0, false];
    this.#waiting.set(conversationId, [
      conversationId,
      Math.max(seq, earlierSeq),
      changesMembers || changed,
    ]);
    const waitMs = this.#saidAt + PAUSE_MS - this.#clock.now();
    if (waitMs <= 0) this.#tell();
    else this.#cancel ??= this.#clock.after(waitMs, () => this.#tell());
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  #tell(): void {
    this.stop();
    this.#saidAt = this.#clock.now();
    const places = [...this.#waiting.values()];
    this.#waiting.clear();
    this.#say(places);
  }
}
