import { beforeAll, describe, expect, test } from "vitest";
import { fc } from "#base/properties.contract.ts";
import { bytesToBase64 } from "#base/base64.ts";
import { bytesToHex, utf8, type Bytes } from "#base/bytes.ts";
import { createFakeClock, type FakeClock } from "#base/fake-clock.ts";
import { fingerprint } from "#crypto/identity.ts";
import { appendAccount } from "#crypto/ledger/account.ts";
import { addOf, appendConversation } from "#crypto/ledger/conversation.ts";
import { replayConversation } from "#crypto/ledger/conversation-replay.ts";
import { makePrekey } from "#crypto/prekeys.ts";
import { SESSION_AGE_MS, SESSION_MESSAGES } from "#crypto/limits.ts";
import {
  aConversation,
  accountsOf,
  actorOf,
  anEndpoint,
  aSecondDevice,
  aSigner,
  createWorld,
  must,
  START,
  type Endpoint,
  type World,
} from "#crypto/vectors/people.ts";
import { peekSessionOpen } from "#protocol/envelope.ts";
import { createKeyring } from "./keyring.ts";
import { createLedgers } from "./ledgers.ts";
import { createMemoryStore } from "./memory-store.ts";
import { createRecipientFinder } from "./recipients.ts";
import { createRest } from "./rest.ts";
import { createSenderSessions, type Sealed } from "./sender-sessions.ts";
import { createSignal } from "./waiting.ts";

let world: World;
beforeAll(async () => {
  world = await createWorld(41);
});

/** What a relay answers with; a lying one leaves keys or entries away, or shows others. */
type Answers = {
  conversation: readonly Bytes[];
  suites: (endpoint: Endpoint) => readonly (1 | 2)[];
  /** Whose prekeys are given out as somebody's. */
  keysOf: (endpoint: Endpoint) => Endpoint;
  /** Resolves when the line has carried an answer. */
  arrival: (path: string) => Promise<void>;
};

/** Someone who writes to others over a relay that answers with what the test holds. */
async function aWriter(
  writer: Endpoint,
  others: readonly Endpoint[],
  { clock = createFakeClock(START), store = createMemoryStore() } = {},
) {
  const everyone = [writer, ...others];
  const founded = await aConversation(world, "group", everyone);
  const answers: Answers = {
    conversation: founded.entries,
    suites: () => [1, 2],
    keysOf: (endpoint) => endpoint,
    arrival: async () => {},
  };
  const { primitives } = world;
  const row = (entry: Bytes, ledger_seq: number) => ({
    ledger_seq,
    prev_hash: bytesToBase64(new Uint8Array(32)),
    entry: bytesToBase64(entry),
  });
  const prekeysOf = (endpoint: Endpoint) =>
    answers.suites(endpoint).map((suite) => {
      const { kid, certificate } = answers.keysOf(endpoint).prekeys[suite];
      return { kid: bytesToBase64(kid), suite, certificate: bytesToBase64(certificate) };
    });
  const answer = (url: string): object => {
    const { pathname, searchParams } = new globalThis.URL(url);
    const after = Number(searchParams.get("after") ?? "-1");
    const account = everyone.findLast(({ accountId }) => pathname.includes(accountId));
    if (account === undefined) return { data: answers.conversation.map(row).slice(after + 1) };
    if (pathname.startsWith("/keys/ledger"))
      return { data: account.entries.map(row).slice(after + 1) };
    const devices = everyone.filter(({ accountId }) => accountId === account.accountId);
    if (account.kind === "agent") {
      const keys = { public_key: "", signing_public_key: "", card: null };
      return { data: { agent_id: account.accountId, ...keys, prekeys: prekeysOf(account) } };
    }
    return {
      data: {
        user_id: account.accountId,
        identity_key: bytesToBase64(account.identity.publicKey),
        devices: devices.map((device) => ({
          device_id: device.deviceId,
          signing_public_key: bytesToBase64(device.signer.publicKey),
          certificate: "",
          prekeys: prekeysOf(device),
          revoked_at: null,
        })),
      },
    };
  };
  const rest = createRest({
    clock,
    baseUrl: "http://relay.test",
    tokens: null,
    fetch: async (url) => {
      await answers.arrival(new globalThis.URL(url).pathname);
      return {
        status: 200,
        headers: { get: () => null },
        text: async () => JSON.stringify({ next_cursor: null, ...answer(url) }),
      };
    },
  });
  const { accountId, deviceId, signer } = writer;
  /** A run of the writer's program: everything in memory is new, the disk is as it was. */
  const run = () => {
    const keyring = createKeyring({ primitives, store, rest, onIdentityChanged: () => {} });
    const ledgers = createLedgers({
      primitives,
      store,
      rest,
      keyring,
      onChanged: () => {},
      onFork: () => {},
      onWithheld: () => {},
    });
    const self = { accountId, deviceId, kind: "human" as const, signer };
    const finder = createRecipientFinder({ primitives, clock, store, rest, keyring, self });
    const ownFingerprint = async () => ({ ok: true, value: writer.fingerprint }) as const;
    const needs = { primitives, clock, store, self, ownFingerprint, keyring, ledgers, finder };
    return { ledgers, chains: createSenderSessions(needs) };
  };
  const { conversationId } = founded.state;
  return { founded, everyone, answers, clock, conversationId, run, start: () => run().chains };
}

const aText = () => ({
  messageId: world.messageId(),
  contentType: "text",
  payload: utf8("hi"),
  kind: "content" as const,
});

/** Where a sealing stands: no two may ever stand at one place. */
const placeOf = ({ header }: Sealed): string => `${bytesToHex(header.sid)} ${header.index}`;

describe("the keys of a session", () => {
  test("[E99] are asked for at once, however many the members are: no answer waits for another", async () => {
    const ann = await anEndpoint(world, "human");
    const others = [
      await anEndpoint(world, "human"),
      await anEndpoint(world, "agent"),
      await anEndpoint(world, "human"),
    ];
    const { start, conversationId, answers } = await aWriter(ann, others);
    const asked: string[] = [];
    const allAsked = createSignal();
    answers.arrival = async (path) => {
      if (!/^\/keys\/(users|agents)/.test(path)) return;
      if (asked.push(path) === others.length + 1) allAsked.fire();
      await allAsked.wait();
    };

    const sealed = must(await start().seal(conversationId, aText()));

    const { recipients } = must(peekSessionOpen(sealed.sessionOpen ?? new Uint8Array()));
    expect(new Set(recipients.map(({ accountId }) => accountId))).toEqual(
      new Set(others.map(({ accountId }) => accountId)),
    );
    expect(asked).toHaveLength(4);
  });
});

describe("the suite of a session", () => {
  test("[E32] is X-Wing where every device has such a prekey", async () => {
    const [ann, bot] = [await anEndpoint(world, "human"), await anEndpoint(world, "agent")];
    const { start, conversationId } = await aWriter(ann, [bot]);

    const sealed = must(await start().seal(conversationId, aText()));

    expect(sealed.header.suite).toBe(2);
  });

  test("[E32] falls back to X25519 where a device offers nothing else and every floor permits", async () => {
    const [ann, bot] = [await anEndpoint(world, "human"), await anEndpoint(world, "agent")];
    const { start, conversationId, answers } = await aWriter(ann, [bot]);
    answers.suites = () => [1];

    const sealed = must(await start().seal(conversationId, aText()));

    expect(sealed.header.suite).toBe(1);
  });

  test("[E32] is the one that reaches most, where none reaches all", async () => {
    const [ann, bot] = [await anEndpoint(world, "human"), await anEndpoint(world, "human")];
    const mute = await anEndpoint(world, "human");
    const { start, conversationId, answers } = await aWriter(ann, [bot, mute]);
    answers.suites = ({ accountId }) => (accountId === bot.accountId ? [1] : []);

    const sealed = must(await start().seal(conversationId, aText()));

    expect(sealed.header.suite).toBe(1);
    const { recipients } = must(peekSessionOpen(sealed.sessionOpen ?? new Uint8Array()));
    expect(recipients.map(({ kid }) => kid)).toEqual([bot.prekeys[1].kid]);
  });

  test("[E88] stays X-Wing for a device that was seen with it, over restarts, though the relay shows X25519 alone", async () => {
    const [ann, bot] = [await anEndpoint(world, "human"), await anEndpoint(world, "agent")];
    const { start, conversationId, answers } = await aWriter(ann, [bot]);
    must(await start().seal(conversationId, aText()));
    answers.suites = () => [1];

    const sealed = must(await start().seal(conversationId, aText()));

    expect(sealed.header.suite).toBe(2);
    const { recipients } = must(peekSessionOpen(sealed.sessionOpen ?? new Uint8Array()));
    expect(recipients.map(({ kid }) => kid)).toEqual([bot.prekeys[2].kid]);
  });

  test("[E38] never falls back to the card's X25519 key of an agent whose signed floor is above it", async () => {
    const ann = await anEndpoint(world, "human");
    const strict = await anEndpoint(world, "agent", "session", 2);
    const { start, conversationId, answers } = await aWriter(ann, [strict]);
    const failure = { kind: "peer/no-prekey", accountId: strict.accountId };

    answers.suites = () => [];
    expect(await start().seal(conversationId, aText())).toEqual({ ok: false, failure });
    // A prekey that the agent signed when its floor was lower is not enough either.
    const { accountId: owner, deviceId: device, signer, fingerprint } = strict;
    const old = await makePrekey(world.primitives, {
      ...{ owner, device, signer, fingerprint, mode: "session", suiteFloor: 1, suite: 1 },
      notBefore: START,
      notAfter: START + SESSION_AGE_MS,
    });
    answers.suites = () => [1];
    answers.keysOf = () => ({ ...strict, prekeys: { ...strict.prekeys, 1: old } });
    expect(await start().seal(conversationId, aText())).toEqual({ ok: false, failure });
  });

  test("[E38] never falls below the writer's own signed floor, whatever the relay leaves away", async () => {
    const ann = await anEndpoint(world, "human", "session", 2);
    const bot = await anEndpoint(world, "agent");
    const { start, conversationId, answers } = await aWriter(ann, [bot]);
    answers.suites = () => [1];

    const sealed = await start().seal(conversationId, aText());

    expect(sealed).toEqual({
      ok: false,
      failure: { kind: "peer/no-prekey", accountId: bot.accountId },
    });
  });
});

describe("the devices of a session", () => {
  const devicesOf = ({ sessionOpen }: Sealed) =>
    must(peekSessionOpen(sessionOpen ?? new Uint8Array())).recipients.map(
      ({ deviceId }) => deviceId,
    );

  test("[E72] are those that the conversation's ledger names, not one that its account added since", async () => {
    const [ann, ben] = [await anEndpoint(world, "human"), await anEndpoint(world, "human")];
    const { start, conversationId, everyone } = await aWriter(ann, [ben]);
    everyone.push(await aSecondDevice(world, ben));

    const sealed = must(await start().seal(conversationId, aText()));

    expect(devicesOf(sealed)).toEqual([ben.deviceId]);
  });

  test("[E32] are not reached by a prekey of somebody else, of another mode or out of its time", async () => {
    const [ann, ben] = [await anEndpoint(world, "human"), await anEndpoint(world, "human")];
    const other = await anEndpoint(world, "human");
    const stateless = await anEndpoint(world, "agent", "envelope");
    const lies: ((answers: Answers, clock: FakeClock) => unknown)[] = [
      (answers) => (answers.keysOf = () => other),
      (answers) => (answers.keysOf = () => stateless),
      (_, clock) => clock.advance(15 * 86_400_000),
    ];
    for (const lie of lies) {
      const { start, conversationId, answers, clock } = await aWriter(ann, [ben]);
      await lie(answers, clock);

      const sealed = await start().seal(conversationId, aText());

      const failure = { kind: "peer/no-prekey", accountId: ben.accountId };
      expect(sealed).toEqual({ ok: false, failure });
    }
  });

  test("[E32] are not reached by a prekey whose time ends while it is remembered", async () => {
    const [ann, ben] = [await anEndpoint(world, "human"), await anEndpoint(world, "human")];
    const { start, conversationId, clock } = await aWriter(ann, [ben]);
    const chains = start();
    await clock.advance(14 * 86_400_000 - 60_000);
    must(await chains.seal(conversationId, aText()));

    await clock.advance(120_000);
    const sealed = await chains.seal(conversationId, aText());

    const failure = { kind: "peer/no-prekey", accountId: ben.accountId };
    expect(sealed).toEqual({ ok: false, failure });
  });

  test("[E21] are not reached by keys of an identity that nobody has accepted", async () => {
    const [ann, bot] = [await anEndpoint(world, "human"), await anEndpoint(world, "agent")];
    const { start, conversationId, everyone, clock } = await aWriter(ann, [bot]);
    const chains = start();
    must(await chains.seal(conversationId, aText()));
    const { accountId, deviceId: device } = bot;
    const identity = aSigner(world);
    const { entry, state } = must(
      await appendAccount(world.primitives, bot.account, {
        actorDeviceId: device,
        signer: bot.identity,
        op: { type: "rotate-ik", identity },
        createdAt: START,
      }),
    );
    const prekeyOf = (suite: 1 | 2) =>
      makePrekey(world.primitives, {
        ...{ owner: accountId, device, signer: identity, mode: "session", suiteFloor: 1, suite },
        fingerprint: fingerprint(world.primitives, accountId, identity.publicKey),
        notBefore: START,
        notAfter: START + SESSION_AGE_MS,
      });
    const prekeys = { 1: await prekeyOf(1), 2: await prekeyOf(2) };
    everyone.push({ ...bot, entries: [...bot.entries, entry], account: state, prekeys });
    // Its keys are asked for anew, and no notice came.
    await clock.advance(11 * 60_000);

    const sealed = await chains.seal(conversationId, aText());

    expect(sealed).toEqual({ ok: false, failure: { kind: "peer/key-changed", accountId } });
  });
});

describe("own chains", () => {
  test("[E33] never seal two messages at one place, however many are sealed at once", async () => {
    const [ann, bot] = [await anEndpoint(world, "human"), await anEndpoint(world, "agent")];
    const { start, conversationId } = await aWriter(ann, [bot]);
    const chains = start();

    const sealed = await Promise.all(
      Array.from({ length: 20 }, () => chains.seal(conversationId, aText())),
    );

    const places = sealed.map((one) => placeOf(must(one)));
    expect(new Set(places).size).toBe(20);
    expect(new Set(places.map((place) => place.split(" ")[0])).size).toBe(1);
  });

  test("[E33] never repeat a place or a nonce over restarts, ends, ages, tabs and processes in any order", async () => {
    const ann = await anEndpoint(world, "human");
    const bot = await anEndpoint(world, "agent");
    const step = fc.constantFrom("seal", "seal", "seal", "restart", "end", "day", "other", "both");
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
        const { start, conversationId, clock } = await aWriter(ann, [bot]);
        const all: Sealed[] = [];
        let mine = start();
        const other = start();
        const seal = async (chains: typeof mine) => {
          all.push(must(await chains.seal(conversationId, aText())));
        };
        for (const one of steps) {
          if (one === "restart") mine = start();
          else if (one === "end") mine.end(conversationId);
          else if (one === "day") await clock.advance(SESSION_AGE_MS / 2 + 1);
          else if (one === "other") await seal(other);
          else if (one === "both") await Promise.all([seal(mine), seal(other), seal(mine)]);
          else await seal(mine);
        }
        expect(new Set(all.map(placeOf)).size).toBe(all.length);
        // The body's nonce stands before its ciphertext, and the commitment names the content key.
        expect(new Set(all.map(({ header }) => bytesToHex(header.commitment))).size).toBe(
          all.length,
        );
        for (const { header, sessionOpen } of all)
          expect(sessionOpen !== null).toBe(header.index === 0);
      }),
      { numRuns: 15, seed: 33 },
    );
  });

  test("[E98] that were put away are named by the next one of their writer, and by no other's", async () => {
    const [ann, bot] = [await anEndpoint(world, "human"), await anEndpoint(world, "agent")];
    const { start, conversationId } = await aWriter(ann, [bot]);
    const chains = start();
    const sealed = async (by = chains) => must(await by.seal(conversationId, aText()));
    const before = ({ sessionOpen }: Sealed) =>
      must(peekSessionOpen(sessionOpen ?? new Uint8Array())).previousSid;

    const first = await sealed();
    chains.end(conversationId);
    await chains.release(conversationId);
    const second = await sealed();
    await chains.release(conversationId);
    const third = await sealed();
    const next = await sealed(start());

    expect([before(first), before(second), before(next)]).toEqual([null, first.header.sid, null]);
    expect(third.sessionOpen).toBeNull();
    expect(third.header.sid).toEqual(second.header.sid);
  });

  test("[E33] roll over after 64 messages and after a day", async () => {
    const [ann, bot] = [await anEndpoint(world, "human"), await anEndpoint(world, "agent")];
    const { start, conversationId, clock } = await aWriter(ann, [bot]);
    const chains = start();
    const places: string[] = [];
    const seal = async () => placeOf(must(await chains.seal(conversationId, aText())));

    for (let i = 0; i <= SESSION_MESSAGES; i++) places.push(await seal());
    await clock.advance(SESSION_AGE_MS + 1);
    places.push(await seal());

    expect(places.map((place) => Number(place.split(" ")[1]))).toEqual([
      ...Array.from({ length: SESSION_MESSAGES }, (_, i) => i),
      0,
      0,
    ]);
  });

  test("[E33] begin anew after a ledger entry and after a changed prekey, and not without", async () => {
    const [ann, bot] = [await anEndpoint(world, "human"), await anEndpoint(world, "agent")];
    const { run, conversationId, answers, founded, clock } = await aWriter(ann, [bot]);
    const { ledgers, chains } = run();
    const index = async () => must(await chains.seal(conversationId, aText())).header.index;
    const before = [await index(), await index()];

    // It changes no member and no key.
    const op = { type: "invite-policy", accountId: ann.accountId, membersMayAdd: true } as const;
    const policy = must(
      await appendConversation(
        world.primitives,
        founded.state,
        { actor: actorOf(ann), op, createdAt: START },
        accountsOf([ann, bot]),
      ),
    );
    answers.conversation = [...founded.entries, policy.entry];
    must(await ledgers.refresh(conversationId));
    const afterEntry = [await index(), await index()];
    const { accountId: owner, deviceId: device, signer, fingerprint: print } = bot;
    const next = await makePrekey(world.primitives, {
      ...{ owner, device, signer, fingerprint: print, mode: "session", suiteFloor: 1, suite: 2 },
      notBefore: START + 1,
      notAfter: START + SESSION_AGE_MS,
    });
    answers.keysOf = (endpoint) =>
      endpoint === bot ? { ...bot, prekeys: { ...bot.prekeys, 2: next } } : endpoint;
    await clock.advance(11 * 60_000);
    const afterPrekey = [await index(), await index()];

    expect([before, afterEntry, afterPrekey]).toEqual([
      [0, 1],
      [0, 1],
      [0, 1],
    ]);
  });

  test("[E46] are overwritten in memory as soon as they are stepped on or ended", async () => {
    const [ann, bot] = [await anEndpoint(world, "human"), await anEndpoint(world, "agent")];
    const keys: Bytes[] = [];
    const { hmacSha256 } = world.primitives;
    const watched = { ...world, primitives: { ...world.primitives } };
    watched.primitives.hmacSha256 = (key, message) => {
      keys.push(key);
      return hmacSha256(key, message);
    };
    const before = world;
    world = watched;
    const { start, conversationId } = await aWriter(ann, [bot]);
    world = before;
    const chains = start();

    must(await chains.seal(conversationId, aText()));
    must(await chains.seal(conversationId, aText()));
    chains.end(conversationId);

    const isWiped = (key: Bytes) => key.every((byte) => byte === 0);
    expect(keys.length).toBeGreaterThan(0);
    await expect.poll(() => keys.every(isWiped)).toBe(true);
  });
});

describe("an account whose card says envelope", () => {
  test("[E37] writes in envelopes that each stand alone, and opens no session", async () => {
    const [hook, ann] = [
      await anEndpoint(world, "agent", "envelope"),
      await anEndpoint(world, "human"),
    ];
    const { start, conversationId } = await aWriter(hook, [ann]);
    const chains = start();

    const sealed = [
      must(await chains.seal(conversationId, aText())),
      must(await chains.seal(conversationId, aText())),
    ];

    expect(sealed.map(({ sessionOpen, header }) => [sessionOpen, header.hasSessionWrap])).toEqual([
      [null, false],
      [null, false],
    ]);
    expect(chains.holds(conversationId, sealed[0]?.header.sid ?? new Uint8Array())).toBe(false);
  });
});

describe("a session that ends while a message is sealed in it", () => {
  test("[E46] is overwritten behind that seal, and so is what would have followed", async () => {
    const [ann, bot] = [await anEndpoint(world, "human"), await anEndpoint(world, "agent")];
    const keys: Bytes[] = [];
    const steps: (() => void)[] = [];
    const isWiped = (key: Bytes) => key.every((byte) => byte === 0);
    const wipedInUse: boolean[] = [];
    const { hmacSha256 } = world.primitives;
    const watched = { ...world, primitives: { ...world.primitives } };
    watched.primitives.hmacSha256 = (key, message) => {
      for (const step of steps.splice(0)) step();
      wipedInUse.push(isWiped(key));
      const made = hmacSha256(key, message);
      keys.push(key, made);
      return made;
    };
    const before = world;
    world = watched;
    const { start, conversationId } = await aWriter(ann, [bot]);
    world = before;
    const chains = start();
    const first = must(await chains.seal(conversationId, aText()));

    steps.push(() => chains.end(conversationId));
    const second = must(await chains.seal(conversationId, aText()));
    const third = must(await chains.seal(conversationId, aText()));
    chains.end(conversationId);

    expect(bytesToHex(second.header.sid)).toBe(bytesToHex(first.header.sid));
    expect(bytesToHex(third.header.sid)).not.toBe(bytesToHex(first.header.sid));
    expect(wipedInUse).not.toContain(true);
    await expect.poll(() => keys.every(isWiped)).toBe(true);
  });
});

describe("a forked ledger", () => {
  test("[E27] freezes sending, also in the next run", async () => {
    const [ann, bot] = [await anEndpoint(world, "human"), await anEndpoint(world, "agent")];
    const cleo = await anEndpoint(world, "human");
    const { run, start, conversationId, answers, founded } = await aWriter(ann, [bot]);
    const { ledgers, chains } = run();
    must(await chains.seal(conversationId, aText()));

    const before = founded.entries.slice(0, -1);
    const state = must(
      await replayConversation(world.primitives, conversationId, before, accountsOf([ann])),
    );
    const rival = must(
      await appendConversation(
        world.primitives,
        state,
        { actor: actorOf(ann), op: addOf(cleo.account, "member"), createdAt: START },
        accountsOf([ann, cleo]),
      ),
    );
    answers.conversation = [...before, rival.entry];
    await ledgers.compare(conversationId);

    const frozen = { ok: false, failure: { kind: "peer/fork", conversationId } };
    expect(await chains.seal(conversationId, aText())).toEqual(frozen);
    expect(await start().seal(conversationId, aText())).toEqual(frozen);
  });
});
