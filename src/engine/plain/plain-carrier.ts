/** A conversation that a line to one agent server carries: texts, and nothing of what only a relay can do. */
import { err, ok } from "#base/result.ts";
import { MAX_TEXT_UNITS } from "#protocol/limits.ts";
import type { ConversationId } from "#protocol/ids.ts";
import type { Carrier } from "../carrier.ts";
import type { EngineFailure } from "../failure.ts";
import type { Session } from "../session.ts";
import { describePlainSecurity } from "./plain-calls.ts";

/** The page looks at `can` and never asks. */
const cannot = async () => err({ kind: "engine/plain-cannot" } satisfies EngineFailure);

/** The carrier of a plain agent's conversation. */
export const plainCarrier = (session: Session, id: ConversationId): Carrier => ({
  /** Fails with `engine/text-empty`, `engine/text-too-long`, and as the channel does. */
  async sendText({ text }) {
    if (text.trim() === "") return err({ kind: "engine/text-empty" });
    if (text.length > MAX_TEXT_UNITS)
      return err({ kind: "engine/text-too-long", limit: MAX_TEXT_UNITS });
    return session.plain.sendText(id, text);
  },
  sendFiles: cannot,
  retry: cannot,
  discard: (messageId) => session.plain.withdraw(id, messageId),
  recall: cannot,
  react: cannot,
  typing() {},
  markRead() {},
  // Muting and pinning are kept here; no relay is told.
  saveSettings: async () => ok(null),
  describeSecurity: () => describePlainSecurity(session, id),
  check: () => {},
  canRecall: false,
  outgoing: () => session.plain.outgoing(id),
  settled: () => session.plain.settled(id),
  fetchBefore: async () => 0,
  prepare: (messageIds) => session.plain.prepare(id, messageIds),
  turnOf: (messageId) => session.plain.turnOf(id, messageId),
});
