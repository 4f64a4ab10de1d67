import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { base64ToBytes, bytesToBase64 } from "#base/base64.ts";
import { concat } from "#base/bytes.ts";
import { encodeVouch, peekVouch } from "#protocol/vouch.ts";
import type { AgentId, DeviceId, UserId } from "#protocol/ids.ts";
import {
  fingerprintIn,
  must,
  startEngineWorld,
  type EngineWorld,
  type Seat,
} from "./engine-world.contract.ts";

const PASSWORD = "correct horse battery";
const PLAIN = { description: "", mode: "websocket", webhookUrl: null, suggestions: [] } as const;

let world: EngineWorld;
beforeAll(async () => {
  world = await startEngineWorld();
});
afterAll(() => world.close());

/** An agent whose program has started once, as its creator's list shows it. */
async function anAgentOf(creator: Seat, name: string) {
  const made = must(await creator.calls.createOwnAgent({ ...PLAIN, name }));
  const agentId: AgentId = made.agent.id;
  await world.relay.runAgent({ agent_id: agentId, token: made.token });
  const { fingerprintText } = await listed(creator, agentId);
  if (fingerprintText === null) throw new Error("its keys are known");
  return { agentId, fingerprintText, token: made.token };
}
type Made = Awaited<ReturnType<typeof anAgentOf>>;

async function listed(creator: Seat, agentId: AgentId) {
  const found = must(await creator.calls.listOwnAgents()).find(({ id }) => id === agentId);
  if (found === undefined) throw new Error("listed");
  return found;
}

const idOf = async (seat: Seat) => {
  const view = must(await seat.calls.loadAccount());
  if (view.status !== "open") throw new Error(view.status);
  return view;
};

/** The relay's whole answer about an agent. */
async function wireOf({ agentId, token }: Made): Promise<{ data: { cosigned_card: string } }> {
  const answer = await fetch(`${world.relay.url}/agents/${agentId}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  return answer.json() as Promise<{ data: { cosigned_card: string } }>;
}

/** From now on the relay shows this reader another word beside the agent. */
async function show(reader: Seat, made: Made, cosigned_card: string | null) {
  const wire = await wireOf(made);
  const shown = { ...wire, data: { ...wire.data, cosigned_card } };
  reader.line.lie = (url) => (url.endsWith(`/agents/${made.agentId}`) ? shown : null);
}

const makerFor = async (reader: Seat, { agentId }: Made) =>
  must(await reader.calls.describeAgentMaker({ agentId }));

describe("who made an agent", () => {
  test("[N152] [N153] is said to everyone once the creator confirmed the key that they were shown", async () => {
    const ada = await world.person("Ada");
    const ben = await world.person("Ben");
    const made = await anAgentOf(ada, "Scribe");
    const { agentId, fingerprintText } = made;

    expect(await listed(ada, agentId)).toMatchObject({ confirmation: "none" });
    expect(await makerFor(ben, made)).toBeNull();
    must(await ada.calls.confirmOwnAgent({ agentId, fingerprintText }));

    expect(await listed(ada, agentId)).toMatchObject({ confirmation: "confirmed" });
    const { userId, handle, inviteUrl } = await idOf(ada);
    expect(await makerFor(ben, made)).toEqual({
      id: userId,
      name: "Ada",
      handle,
      trust: "unverified",
    });
    expect(await makerFor(ada, made)).toMatchObject({ id: userId, trust: "self" });
    const word = { verified: true, fingerprintText: fingerprintIn(inviteUrl) } as const;
    must(await ben.calls.setVerified({ accountId: userId, ...word }));
    expect(await makerFor(ben, made)).toMatchObject({ trust: "verified" });
  });

  test("[N158] is nobody once the creator took their word back, also to who read it before, until it is given again", async () => {
    const ada = await world.person("Ada");
    const ben = await world.person("Ben");
    const made = await anAgentOf(ada, "Scribe");
    const { agentId } = made;
    must(await ada.calls.confirmOwnAgent(made));
    expect(await makerFor(ben, made)).toMatchObject({ name: "Ada" });

    expect((await ben.calls.withdrawOwnAgent({ agentId })).ok).toBe(false);
    expect(await makerFor(ben, made)).toMatchObject({ name: "Ada" });
    must(await ada.calls.withdrawOwnAgent({ agentId }));

    expect(await listed(ada, agentId)).toMatchObject({ confirmation: "none" });
    expect(await makerFor(ada, made)).toBeNull();
    expect(await makerFor(ben, made)).toBeNull();
    must(await ada.calls.confirmOwnAgent(made));
    expect(await makerFor(ben, made)).toMatchObject({ name: "Ada" });
  });

  test("[N152] is not signed for another key than the one that was shown, nor for another's agent", async () => {
    const ada = await world.person("Ada");
    const made = await anAgentOf(ada, "Scribe");
    const other = await anAgentOf(await world.person("Ben"), "Parrot");
    const { agentId } = made;

    const swapped = { agentId, fingerprintText: other.fingerprintText };
    expect(await ada.calls.confirmOwnAgent(swapped)).toEqual({
      ok: false,
      failure: { kind: "engine/fingerprint-mismatch" },
    });
    expect((await ada.calls.confirmOwnAgent(other)).ok).toBe(false);
    expect((await wireOf(made)).data.cosigned_card).toBeNull();
  });

  test("[N153] is nobody when the relay swaps, moves, alters or makes up a word", async () => {
    const ada = await world.person("Ada");
    const eve = await world.person("Eve");
    const ben = await world.person("Ben");
    const [made, other, eves] = [
      await anAgentOf(ada, "Scribe"),
      await anAgentOf(ada, "Clerk"),
      await anAgentOf(eve, "Parrot"),
    ];
    for (const one of [made, other]) must(await ada.calls.confirmOwnAgent(one));
    must(await eve.calls.confirmOwnAgent(eves));
    const word = (await wireOf(made)).data.cosigned_card;
    const bytes = base64ToBytes(word) ?? new Uint8Array();
    const said = peekVouch(bytes);
    if (said === null) throw new Error("a word");
    const theirs = await idOf(eve);
    const [creatorId, deviceId] = [theirs.userId as UserId, theirs.deviceId as DeviceId];
    const unsigned = (part: object) =>
      bytesToBase64(concat(encodeVouch({ ...said, ...part }), bytes.slice(-64)));

    for (const [what, shown] of [
      ["none", null],
      ["another agent's", (await wireOf(other)).data.cosigned_card],
      ["another creator's", (await wireOf(eves)).data.cosigned_card],
      ["one made over", unsigned({ creatorId, deviceId })],
      ["one with another time", unsigned({ createdAt: said.createdAt + 1 })],
      ["bytes", bytesToBase64(new Uint8Array(bytes.length))],
      ["no text of bytes", "A"],
    ] as const) {
      await show(ben, made, shown);
      expect([what, await makerFor(ben, made)]).toEqual([what, null]);
    }
    await show(ben, made, word);
    expect(await makerFor(ben, made)).toMatchObject({ name: "Ada" });
  });

  test("[N153] is nobody when the relay shows another ledger of the creator than before", async () => {
    const ada = await world.person("Ada");
    const eve = await world.person("Eve");
    const ben = await world.person("Ben");
    const made = await anAgentOf(ada, "Scribe");
    must(await ada.calls.confirmOwnAgent(made));
    expect(await makerFor(ben, made)).toMatchObject({ name: "Ada" });
    const { userId } = await idOf(ada);
    const eves = await fetch(`${world.relay.url}/keys/ledger/${(await idOf(eve)).userId}`, {
      headers: { authorization: `Bearer ${made.token}` },
    });
    const ledger = (await eves.json()) as object;
    ben.line.lie = (url) => (url.includes(`/keys/ledger/${userId}`) ? ledger : null);

    expect(await makerFor(ben, made)).toBeNull();
  });

  test("[N152] [N153] is nobody once the device that signed was removed, until another one signs", async () => {
    const phone = await world.person("Ada", PASSWORD);
    const { handle, deviceId } = await idOf(phone);
    const laptop = world.newcomer();
    must(await laptop.calls.signIn({ handle, password: PASSWORD }));
    await laptop.online();
    const ben = await world.person("Ben");
    const made = await anAgentOf(phone, "Scribe");
    must(await phone.calls.confirmOwnAgent(made));
    expect(await makerFor(ben, made)).toMatchObject({ name: "Ada" });

    must(await laptop.calls.revokeDevice({ deviceId }));

    expect(await makerFor(ben, made)).toBeNull();
    expect(await listed(laptop, made.agentId)).toMatchObject({ confirmation: "lapsed" });
    must(await laptop.calls.confirmOwnAgent(made));
    expect(await makerFor(ben, made)).toMatchObject({ name: "Ada" });
    expect(await listed(laptop, made.agentId)).toMatchObject({ confirmation: "confirmed" });
  });

  test("[N153] is still known without a line, from what was verified with one", async () => {
    const ada = await world.person("Ada");
    const ben = await world.person("Ben");
    const made = await anAgentOf(ada, "Scribe");
    must(await ada.calls.confirmOwnAgent(made));
    expect(await makerFor(ben, made)).toMatchObject({ name: "Ada" });

    ben.cut();

    expect(await makerFor(ben, made)).toMatchObject({ name: "Ada" });
  });
});
