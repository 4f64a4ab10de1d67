/**
 * The way of an entry from the log to a handler: in order within its conversation, claimed before the work begins,
 * acknowledged when no crash can lose it any more. SPEC §once.
 */
import type { Entry } from "#peer/endpoint.ts";
import type { ConversationId } from "#protocol/ids.ts";
import type { Lanes } from "./lanes.ts";
import type { Claim, DedupeStore } from "./local/dedupe-store.ts";

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
  /** Runs the handlers; what it throws was told to the error handler already. */
  readonly deliver: (entry: Entry, delivery: Delivery) => Promise<void>;
  /** An entry of the own store or of the relay's log; null when it is nowhere to be had. */
  readonly find: (conversationId: ConversationId, seq: number) => Promise<Entry | null>;
  /** The dedupe store failed: nothing can be handed over safely. */
  readonly failed: (cause: unknown) => void;
}): Intake {
  const { lanes, dedupe, acknowledge } = parts;
  const isLasting = dedupe.reach !== "memory";

  const run = async (entry: Entry, claim: Claim, delivery: Delivery): Promise<void> => {
    if (isLasting) acknowledge(entry.conversationId, entry.seq);
    await parts.deliver(entry, delivery);
    await dedupe.finish(claim);
    if (!isLasting) acknowledge(entry.conversationId, entry.seq);
  };

  return {
    hear(entry) {
      lanes.add(entry.conversationId, async () => {
        try {
          const claim = claimOf(entry);
          if (await dedupe.claim(claim)) await run(entry, claim, { interrupted: false });
          else acknowledge(entry.conversationId, entry.seq);
        } catch (cause) {
          parts.failed(cause);
        }
      });
    },
    async recover() {
      for (const claim of await dedupe.takeOver()) {
        const conversationId = claim.conversationId as ConversationId;
        lanes.add(conversationId, async () => {
          try {
            const entry = await parts.find(conversationId, claim.seq);
            if (entry === null) await dedupe.finish(claim);
            else await run(entry, claim, { interrupted: true });
          } catch (cause) {
            parts.failed(cause);
          }
        });
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
  return { conversationId, key, seq };
}
