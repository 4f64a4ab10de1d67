import { beforeAll, describe, expect, test } from "vitest";
import { bytesToBase64 } from "#base/base64.ts";
import type { Bytes } from "#base/bytes.ts";
import { createFakeClock } from "#base/fake-clock.ts";
import { appendAccount, type NewAccountOp } from "#crypto/ledger/account.ts";
import {
  anEndpoint,
  aSigner,
  createWorld,
  type Endpoint,
  must,
  START,
} from "#crypto/vectors/people.ts";
import { createKeyring, type KeyChange } from "./keyring.ts";
import { createMemoryStore } from "./memory-store.ts";
import { createRest, type Fetch } from "./rest.ts";

let world: Awaited<ReturnType<typeof createWorld>>;
let agent: Endpoint;

beforeAll(async () => {
  world = await createWorld(11);
  agent = await anEndpoint(world, "agent", "session", 2);
});

const append = async (op: NewAccountOp, from: Endpoint["account"] = agent.account) =>
  must(
    await appendAccount(world.primitives, from, {
      actorDeviceId: agent.deviceId,
      signer: agent.identity,
      op,
      createdAt: START,
    }),
  );

const card = {
  type: "card",
  mode: "session",
  suiteFloor: 2,
  bootstrapKey: null,
  manifestHash: null,
} as const;

/** A keyring over a store, and a relay that shows the agent's ledger as far as it is told to. */
function aKeyring(shown: Bytes[], store = createMemoryStore()) {
  const changes: KeyChange[] = [];
  const asked: string[] = [];
  const fetch: Fetch = async (url) => {
    asked.push(new URL(url).search);
    const after = Number(new URL(url).searchParams.get("after") ?? -1);
    const data = shown.map((entry, ledger_seq) => ({
      ledger_seq,
      prev_hash: bytesToBase64(new Uint8Array(32)),
      entry: bytesToBase64(entry),
    }));
    const text = JSON.stringify({ data: data.slice(after + 1), next_cursor: null });
    return { status: 200, headers: { get: () => null }, text: async () => text };
  };
  const clock = createFakeClock();
  const rest = createRest({ fetch, clock, baseUrl: "https://relay.example", tokens: null });
  const keyring = createKeyring({
    primitives: world.primitives,
    store,
    rest,
    onIdentityChanged: (_accountId, change) => void changes.push(change),
  });
  return { keyring, store, changes, asked };
}

describe("a pinned account", () => {
  const worse: readonly (readonly [string, () => ReturnType<typeof append>, KeyChange])[] = [
    ["a card that leaves sessions", () => append({ ...card, mode: "envelope" }), "weaker"],
    ["a card that lowers its floor", () => append({ ...card, suiteFloor: 1 }), "weaker"],
    [
      "a new identity key, though the old one signed it",
      () => append({ type: "rotate-ik", identity: aSigner(world) }),
      "identity",
    ],
  ];

  test.each(worse)(
    "[E21] is blocked by %s, over restarts, until the person decides",
    async (_what, change, kind) => {
      const shown = [...agent.entries];
      const { keyring, store, changes } = aKeyring(shown);
      must(await keyring.account(agent.accountId));
      expect(keyring.isBlocked(agent.accountId)).toBe(false);

      shown.push((await change()).entry);
      must(await keyring.refresh(agent.accountId));

      expect([keyring.changeOf(agent.accountId), changes]).toEqual([kind, [kind]]);
      const { keyring: later } = aKeyring(shown, store);
      must(await later.account(agent.accountId));
      expect(later.changeOf(agent.accountId)).toBe(kind);
      must(await later.pin(agent.accountId, null));
      expect(later.isBlocked(agent.accountId)).toBe(false);
    },
  );

  test.each(worse)(
    "[E100] that was known elsewhere before %s is blocked when it is seen, however late",
    async (_what, change, kind) => {
      const shown: Bytes[] = [];
      const { keyring, store, changes } = aKeyring(shown);
      expect(await keyring.expect(agent.accountId, agent.account)).toMatchObject({ ok: false });
      const entries = [...agent.entries, (await change()).entry];

      const later = aKeyring(entries, store);
      must(await later.keyring.account(agent.accountId));

      expect([changes, later.changes]).toEqual([[], [kind]]);
      const again = aKeyring(entries, store).keyring;
      must(await again.account(agent.accountId));
      expect(again.changeOf(agent.accountId)).toBe(kind);
      must(await again.pin(agent.accountId, null));
      expect(again.isBlocked(agent.accountId)).toBe(false);
      const seen = aKeyring(entries);
      must(await seen.keyring.account(agent.accountId));
      must(await seen.keyring.expect(agent.accountId, agent.account));
      expect([seen.keyring.changeOf(agent.accountId), seen.changes]).toEqual([kind, [kind]]);
    },
  );

  test("[E100] that is as it was known elsewhere is met as such, now and later", async () => {
    const { keyring, store, changes } = aKeyring([]);
    expect(await keyring.expect(agent.accountId, agent.account)).toMatchObject({ ok: false });
    const later = aKeyring([...agent.entries], store);

    must(await later.keyring.account(agent.accountId));
    must(await later.keyring.expect(agent.accountId, agent.account));

    expect([later.keyring.isBlocked(agent.accountId), changes, later.changes]).toEqual([
      false,
      [],
      [],
    ]);
    expect(await store.list("expected-accounts")).toEqual([]);
  });

  test("[E21] is not blocked by a card that protects as much", async () => {
    const shown = [...agent.entries];
    const { keyring, changes } = aKeyring(shown);
    must(await keyring.account(agent.accountId));

    shown.push((await append({ ...card, manifestHash: new Uint8Array(32).fill(7) })).entry);
    const grown = must(await keyring.refresh(agent.accountId));

    expect(grown.seq).toBe(agent.account.seq + 1);
    expect([keyring.changeOf(agent.accountId), changes]).toEqual([null, []]);
  });

  test("[E20] is read from memory and disk, and the relay asked from its newest entry on", async () => {
    const first = await append({ ...card, manifestHash: new Uint8Array(32).fill(7) });
    const shown = [...agent.entries, first.entry];
    const { keyring, store, asked } = aKeyring(shown);
    must(await keyring.account(agent.accountId));
    must(await keyring.account(agent.accountId));
    const seq = first.state.seq;
    expect(asked).toHaveLength(1);

    const next = aKeyring(shown, store);
    must(await next.keyring.account(agent.accountId));
    expect(next.asked).toEqual([]);
    shown.push((await append(card, first.state)).entry);
    const grown = must(await next.keyring.refresh(agent.accountId));

    expect(grown.seq).toBe(seq + 1);
    expect(next.asked).toEqual([expect.stringContaining(`after=${seq - 1}&`)]);
  });

  test("[E21] stays blocked over restarts though the relay goes on with what its owner signed", async () => {
    const weaker = await append({ ...card, suiteFloor: 1 });
    const after = await append({ ...card, suiteFloor: 1 }, weaker.state);
    const honest = await append(card);
    const cases: readonly (readonly [Bytes[], Bytes[], KeyChange])[] = [
      [[...agent.entries, weaker.entry], [...agent.entries, weaker.entry, after.entry], "weaker"],
      [[], [...agent.entries, honest.entry], "record"],
    ];
    for (const [worse, later, kind] of cases) {
      const shown = [...agent.entries];
      const { keyring, store } = aKeyring(shown);
      must(await keyring.account(agent.accountId));
      shown.splice(0, shown.length, ...worse);
      await keyring.refresh(agent.accountId);
      expect(keyring.changeOf(agent.accountId)).toBe(kind);

      const next = aKeyring(shown, store).keyring;
      must(await next.account(agent.accountId));
      expect(next.changeOf(agent.accountId)).toBe(kind);
      shown.splice(0, shown.length, ...later);
      must(await next.refresh(agent.accountId));

      expect(next.changeOf(agent.accountId)).toBe(kind);
    }
  });
});
