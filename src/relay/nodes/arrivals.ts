/**
 * Entries as they come to this node, by its own commits and by hints of others: each is shown once, and in a
 * conversation densely, whatever order the news took. What nobody here would hear of is not read. SPEC R43.
 */
import type { Log } from "#base/log.ts";
import { createKeyedQueue } from "#base/queue.ts";
import type { ConversationId } from "#protocol/ids.ts";
import { factsOf } from "../json-log.ts";
import type { LogStore, StoredEntry } from "../log/log-store.ts";
import type { Place } from "./hints.ts";

const MAX_REMEMBERED = 50_000;
const PAGE = { maxEntries: 200, maxBytes: 4_194_304 };

type Needs = {
  readonly log: Pick<LogStore, "page">;
  readonly events: Log;
  /**
   * Whom it concerns here. `startSeq`: somebody who is level has to be told of a conversation that nothing was shown
   * of yet, after this seq; null: nobody. `hasSocket`: a member has a socket here, level or not.
   */
  readonly concernOf: (conversationId: ConversationId, shownSeq: number | null) => Promise<Concern>;
  /** Members of the conversation may be others than they were. */
  readonly forget: (conversationId: ConversationId) => void;
  /** The socket that is waiting for the answer to this entry, when it is here. */
  readonly writerOf: (entry: StoredEntry) => string | null;
  /** There is more of a conversation, appended elsewhere. */
  readonly onGrown: (conversationId: ConversationId) => void;
  readonly show: (entry: StoredEntry, writer: string | null) => void;
};

export type Concern = { readonly startSeq: number | null; readonly hasSocket: boolean };

export class Arrivals {
  readonly #needs: Needs;
  /** Up to where each conversation was shown, or was level when a socket came. */
  readonly #shown = new Map<ConversationId, number>();
  /** Up to where others said a conversation goes. */
  readonly #heard = new Map<ConversationId, number>();
  readonly #writerByPlace = new Map<string, string>();
  readonly #queue = createKeyedQueue();

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** A socket that is here was level with a conversation up to this place, or was brought there. */
  level(conversationId: ConversationId, seq: number): void {
    if (!this.#shown.has(conversationId)) this.#shown.set(conversationId, seq);
  }

  /** Whether entries up to this place are still on their way to those who are here. */
  isBehind(conversationId: ConversationId, seq: number): boolean {
    return (this.#shown.get(conversationId) ?? seq) < seq;
  }

  /** An entry of this node. */
  committed(entry: StoredEntry, writer: string | null): void {
    const { conversationId, seq } = entry;
    const key = `${conversationId} ${seq}`;
    if (writer !== null) this.#writerByPlace.set(key, writer);
    void this.#run(conversationId, async () => {
      const { start } = await this.#startOf(conversationId);
      // Whoever is not level yet notes it.
      if (start === null) this.#needs.show(entry, writer);
      else await this.#showUpTo(conversationId, start, seq, { entry, writer });
    }).finally(() => this.#writerByPlace.delete(key));
  }

  /** Somebody appended up to this place. Resolves when whoever is here has been told. */
  heard([conversationId, seq, changesMembers]: Place): Promise<void> {
    const known = Math.max(
      this.#shown.get(conversationId) ?? 0,
      this.#heard.get(conversationId) ?? 0,
    );
    if (seq <= known) return Promise.resolve();
    this.#remember(conversationId, seq);
    this.#needs.onGrown(conversationId);
    return this.#run(conversationId, async () => {
      if (changesMembers) this.#needs.forget(conversationId);
      const { start, hasSocket } = await this.#startOf(conversationId);
      if (start !== null) await this.#showUpTo(conversationId, start, seq, null);
      // Whoever is not level yet may have looked before this entry: it is looked for again.
      else if (hasSocket) this.#heard.delete(conversationId);
    });
  }

  // An own entry may be read as one of others, when its page is read before its commit is told here.
  #writerOf(entry: StoredEntry): string | null {
    const { conversationId, seq } = entry;
    return this.#writerByPlace.get(`${conversationId} ${seq}`) ?? this.#needs.writerOf(entry);
  }

  #remember(conversationId: ConversationId, seq: number): void {
    if (this.#heard.size >= MAX_REMEMBERED) this.#heard.clear();
    this.#heard.set(conversationId, Math.max(seq, this.#heard.get(conversationId) ?? 0));
  }

  async #startOf(
    conversationId: ConversationId,
  ): Promise<{ readonly start: number | null; readonly hasSocket: boolean }> {
    const { startSeq, hasSocket } = await this.#needs.concernOf(
      conversationId,
      this.#shown.get(conversationId) ?? null,
    );
    // Who comes back says anew how far they are.
    if (!hasSocket) this.#shown.delete(conversationId);
    return { start: this.#shown.get(conversationId) ?? startSeq, hasSocket };
  }

  async #showUpTo(
    conversationId: ConversationId,
    start: number,
    seq: number,
    own: { readonly entry: StoredEntry; readonly writer: string | null } | null,
  ): Promise<void> {
    let shown = start;
    while (shown < seq) {
      if (own !== null && own.entry.seq === shown + 1) {
        this.#needs.show(own.entry, own.writer);
        shown += 1;
        continue;
      }
      const page = await this.#needs.log.page({
        conversationId,
        after: shown,
        before: own?.entry.seq ?? seq + 1,
        ...PAGE,
      });
      for (const entry of page) this.#needs.show(entry, this.#writerOf(entry));
      const last = page.at(-1)?.seq;
      // A conversation in quarantine gives nothing; whoever wants it asks the log.
      if (last === undefined) break;
      shown = last;
    }
    this.#shown.set(conversationId, Math.max(shown, this.#shown.get(conversationId) ?? 0));
  }

  #run(conversationId: ConversationId, task: () => Promise<void>): Promise<void> {
    return this.#queue
      .run(conversationId, task)
      .catch((fault: unknown) => this.#needs.events.error("arrival.failed", factsOf(fault)));
  }
}
