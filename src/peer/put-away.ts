/**
 * Putting a conversation away: when nothing of it is under way, its session ends and says so, and then everything that
 * the disk or the relay has leaves memory. Whoever uses it later finds it as after a restart. SPEC E97, E98.
 */
import type { AccountId, ConversationId } from "#protocol/ids.ts";
import type { Inbox } from "./inbox.ts";
import type { Keyring } from "./keyring.ts";
import type { Ledgers } from "./ledgers.ts";
import type { Outbox } from "./outbox.ts";
import type { OwnProgress } from "./own-progress.ts";
import type { RecipientFinder } from "./recipients.ts";
import type { PutAway } from "./resting.ts";
import type { SenderSessions } from "./sender-sessions.ts";
import type { Signals } from "./signals.ts";
import type { StreamReader } from "./stream-reader.ts";
import type { StreamWriters } from "./stream-writer.ts";

type Needs = {
  readonly ownId: AccountId;
  readonly outbox: Pick<Outbox, "isBusy">;
  readonly writers: Pick<StreamWriters, "isWriting">;
  readonly reader: Pick<StreamReader, "isReading">;
  readonly signals: Pick<Signals, "hasUnsent" | "release">;
  readonly progress: Pick<OwnProgress, "leave">;
  readonly inbox: Pick<Inbox, "isAtRest" | "putAway">;
  readonly senders: Pick<SenderSessions, "release">;
  readonly ledgers: Pick<Ledgers, "release" | "accounts">;
  readonly keyring: Pick<Keyring, "retain">;
  readonly finder: Pick<RecipientFinder, "retain">;
};

/** What {@link createResting} asks for. */
export function createPutAway(needs: Needs) {
  const { outbox, writers, reader, signals, progress, inbox, senders, ledgers } = needs;
  const isBusy = (conversationId: ConversationId): boolean =>
    outbox.isBusy(conversationId) ||
    writers.isWriting(conversationId) ||
    reader.isReading(conversationId) ||
    signals.hasUnsent(conversationId);
  return {
    async putAway(conversationId: ConversationId): Promise<PutAway> {
      if (isBusy(conversationId) || !inbox.isAtRest(conversationId)) return "busy";
      if (!(await progress.leave(conversationId))) return "leaving";
      if (isBusy(conversationId) || !(await inbox.putAway(conversationId))) return "leaving";
      signals.release(conversationId);
      await senders.release(conversationId);
      await ledgers.release(conversationId);
      return "gone";
    },
    /** Accounts go with the last conversation in memory that names them. */
    onGone(): void {
      const needed = new Set([...ledgers.accounts(), needs.ownId]);
      needs.keyring.retain(needed);
      needs.finder.retain(needed);
    },
  };
}
