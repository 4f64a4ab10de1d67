import { beforeAll, describe, expect, test } from "vitest";
import type { Bytes } from "#base/bytes.ts";
import { concat } from "#base/bytes.ts";
import { type ConversationId, makeId, uuidToBytes } from "#protocol/ids.ts";
import {
  aConversation,
  accountsOf,
  actorOf,
  aSecondDevice,
  aSigner,
  anEndpoint,
  createWorld,
  type Endpoint,
  must,
  START,
  type World,
} from "../vectors/people.ts";
import { appendAccount } from "./account.ts";
import type { AccountOf, AccountState } from "./account-state.ts";
import { mayAuthor } from "./authority.ts";
import {
  addOf,
  appendConversation,
  type NewConversationOp,
  startConversation,
} from "./conversation.ts";
import {
  type ConversationOp,
  encodeConversationOp,
  parseConversationOp,
} from "./conversation-op.ts";
import { replayConversation } from "./conversation-replay.ts";
import {
  type ConversationState,
  isCardAccepted,
  isLowerCard,
  ledgerView,
  type Member,
  wasMember,
  roleAt,
} from "./conversation-state.ts";
import { type LedgerFields, peekLedgerEntry, signLedgerEntry } from "./entry.ts";

let world: World;
let owner: Endpoint;
let admin: Endpoint;
let member: Endpoint;
let agent: Endpoint;
let stranger: Endpoint;
let everyone: readonly Endpoint[];
let group: ConversationState;
let entries: readonly Bytes[];

beforeAll(async () => {
  world = await createWorld(3);
  owner = await anEndpoint(world, "human");
  admin = await anEndpoint(world, "human");
  member = await anEndpoint(world, "human");
  agent = await anEndpoint(world, "agent");
  stranger = await anEndpoint(world, "human");
  everyone = [owner, admin, member, agent, stranger];
  const made = await aConversation(world, "group", [owner, admin, member, agent]);
  const role = { type: "role", accountId: admin.accountId, role: "admin" } as const;
  const promoted = must(await say(owner, role, made.state));
  group = promoted.state;
  entries = [...made.entries, promoted.entry];
});

const say = (
  by: Endpoint,
  op: NewConversationOp,
  state = group,
  more: { accountOf?: AccountOf; notAfter?: number } = {},
) =>
  appendConversation(
    world.primitives,
    state,
    { actor: actorOf(by), op, createdAt: START, ...more },
    more.accountOf ?? accountsOf(everyone),
  );

const refused = (reason: string, seq = group.seq + 1) => ({
  ok: false,
  failure: { kind: "crypto/ledger-refused", reason, seq },
});

const replay = (bytes: readonly Bytes[], from?: ConversationState, accountOf?: AccountOf) =>
  replayConversation(
    world.primitives,
    group.conversationId,
    bytes,
    accountOf ?? accountsOf(everyone),
    from,
  );

const pointOf = ({ seq, head }: AccountState) => ({ seq, head });

async function forge(change: Partial<LedgerFields>, by = owner, state = group) {
  const last = peekLedgerEntry(world.primitives, entries.at(-1) ?? new Uint8Array());
  if (last === null) throw new Error("an entry");
  const fields = { ...last, seq: state.seq + 1, previousHash: state.head, ...change };
  return signLedgerEntry(world.primitives, fields, by.signer);
}

describe("a conversation's ledger", () => {
  test("[C21] replayed by anyone, in pieces or whole, gives the same state", async () => {
    const whole = must(await replay(entries));
    expect(whole).toEqual(group);
    const pieces = entries.map((entry) => [entry]);
    let state: ConversationState | undefined;
    for (const piece of pieces) state = must(await replay(piece, state));
    expect(state).toEqual(group);
    expect([...group.members].map(([id, { role }]) => [id, role])).toEqual([
      [owner.accountId, "owner"],
      [admin.accountId, "admin"],
      [member.accountId, "member"],
      [agent.accountId, "member"],
    ]);
    expect(await replay([])).toMatchObject({ failure: { reason: "malformed" } });
  });

  test("[C21] refuses every byte that is changed and keeps its state", async () => {
    const last = entries.at(-1) ?? new Uint8Array();
    const before = must(await replay(entries.slice(0, -1)));
    const copy = structuredClone(before);
    for (let at = 0; at < last.length; at++) {
      const bad = last.map((byte, i) => (i === at ? byte ^ 0x80 : byte));
      expect((await replay([bad], before)).ok, `byte ${at}`).toBe(false);
    }
    expect(before).toEqual(copy);
  });

  test("[C21] refuses what is not its next entry", async () => {
    expect(await replay(entries.slice(-1), group)).toEqual(refused("repeated", group.seq));
    expect(await replay([await forge({ seq: 99 })], group)).toEqual(refused("broken-chain", 99));
    const elsewhere = await forge({ scopeId: world.random(16) });
    expect(await replay([elsewhere], group)).toEqual(refused("scope"));
    const account = await forge({ scope: "account" });
    expect(await replay([account], group)).toEqual(refused("scope"));
    expect(await replay([new Uint8Array(9)], group)).toMatchObject({
      failure: { reason: "malformed", seq: null },
    });
    expect(await replay([await forge({ opCode: 99 })], group)).toEqual(refused("malformed"));
  });

  test("[C22] finds a fork, and only where the rival's author signed", async () => {
    const previous = { ...group, seq: group.seq - 1, head: group.heads.at(-2) ?? group.head };
    const rival = await forge({ createdAt: START + 5 }, owner, previous);
    const fork = { ok: false, failure: { kind: "crypto/ledger-fork", seq: group.seq } };
    expect(await replay([rival], group)).toEqual(fork);
    const unsigned = concat(rival.slice(0, -64), new Uint8Array(64));
    expect(await replay([unsigned], group)).toEqual(refused("signature", group.seq));
    expect(await replay([rival], group, () => undefined)).toEqual(refused("signature", group.seq));
  });

  test("[C21] asks for the account ledgers it is judged by", async () => {
    const needed = (accountId: string, seq: number) => ({
      ok: false,
      failure: { kind: "crypto/account-needed", accountId, seq },
    });
    expect(await replay(entries, undefined, () => undefined)).toEqual(needed(owner.accountId, 0));
    const first = must(await replay(entries.slice(0, 2)));
    const onlyOwner = accountsOf([owner]);
    expect(await replay(entries.slice(2), first, onlyOwner)).toEqual(needed(admin.accountId, 1));
    const young: AccountOf = (id) => {
      const account = accountsOf(everyone)(id);
      return account && { ...account, heads: account.heads.slice(0, 1), seq: 0 };
    };
    expect(await replay(entries.slice(2), first, young)).toEqual(needed(owner.accountId, 1));
    const twin: AccountOf = (id) => {
      const account = accountsOf(everyone)(id);
      return account && { ...account, heads: account.heads.map(() => new Uint8Array(32)) };
    };
    expect(await replay(entries.slice(2), first, twin)).toEqual(refused("account-head", 2));
  });

  test("[C21] starts with its owner, by one device that counts", async () => {
    const conversationId = makeId<ConversationId>(START, world.random);
    const start = (actor: object, account = owner.account) =>
      startConversation(world.primitives, {
        conversationId,
        type: "group",
        actor: { ...actorOf(owner), ...actor },
        account,
        createdAt: START,
      });
    expect(await start({ deviceId: admin.deviceId })).toEqual(refused("device", 0));
    expect(await start({ signer: admin.signer })).toEqual(refused("signature", 0));
    expect((await start({}, admin.account)).ok).toBe(false);
    const second = await aSecondDevice(world, owner);
    const revoked = must(
      await appendAccount(world.primitives, second.account, {
        actorDeviceId: second.deviceId,
        signer: second.signer,
        op: { type: "device-revoke", deviceId: owner.deviceId },
        createdAt: START,
      }),
    ).state;
    expect(await start({}, revoked)).toEqual(refused("device", 1));

    const created = must(await replay(entries.slice(0, 1)));
    const add = addOf(owner.account, "owner");
    const bad: readonly (readonly [Endpoint, NewConversationOp])[] = [
      [owner, { ...add, role: "admin" }],
      [owner, addOf(admin.account, "owner")],
      [admin, add],
      [second, add],
      [owner, { type: "close", accountId: owner.accountId }],
    ];
    for (const [by, op] of bad) {
      expect(await say(by, op, created)).toEqual(refused("authority", 1));
    }
    const wrongSigner = { ...owner, signer: admin.signer };
    expect(await say(wrongSigner, add, created)).toEqual(refused("signature", 1));
    const notCreate = await forge({ seq: 0, previousHash: new Uint8Array(32) });
    expect(await replay([notCreate])).toEqual(refused("content", 0));
    const forAnother = {
      type: "create",
      accountId: admin.accountId,
      conversation: "group",
    } as const;
    const createForAnother = await forge({
      ...encodeConversationOp(forAnother),
      seq: 0,
      previousHash: new Uint8Array(32),
    });
    expect(await replay([createForAnother])).toEqual(refused("content", 0));
    const byAgent = await start({ ...actorOf(agent), accountId: agent.accountId }, agent.account);
    expect(byAgent.ok).toBe(true);
    const again = { type: "create", accountId: owner.accountId, conversation: "h2h" } as const;
    const createAgain = await forge(encodeConversationOp(again));
    expect(await replay([createAgain], group)).toEqual(refused("authority"));
  });
});

describe("authority in a conversation", () => {
  test("[C21] is as the table says for each op and each role", () => {
    const someone = { kind: "human" } as Member;
    const as = (role: Member["role"], kind: Member["kind"] = "human") => ({
      ...someone,
      role,
      kind,
    });
    const may = (role: Member["role"], op: ConversationOp, kind?: Member["kind"]) =>
      mayAuthor(group, member.accountId, as(role, kind), op);
    const rows = (op: ConversationOp) =>
      (["member", "admin", "owner"] as const).map((role) => may(role, op));
    const self = member.accountId;
    const other = stranger.accountId;
    const add = addOf(stranger.account, "member");
    const account = pointOf(owner.account);
    const grantId = new Uint8Array(16);
    const table: readonly (readonly [ConversationOp, readonly boolean[]])[] = [
      [{ type: "create", accountId: self, conversation: "group" }, [false, false, false]],
      [add, [false, true, true]],
      [{ ...add, role: "admin" }, [false, false, true]],
      [{ ...add, role: "owner" }, [false, false, false]],
      [{ type: "remove", accountId: self }, [true, true, true]],
      [{ type: "remove", accountId: admin.accountId }, [false, true, true]],
      [{ type: "remove", accountId: owner.accountId }, [false, false, false]],
      [{ type: "role", accountId: other, role: "admin" }, [false, false, true]],
      [{ type: "role", accountId: self, role: "admin" }, [false, false, false]],
      [{ type: "close", accountId: self }, [false, false, true]],
      [{ type: "close", accountId: other }, [false, false, false]],
      [{ type: "device-add", accountId: self, account }, [true, true, true]],
      [{ type: "device-revoke", accountId: other, account }, [false, false, false]],
      [{ type: "mode", accountId: other, account }, [false, false, false]],
      [{ type: "accept-card", accountId: other, account }, [true, true, true]],
      [
        { type: "standing-grant", accountId: agent.accountId, grantId, scopeHash: grantId },
        [true, true, true],
      ],
      [
        { type: "standing-grant", accountId: other, grantId, scopeHash: grantId },
        [false, false, false],
      ],
      [{ type: "revoke", accountId: agent.accountId, grantId }, [false, false, false]],
    ];
    for (const [op, expected] of table) expect(rows(op), op.type).toEqual(expected);
    const accept = { type: "accept-card", accountId: other, account } as const;
    expect([may("member", accept, "agent"), may("owner", accept, "agent")]).toEqual([false, true]);
    const grant = table[15]?.[0];
    expect(grant && may("member", grant, "agent")).toBe(false);
  });

  test("[C23] is of members only", async () => {
    const op = { type: "remove", accountId: stranger.accountId } as const;
    expect(await say(stranger, op)).toEqual(refused("authority"));
    expect(await say(owner, op)).toEqual(refused("content"));
    const wrongKey = { ...admin, signer: member.signer };
    expect(await say(wrongKey, addOf(stranger.account, "member"))).toEqual(refused("signature"));
    const wrongDevice = { ...admin, deviceId: member.deviceId };
    expect(await say(wrongDevice, addOf(stranger.account, "member"))).toEqual(refused("device"));
    const byIdentity = await forge({ actorDeviceId: null });
    expect(await replay([byIdentity], group)).toEqual(refused("device"));
  });
});

describe("members", () => {
  test("[C23] count from their entry on until their removal", async () => {
    const joined = must(await say(admin, addOf(stranger.account, "member"))).state;
    const left = must(
      await say(stranger, { type: "remove", accountId: stranger.accountId }, joined),
    ).state;
    const at = (seq: number) => wasMember(left, stranger.accountId, seq);
    expect([at(group.seq), at(joined.seq), at(left.seq)]).toEqual([false, true, false]);
    expect(left.removed).toEqual(new Map([[stranger.accountId, left.seq]]));
    const back = must(await say(owner, addOf(stranger.account, "member"), left)).state;
    expect(back.removed.size).toBe(0);
    expect(back.terms.filter(({ accountId }) => accountId === stranger.accountId).length).toBe(2);
    const view = ledgerView(back);
    expect(view.headAt(2)).toEqual(group.heads[2]);
    expect(view.headAt(99)).toBe(undefined);
    expect(view.isMember(stranger.accountId, left.seq)).toBe(false);
  });

  test("[C21] are added once, as who their account says they are", async () => {
    const add = addOf(stranger.account, "member");
    expect(await say(owner, addOf(member.account, "member"))).toEqual(refused("content"));
    expect(await say(owner, { ...add, kind: "agent" })).toEqual(refused("content"));
    const foreign = { ...add, identityKey: member.account.identityKey };
    expect(await say(owner, foreign)).toEqual(refused("content"));
    const unknown = { ...add, account: { ...add.account, head: new Uint8Array(32) } };
    expect(await say(owner, unknown)).toEqual(refused("account-head"));
  });

  test("[C21] [C43] are as many and of the kinds that the conversation's type allows", async () => {
    const pair = await aConversation(world, "h2h", [owner, admin]);
    const third = addOf(member.account, "member");
    expect(await say(owner, third, pair.state)).toEqual(refused("too-many", 3));
    const alone = await aConversation(world, "h2h", [owner]);
    const program = addOf(agent.account, "member");
    expect(await say(owner, program, alone.state)).toEqual(refused("content", 2));
    const withAgent = await aConversation(world, "h2a", [owner]);
    expect(await say(owner, third, withAgent.state)).toEqual(refused("content", 2));
    expect((await say(owner, program, withAgent.state)).ok).toBe(true);
    const one = group.members.get(owner.accountId);
    const groupOf = (count: number) => {
      const crowd = Array.from(
        { length: count - group.members.size },
        () => [makeId(START, world.random), one] as const,
      );
      return { ...group, members: new Map([...crowd, ...group.members]) as typeof group.members };
    };
    const another = addOf(stranger.account, "member");
    expect(await say(owner, another, groupOf(64))).toEqual(refused("too-many"));
    expect(must(await say(owner, another, groupOf(63))).state.members.size).toBe(64);
  });

  test("[C21] hand the conversation over by making someone else the owner", async () => {
    const op = { type: "role", accountId: admin.accountId, role: "owner" } as const;
    const { state } = must(await say(owner, op));
    expect(state.ownerId).toBe(admin.accountId);
    expect(state.members.get(owner.accountId)?.role).toBe("admin");
    const closing = { type: "close", accountId: owner.accountId } as const;
    expect(await say(owner, closing, state)).toEqual(refused("authority", state.seq + 1));
    const missing = { type: "role", accountId: stranger.accountId, role: "admin" } as const;
    expect(await say(owner, missing)).toEqual(refused("content"));
  });

  test("[C62] tell the role that somebody had at each place, and none where they were no member", async () => {
    const demoted = must(
      await say(owner, { type: "role", accountId: admin.accountId, role: "member" }),
    ).state;
    const handed = must(
      await say(owner, { type: "role", accountId: member.accountId, role: "owner" }, demoted),
    ).state;
    const { state } = must(
      await say(member, { type: "remove", accountId: admin.accountId }, handed),
    );
    const rolesOf = ({ accountId }: Endpoint) =>
      state.heads.map((_head, seq) => roleAt(state, accountId, seq));

    expect(rolesOf(owner).slice(-4)).toEqual(["owner", "owner", "admin", "admin"]);
    expect(rolesOf(admin)).toEqual([
      null,
      null,
      "member",
      "member",
      "member",
      "admin",
      "member",
      "member",
      null,
    ]);
    expect(rolesOf(member).slice(-3)).toEqual(["member", "owner", "owner"]);
    expect(rolesOf(stranger).every((role) => role === null)).toBe(true);
  });

  test("[C21] say nothing more once the conversation is closed", async () => {
    const { state } = must(await say(owner, { type: "close", accountId: owner.accountId }));
    expect(state.isClosed).toBe(true);
    const leave = { type: "remove", accountId: member.accountId } as const;
    expect(await say(member, leave, state)).toEqual(refused("closed", state.seq + 1));
  });
});

describe("a member's account", () => {
  test("[C21] [C23] moves on by an entry of that account, also from a device it just added", async () => {
    const second = await aSecondDevice(world, member);
    const accountOf = accountsOf([...everyone, second]);
    const account = pointOf(second.account);
    const op = { type: "device-add", accountId: member.accountId, account } as const;
    const { state } = must(await say(second, op, group, { accountOf }));
    expect(state.members.get(member.accountId)).toMatchObject({ accountSeq: 2 });
    const leave = { type: "remove", accountId: member.accountId } as const;
    expect(await say(second, leave, group, { accountOf })).toEqual(refused("device"));
    expect((await say(second, leave, state, { accountOf })).ok).toBe(true);

    const revocation = must(
      await appendAccount(world.primitives, second.account, {
        actorDeviceId: second.deviceId,
        signer: second.signer,
        op: { type: "device-revoke", deviceId: member.deviceId },
        createdAt: START,
      }),
    ).state;
    const after: AccountOf = (id) => (id === member.accountId ? revocation : accountOf(id));
    const revoke = { ...op, type: "device-revoke", account: pointOf(revocation) } as const;
    expect(await say(member, revoke, state, { accountOf: after })).toEqual(
      refused("device", state.seq + 1),
    );
    const revoked = must(await say(second, revoke, state, { accountOf: after })).state;
    expect(await say(member, leave, revoked, { accountOf: after })).toEqual(
      refused("device", revoked.seq + 1),
    );
    const stale = await say(member, op, revoked, { accountOf: after });
    expect(stale).toEqual(refused("content", revoked.seq + 1));
  });

  test("[C24] with a lower card needs a person's signed consent to that card", async () => {
    const lower = must(
      await appendAccount(world.primitives, agent.account, {
        actorDeviceId: agent.deviceId,
        signer: agent.signer,
        op: {
          type: "card",
          mode: "envelope",
          suiteFloor: 1,
          bootstrapKey: null,
          manifestHash: null,
        },
        createdAt: START,
      }),
    ).state;
    const account = pointOf(lower);
    const { accountId } = agent;
    const consent = { type: "accept-card", accountId, account } as const;
    const { state } = must(await say(member, consent));

    expect(isLowerCard(agent.account, lower)).toBe(true);
    expect(isLowerCard(agent.account, { ...agent.account, suiteFloor: 2 })).toBe(false);
    expect(isLowerCard({ ...agent.account, suiteFloor: 2 }, agent.account)).toBe(true);
    expect(isCardAccepted(state, member.accountId, accountId, account)).toBe(true);
    expect(isCardAccepted(state, admin.accountId, accountId, account)).toBe(false);
    const other = { ...account, head: new Uint8Array(32) };
    expect(isCardAccepted(state, member.accountId, accountId, other)).toBe(false);
    const byOwner = must(await say(owner, consent)).state;
    expect(isCardAccepted(byOwner, admin.accountId, accountId, account)).toBe(true);
    expect(isCardAccepted(byOwner, admin.accountId, owner.accountId, account)).toBe(false);
    expect(isCardAccepted(byOwner, admin.accountId, accountId, { ...account, seq: 9 })).toBe(false);
    expect(await say(agent, consent)).toEqual(refused("authority"));

    const accountOf: AccountOf = (id) => (id === accountId ? lower : accountsOf(everyone)(id));
    const mode = { type: "mode", accountId, account } as const;
    const moved = must(await say(agent, mode, group, { accountOf })).state;
    expect(moved.members.get(accountId)).toMatchObject({ accountSeq: 1 });
  });

  test("[C21] with a new identity key speaks under it from then on", async () => {
    const next = aSigner(world);
    const rotated = must(
      await appendAccount(world.primitives, agent.account, {
        actorDeviceId: agent.deviceId,
        signer: agent.identity,
        op: { type: "rotate-ik", identity: next },
        createdAt: START,
      }),
    ).state;
    const accountOf: AccountOf = (id) =>
      id === agent.accountId ? rotated : accountsOf(everyone)(id);
    const renewed = { ...agent, signer: next };
    const mode = { type: "mode", accountId: agent.accountId, account: pointOf(rotated) } as const;
    const leave = { type: "remove", accountId: agent.accountId } as const;
    expect(await say(renewed, leave, group, { accountOf })).toEqual(refused("signature"));
    const { state } = must(await say(renewed, mode, group, { accountOf }));
    expect(state.members.get(agent.accountId)?.identityKey).toEqual(next.publicKey);
    expect((await say(renewed, leave, state, { accountOf })).ok).toBe(true);
  });
});

describe("standing grants", () => {
  test("[C21] are a person's, end, and are taken back by that person only", async () => {
    const { accountId } = agent;
    const grantId = world.random(16);
    const scopeHash = world.random(32);
    const grant = { type: "standing-grant", accountId, grantId, scopeHash } as const;
    expect(await say(member, grant)).toEqual(refused("content"));
    const notAfter = START + 1000;
    const { state } = must(await say(member, grant, group, { notAfter }));
    const held = { by: member.accountId, agentId: accountId, grantId, scopeHash, notAfter };
    expect(state.grants).toEqual([held]);
    const next = state.seq + 1;
    expect(await say(admin, grant, state, { notAfter })).toEqual(refused("content", next));
    const revoke = { type: "revoke", accountId, grantId } as const;
    expect(await say(admin, revoke, state)).toEqual(refused("authority", next));
    const ofAnother = { ...revoke, accountId: admin.accountId };
    expect(await say(member, ofAnother, state)).toEqual(refused("authority", next));
    expect(must(await say(member, revoke, state)).state.grants).toEqual([]);
    const gone = must(await say(owner, { type: "remove", accountId }, state)).state;
    expect(gone.grants).toEqual([]);
  });
});

describe("ops of a conversation", () => {
  test("[C2] read back as written and are refused in any other width or value", () => {
    const accountId = member.accountId;
    const account = pointOf(member.account);
    const id = new Uint8Array(16);
    const scopeHash = new Uint8Array(32);
    const ops: readonly ConversationOp[] = [
      { type: "create", accountId, conversation: "h2a" },
      addOf(member.account, "admin"),
      { type: "remove", accountId },
      { type: "role", accountId, role: "owner" },
      { type: "device-add", accountId, account },
      { type: "device-revoke", accountId, account },
      { type: "mode", accountId, account },
      { type: "accept-card", accountId, account },
      { type: "close", accountId },
      { type: "standing-grant", accountId, grantId: id, scopeHash },
      { type: "revoke", accountId, grantId: id },
    ];
    for (const op of ops) {
      const fields = encodeConversationOp(op) as LedgerFields;
      expect(fields.subject).toEqual(uuidToBytes(accountId));
      expect(parseConversationOp(fields)).toEqual(op);
      const { data } = fields;
      const longer = concat(data, new Uint8Array(1));
      expect(parseConversationOp({ ...fields, data: longer }), op.type).toBe(null);
      if (data.length === 0) continue;
      expect(parseConversationOp({ ...fields, data: data.slice(1) }), op.type).toBe(null);
    }
    const [create, add, , role, point, , , policy] = ops.map(encodeConversationOp);
    const zeroed = [create, add, role, policy].map(
      (fields) =>
        fields &&
        parseConversationOp({
          ...(fields as LedgerFields),
          data: new Uint8Array(fields.data.length),
        }),
    );
    expect(zeroed).toEqual([null, null, null, null]);
    const late = { ...(point as LedgerFields), data: new Uint8Array(40).fill(255) };
    expect(parseConversationOp(late)).toBe(null);
    const badKind = (add?.data ?? id).map((byte, i) => (i === 1 ? 9 : byte));
    expect(parseConversationOp({ ...(add as LedgerFields), data: badKind })).toBe(null);
    const badSeq = (add?.data ?? id).map((byte, i) => (i === 34 ? 255 : byte));
    expect(parseConversationOp({ ...(add as LedgerFields), data: badSeq })).toBe(null);
  });
});

describe("who may add people", () => {
  const policy = (membersMayAdd: boolean) =>
    ({ type: "invite-policy", accountId: owner.accountId, membersMayAdd }) as const;
  const adding = (by: Endpoint, state: ConversationState) =>
    say(by, addOf(stranger.account, "member"), state);

  test("[C21] members who are people add others once owner or admin said so, and not after it was taken back", async () => {
    const open = must(await say(admin, policy(true))).state;
    const shut = must(await say(owner, policy(false), open)).state;

    expect((await adding(member, group)).ok).toBe(false);
    expect(must(await adding(member, open)).state.members.get(stranger.accountId)?.role).toBe(
      "member",
    );
    expect((await adding(agent, open)).ok).toBe(false);
    expect((await say(member, addOf(stranger.account, "admin"), open)).ok).toBe(false);
    expect((await adding(member, shut)).ok).toBe(false);
  });

  test("[C21] a member does not write the rule, and no other byte is one", async () => {
    const fields = encodeConversationOp(policy(true));
    const last = peekLedgerEntry(world.primitives, entries.at(-1) ?? new Uint8Array());

    expect(await say(member, policy(true))).toEqual(refused("authority"));
    const { state: pair } = await aConversation(world, "h2h", [owner, admin]);
    const ofPair = { ...policy(true), accountId: owner.accountId };
    expect(await say(owner, ofPair, pair)).toEqual(refused("authority", pair.seq + 1));
    expect(last && parseConversationOp({ ...last, ...fields })).toEqual(policy(true));
    expect(
      last && parseConversationOp({ ...last, ...fields, data: new Uint8Array([2]) }),
    ).toBeNull();
    expect(last && parseConversationOp({ ...last, ...fields, data: new Uint8Array() })).toBeNull();
  });
});
