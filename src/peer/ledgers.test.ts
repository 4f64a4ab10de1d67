import { describe, expect, test } from "vitest";
import * as v from "valibot";
import { bytesToBase64 } from "#base/base64.ts";
import type { Bytes } from "#base/bytes.ts";
import { createFakeClock } from "#base/fake-clock.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import { Secret } from "#base/secret.ts";
import { makeSigner } from "#crypto/identity.ts";
import { startAccount } from "#crypto/ledger/account.ts";
import { addOf, appendConversation, startConversation } from "#crypto/ledger/conversation.ts";
import { createPrimitives } from "#crypto/primitives.ts";
import type { AccountId, ConversationId, DeviceId } from "#protocol/ids.ts";
import { must } from "./endpoint-world.contract.ts";
import { createKeyring } from "./keyring.ts";
import { createLedgers } from "./ledgers.ts";
import { createMemoryStore } from "./memory-store.ts";
import { createRest } from "./rest.ts";

const CONVERSATION = "01900000-0000-7000-8000-00000000000a" as ConversationId;
const accountId = (last: string) => `01900000-0000-7000-8000-0000000000${last}` as AccountId;
const NOW = Date.UTC(2026, 0, 1);
const random = createSeededRandom(11);
const primitives = await createPrimitives({ random });

/** Agents stand for all members here: one key each, and a ledger of one entry. */
async function aMemberAccount(last: string) {
  const signer = makeSigner(primitives, new Secret(random(32)));
  const { entry, state } = await startAccount(primitives, {
    accountId: accountId(last),
    kind: "agent",
    identity: signer,
    mode: "session",
    suiteFloor: 1,
    bootstrapKey: null,
    createdAt: NOW,
  });
  const actor = {
    accountId: state.accountId,
    deviceId: state.accountId as string as DeviceId,
    signer,
  };
  return { actor, state, entries: [entry] };
}

async function aConversation() {
  const owner = await aMemberAccount("01");
  const ben = await aMemberAccount("02");
  const cleo = await aMemberAccount("03");
  const accounts = [owner, ben, cleo];
  const accountOf = (id: AccountId) => accounts.find(({ state }) => state.accountId === id)?.state;
  const started = must(
    await startConversation(primitives, {
      conversationId: CONVERSATION,
      type: "group",
      actor: owner.actor,
      account: owner.state,
      createdAt: NOW,
    }),
  );
  const add = async (from: typeof started.state, account: typeof ben) =>
    must(
      await appendConversation(
        primitives,
        from,
        { actor: owner.actor, op: addOf(account.state, "member"), createdAt: NOW },
        accountOf,
      ),
    );
  const withBen = await add(started.state, ben);
  const withCleo = await add(started.state, cleo);
  const withBoth = await add(withBen.state, cleo);
  return { accounts, started, withBen, withCleo, withBoth, ben };
}

/** Ledgers over a relay that answers with what the test holds. */
function ledgersOver(
  accounts: Awaited<ReturnType<typeof aConversation>>["accounts"],
  entriesOf: () => readonly Bytes[],
  store = createMemoryStore(),
) {
  const asked: string[] = [];
  const rest = createRest({
    clock: createFakeClock(),
    baseUrl: "http://relay.test",
    tokens: null,
    async fetch(url) {
      asked.push(url);
      const { pathname, searchParams } = new globalThis.URL(url);
      const account = accounts.find(({ state }) => pathname.endsWith(state.accountId));
      const after = Number(searchParams.get("after") ?? "-1");
      const rows = (account?.entries ?? entriesOf()).map((entry, ledger_seq) => ({
        ledger_seq,
        prev_hash: bytesToBase64(new Uint8Array(32)),
        entry: bytesToBase64(entry),
      }));
      const body = { data: rows.slice(after + 1), next_cursor: null };
      return { status: 200, headers: { get: () => null }, text: async () => JSON.stringify(body) };
    },
  });
  const forks: ConversationId[] = [];
  const changes: number[] = [];
  const withheld: boolean[] = [];
  const keyring = createKeyring({ primitives, store, rest, onIdentityChanged: () => {} });
  const ledgers = createLedgers({
    primitives,
    store,
    rest,
    keyring,
    onChanged: ({ seq }) => changes.push(seq),
    onFork: (conversationId) => forks.push(conversationId),
    onWithheld: (_conversationId, isWithheld) => withheld.push(isWithheld),
  });
  return { ledgers, changes, forks, withheld, store, asked };
}

describe("a conversation's ledger", () => {
  test("[E25] members are who the signed entries say, their accounts fetched and pinned on the way", async () => {
    const { accounts, started, withBen, ben } = await aConversation();
    const { ledgers, store } = ledgersOver(accounts, () => [...started.entries, withBen.entry]);

    const state = must(await ledgers.state(CONVERSATION));

    expect([...state.members.keys()]).toEqual([accountId("01"), accountId("02")]);
    expect(await store.get("accounts", ben.state.accountId)).not.toBeNull();
  });

  test("[E25] an entry the relay made up is refused, and what was known stays", async () => {
    const { accounts, started, withBen } = await aConversation();
    const forged = new Uint8Array(withBen.entry);
    forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
    let entries: readonly Bytes[] = started.entries;
    const { ledgers, store } = ledgersOver(accounts, () => entries);
    const before = must(await ledgers.state(CONVERSATION));

    entries = [...started.entries, forged];
    const refreshed = await ledgers.refresh(CONVERSATION);
    const next = ledgersOver([], () => [], store);

    expect(refreshed).toMatchObject({ ok: false, failure: { kind: "peer/bad-ledger" } });
    expect(must(await ledgers.state(CONVERSATION)).head).toEqual(before.head);
    expect(must(await next.ledgers.state(CONVERSATION)).head).toEqual(before.head);
    expect(next.asked).toEqual([]);
  });

  test("[E26] a kept ledger is replayed from the own disk without asking anyone", async () => {
    const { accounts, started, withBen } = await aConversation();
    const first = ledgersOver(accounts, () => [...started.entries, withBen.entry]);
    must(await first.ledgers.state(CONVERSATION));

    const again = ledgersOver([], () => [], first.store);
    const keyringLoads = must(await again.ledgers.state(CONVERSATION));

    expect(keyringLoads.members.size).toBe(2);
    expect(again.asked).toEqual([]);
  });

  test("[E25] [E26] an entry that came alone brings what is before it, and all of it is kept and told", async () => {
    const { accounts, started, withBen, withBoth } = await aConversation();
    let entries: readonly Bytes[] = started.entries;
    const { ledgers, changes, store } = ledgersOver(accounts, () => entries);
    const known = must(await ledgers.state(CONVERSATION));

    entries = [...started.entries, withBen.entry, withBoth.entry];
    const grown = must(await ledgers.append(CONVERSATION, [withBoth.entry]));
    const next = ledgersOver([], () => [], store);

    expect([known.members.size, grown.members.size]).toEqual([1, 3]);
    expect(changes).toEqual([known.seq, grown.seq]);
    expect(must(await next.ledgers.state(CONVERSATION)).head).toEqual(grown.head);
    expect(next.asked).toEqual([]);
  });

  test("[E27] two signed entries at one place freeze the conversation, and both are kept", async () => {
    const { accounts, started, withBen, withCleo } = await aConversation();
    let entries: readonly Bytes[] = [...started.entries, withBen.entry];
    const { ledgers, forks, store } = ledgersOver(accounts, () => entries);
    must(await ledgers.state(CONVERSATION));

    entries = [...started.entries, withCleo.entry];
    await ledgers.compare(CONVERSATION);

    const Kept = v.object({
      fork: v.object({ seq: v.number(), first: v.string(), second: v.string() }),
    });
    const record = v.parse(
      Kept,
      JSON.parse(new TextDecoder().decode((await store.get("ledgers", CONVERSATION)) ?? undefined)),
    );
    expect(forks).toEqual([CONVERSATION]);
    expect(ledgers.isForked(CONVERSATION)).toBe(true);
    expect(record.fork).toEqual({
      seq: 2,
      first: bytesToBase64(withBen.entry),
      second: bytesToBase64(withCleo.entry),
    });
  });

  test("[E48] a ledger shown shorter than before is withheld, in the next run too, until it is whole again", async () => {
    const { accounts, started, withBen, ben } = await aConversation();
    const whole = [...started.entries, withBen.entry];
    let entries: readonly Bytes[] = whole;
    const { ledgers, store, withheld } = ledgersOver(accounts, () => entries);
    must(await ledgers.confirm(CONVERSATION));

    entries = started.entries;
    expect(must(await ledgers.confirm(CONVERSATION)).seq).toBe(2);
    ledgers.doubt();
    const failure = { kind: "peer/ledger-withheld", conversationId: CONVERSATION };
    expect(await ledgers.confirm(CONVERSATION)).toEqual({ ok: false, failure });
    expect(must(await ledgers.state(CONVERSATION)).members.has(ben.state.accountId)).toBe(true);
    const again = ledgersOver(accounts, () => entries, store);
    expect(await again.ledgers.confirm(CONVERSATION)).toEqual({ ok: false, failure });
    entries = whole;

    expect(must(await again.ledgers.confirm(CONVERSATION)).seq).toBe(2);
    expect(withheld).toEqual([true]);
    expect(again.withheld).toEqual([false]);
  });

  test("[E27] another ledger of the same length is a fork when it is signed, also to the next run", async () => {
    const { accounts, started, withBen, withCleo } = await aConversation();
    const first = ledgersOver(accounts, () => [...started.entries, withBen.entry]);
    must(await first.ledgers.confirm(CONVERSATION));

    const next = ledgersOver(accounts, () => [...started.entries, withCleo.entry], first.store);
    const confirmed = await next.ledgers.confirm(CONVERSATION);

    const failure = { kind: "peer/fork", conversationId: CONVERSATION };
    expect(confirmed).toEqual({ ok: false, failure });
    expect(next.forks).toEqual([CONVERSATION]);
    expect(next.withheld).toEqual([]);
  });

  test("[E48] bytes nobody signed in our newest entry's place withhold it and prove nothing", async () => {
    const { accounts, started, withBen, withCleo } = await aConversation();
    const unsigned = new Uint8Array(withCleo.entry);
    unsigned[unsigned.length - 1] = (unsigned.at(-1) ?? 0) ^ 1;
    let entries: readonly Bytes[] = [...started.entries, withBen.entry];
    const { ledgers, forks, withheld } = ledgersOver(accounts, () => entries);
    must(await ledgers.confirm(CONVERSATION));

    entries = [...started.entries, unsigned];
    const refreshed = await ledgers.refresh(CONVERSATION);

    expect(refreshed).toMatchObject({ ok: false, failure: { kind: "peer/ledger-withheld" } });
    expect([forks, withheld]).toEqual([[], [true]]);
  });

  test("[E27] a rival that its author did not sign freezes nothing", async () => {
    const { accounts, started, withBen, withCleo } = await aConversation();
    const unsigned = new Uint8Array(withCleo.entry);
    unsigned[unsigned.length - 1] = (unsigned.at(-1) ?? 0) ^ 1;
    let entries: readonly Bytes[] = [...started.entries, withBen.entry];
    const { ledgers, forks } = ledgersOver(accounts, () => entries);
    must(await ledgers.state(CONVERSATION));

    entries = [...started.entries, unsigned];
    await ledgers.compare(CONVERSATION);

    expect(forks).toEqual([]);
    expect(ledgers.isForked(CONVERSATION)).toBe(false);
  });
});
