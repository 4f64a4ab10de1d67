import { beforeAll, describe, expect, test } from "vitest";
import type { Bytes } from "#base/bytes.ts";
import { Secret } from "#base/secret.ts";
import type { UserId } from "#protocol/ids.ts";
import { encodeVouch, peekVouch, type Vouch } from "#protocol/vouch.ts";
import { makeSigner } from "./identity.ts";
import { LABEL } from "./labels.ts";
import { appendAccount, startAccount } from "./ledger/account.ts";
import type { AccountState } from "./ledger/account-state.ts";
import { signRecord } from "./signed-record.ts";
import * as cast from "./vectors/people.ts";
import { signVouch, verifyVouch } from "./vouch.ts";

const { must, START } = cast;
let world: cast.World;
let ann: cast.Endpoint;
let ben: cast.Endpoint;
let bot: cast.Endpoint;
let other: cast.Endpoint;
let word: Bytes;

beforeAll(async () => {
  world = await cast.createWorld(60);
  ann = await cast.anEndpoint(world, "human");
  ben = await cast.anEndpoint(world, "human");
  bot = await cast.anEndpoint(world, "agent");
  other = await cast.anEndpoint(world, "agent");
  word = await wordOf(ann, bot.account);
});

const wordOf = (creator: cast.Endpoint, agent: AccountState) =>
  signVouch(
    world.primitives,
    { creator: creator.account, deviceId: creator.deviceId, agent, createdAt: START },
    creator.signer,
  );
const verify = (bytes: Bytes, creator: AccountState, agent: AccountState) =>
  verifyVouch(world.primitives, bytes, { creator, agent });

const flipBit = (bytes: Bytes, at: number): Bytes =>
  bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));

/** The same account with a fresh identity key, signed by the old one. */
async function rotated(of: cast.Endpoint): Promise<AccountState> {
  const identity = makeSigner(world.primitives, new Secret(world.random(32)));
  const actorDeviceId = of.kind === "agent" ? of.deviceId : null;
  const op = { type: "rotate-ik", identity } as const;
  const change = { actorDeviceId, signer: of.identity, op, createdAt: START };
  return must(await appendAccount(world.primitives, of.account, change)).state;
}

describe("a creator's word for an agent", () => {
  test("[C60] holds for the agent and creator it names, and says so", async () => {
    expect(await verify(word, ann.account, bot.account)).toEqual({
      creatorId: ann.accountId,
      deviceId: ann.deviceId,
      creatorFingerprint: ann.fingerprint,
      agentId: bot.accountId,
      agentFingerprint: bot.fingerprint,
      beginning: bot.account.heads[0],
      createdAt: START,
    });
  });

  test("[C60] moved to another agent or another creator claims nothing", async () => {
    expect(await verify(word, ann.account, other.account)).toBeNull();
    expect(await verify(word, ben.account, bot.account)).toBeNull();
    expect(await verify(word, bot.account, bot.account)).toBeNull();
    expect(await verify(word, ann.account, ben.account)).toBeNull();
  });

  test("[C60] made over for another creator by who carries it claims nothing", async () => {
    const said = peekVouch(word) as Vouch;
    const toBen = { ...said, creatorId: ben.accountId as string as UserId, deviceId: ben.deviceId };
    const renamed = encodeVouch({ ...toBen, creatorFingerprint: ben.fingerprint });
    const moved = new Uint8Array([...renamed, ...word.slice(-64)]);

    expect(peekVouch(moved)?.creatorId).toBe(ben.accountId);
    expect(await verify(moved, ben.account, bot.account)).toBeNull();
  });

  test("[C60] ends with the agent's key, with the creator's key, and with the first card it names", async () => {
    const renewed = await rotated(bot);
    expect(await verify(word, ann.account, renewed)).toBeNull();
    expect(await verify(word, await rotated(ann), bot.account)).toBeNull();
    // The same id and key with another first card, as a relay that has the agent's key's word for it may show.
    const { state: restarted } = await startAccount(world.primitives, {
      accountId: bot.accountId,
      kind: "agent",
      identity: bot.identity,
      mode: "envelope",
      suiteFloor: 1,
      bootstrapKey: null,
      createdAt: START,
    });
    expect(await verify(word, ann.account, restarted)).toBeNull();

    const anew = await wordOf(ann, renewed);
    expect(await verify(anew, ann.account, renewed)).not.toBeNull();
    expect(await verify(anew, ann.account, bot.account)).toBeNull();
  });

  test("[C60] says nothing of an agent whose own card names somebody else", async () => {
    const { deviceId, signer } = ben;
    const identity = makeSigner(world.primitives, new Secret(world.random(32)));
    const { state: bens } = await startAccount(world.primitives, {
      accountId: other.accountId,
      kind: "agent",
      identity,
      mode: "session",
      suiteFloor: 1,
      bootstrapKey: null,
      creator: { accountId: ben.accountId, deviceId, signer },
      createdAt: START,
    });

    expect(await verify(await wordOf(ann, bens), ann.account, bens)).toBeNull();
    expect(await verify(await wordOf(ben, bens), ben.account, bens)).not.toBeNull();
  });

  test("[C61] ends with the device that signed, not with another one", async () => {
    const second = await cast.aSecondDevice(world, ann);
    const bySecond = await wordOf(second, bot.account);
    const { state: without } = must(
      await appendAccount(world.primitives, second.account, {
        actorDeviceId: second.deviceId,
        signer: second.signer,
        op: { type: "device-revoke", deviceId: ann.deviceId },
        createdAt: START,
      }),
    );

    expect(await verify(word, second.account, bot.account)).not.toBeNull();
    expect(await verify(word, without, bot.account)).toBeNull();
    expect(await verify(bySecond, without, bot.account)).not.toBeNull();
    // A device that is not in the ledger yet counts no more than one that was removed.
    expect(await verify(bySecond, ann.account, bot.account)).toBeNull();
  });

  test("[C2] [C4] [C13] with one altered bit, cut, longer, or signed under another label claims nothing", async () => {
    for (let at = 0; at < word.length; at++) {
      expect([at, await verify(flipBit(word, at), ann.account, bot.account)]).toEqual([at, null]);
    }
    const longer = new Uint8Array([...word.slice(0, -64), 0, ...word.slice(-64)]);
    for (const bytes of [new Uint8Array(), word.slice(1), word.slice(0, -1), longer])
      expect(await verify(bytes, ann.account, bot.account)).toBeNull();
    const record = word.slice(0, -64);
    for (const label of [LABEL.grantSignature, LABEL.controlSignature, LABEL.prekeySignature]) {
      const forged = await signRecord(world.primitives, label, record, ann.signer);
      expect(await verify(forged, ann.account, bot.account)).toBeNull();
    }
  });
});
