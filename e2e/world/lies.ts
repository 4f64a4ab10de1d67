/** What a relay can do to sealed messages on their way, each as a lie of {@link HostileRelay}. */
import { base64ToBytes, bytesToBase64 } from "../../src/base/base64.ts";
import type { Bytes } from "../../src/base/bytes.ts";
import { systemRandom } from "../../src/base/random.ts";
import { Secret } from "../../src/base/secret.ts";
import { makeSigner } from "../../src/crypto/identity.ts";
import { appendAccount, startAccount } from "../../src/crypto/ledger/account.ts";
import { agentDeviceId } from "../../src/crypto/ledger/account-state.ts";
import { replayAccount } from "../../src/crypto/ledger/account-replay.ts";
import { createPrimitives } from "../../src/crypto/primitives.ts";
import { loadIdentity } from "../../src/sdk/local/key-vault.ts";
import { openVaultFolder } from "../../src/sdk/local/vault-folder.ts";
import type { RelayFrame } from "../../src/protocol/relay-frame.ts";
import type { AccountId } from "../../src/protocol/ids.ts";
import type { Answer, Lie } from "./hostile-relay.ts";

const primitives = await createPrimitives({ random: systemRandom });

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

/** Keeps the first message back: a word without meaning stands in its place until it is let go, behind the next one. */
export const keepsBack = (): { readonly lie: Lie; letGo(): void } => {
  let held: Message | null = null;
  let isFree = false;
  return {
    letGo: () => (isFree = true),
    lie(frame) {
      if (!isMessage(frame)) return [frame];
      if (held === null) {
        held = frame;
        const { conversation_id, conversation_seq, created_at, sender_id } = frame;
        const place = { conversation_id, conversation_seq, created_at, sender_id };
        const { sender_device_id } = frame;
        return [{ type: "control", ...place, sender_device_id, record: "AAAA" } as RelayFrame];
      }
      if (!isFree) return [frame];
      isFree = false;
      return [frame, { ...held, conversation_seq: frame.conversation_seq + 1 }];
    },
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

/** Says with every message, and on every new line, that an account's keys are others now. */
export const alarms = (
  whose: { readonly user_id: AccountId } | { readonly agent_id: AccountId },
): Lie => {
  const alarm = { type: "keys.updated", ...whose, reason: "identity" } as RelayFrame;
  return (frame) => {
    if (frame.type === "resume.ok") return [frame, alarm];
    return isMessage(frame) ? [alarm, frame] : [frame];
  };
};

/** Leaves the newest entry of every conversation's ledger away. */
export const shortensLedger = (): Answer => (path, truth) => {
  if (!/^\/conversations\/[^/]+\/ledger/.test(path)) return truth;
  const { data } = truth as { data: readonly unknown[] };
  return { data: data.slice(0, -1), next_cursor: null };
};

/** Shows no prekeys of a suite, as if they had never been published. */
export const leavesSuitesAway =
  (...suites: readonly number[]): Answer =>
  (_path, truth) =>
    JSON.parse(JSON.stringify(truth), (name, value: unknown) =>
      name === "prekeys" && Array.isArray(value)
        ? value.filter(({ suite }: { suite: number }) => !suites.includes(suite))
        : value,
    );

/** Calls every agent one that keeps no sessions, wherever the relay has a word of its own about it. */
export const callsStateless = (): Answer => (_path, truth) =>
  JSON.parse(JSON.stringify(truth), (name, value: unknown) =>
    name === "connection_mode" ? "webhook" : name === "mode" ? "envelope" : value,
  );

/** Shows a ledger under this id that is well formed, signed, and of somebody else's key. */
export async function anotherIdentity(accountId: AccountId): Promise<Answer> {
  const { entry } = await startAccount(primitives, {
    accountId,
    kind: "agent",
    identity: makeSigner(primitives, new Secret(systemRandom(32))),
    mode: "session",
    suiteFloor: 1,
    bootstrapKey: null,
    createdAt: Date.now(),
  });
  return (path, truth) =>
    path.includes(`/keys/ledger/${accountId}`) ? pageOf(path, [entry]) : truth;
}

/** Shows an agent's ledger with one more card, by its own key: it keeps no sessions any more. */
export async function weakerCard(accountId: AccountId, vaultFolder: string): Promise<Answer> {
  const folder = await openVaultFolder(vaultFolder);
  const keys = folder === null ? null : await loadIdentity(folder);
  if (keys === null) throw new Error("the agent has keys");
  const identity = makeSigner(primitives, keys.signingPrivateKey);
  const bootstrapKey = primitives.x25519PublicKey(keys.privateKey.reveal());
  let entries: readonly Bytes[] = [];
  return async (path, truth) => {
    if (!path.startsWith(`/keys/ledger/${accountId}`)) return truth;
    if (entries.length === 0) {
      const { data } = truth as { data: readonly { readonly entry: string }[] };
      const known = data.flatMap(({ entry }) => base64ToBytes(entry) ?? []);
      const state = await replayAccount(primitives, accountId, known);
      if (!state.ok) return truth;
      const weaker = await appendAccount(primitives, state.value, {
        actorDeviceId: agentDeviceId(accountId),
        signer: identity,
        op: { type: "card", mode: "envelope", suiteFloor: 1, bootstrapKey, manifestHash: null },
        createdAt: Date.now(),
      });
      if (!weaker.ok) throw new Error("the agent may change its card");
      entries = [...known, weaker.value.entry];
    }
    return pageOf(path, entries);
  };
}

/** The rows of a ledger that an answer to this path holds. */
function pageOf(path: string, entries: readonly Bytes[]) {
  const after = Number(new URL(path, "http://relay").searchParams.get("after") ?? -1);
  const rows = entries.map((entry, ledger_seq) => ({
    ledger_seq,
    prev_hash: bytesToBase64(new Uint8Array(32)),
    entry: bytesToBase64(entry),
  }));
  return { data: rows.slice(after + 1), next_cursor: null };
}

function once(change: (message: Message) => readonly RelayFrame[]): Lie {
  let isDone = false;
  return (frame) => {
    if (isDone || !isMessage(frame)) return [frame];
    isDone = true;
    return change(frame);
  };
}
