/** What a relay can do to sealed messages on their way, each as a lie of {@link HostileRelay}. */
import type { RelayFrame } from "../../src/protocol/relay-frame.ts";
import type { AccountId } from "../../src/protocol/ids.ts";
import type { Lie } from "./hostile-relay.ts";

type Message = Extract<RelayFrame, { readonly type: "message.new" }>;

const isMessage = (frame: RelayFrame): frame is Message =>
  frame.type === "message.new" && frame.encrypted_payload !== null;

/** Tells every message five times. */
export const repeats = (): Lie => (frame) => (isMessage(frame) ? Array(5).fill(frame) : [frame]);

/** Keeps so many messages back and tells them the last one first. */
export const reorders = (count: number): Lie => {
  const held: RelayFrame[] = [];
  return (frame) => {
    if (!isMessage(frame)) return [frame];
    held.push(frame);
    return held.length < count ? [] : held.splice(0).toReversed();
  };
};

/** Tells nothing of the first message; its log still has it. */
export const drops = (): Lie => once(() => []);

/** Has the first message vanish for good: what follows takes its place in the log. */
export const withholds = (): Lie => {
  let missing = 0;
  return (frame) => {
    if (!isMessage(frame)) return [frame];
    if (missing === 0) {
      missing = 1;
      return [];
    }
    return [{ ...frame, conversation_seq: frame.conversation_seq - missing }];
  };
};

/** Tells the first message again before the second, as if it had been sent anew. */
export const replays = (): Lie => {
  let old: Message | null = null;
  return (frame) => {
    if (!isMessage(frame)) return [frame];
    if (old === null) {
      old = frame;
      return [frame];
    }
    const seq = frame.conversation_seq;
    return [
      { ...old, conversation_seq: seq },
      { ...frame, conversation_seq: seq + 1 },
    ];
  };
};

/** Cuts the end off the first message. */
export const truncates = (): Lie =>
  once((message) => [
    { ...message, encrypted_payload: message.encrypted_payload?.slice(0, -200) ?? null },
  ]);

/** Changes one letter in the midst of the first message. */
export const flips = (): Lie =>
  once((message) => {
    const text = message.encrypted_payload ?? "";
    const at = text.length - 200;
    const flipped = `${text.slice(0, at)}${text[at] === "A" ? "B" : "A"}${text.slice(at + 1)}`;
    return [{ ...message, encrypted_payload: flipped }];
  });

/** Says that somebody else sent the first message. */
export const blames = (accountId: AccountId): Lie =>
  once((message) => [{ ...message, sender_id: accountId }]);

/** Says with every message that an account's keys are others now. */
export const alarms =
  (whose: { readonly user_id: AccountId } | { readonly agent_id: AccountId }): Lie =>
  (frame) =>
    isMessage(frame)
      ? [{ type: "keys.updated", ...whose, reason: "identity" } as RelayFrame, frame]
      : [frame];

function once(change: (message: Message) => readonly RelayFrame[]): Lie {
  let isDone = false;
  return (frame) => {
    if (isDone || !isMessage(frame)) return [frame];
    isDone = true;
    return change(frame);
  };
}
