/**
 * The way of an entry from the log to a handler: in order within its conversation, claimed before the work begins,
 * acknowledged when no crash can lose it any more. SPEC §once.
 */
import type { Entry } from "#peer/endpoint.ts";
import { encodeEntry, parseEntry } from "#peer/entry.ts";
import type { ConversationId } from "#protocol/ids.ts";
import type { Lanes } from "./lanes.ts";
import type { Claim, DedupeStore } from "../local/dedupe-store.ts";

export type Delivery = { readonly interrupted: boolean };

export interface Intake {
  /** Takes an entry that the endpoint has stored. */
  hear(entry: Entry): void;
  /** Hands over what a process that died had claimed and not finished. */
  recover(): Promise<void>;
}

/** Creates the way in. */
export function createIntake(parts: {
  readonly lanes: Lanes;
  readonly dedupe: DedupeStore;
  readonly acknowledge: (conversationId: ConversationId, seq: number) => void;
  /** Runs the handlers; what they throw was told to the error handler already. */
  readonly deliver: (entry: Entry, delivery: Delivery) => Promise<void>;
  /** Whether somebody waits for this very entry: it then goes past the queue of its conversation. */
  readonly isAwaited: (entry: Entry) => boolean;
  /** The dedupe store failed: nothing can be handed over safely. */
  readonly failed: (cause: unknown) => void;
}): Intake {
  const { lanes, dedupe, acknowledge } = parts;
  const isLasting = dedupe.reach !== "memory";
  const guarded = async (task: () => Promise<void>): Promise<void> => {
    try {
      await task();
    } catch (cause) {
      parts.failed(cause);
    }
  };

  const inTurn = async (entry: Entry): Promise<void> => {
    const acknowledgeNow = (): void => acknowledge(entry.conversationId, entry.seq);
    const claim = claimOf(entry);
    if (!(await dedupe.claim(claim))) return acknowledgeNow();
    if (isLasting) acknowledgeNow();
    await parts.deliver(entry, { interrupted: false });
    await dedupe.finish(claim);
    if (!isLasting) acknowledgeNow();
  };

  // Unacknowledged: an acknowledgement covers everything before it, and that still waits.
  const ahead = async (entry: Entry): Promise<void> => {
    const claim = claimOf(entry);
    if (!(await dedupe.claim(claim))) return;
    await parts.deliver(entry, { interrupted: false });
    await dedupe.finish(claim);
  };

  return {
    hear(entry) {
      if (parts.isAwaited(entry)) void guarded(() => ahead(entry));
      lanes.add(entry.conversationId, () => guarded(() => inTurn(entry)));
    },
    async recover() {
      for (const claim of await dedupe.takeOver()) {
        const entry = claim.work === null ? null : parseEntry(claim.work);
        if (entry === null) await dedupe.finish(claim);
        else
          lanes.add(entry.conversationId, () =>
            guarded(async () => {
              await parts.deliver(entry, { interrupted: true });
              await dedupe.finish(claim);
            }),
          );
      }
    },
  };
}

// A message is one by what its author signed; other entries by their place in the log and their time there.
function claimOf(entry: Entry): Claim {
  const { conversationId, seq, content } = entry;
  const key =
    content.kind === "message"
      ? `${entry.authorDeviceId ?? entry.authorId} ${content.messageId}`
      : `${content.kind} ${seq} ${entry.at}`;
  return { conversationId, key, work: encodeEntry(entry) };
}
