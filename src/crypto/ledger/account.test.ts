import { beforeAll, describe, expect, test } from "vitest";
import type { Bytes } from "#base/bytes.ts";
import { concat } from "#base/bytes.ts";
import { type AccountId, type DeviceId, makeId } from "#protocol/ids.ts";
import type { Signer } from "../identity.ts";
import {
  aSecondDevice,
  aSigner,
  anEndpoint,
  createWorld,
  type Endpoint,
  must,
  START,
  type World,
} from "../vectors/people.ts";
import { appendAccount, type NewAccountOp, startAccount } from "./account.ts";
import { replayAccount } from "./account-replay.ts";
import {
  type AccountState,
  agentDeviceId,
  currentDeviceKey,
  currentDevices,
  deviceKeyAt,
  identityKeyAt,
} from "./account-state.ts";
import {
  encodeLedgerRecord,
  type LedgerFields,
  peekLedgerEntry,
  signLedgerEntry,
} from "./entry.ts";
import { findFork } from "./fork.ts";

let world: World;
let human: Endpoint;
let agent: Endpoint;

beforeAll(async () => {
  world = await createWorld(2);
  human = await anEndpoint(world, "human");
  agent = await anEndpoint(world, "agent");
});

const append = (
  state: AccountState,
  actorDeviceId: DeviceId | null,
  signer: Signer,
  op: NewAccountOp,
) => appendAccount(world.primitives, state, { actorDeviceId, signer, op, createdAt: START + 1 });

const refused = (reason: string, seq: number | null) => ({
  ok: false,
  failure: { kind: "crypto/ledger-refused", reason, seq },
});

/** An entry of any content, signed by whoever: what a hostile relay with a stolen key could send. */
async function forge(state: AccountState, signer: Signer, change: Partial<LedgerFields>) {
  const last = peekLedgerEntry(world.primitives, human.entries.at(-1) ?? new Uint8Array());
  if (last === null) throw new Error("an entry");
  const fields = { ...last, seq: state.seq + 1, previousHash: state.head, ...change };
  return signLedgerEntry(world.primitives, fields, signer);
}

const replay = (entries: readonly Bytes[], from?: AccountState, id = human.accountId) =>
  replayAccount(world.primitives, id, entries, from);

const deviceAdd = (signer: Signer): Extract<NewAccountOp, { type: "device-add" }> => ({
  type: "device-add",
  deviceId: makeId<DeviceId>(START, world.random),
  signingKey: signer.publicKey,
});

describe("an account's ledger", () => {
  test("[C21] replayed by anyone gives the same state", async () => {
    const replayed = must(await replay(human.entries));
    expect(replayed).toEqual(human.account);
    expect(replayed).toMatchObject({ kind: "human", seq: 1, mode: "session", suiteFloor: 1 });
    expect(currentDevices(replayed)).toEqual([human.deviceId]);
    const [first, ...rest] = human.entries;
    const half = must(await replay([first ?? new Uint8Array()]));
    expect(must(await replay(rest, half))).toEqual(replayed);
    expect(half.seq).toBe(0);
    expect(await replay([])).toEqual(refused("malformed", null));
  });

  test("[C21] of an agent has the agent as its one device", async () => {
    const replayed = must(await replay(agent.entries, undefined, agent.accountId));
    expect(replayed.kind).toBe("agent");
    expect(currentDeviceKey(replayed, agentDeviceId(agent.accountId))).toEqual(
      agent.identity.publicKey,
    );
    const op = deviceAdd(aSigner(world));
    const added = await append(replayed, agent.deviceId, agent.identity, op);
    expect(added).toEqual(refused("authority", 1));
    const revoke = { type: "device-revoke", deviceId: agent.deviceId } as const;
    const revoked = await append(replayed, agent.deviceId, agent.identity, revoke);
    expect(revoked).toEqual(refused("authority", 1));
    expect(await append(replayed, null, agent.identity, op)).toEqual(refused("authority", 1));
    const backup = { type: "backup", version: 1, hash: new Uint8Array(32) } as const;
    for (const deviceId of [null, human.deviceId])
      expect(await append(replayed, deviceId, agent.identity, backup)).toEqual(
        refused("authority", 1),
      );
  });

  test("[C21] refuses every byte that is changed", async () => {
    const [card = new Uint8Array(), second = new Uint8Array()] = human.entries;
    const start = must(await replay([card]));
    for (let at = 0; at < second.length; at++) {
      const bad = second.map((byte, i) => (i === at ? byte ^ 1 : byte));
      expect((await replay([bad], start)).ok, `byte ${at}`).toBe(false);
    }
    for (let at = 0; at < card.length; at++) {
      const bad = card.map((byte, i) => (i === at ? byte ^ 1 : byte));
      expect((await replay([bad])).ok, `byte ${at}`).toBe(false);
    }
  });

  test("[C21] refuses a broken chain, a repeat, an expired or oversized entry", async () => {
    const { account, identity } = human;
    const entry = await forge(account, identity, { seq: 3 });
    expect(await replay([entry], account)).toEqual(refused("broken-chain", 3));
    const loose = await forge(account, identity, { previousHash: new Uint8Array(32) });
    expect(await replay([loose], account)).toEqual(refused("broken-chain", 2));
    expect(await replay(human.entries.slice(1), account)).toEqual(refused("repeated", 1));
    const expired = await forge(account, identity, { notAfter: START - 1 });
    expect(await replay([expired], account)).toEqual(refused("expired", 2));
    expect(await replay([new Uint8Array(2049)], account)).toEqual(refused("malformed", null));
    const long = { ...account, seq: 9999, heads: [] };
    const last = await forge(long, identity, {});
    expect(await replay([last], long)).toEqual(refused("too-many", 10_000));
    const foreign = await forge(account, identity, { scopeId: world.random(16) });
    expect(await replay([foreign], account)).toEqual(refused("scope", 2));
    const byOther = await forge(account, identity, { actorId: agent.accountId });
    expect(await replay([byOther], account)).toEqual(refused("scope", 2));
    const conversation = await forge(account, identity, { scope: "conversation" });
    expect(await replay([conversation], account)).toEqual(refused("scope", 2));
  });

  test("[C2] refuses unknown ops, widths and values", async () => {
    const { account, identity } = human;
    const entry = async (opCode: number, data: Bytes, subject?: Bytes) =>
      replay(
        [
          await forge(account, identity, {
            opCode,
            data,
            subject: subject ?? account.head.slice(16),
          }),
        ],
        account,
      );
    const own = human.entries[0]?.slice(4 + 14 + 5 + 4, 4 + 14 + 5 + 4 + 16);
    const card = new Uint8Array(118);
    card[32] = 1;
    card[33] = 1;
    const bad = [
      await entry(0, new Uint8Array()),
      await entry(6, new Uint8Array(), own),
      await entry(2, new Uint8Array(31)),
      await entry(3, new Uint8Array(1)),
      await entry(1, card),
      await entry(1, card.slice(1), own),
      await entry(
        1,
        card.map((byte, i) => (i === 32 ? 3 : byte)),
        own,
      ),
      await entry(
        1,
        card.map((byte, i) => (i === 33 ? 3 : byte)),
        own,
      ),
      await entry(
        1,
        card.map((byte, i) => (i === 117 ? 80 : byte)),
        own,
      ),
      await entry(4, new Uint8Array(32), own),
      await entry(5, new Uint8Array(39), own),
      await entry(5, new Uint8Array(40).fill(255), own),
    ];
    expect(bad.map((result) => result)).toEqual(bad.map(() => refused("malformed", 2)));
  });

  test("[C22] names a rival entry signed by its author a fork, and only that", async () => {
    const { account, identity } = human;
    const [card = new Uint8Array()] = human.entries;
    const rival = await forge({ ...account, seq: 0, head: account.heads[0] ?? card }, identity, {
      createdAt: START + 9,
    });
    expect(await replay([rival], account)).toEqual({
      ok: false,
      failure: { kind: "crypto/ledger-fork", seq: 1 },
    });
    const forged = concat(rival.slice(0, -64), new Uint8Array(64));
    expect(await replay([forged], account)).toEqual(refused("signature", 1));
    const proof = findFork(world.primitives, human.entries, [card, rival]);
    expect(proof).toMatchObject({
      scope: "account",
      seq: 1,
      first: human.entries[1],
      second: rival,
    });
    expect(findFork(world.primitives, human.entries, human.entries)).toBe(null);
    const junk = new Uint8Array(3);
    expect(findFork(world.primitives, [junk, ...human.entries], [junk, ...agent.entries])).toBe(
      null,
    );
    const namesake = await forge({ ...account, seq: 0, head: account.heads[0] ?? card }, identity, {
      scope: "conversation",
    });
    expect(findFork(world.primitives, human.entries, [namesake])).toBe(null);
    expect(await replay(human.entries.slice(1), account)).toEqual(refused("repeated", 1));
    const early = await forge({ ...account, seq: -1, head: new Uint8Array(32) }, identity, {});
    const both = findFork(world.primitives, human.entries, [rival, early, rival]);
    expect(both?.seq).toBe(0);
  });
});

describe("devices of an account", () => {
  test("[C21] are added by the identity key alone", async () => {
    const { account, identity, signer, deviceId } = human;
    const op = deviceAdd(aSigner(world));
    const added = must(await append(account, null, identity, op)).state;
    expect(currentDevices(added)).toEqual([deviceId, op.deviceId]);
    expect(account.devices.size).toBe(1);
    expect(await append(account, null, signer, op)).toEqual(refused("signature", 2));
    expect(await append(account, deviceId, signer, op)).toEqual(refused("authority", 2));
    expect(await append(added, null, identity, op)).toEqual(refused("content", 3));
  });

  test("[C13] are refused with a key that no verifier may accept", async () => {
    const identityPoint = new Uint8Array(32);
    identityPoint[0] = 1;
    const op = { ...deviceAdd(aSigner(world)), signingKey: identityPoint };
    expect(await append(human.account, null, human.identity, op)).toEqual(refused("key", 2));
    const weak = { ...aSigner(world), publicKey: identityPoint };
    const rotate = { type: "rotate-ik", identity: weak } as const;
    expect(await append(human.account, null, human.identity, rotate)).toEqual(refused("key", 2));
    const start = startAccount(world.primitives, {
      accountId: makeId<AccountId>(START, world.random),
      kind: "human",
      identity: weak,
      mode: "session",
      suiteFloor: 1,
      bootstrapKey: null,
      createdAt: START,
    });
    await expect(start).rejects.toThrow("valid card");
  });

  test("[C21] [C23] are revoked by any that counts, once, and count no more", async () => {
    const { deviceId, signer } = human;
    const laptop = await aSecondDevice(world, human);
    const op = { type: "device-revoke", deviceId } as const;
    const { state } = must(await append(laptop.account, laptop.deviceId, laptop.signer, op));
    expect(currentDeviceKey(state, deviceId)).toBe(null);
    expect(currentDevices(state)).toEqual([laptop.deviceId]);
    expect(deviceKeyAt(state, deviceId, 2)).toEqual(signer.publicKey);
    expect(deviceKeyAt(state, deviceId, 3)).toBe(null);
    expect(deviceKeyAt(state, laptop.deviceId, 1)).toBe(null);
    expect(deviceKeyAt(state, agent.deviceId, 3)).toBe(null);
    expect(await append(state, deviceId, signer, op)).toEqual(refused("authority", 4));
    expect(await append(state, laptop.deviceId, laptop.signer, op)).toEqual(refused("content", 4));
    expect(await append(state, null, human.identity, op)).toEqual(refused("authority", 4));
    const backup = { type: "backup", version: 1, hash: new Uint8Array(32) } as const;
    expect(await append(state, deviceId, signer, backup)).toEqual(refused("authority", 4));
  });

  test("[C21] set a backup's version, upwards only", async () => {
    const { account, deviceId, signer } = human;
    const hash = world.random(32);
    const { state } = must(
      await append(account, deviceId, signer, { type: "backup", version: 4, hash }),
    );
    expect(state.backup).toEqual({ version: 4, hash });
    const again = await append(state, deviceId, signer, { type: "backup", version: 4, hash });
    expect(again).toEqual(refused("content", 3));
    const agents = must(
      await append(agent.account, agent.deviceId, agent.signer, {
        type: "backup",
        version: 0,
        hash,
      }),
    );
    expect(agents.state.backup?.version).toBe(0);
  });
});

describe("an identity key", () => {
  test("[C21] is rotated by the old and the new one together", async () => {
    const next = aSigner(world);
    const op = { type: "rotate-ik", identity: next } as const;
    const { state, entry } = must(await append(human.account, null, human.identity, op));
    expect(state.identityKey).toEqual(next.publicKey);
    expect(identityKeyAt(state, 1)).toEqual(human.identity.publicKey);
    expect(must(await replay([entry], human.account))).toEqual(state);
    const lying = { ...op, identity: { ...aSigner(world), sign: next.sign } };
    expect(await append(human.account, null, human.identity, lying)).toEqual(
      refused("signature", 2),
    );
    const old = await append(state, null, human.identity, deviceAdd(aSigner(world)));
    expect(old).toEqual(refused("signature", 3));
  });

  test("[C21] of an agent is its device's key, each at its time", async () => {
    const next = aSigner(world);
    const op = { type: "rotate-ik", identity: next } as const;
    const { state } = must(await append(agent.account, agent.deviceId, agent.identity, op));
    expect(currentDeviceKey(state, agent.deviceId)).toEqual(next.publicKey);
    expect(deviceKeyAt(state, agent.deviceId, 0)).toEqual(agent.identity.publicKey);
    expect(deviceKeyAt(state, agent.deviceId, 1)).toEqual(next.publicKey);
  });
});

describe("a card", () => {
  const cardOp = {
    type: "card",
    mode: "envelope",
    suiteFloor: 2,
    bootstrapKey: null,
    manifestHash: null,
  } as const;

  const created = async (signer: Signer) =>
    startAccount(world.primitives, {
      accountId: makeId<AccountId>(START, world.random),
      kind: "agent",
      identity: aSigner(world),
      mode: "session",
      suiteFloor: 1,
      bootstrapKey: null,
      manifestHash: new Uint8Array(32).fill(7),
      creator: { accountId: human.accountId, deviceId: human.deviceId, signer },
      createdAt: START,
    });

  test("[C21] [C24] is changed only by its identity, never to another one", async () => {
    const { state } = must(await append(human.account, null, human.identity, cardOp));
    expect(state).toMatchObject({ mode: "envelope", suiteFloor: 2 });
    const stolen = { ...human.account, identityKey: aSigner(world).publicKey };
    const other = await append(stolen, null, human.identity, cardOp);
    expect(other).toEqual(refused("signature", 2));
    const { entry } = must(await append(human.account, null, human.identity, cardOp));
    const elsewhere = { ...human.account, creatorId: agent.accountId };
    expect(await replay([entry], elsewhere)).toEqual(refused("content", 2));
    const renamed = must(
      await append(human.account, null, human.identity, {
        type: "rotate-ik",
        identity: aSigner(world),
      }),
    ).state;
    const back = {
      ...renamed,
      seq: human.account.seq,
      head: human.account.head,
      heads: human.account.heads,
    };
    const signedByNew = { ...back, identityKey: human.account.identityKey };
    expect((await append(signedByNew, null, human.identity, cardOp)).ok).toBe(true);
    const mixed = await forgeCard(renamed.identityKey);
    expect(await replay([mixed], human.account)).toEqual(refused("content", 2));
  });

  /** The person's key signs a card that speaks of another key. */
  async function forgeCard(identityKey: Bytes) {
    const { entry } = must(await append(human.account, null, human.identity, cardOp));
    const fields = peekLedgerEntry(world.primitives, entry);
    if (fields === null) throw new Error("an entry");
    const data = concat(identityKey, fields.data.slice(32));
    return signLedgerEntry(world.primitives, { ...fields, data }, human.identity);
  }

  test("[C21] of an agent carries its creator's signature, checked where the creator is known", async () => {
    const { entry, state } = await created(human.signer);
    expect(state).toMatchObject({ creatorId: human.accountId, isCreatorProven: false });
    const by = (account?: AccountState) =>
      replayAccount(world.primitives, state.accountId, [entry], undefined, () => account);
    expect(must(await by(human.account)).isCreatorProven).toBe(true);
    expect(must(await by()).isCreatorProven).toBe(false);
    expect(await by(agent.account)).toEqual(refused("signature", 0));
    const forged = await created(aSigner(world));
    const replayed = await replayAccount(
      world.primitives,
      forged.state.accountId,
      [forged.entry],
      undefined,
      () => human.account,
    );
    expect(replayed).toEqual(refused("signature", 0));
  });

  test("[C21] comes first, from an identity, and with what its kind needs", async () => {
    const { entry } = await created(human.signer);
    const first = peekLedgerEntry(world.primitives, entry);
    const cardEntry = peekLedgerEntry(world.primitives, human.entries[0] ?? entry);
    if (first === null || cardEntry === null) throw new Error("entries");
    const id = first.actorId;
    const sign = (fields: LedgerFields, signer = aSigner(world)) =>
      signLedgerEntry(world.primitives, fields, signer);
    const start = async (fields: LedgerFields) => replay([await sign(fields)], undefined, id);

    expect(await replay(human.entries.slice(1))).toEqual(refused("broken-chain", 1));
    const device = { ...first, opCode: 2, data: new Uint8Array(32) };
    expect(await start(device)).toEqual(refused("content", 0));
    const byDevice = { ...first, actorDeviceId: human.deviceId };
    expect(await start(byDevice)).toEqual(refused("authority", 0));
    expect(await start({ ...first, actorDeviceId: null })).toEqual(refused("content", 0));
    expect(await start(first)).toEqual(refused("signature", 0));
    const bare = concat(first.data.slice(0, 114), new Uint8Array(4));
    expect(await start({ ...first, data: bare })).toEqual(refused("content", 0));
    const ownerless = concat(first.data.slice(0, 66), new Uint8Array(16), first.data.slice(82));
    expect((await start({ ...first, data: ownerless })).ok).toBe(false);
    expect(encodeLedgerRecord(first)).toEqual(first.record);
  });

  test("[C21] that changes later keeps its creator and a signature that holds", async () => {
    const { state } = await created(human.signer);
    const agentSigner = aSigner(world);
    const stateOfOurs = { ...state, identityKey: agentSigner.publicKey };
    const own = await append(stateOfOurs, agentDeviceId(state.accountId), agentSigner, {
      ...cardOp,
      mode: "session",
    });
    expect(must(own).state).toMatchObject({ creatorId: human.accountId, suiteFloor: 2 });
    const fields = peekLedgerEntry(world.primitives, must(own).entry);
    if (fields === null) throw new Error("an entry");
    const signature = concat(
      fields.data.slice(0, 114),
      new Uint8Array([0, 0, 0, 80]),
      world.random(80),
    );
    const wrong = await signLedgerEntry(
      world.primitives,
      { ...fields, data: signature },
      agentSigner,
    );
    const replayed = await replayAccount(
      world.primitives,
      state.accountId,
      [wrong],
      stateOfOurs,
      () => human.account,
    );
    expect(replayed).toEqual(refused("signature", 1));
    const creatorless = { ...stateOfOurs, creatorId: null };
    const noOne = concat(signature.slice(0, 66), new Uint8Array(16), signature.slice(82));
    const orphan = await signLedgerEntry(world.primitives, { ...fields, data: noOne }, agentSigner);
    const orphaned = await replayAccount(world.primitives, state.accountId, [orphan], creatorless);
    expect(orphaned).toEqual(refused("signature", 1));
  });
});
