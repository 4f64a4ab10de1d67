/** Writing conversations' ledgers: founding, adding, removing, announcing own new devices. SPEC E71, E72. */
import * as v from "valibot";
import { bytesToBase64 } from "#base/base64.ts";
import type { Bytes } from "#base/bytes.ts";
import type { Clock } from "#base/clock.ts";
import { err, type Result } from "#base/result.ts";
import type { Signer } from "#crypto/identity.ts";
import {
  addOf,
  appendConversation,
  startConversation,
  type NewConversationOp,
} from "#crypto/ledger/conversation.ts";
import { currentDevices, type AccountState } from "#crypto/ledger/account-state.ts";
import type { ConversationState } from "#crypto/ledger/conversation-state.ts";
import type { Primitives } from "#crypto/primitives.ts";
import type { AccountId, ConversationId, DeviceId } from "#protocol/ids.ts";
import { UserKeys, type LedgerRow } from "#protocol/rest.ts";
import type { Endpoint } from "./endpoint.ts";
import type { PeerFailure } from "./failure.ts";
import type { Keyring } from "./keyring.ts";
import type { Ledgers } from "./ledgers.ts";
import type { Method, Rest } from "./rest.ts";

export interface Membership {
  found: Endpoint["foundConversation"];
  change: Endpoint["changeMembers"];
  /**
   * Names the own account's newest state wherever the ledger still names an older one; with `onlyReachable` not
   * before each of the account's devices has published a prekey.
   */
  announce(options: { readonly onlyReachable: boolean }): Promise<void>;
}

/** Races with other members' changes that are worth another try. */
const MAX_TRIES = 4;

export const createMembership = (options: Needs): Membership => new LedgerWriter(options);

type Needs = {
  readonly primitives: Primitives;
  readonly clock: Clock;
  readonly rest: Rest;
  readonly keyring: Keyring;
  readonly ledgers: Ledgers;
  readonly self: {
    readonly accountId: AccountId;
    readonly deviceId: DeviceId;
    readonly signer: Signer;
  };
};

class LedgerWriter implements Membership {
  readonly #primitives: Needs["primitives"];
  readonly #clock: Needs["clock"];
  readonly #rest: Needs["rest"];
  readonly #keyring: Needs["keyring"];
  readonly #ledgers: Needs["ledgers"];
  readonly #self: Needs["self"];

  constructor(options: Needs) {
    this.#primitives = options.primitives;
    this.#clock = options.clock;
    this.#rest = options.rest;
    this.#keyring = options.keyring;
    this.#ledgers = options.ledgers;
    this.#self = options.self;
  }

  readonly found: Membership["found"] = async ({ conversationId, type, members, post }) => {
    const own = await this.#keyring.account(this.#self.accountId);
    if (!own.ok) return own;
    const founding = {
      conversationId,
      type,
      actor: this.#self,
      account: own.value,
      createdAt: this.#clock.now(),
    };
    const started = await startConversation(this.#primitives, founding);
    if (!started.ok) return err({ kind: "peer/bad-ledger", because: started.failure.kind });
    const entries = [...started.value.entries];
    let { state } = started.value;
    for (const { accountId } of members) {
      if (accountId === this.#self.accountId) continue;
      const account = await this.#trusted(accountId);
      if (!account.ok) return account;
      const added = await this.#write(state, addOf(account.value, "member"));
      if (!added.ok) return added;
      entries.push(added.value.entry);
      ({ state } = added.value);
    }
    const posted = await post(entries);
    return posted.ok ? this.#ledgers.append(conversationId, entries) : posted;
  };

  readonly change: Membership["change"] = async (conversationId, change) => {
    if (change.type === "close")
      return this.#append(
        conversationId,
        (state) => (state.isClosed ? null : { type: "close", accountId: state.ownerId }),
        (ledger) => ["DELETE", `/groups/${conversationId}`, { ledger }],
      );
    if (change.type === "invite-policy") {
      const { membersMayAdd } = change;
      return this.#append(
        conversationId,
        (state) =>
          state.membersMayAdd === membersMayAdd
            ? null
            : { type: "invite-policy", accountId: state.ownerId, membersMayAdd },
        (ledger) => [
          "PATCH",
          `/groups/${conversationId}`,
          { members_can_invite: membersMayAdd, ledger },
        ],
      );
    }
    const { accountId } = change;
    const path = `/groups/${conversationId}/members`;
    if (change.type === "role") {
      const { role } = change;
      return this.#append(
        conversationId,
        (state) =>
          state.members.get(accountId)?.role === role ? null : { type: "role", accountId, role },
        (ledger) => ["PATCH", `${path}/${accountId}`, { role, ledger }],
      );
    }
    if (change.type === "remove") {
      const isLeaving = accountId === this.#self.accountId;
      return this.#append(
        conversationId,
        (state) => (state.members.has(accountId) ? { type: "remove", accountId } : null),
        (ledger) =>
          isLeaving
            ? ["POST", `/groups/${conversationId}/leave`, { ledger }]
            : ["DELETE", `${path}/${accountId}`, { ledger }],
      );
    }
    const account = await this.#trusted(accountId);
    if (!account.ok) return account;
    return this.#append(
      conversationId,
      (state) => (state.members.has(accountId) ? null : addOf(account.value, "member")),
      (ledger) => ["POST", path, { id: accountId, type: change.kind, ledger }],
    );
  };

  async announce({ onlyReachable }: { readonly onlyReachable: boolean }): Promise<void> {
    const own = await this.#keyring.account(this.#self.accountId);
    if (!own.ok || own.value.kind === "agent") return;
    if (onlyReachable && !(await this.#areReachable(currentDevices(own.value)))) return;
    const account = { seq: own.value.seq, head: own.value.head };
    for (const conversationId of await this.#ledgers.ids()) {
      const known = await this.#ledgers.state(conversationId);
      const place = known.ok ? known.value.members.get(this.#self.accountId) : undefined;
      if (place === undefined || place.accountSeq >= account.seq) continue;
      await this.#append(
        conversationId,
        (state) => {
          const member = state.members.get(this.#self.accountId);
          if (member === undefined || member.accountSeq >= account.seq) return null;
          const type = hasAdded(own.value, member.accountSeq) ? "device-add" : "device-revoke";
          return { type, accountId: this.#self.accountId, account };
        },
        (row) => ["POST", `/conversations/${conversationId}/ledger`, row],
      );
    }
  }

  async #write(
    state: ConversationState,
    op: NewConversationOp,
  ): Promise<Result<{ readonly entry: Bytes; readonly state: ConversationState }, PeerFailure>> {
    const written = { actor: this.#self, op, createdAt: this.#clock.now() };
    const next = await appendConversation(this.#primitives, state, written, this.#keyring.known);
    return next.ok ? next : err({ kind: "peer/bad-ledger", because: next.failure.kind });
  }

  async #trusted(accountId: AccountId) {
    const account = await this.#keyring.account(accountId);
    if (!account.ok) return account;
    return this.#keyring.isBlocked(accountId)
      ? err({ kind: "peer/key-changed", accountId } as const)
      : account;
  }

  /** Appends by compare-and-set: who loses reads on and signs again. */
  async #append(
    conversationId: ConversationId,
    op: (state: ConversationState) => NewConversationOp | null,
    route: (row: LedgerRow) => readonly [Method, string, unknown],
  ): Promise<Result<ConversationState, PeerFailure>> {
    for (let tries = 1; ; tries++) {
      const state = await this.#ledgers.refresh(conversationId);
      if (!state.ok) return state;
      const next = op(state.value);
      if (next === null) return state;
      const written = await this.#write(state.value, next);
      if (!written.ok) return written;
      const { entry } = written.value;
      const row = {
        ledger_seq: state.value.seq + 1,
        prev_hash: bytesToBase64(state.value.head),
        entry: bytesToBase64(entry),
      };
      const [method, path, body] = route(row);
      const posted = await this.#rest.call(method, path, v.unknown(), body);
      if (posted.ok) return this.#ledgers.append(conversationId, [entry]);
      if (!isConflict(posted.failure) || tries >= MAX_TRIES) return posted;
    }
  }

  async #areReachable(devices: readonly DeviceId[]): Promise<boolean> {
    const keys = await this.#rest.call(
      "GET",
      `/keys/users/${this.#self.accountId}/devices`,
      UserKeys,
    );
    if (!keys.ok) return false;
    const withPrekeys = keys.value.devices.filter(({ prekeys }) => prekeys.length > 0);
    const reachable = new Set(withPrekeys.map(({ device_id }) => device_id));
    return devices.every((deviceId) => reachable.has(deviceId));
  }
}

/** Whether any device came after a place of the account; members are told of that first, else that one went. */
const hasAdded = ({ devices }: AccountState, afterSeq: number): boolean =>
  [...devices.values()].some(
    ({ addedSeq, revokedSeq }) => addedSeq > afterSeq && revokedSeq === null,
  ) || ![...devices.values()].some(({ revokedSeq }) => (revokedSeq ?? -1) > afterSeq);

const isConflict = (failure: PeerFailure): boolean =>
  failure.kind === "peer/refused" && failure.code === "LEDGER_CONFLICT";
