import * as v from "valibot";
import { afterEach, describe, expect, test } from "vitest";
import { bytesToBase64 } from "../../src/base/base64.ts";
import { systemClock } from "../../src/base/clock.ts";
import { systemRandom } from "../../src/base/random.ts";
import { Secret } from "../../src/base/secret.ts";
import { makeSigner } from "../../src/crypto/identity.ts";
import { startAccount } from "../../src/crypto/ledger/account.ts";
import { agentTokens } from "../../src/peer/accounts.ts";
import { primitives } from "../../src/peer/endpoint-world.contract.ts";
import { createRest, type Fetch } from "../../src/peer/rest.ts";
import { makeId, type AccountId, type AgentId, type UserId } from "../../src/protocol/ids.ts";
import {
  anAgentWorld,
  isText,
  outcomeOf,
  value,
  type Provisioned,
} from "../../src/sdk/agent-world.contract.ts";
import { startHostileRelay, type Answer, type HostileRelay } from "../world/hostile-relay.ts";
import * as lies from "../world/lies.ts";

const open: HostileRelay[] = [];
afterEach(async () => {
  for (const relay of open.splice(0)) await relay.close();
});

/** Alice, who hears the truth, and an agent that hears what the relay in front makes of it. */
async function setup({ hasTalked = true, floor = 1 as 1 | 2 } = {}) {
  const world = await anAgentWorld();
  const relay = await startHostileRelay();
  open.push(relay);
  relay.leadTo(Number(new URL(world.url).port));
  const provisioned = await world.provision("Worker");
  const refused: string[] = [];
  const keys = floor === 1 ? {} : await registeredWithFloor(world.url, provisioned, floor);
  const run = () =>
    world.run(provisioned, {
      ...keys,
      baseUrl: relay.url,
      decryptFailureHandler: ({ reason }) => void refused.push(reason),
    });
  const agent = await run();
  const alice = await world.person("Alice");
  const conversationId = await alice.meet(provisioned, agent.fingerprint);
  const commands: string[] = [];
  agent.addMessageHandler(async (message) => {
    if (message.payload.type !== "text") return;
    commands.push(message.payload.text);
    await agent.send(message.conversation_id, {
      type: "text",
      text: `done: ${message.payload.text}`,
    });
  });
  /** Says all of it and waits for the answer to the last. */
  const command = async (...texts: string[]): Promise<void> => {
    for (const text of texts) await alice.say(conversationId, text);
    await alice.reads(isText(`done: ${texts.at(-1)}`));
  };
  if (hasTalked) await command("first");
  /** The agent's process ends and another begins on its disk. */
  const anotherRun = async () => {
    await agent.close();
    return run();
  };
  return { anotherRun, relay, agent, alice, conversationId, commands, refused, command };
}

describe("an agent behind a relay that lies", () => {
  test.each([
    ["repeats", lies.repeats, []],
    ["reorders", () => lies.reorders(3), []],
    ["replays", lies.replays, ["replay"]],
  ] as const)(
    "[E40] [E43] [K6] that %s handles each command once, in order",
    async (_name, lie, refusals) => {
      const { relay, command, commands, refused } = await setup();
      relay.tells("agent", lie());

      await command("one", "two", "three");

      expect(commands).toEqual(["first", "one", "two", "three"]);
      // How often depends on where the agent's own answers stand in the log: a place it knows is not read again.
      expect([...new Set(refused)]).toEqual(refusals);
      relay.tells("agent", null);
      relay.cut("agent");
      await command("after");
      expect(commands.slice(4)).toEqual(["after"]);
    },
  );

  // Another process of the agent may have taken what the relay skips, so the agent cannot tell: its person can.
  test("[E43] that drops a command has it left undone, and nobody says that it was done", async () => {
    const { relay, alice, conversationId, command, commands } = await setup();
    relay.tells("agent", lies.drops());

    await command("lost", "two", "three");
    relay.tells("agent", null);
    relay.cut("agent");
    await command("after");

    expect(commands).toEqual(["first", "two", "three", "after"]);
    const log = await alice.endpoint.rest.page(
      `/conversations/${conversationId}/messages?limit=100`,
      v.looseObject({ sender_id: v.nullish(v.string()), type: v.string() }),
    );
    const answers = log.ok
      ? log.value.items.filter(
          ({ type, sender_id }) => type === "message.new" && sender_id !== alice.userId,
        )
      : [];
    expect(answers).toHaveLength(4);
  });

  test.each([
    ["truncates", () => lies.truncates(), "malformed"],
    ["flips a bit of", () => lies.flips(), "tag"],
    ["blames another for", (other: AccountId) => lies.blames(other), "malformed"],
  ] as const)(
    "[E35] that %s a command refuses that one by name and handles the next",
    async (_name, lie, reason) => {
      const { relay, agent, command, commands, refused } = await setup();
      relay.tells("agent", lie(makeId<UserId>(Date.now(), systemRandom)));

      await command("spoilt", "whole");

      expect(refused).toEqual([reason]);
      expect(commands).toEqual(["first", "whole"]);
      const failures = agent
        .metrics()
        .samples.filter(({ name }) => name === "hashee.decrypt.failure.total");
      expect(failures).toMatchObject([{ value: 1, labels: { reason } }]);
    },
  );

  test("[E21] that puts another identity in a person's place sends them nothing more", async () => {
    const { relay, agent, alice, conversationId, commands } = await setup();
    relay.answers(await forgedLedgerOf(alice.userId));
    relay.tells("agent", lies.alarms({ user_id: alice.userId }));
    await alice.say(conversationId, "still me");
    await expect.poll(() => commands).toContain("still me");

    const refusal = agent.send(conversationId, { type: "text", text: "a secret" });

    expect(await outcomeOf(refusal)).toBe("KEYS_UNUSABLE");
    const kept = await outcomeOf(agent.send(conversationId, { type: "text", text: "another" }));
    expect(kept).toBe("KEYS_UNUSABLE");
    expect(commands).toEqual(["first", "still me"]);
  });

  test("[E21] that cuts a person's ledger short sends them nothing more", async () => {
    const { relay, agent, alice, conversationId, commands } = await setup();
    relay.answers((path, truth) =>
      path.startsWith(`/keys/ledger/${alice.userId}`) ? { data: [], next_cursor: null } : truth,
    );
    relay.tells("agent", lies.alarms({ user_id: alice.userId }));
    await alice.say(conversationId, "still me");
    await expect.poll(() => commands).toContain("still me");

    const refusal = agent.send(conversationId, { type: "text", text: "a secret" });

    expect(await outcomeOf(refusal)).toBe("KEYS_UNUSABLE");
  });

  test("[E48] that rolls the members' list back is sent nothing for whoever it hides, by a new process neither", async () => {
    const world = await setup();
    const { relay, alice, agent, conversationId, commands } = world;
    relay.answers(lies.shortensLedger());
    relay.cut("agent");
    await alice.say(conversationId, "still here");
    await expect.poll(() => commands).toContain("still here");

    const refusal = outcomeOf(agent.send(conversationId, { type: "text", text: "a secret" }));

    expect(await refusal).toBe("KEYS_UNUSABLE");
    const next = await world.anotherRun();
    const again = outcomeOf(next.send(conversationId, { type: "text", text: "a secret" }));
    expect(await again).toBe("KEYS_UNUSABLE");
    relay.answers(null);
    await next.send(conversationId, { type: "text", text: "all is well" });
    await alice.reads(isText("all is well"));
  });

  test("[C24] that calls everybody stateless is not believed: what is sent keeps its session", async () => {
    const { relay, alice, agent, conversationId } = await setup();
    relay.answers(lies.callsStateless());
    relay.cut("agent");

    await agent.send(conversationId, { type: "text", text: "sealed as ever" });

    const entry = await alice.hears(
      ({ content }) => content.kind === "message" && isText("sealed as ever")(content.payload),
    );
    expect(entry.content).toMatchObject({ mode: "session", suite: 2, reduced: false });
  });

  test("[E38] that leaves X-Wing keys away gets nothing out of an agent that asks for X-Wing", async () => {
    const { relay, alice, agent, conversationId } = await setup({ floor: 2, hasTalked: false });
    const truth = lies.leavesSuitesAway(2);
    relay.answers((path, said) =>
      path.startsWith(`/keys/users/${alice.userId}`) ? truth(path, said) : said,
    );

    const weak = await outcomeOf(agent.send(conversationId, { type: "text", text: "weak" }));

    expect(weak).toBe("KEYS_UNUSABLE");
  });

  test("[E32] that shows no prekey of a person is sent nothing: no weaker way is taken", async () => {
    const { relay, agent, alice, conversationId, commands } = await setup({ hasTalked: false });
    relay.answers((path, truth) =>
      path.startsWith(`/keys/users/${alice.userId}`) ? withoutPrekeys(truth) : truth,
    );

    await alice.say(conversationId, "hello");
    await expect.poll(() => commands).toEqual(["hello"]);

    const sent = await outcomeOf(agent.send(conversationId, { type: "text", text: "weak" }));
    expect(sent).toBe("KEYS_UNUSABLE");
  });
});

/** A ledger under this id that is well formed, signed, and of somebody else's key. */
async function forgedLedgerOf(accountId: AccountId): Promise<Answer> {
  const { entry } = await startAccount(primitives, {
    accountId,
    kind: "human",
    identity: makeSigner(primitives, new Secret(systemRandom(32))),
    mode: "session",
    suiteFloor: 1,
    bootstrapKey: null,
    createdAt: Date.now(),
  });
  const row = {
    ledger_seq: 0,
    prev_hash: bytesToBase64(new Uint8Array(32)),
    entry: bytesToBase64(entry),
  };
  return (path, truth) =>
    path.startsWith(`/keys/ledger/${accountId}`) ? { data: [row], next_cursor: null } : truth;
}

/** Registers an agent whose card asks for a suite, and gives the keys that it then runs with. */
async function registeredWithFloor(url: string, agent: Provisioned, suiteFloor: 1 | 2) {
  const [identitySeed, bootstrapKey] = [systemRandom(32), systemRandom(32)];
  const identity = makeSigner(primitives, new Secret(identitySeed));
  const agentId = agent.agentId as AgentId;
  const card = await startAccount(primitives, {
    accountId: agentId,
    kind: "agent",
    identity,
    mode: "session",
    suiteFloor,
    bootstrapKey: primitives.x25519PublicKey(bootstrapKey),
    createdAt: Date.now(),
  });
  const net = { fetch: systemFetch, clock: systemClock, baseUrl: url };
  const rest = createRest({ ...net, tokens: agentTokens(agent.token) });
  value(
    await rest.call("POST", `/agents/${agentId}/keys/register`, v.unknown(), {
      public_key: bytesToBase64(primitives.x25519PublicKey(bootstrapKey)),
      signing_public_key: bytesToBase64(identity.publicKey),
      prekeys: [],
      card: bytesToBase64(card.entry),
    }),
  );
  return {
    privateKey: bytesToBase64(bootstrapKey),
    signingPrivateKey: bytesToBase64(identitySeed),
  };
}

const systemFetch: Fetch = (at, request) => fetch(at, request);

function withoutPrekeys(truth: unknown): unknown {
  const { data } = truth as { data: { devices: object[] } };
  return { data: { ...data, devices: data.devices.map((one) => ({ ...one, prekeys: [] })) } };
}
