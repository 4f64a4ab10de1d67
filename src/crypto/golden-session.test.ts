import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import { type Bytes, bytesToHex } from "#base/bytes.ts";
import type { Result } from "#base/result.ts";
import type { AccountId, ConversationId, DeviceId, StreamId } from "#protocol/ids.ts";
import { openEnvelopeMessage } from "./envelope-read.ts";
import type { CryptoFailure } from "./failure.ts";
import { replayAccount } from "./ledger/account-replay.ts";
import type { AccountState } from "./ledger/account-state.ts";
import { replayConversation } from "./ledger/conversation-replay.ts";
import { ledgerView } from "./ledger/conversation-state.ts";
import type { ReadContext } from "./message-open.ts";
import { verifyPrekey } from "./prekeys.ts";
import type { ReceiverSession } from "./receiver-session.ts";
import { senderView } from "./sender-view.ts";
import { acceptSession } from "./session-accept.ts";
import { openMessage } from "./session-read.ts";
import { openDelta, streamSealer } from "./stream-seal.ts";
import {
  type Cast,
  fromHex,
  makeCast,
  makeGoldenSession,
  patternPayload,
  SEEDS,
} from "./vectors/golden-session.ts";
import { type Endpoint, must, prekeyOf } from "./vectors/people.ts";
import { readVectors } from "./vectors/published.ts";

type Golden = Awaited<ReturnType<typeof makeGoldenSession>>;
const golden = <Name extends keyof Golden>(name: Name): Golden[Name] =>
  readVectors(`./golden/${name}.json`) as Golden[Name];

let made: Golden;
let cast: Cast;
const sessions = new Map<string, ReceiverSession>();

beforeAll(async () => {
  made = await makeGoldenSession();
  cast = await makeCast(SEEDS.story);
  for (const { name, sessionOpen } of golden("open").cases) {
    sessions.set(name, must(await accept(fromHex(sessionOpen))));
  }
});

const contextFrom = (from: Endpoint): ReadContext => {
  const sender = senderView(cast.world.primitives, from.account, from.deviceId);
  if (sender === null) throw new Error("a known device");
  const ledger = ledgerView(cast.conversation);
  return { sender, ledger, now: 1_767_225_700_000, suiteFloor: 1, seen: () => false };
};

const accept = (sessionOpen: Bytes) =>
  acceptSession(cast.world.primitives, {
    ...contextFrom(cast.phone),
    sessionOpen,
    self: cast.agent.self,
    prekeyOf: prekeyOf(cast.agent),
    bootstrap: cast.agent.bootstrap,
  });

const causeOf = (result: Result<unknown, CryptoFailure>) =>
  !result.ok && result.failure.kind === "crypto/cannot-read" ? result.failure.cause : null;

describe("golden vectors", () => {
  test.each(["open", "message", "prekey", "grant", "delta"] as const)(
    "[C2] %s is made again to the byte",
    (name) => {
      expect(JSON.parse(JSON.stringify(made[name]))).toEqual(golden(name));
    },
  );

  test.each(golden("open").cases)(
    "[C18] the open by $name gives its chain",
    ({ name, chainKey }) => {
      expect(bytesToHex(sessions.get(name)?.chain.key.reveal() ?? new Uint8Array())).toBe(chainKey);
    },
  );

  test.each(golden("open").bad)("[C18] an open with $name is refused", async (bad) => {
    expect(causeOf(await accept(fromHex(bad.sessionOpen)))).toBe(bad.cause);
  });

  test.each(golden("message").cases.filter(({ envelope }) => envelope !== null))(
    "[C6] the message $name opens",
    async ({ session, reader, payloadSizeBytes, envelope, messageHash, plaintextHash }) => {
      const bytes = fromHex(envelope ?? "");
      const own = sessions.get(session ?? "");
      const self = cast[reader].self;
      const context = contextFrom(reader === "laptop" ? cast.webhook : cast.phone);
      const wrapped = { ...context, self, prekeyOf: prekeyOf(cast[reader]) };

      const opened = own
        ? must(await openMessage(cast.world.primitives, own, bytes, context))
        : must(await openEnvelopeMessage(cast.world.primitives, bytes, wrapped));

      expect(opened).toMatchObject({
        contentType: "json",
        payload: patternPayload(payloadSizeBytes),
        messageHash: fromHex(messageHash),
        plaintextHash: fromHex(plaintextHash),
      });
    },
  );

  test("[C7] the largest message has the largest bucket", () => {
    const largest = golden("message").cases.find((message) => message.payloadSizeBytes === 524_288);
    expect(largest?.envelopeSizeBytes).toBe(528_384 + 780 - 256);
  });

  test("[C27] bad messages are refused, each for its own reason", async () => {
    const { session, control, cases } = golden("message").bad;
    const own = sessions.get(session);
    if (own === undefined) throw new Error("a session");
    const open = (envelope: string) =>
      openMessage(cast.world.primitives, own, fromHex(envelope), contextFrom(cast.phone));

    const found = await Promise.all(
      cases.map(async (bad) => ({ ...bad, cause: causeOf(await open(bad.envelope)) })),
    );

    expect(found).toEqual(cases);
    expect((await open(control)).ok).toBe(true);
  });

  test("[C19] prekeys verify and bad ones are refused, each for its own reason", async () => {
    const { cases, bad, now } = golden("prekey");
    const [first] = cases;
    if (first === undefined) throw new Error("a prekey");
    const verify = (certificate: string, of = first) =>
      verifyPrekey(cast.world.primitives, fromHex(certificate), {
        owner: of.owner as AccountId,
        device: of.device as DeviceId,
        signingKey: fromHex(of.signingKey),
        fingerprint: fromHex(of.fingerprint),
        mode: "session",
        floor: 1,
        now,
      });

    const verdicts = await Promise.all(cases.map((of) => verify(of.certificate, of)));
    const refusals = await Promise.all(bad.map(({ certificate }) => verify(certificate)));

    expect(verdicts.map((verdict) => verdict.ok && verdict.value.suite)).toEqual([1, 2, 1, 2]);
    expect(refusals).toEqual(
      bad.map(({ reason }) => ({ ok: false, failure: { kind: "crypto/prekey-refused", reason } })),
    );
  });

  test("[C21] ledgers replay to their heads and bad entries are refused", async () => {
    const { accounts, conversation, bad } = golden("grant");
    const { primitives } = cast.world;
    const states = new Map<string, AccountState>();
    for (const { accountId, entries, head } of accounts) {
      const id = accountId as AccountId;
      const state = must(await replayAccount(primitives, id, entries.map(fromHex)));
      expect(bytesToHex(state.head)).toBe(head);
      states.set(accountId, state);
    }
    const replayed = must(
      await replayConversation(
        primitives,
        conversation.conversationId as ConversationId,
        conversation.entries.map(fromHex),
        (id) => states.get(id),
      ),
    );
    expect(bytesToHex(replayed.head)).toBe(conversation.head);

    const [person] = accounts;
    if (person === undefined) throw new Error("an account");
    const before = person.entries.slice(0, -1).map(fromHex);
    const reasons = await Promise.all(
      bad.map(async ({ entry }) => {
        const id = person.accountId as AccountId;
        const result = await replayAccount(primitives, id, [...before, fromHex(entry)]);
        return !result.ok && "reason" in result.failure && result.failure.reason;
      }),
    );
    expect(reasons).toEqual(bad.map(({ reason }) => reason));
  });

  test("[C33] deltas open one after the other and bad ones are refused", () => {
    const { streamKey, conversationId, streamId, startHash, cases, bad } = golden("delta");
    const { primitives } = cast.world;
    const start = streamSealer(primitives, {
      streamKey: fromHex(streamKey),
      conversationId: conversationId as ConversationId,
      streamId: streamId as StreamId,
      startHash: fromHex(startHash),
    });
    let state = start;
    for (const [index, { text, delta, runningHash }] of cases.entries()) {
      const opened = must(openDelta(primitives, state, index, fromHex(delta)));
      ({ state } = opened);
      expect([opened.text, bytesToHex(state.runningHash)]).toEqual([text, runningHash]);
    }
    const causes = bad.map(({ delta }) => causeOf(openDelta(primitives, start, 0, fromHex(delta))));
    expect(causes).toEqual(bad.map(({ cause }) => cause));
  });
});

describe("a reader written from the SPEC alone", () => {
  const run = async (name: string): Promise<unknown> => {
    const script = fileURLToPath(new URL(`./vectors/independent/${name}`, import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [script]);
    return JSON.parse(stdout);
  };

  test("[C6][C10][C18] opens the golden messages of both suites and modes to the same payloads", async () => {
    const expected = golden("message")
      .cases.filter(({ envelope }) => envelope !== null)
      .map(({ name, payloadSizeBytes }) => ({
        name,
        payload: bytesToHex(patternPayload(payloadSizeBytes)),
      }));

    expect(await run("open_golden.mjs")).toEqual(expected);
    expect(expected.filter(({ name }) => /x-wing|suite 2/.test(name))).toHaveLength(5);
  });

  test("[C21][C33][C35][C37][C38][C39][C40][C41][C44][C45][C64] recomputes every other golden record", async () => {
    expect(await run("open_records.mjs")).toEqual({
      close: 1,
      beat: 1,
      notice: 1,
      "ledger entry": 16,
      "account ledger": 5,
      "conversation ledger": 1,
      "creator's signature": 1,
      rotation: 1,
      delta: 6,
      file: 2,
      view: 3,
      request: 3,
      approval: 3,
      password: 2,
      commitment: 5,
      "backup key": 3,
      "wrapping key": 2,
      backup: 3,
      "recovery code": 3,
      remark: 3,
      "device name": 3,
      "disk record": 3,
      lock: 1,
      "safety number": 2,
    });
  });

  test("[C56][C57][C58][C59] follows the golden device link to its grant and opens the history slices", async () => {
    expect(await run("open_device.mjs")).toEqual({
      "link id": 1,
      "link key": 1,
      offer: 1,
      ask: 4,
      commitment: 1,
      transcript: 1,
      digits: 1,
      grant: 1,
      facts: 2,
      prekey: 6,
      "history key": 2,
      part: 4,
    });
  });
});
