/**
 * To which devices and keys a conversation's messages are sealed now: every current device of every member but the
 * writing one. An agent's device is all its processes together, so its own prekey is among them. Prekeys are fetched, verified against the pinned account and kept a while. SPEC E30–E32, E88.
 */
import { base64ToBytes, bytesToBase64 } from "#base/base64.ts";
import { equalBytes, type Bytes } from "#base/bytes.ts";
import type { Clock } from "#base/clock.ts";
import { err, ok, type Result } from "#base/result.ts";
import { fingerprint } from "#crypto/identity.ts";
import { currentDevices, type AccountState } from "#crypto/ledger/account-state.ts";
import type { ConversationState, Member } from "#crypto/ledger/conversation-state.ts";
import { verifyPrekey, type Prekey } from "#crypto/prekeys.ts";
import type { Primitives } from "#crypto/primitives.ts";
import type { Recipient } from "#crypto/recipient.ts";
import type { SuiteId } from "#protocol/envelope.ts";
import type { AccountId, DeviceId } from "#protocol/ids.ts";
import { AgentKeys, UserKeys, type Prekey as WirePrekey } from "#protocol/rest.ts";
import type { PeerFailure } from "./failure.ts";
import type { Keyring } from "./keyring.ts";
import type { Rest } from "./rest.ts";
import type { Store } from "./store.ts";

export type Recipients = {
  readonly recipients: readonly Recipient[];
  /** Current key id of each recipient: a session ends when they change. */
  readonly kids: readonly Bytes[];
  /** Members without a key that fits: they are not addressed. */
  readonly omitted: readonly AccountId[];
};

export interface RecipientFinder {
  /** Fails with `peer/key-changed`, `peer/no-prekey`, or as the keyring and REST do. */
  find(state: ConversationState): Promise<Result<Recipients, PeerFailure>>;
  /** The account's keys changed: ask again next time. */
  forget(accountId: AccountId): void;
  /** Forgets the keys of all accounts but these. */
  retain(needed: ReadonlySet<AccountId>): void;
}

/** The newest X-Wing prekey seen of a device: its certificate, by account and device. */
const SEEN_TABLE = "prekeys-seen";
/** Keys are asked for again by then even if no notice came. */
const KEPT_FOR_MS = 10 * 60_000;

type Candidate = {
  readonly accountId: AccountId;
  readonly deviceId: DeviceId;
  readonly fingerprint: Bytes;
  readonly prekeys: readonly Prekey[];
  readonly bootstrapKey: Bytes | null;
};
type Kept = {
  readonly at: number;
  readonly seq: number;
  readonly candidates: readonly Candidate[];
};

export const createRecipientFinder = (options: Needs): RecipientFinder => new KeyFinder(options);

type Needs = {
  readonly primitives: Primitives;
  readonly clock: Clock;
  readonly store: Store;
  readonly rest: Rest;
  readonly keyring: Keyring;
  readonly self: { readonly deviceId: DeviceId; readonly kind: "human" | "agent" };
};

class KeyFinder implements RecipientFinder {
  readonly #primitives: Needs["primitives"];
  readonly #clock: Needs["clock"];
  readonly #store: Needs["store"];
  readonly #rest: Needs["rest"];
  readonly #keyring: Needs["keyring"];
  readonly #self: Needs["self"];
  readonly #kept = new Map<AccountId, Kept>();

  constructor(options: Needs) {
    this.#primitives = options.primitives;
    this.#clock = options.clock;
    this.#store = options.store;
    this.#rest = options.rest;
    this.#keyring = options.keyring;
    this.#self = options.self;
  }

  async find(state: ConversationState): Promise<Result<Recipients, PeerFailure>> {
    const candidates: Candidate[] = [];
    let ownFloor: SuiteId = 1;
    let own: Candidate | null = null;
    // All at once: on a slow line each question costs the whole way there and back.
    const found = await Promise.all(
      [...state.members].map(async ([accountId, member]) => ({
        accountId,
        member,
        known: await this.#known(accountId),
      })),
    );
    for (const { accountId, member, known } of found) {
      if (!known.ok) return known;
      if (this.#keyring.isBlocked(accountId)) return err({ kind: "peer/key-changed", accountId });
      const { account, devices } = known.value;
      if (account.devices.has(this.#self.deviceId)) ownFloor = account.suiteFloor;
      const now = this.#clock.now();
      for (const device of devices) {
        if (!isAnnounced(account, device.deviceId, member)) continue;
        const prekeys = device.prekeys.filter(({ notAfter }) => notAfter > now);
        if (device.deviceId !== this.#self.deviceId) candidates.push({ ...device, prekeys });
        else if (this.#self.kind === "agent") own = { ...device, prekeys };
      }
    }
    const members = [...state.members.keys()];
    return choose({ candidates, own, ownFloor }, members, this.#self.deviceId);
  }

  forget(accountId: AccountId): void {
    this.#kept.delete(accountId);
  }

  retain(needed: ReadonlySet<AccountId>): void {
    for (const accountId of this.#kept.keys())
      if (!needed.has(accountId)) this.#kept.delete(accountId);
  }

  /** A member whom messages may be sealed to, and what its devices offer. */
  async #known(
    accountId: AccountId,
  ): Promise<
    Result<{ readonly account: AccountState; readonly devices: readonly Candidate[] }, PeerFailure>
  > {
    const account = await this.#keyring.account(accountId);
    if (!account.ok) return account;
    if (this.#keyring.isBlocked(accountId)) return err({ kind: "peer/key-changed", accountId });
    const devices = await this.#candidatesOf(account.value);
    return devices.ok ? ok({ account: account.value, devices: devices.value }) : devices;
  }

  async #fetchKeys(
    account: AccountState,
  ): Promise<Result<ReadonlyMap<string, readonly WirePrekey[]>, PeerFailure>> {
    if (account.kind === "agent") {
      const keys = await this.#rest.call("GET", `/keys/agents/${account.accountId}`, AgentKeys);
      return keys.ok ? ok(new Map([[account.accountId, keys.value.prekeys]])) : keys;
    }
    const keys = await this.#rest.call("GET", `/keys/users/${account.accountId}/devices`, UserKeys);
    if (!keys.ok) return keys;
    return ok(new Map(keys.value.devices.map((device) => [device.device_id, device.prekeys])));
  }

  async #verified(
    account: AccountState,
    deviceId: DeviceId,
    wire: readonly Pick<WirePrekey, "certificate">[],
  ): Promise<readonly Prekey[]> {
    const signingKey = account.devices.get(deviceId)?.signingKey ?? account.identityKey;
    const checks = wire.map(async ({ certificate }) => {
      const bytes = base64ToBytes(certificate);
      if (bytes === null) return null;
      const prekey = await verifyPrekey(this.#primitives, bytes, {
        owner: account.accountId,
        device: deviceId,
        signingKey,
        fingerprint: fingerprint(this.#primitives, account.accountId, account.identityKey),
        mode: account.mode,
        floor: account.suiteFloor,
        now: this.#clock.now(),
      });
      return prekey.ok ? prekey.value : null;
    });
    const prekeys = (await Promise.all(checks)).filter((prekey) => prekey !== null);
    return prekeys.toSorted((a, b) => b.suite - a.suite || b.notBefore - a.notBefore);
  }

  async #candidatesOf(
    account: AccountState,
    isAgain = false,
  ): Promise<Result<readonly Candidate[], PeerFailure>> {
    const { accountId } = account;
    const held = this.#kept.get(accountId);
    const isFresh =
      held !== undefined && held.seq === account.seq && this.#clock.now() - held.at < KEPT_FOR_MS;
    if (isFresh) return ok(held.candidates);
    const keys = await this.#fetchKeys(account);
    if (!keys.ok) return keys;
    const candidates = await this.#verifiedDevices(account, keys.value);
    const isForeign = candidates.some(
      ({ deviceId, prekeys }) =>
        prekeys.length === 0 && (keys.value.get(deviceId) ?? []).length > 0,
    );
    if (isForeign && !isAgain) {
      // Prekeys of which none is this identity's: its ledger may have gone on while nobody told us.
      const grown = await this.#keyring.refresh(accountId);
      if (!grown.ok) return grown;
      if (this.#keyring.isBlocked(accountId)) return err({ kind: "peer/key-changed", accountId });
      if (grown.value.seq !== account.seq) return this.#candidatesOf(grown.value, true);
    }
    this.#kept.set(accountId, { at: this.#clock.now(), seq: account.seq, candidates });
    return ok(candidates);
  }

  /** What a device offers; an X-Wing prekey that was seen stands where the relay shows weaker ones alone. */
  async #offered(
    account: AccountState,
    deviceId: DeviceId,
    wire: readonly WirePrekey[],
  ): Promise<readonly Prekey[]> {
    const prekeys = await this.#verified(account, deviceId, wire);
    const key = `${account.accountId}/${deviceId}`;
    const seen = await this.#store.get(SEEN_TABLE, key);
    const strongest = prekeys[0];
    if (strongest === undefined) return prekeys;
    if (strongest.suite === 2) {
      const value = strongest.certificate;
      const isNews = seen === null || !equalBytes(seen, value);
      if (isNews) await this.#store.commit({ puts: [{ table: SEEN_TABLE, key, value }] });
      return prekeys;
    }
    const [held] = seen === null ? [] : await this.#verified(account, deviceId, [wireOf(seen)]);
    return held === undefined ? prekeys : [held];
  }

  #verifiedDevices(
    account: AccountState,
    wireByDevice: ReadonlyMap<string, readonly WirePrekey[]>,
  ): Promise<readonly Candidate[]> {
    const { accountId } = account;
    return Promise.all(
      currentDevices(account).map(async (deviceId) => ({
        accountId,
        deviceId,
        fingerprint: fingerprint(this.#primitives, accountId, account.identityKey),
        prekeys: await this.#offered(account, deviceId, wireByDevice.get(deviceId) ?? []),
        // An X25519 key, so of no use to who asks for more.
        bootstrapKey:
          account.kind === "agent" && account.suiteFloor === 1 ? account.bootstrapKey : null,
      })),
    );
  }
}

const wireOf = (certificate: Bytes) => ({ certificate: bytesToBase64(certificate) });

/** A device counts once the conversation's ledger names an account state that has it. */
const isAnnounced = (account: AccountState, deviceId: DeviceId, member: Member): boolean =>
  (account.devices.get(deviceId)?.addedSeq ?? Infinity) <= member.accountSeq;

/** An agent reads back what it said by its own prekey, where it has one in the suite that the others set. */
function readBack(own: Candidate | null, suite: SuiteId): readonly Recipient[] {
  const prekey = own?.prekeys.find((one) => one.suite === suite);
  if (own === null || prekey === undefined) return [];
  const { accountId, deviceId, fingerprint } = own;
  return [{ accountId, deviceId, fingerprint, delivery: { mode: prekey.mode, prekey } }];
}

/**
 * One suite serves a whole session: the strongest that reaches everyone, else the one that reaches most, and never one
 * under a signed floor: prekeys were judged by their owner's, the writer's own stands here.
 */
function choose(
  {
    candidates,
    own,
    ownFloor,
  }: {
    readonly candidates: readonly Candidate[];
    readonly own: Candidate | null;
    readonly ownFloor: SuiteId;
  },
  members: readonly AccountId[],
  ownDeviceId: DeviceId,
): Result<Recipients, PeerFailure> {
  const inSuite = (suite: SuiteId) =>
    candidates.flatMap((candidate): Recipient[] => {
      const { accountId, deviceId, fingerprint } = candidate;
      const prekey = candidate.prekeys.find((one) => one.suite === suite);
      if (prekey !== undefined) {
        return [{ accountId, deviceId, fingerprint, delivery: { mode: prekey.mode, prekey } }];
      }
      const { bootstrapKey } = candidate;
      if (suite !== 1 || bootstrapKey === null) return [];
      return [{ accountId, deviceId, fingerprint, delivery: { mode: "session", bootstrapKey } }];
    });
  const strong = inSuite(2);
  const isFallbackBarred = ownFloor > 1 || strong.length === candidates.length;
  const weak = isFallbackBarred ? [] : inSuite(1);
  const isWeak = weak.length > strong.length;
  const others = isWeak ? weak : strong;
  const reached = new Set(others.map(({ accountId }) => accountId));
  const expected = new Set(candidates.map(({ accountId }) => accountId));
  for (const accountId of members)
    if ((accountId as string) !== ownDeviceId) expected.add(accountId);
  const omitted = [...expected].filter((accountId) => !reached.has(accountId));
  if (others.length === 0) {
    const accountId = omitted[0] ?? members[0];
    return err(
      accountId === undefined ? { kind: "peer/not-member" } : { kind: "peer/no-prekey", accountId },
    );
  }
  const recipients = [...others, ...readBack(own, isWeak ? 1 : 2)];
  const kids = recipients.map(({ delivery }) =>
    "prekey" in delivery ? delivery.prekey.kid : new Uint8Array(16),
  );
  return ok({ recipients, kids, omitted });
}
