/**
 * Hostile bytes for every parser and opener: golden records bent in every way a sender or a disk can bend them, and
 * bytes of no kind. Nothing throws, what is accepted is canonical, what is opened is what was sealed, and the number of
 * key derivations and signature checks stays small. Runs are counted and printed with the seed: PARLEY_FUZZ_SEED.
 */
import { describe, expect, test } from "vitest";
import {
  bytesToHex,
  concat,
  equalBytes,
  utf8,
  utf8ToText,
  type Bytes,
} from "../../src/base/bytes.ts";
import { systemRandom } from "../../src/base/random.ts";
import type { Result } from "../../src/base/result.ts";
import { Secret } from "../../src/base/secret.ts";
import { createSeededRandom } from "../../src/base/seeded-random.ts";
import { parseApprovalRecord, encodeApprovalRecord } from "../../src/crypto/approval-record.ts";
import { encodeBackupContent, parseBackupContent } from "../../src/crypto/backup-content.ts";
import { openBackup, openBackupKey } from "../../src/crypto/backup.ts";
import { verifyBeat, verifyClose, verifyNotice } from "../../src/crypto/control-records.ts";
import { openContactRemark } from "../../src/crypto/contact-remark.ts";
import { openDeviceName } from "../../src/crypto/device-name.ts";
import { openEnvelopeMessage } from "../../src/crypto/envelope-read.ts";
import { openFileBytes } from "../../src/crypto/file-seal.ts";
import { replayAccount } from "../../src/crypto/ledger/account-replay.ts";
import { replayConversation } from "../../src/crypto/ledger/conversation-replay.ts";
import { ledgerView } from "../../src/crypto/ledger/conversation-state.ts";
import { peekLedgerEntry } from "../../src/crypto/ledger/entry.ts";
import { parsePrekey, verifyPrekey } from "../../src/crypto/prekeys.ts";
import { createPrimitives, type Primitives } from "../../src/crypto/primitives.ts";
import {
  encodeReceiverSession,
  parseReceiverSession,
} from "../../src/crypto/receiver-session-record.ts";
import { readRecoveryCode, writeRecoveryCode } from "../../src/crypto/recovery-code.ts";
import { senderView } from "../../src/crypto/sender-view.ts";
import { acceptSession } from "../../src/crypto/session-accept.ts";
import { openMessage } from "../../src/crypto/session-read.ts";
import { openDelta, streamSealer } from "../../src/crypto/stream-seal.ts";
import { createVault, unwrapVaultKey } from "../../src/crypto/vault.ts";
import { goldenBackupContent, goldenBytes as hex } from "../../src/crypto/vectors/golden-sealed.ts";
import { makeCast, SEEDS } from "../../src/crypto/vectors/golden-session.ts";
import { accountsOf, must, prekeyOf, START } from "../../src/crypto/vectors/people.ts";
import { readVectors } from "../../src/crypto/vectors/published.ts";
import { parsePayload } from "../../src/protocol/payload.ts";
import {
  encodeMessageHeader,
  encodeOpenHeader,
  parseEnvelope,
  parseSessionOpen,
} from "../../src/protocol/envelope.ts";
import { parseEndpointFrame, parseRelayFrame } from "../../src/protocol/frame.ts";
import type { AccountId, ConversationId, StreamId } from "../../src/protocol/ids.ts";
import { rounds, timeoutMs } from "../world/profile.ts";

const SEED = Number(process.env["PARLEY_FUZZ_SEED"] ?? 20_26);
const PARSED = rounds(2_000, 500_000);
const OPENED = rounds(150, 20_000);

const golden = (name: string): any => readVectors(`./golden/${name}.json`);

// --- Bending bytes ---

const random = createSeededRandom(SEED);
const below = (limit: number): number => {
  const [a = 0, b = 0, c = 0] = random(3);
  return ((a << 16) | (b << 8) | c) % Math.max(1, limit);
};
const EDGES = [0x00, 0x01, 0x7f, 0x80, 0xff];
const BENDS: readonly ((bytes: Bytes, other: Bytes) => Bytes)[] = [
  (bytes) => {
    const bent = bytes.slice();
    for (let count = 1 + below(8); count > 0; count--) {
      const at = below(bytes.length);
      bent[at] = (bent[at] ?? 0) ^ (1 + below(255));
    }
    return bent;
  },
  (bytes) => {
    const at = below(bytes.length);
    return bytes.map((byte, i) => (i === at ? byte ^ (1 << below(8)) : byte));
  },
  (bytes) => {
    const at = below(bytes.length);
    return bytes.map((byte, i) => (i === at ? (EDGES[below(5)] ?? 0) : byte));
  },
  (bytes) => bytes.slice(0, below(bytes.length)),
  (bytes) => bytes.slice(below(bytes.length)),
  (bytes) => concat(bytes, random(1 + below(40))),
  (bytes) => {
    const at = below(bytes.length);
    return concat(bytes.slice(0, at), random(1 + below(4)), bytes.slice(at));
  },
  (bytes) => {
    const at = below(bytes.length);
    return concat(bytes.slice(0, at), bytes.slice(at + 1 + below(40)));
  },
  (bytes) => {
    // A length of a field, most likely: four bytes that begin with two zeros.
    const starts = [...bytes.keys()].filter((i) => bytes[i] === 0 && bytes[i + 1] === 0);
    const at = starts[below(starts.length)] ?? 0;
    const length = [0, 1, 0xffff, 0xffff_ffff, 0x7fff_ffff][below(5)] ?? 0;
    const bent = bytes.slice();
    new DataView(bent.buffer).setUint32(Math.min(at, bytes.length - 4), length);
    return bent;
  },
  (bytes, other) => {
    const at = below(Math.min(bytes.length, other.length));
    return concat(bytes.slice(0, at), other.slice(at));
  },
  (_, other) => other,
  () => random(below(600)),
];

function* bentFrom(seeds: readonly Bytes[], count: number): Generator<Bytes> {
  yield* [new Uint8Array(), new Uint8Array(1), ...seeds];
  for (let i = 0; i < count; i++) {
    const one = seeds[below(seeds.length)] ?? new Uint8Array(4);
    const other = seeds[below(seeds.length)] ?? new Uint8Array(4);
    let bent = one.length < 4 ? random(8) : one;
    for (let times = 1 + below(3); times > 0 && bent.length >= 4; times--)
      bent = BENDS[below(BENDS.length)]?.(bent, other) ?? bent;
    yield bent;
  }
}

/** Runs every input; a throw names the input that caused it. */
async function feed(
  what: string,
  inputs: Iterable<Bytes>,
  take: (bytes: Bytes) => unknown,
): Promise<void> {
  let count = 0;
  for (const bytes of inputs) {
    count += 1;
    try {
      // Only what is asynchronous is waited for: a turn of the loop for each of millions would be most of the time.
      const taken = take(bytes);
      if (taken instanceof Promise) await taken;
    } catch (error) {
      throw new Error(`${what}, seed ${SEED}, input ${count}: ${bytesToHex(bytes)}`, {
        cause: error,
      });
    }
  }
  console.log(`${what}: ${count} inputs, seed ${SEED}`);
}

const holds = (condition: boolean, claim: string): void => {
  if (!condition) throw new Error(claim);
};
const isTyped = (result: Result<unknown, { readonly kind: string }>): boolean =>
  result.ok || /^[a-z]+\/[a-z-]+$/.test(result.failure.kind);

// --- Golden bytes as seeds ---

const story = golden("message");
const envelopesOf = (cases: readonly { readonly envelope: string | null }[]): Bytes[] =>
  cases.flatMap(({ envelope }) => (envelope === null ? [] : [hex(envelope)]));
const sealed = envelopesOf([...story.cases, { envelope: story.bad.control }]);
const envelopes = [...sealed, ...envelopesOf(story.bad.cases)];
const opens: Bytes[] = golden("open").cases.map(({ sessionOpen }: { sessionOpen: string }) =>
  hex(sessionOpen),
);
const certificates: Bytes[] = golden("prekey").cases.map(
  ({ certificate }: { certificate: string }) => hex(certificate),
);
const entries: Bytes[] = [
  ...golden("grant").accounts.flatMap((account: { entries: string[] }) => account.entries),
  ...golden("grant").conversation.entries,
  ...golden("identity").agent.entries,
].map((entry: string) => hex(entry));
const controls: Bytes[] = ["close", "beat", "notice"].map((kind) =>
  hex(golden("control")[kind].record),
);

describe("parsers", () => {
  const p = createPrimitives({ random: systemRandom });

  test(
    "[C2] take what has one form, and nothing makes them throw",
    timeoutMs(600_000, 1_800_000),
    async () => {
      const primitives = await p;
      const everything = [...envelopes, ...opens, ...certificates, ...entries, ...controls];
      const small = everything.filter(({ length }) => length < 5_000);
      await feed(
        "envelopes",
        bentFrom(
          envelopes.filter(({ length }) => length < 5_000),
          PARSED,
        ),
        (bytes) => {
          const parsed = parseEnvelope(bytes);
          holds(isTyped(parsed), "a typed failure");
          if (!parsed.ok) return;
          const { head, headerBytes } = parsed.value;
          holds(equalBytes(encodeMessageHeader(head), headerBytes), "one form of a header");
        },
      );
      await feed("opens", bentFrom(opens, PARSED), (bytes) => {
        const parsed = parseSessionOpen(bytes);
        if (!parsed.ok) return holds(isTyped(parsed), "a typed failure");
        const { head, headerBytes } = parsed.value;
        return holds(equalBytes(encodeOpenHeader(head), headerBytes), "one form of a header");
      });
      await feed("prekeys, ledger entries, approvals", bentFrom(small, PARSED), (bytes) => {
        parsePrekey(bytes);
        const record = parseApprovalRecord(bytes);
        holds(record === null || equalBytes(encodeApprovalRecord(record), bytes), "one form");
        peekLedgerEntry(primitives, bytes);
      });
      const content = encodeBackupContent(goldenBackupContent());
      await feed("backups' content", bentFrom([content], PARSED), (bytes) => {
        const parsed = parseBackupContent(bytes);
        holds(isTyped(parsed), "a typed failure");
        holds(!parsed.ok || equalBytes(encodeBackupContent(parsed.value), bytes), "one form");
      });
      await feed(
        "recovery codes",
        bentFrom([utf8(golden("recovery").codes[0].written)], PARSED),
        (bytes) => {
          const code = readRecoveryCode(primitives, utf8ToText(bytes) ?? "");
          holds(
            code === null ||
              readRecoveryCode(primitives, writeRecoveryCode(primitives, code)) !== null,
            "a code reads back",
          );
        },
      );
      const frames = [
        '{"type":"message.send","conversation_id":"01900000-0000-7000-8000-000000000001","encrypted_payload":"AA=="}',
        '{"type":"resume","log_epoch":null,"cursors":{"01900000-0000-7000-8000-000000000001":7}}',
        '{"type":"text","text":"hi","mentions":[{"id":"01900000-0000-7000-8000-000000000001"}]}',
        '{"type":"artifact","artifact":{"type":"form","artifact_id":"a","revision":0,"fields":[]}}',
      ].map((text) => utf8(text));
      await feed("frames and payloads", bentFrom(frames, PARSED), (bytes) => {
        const text = new TextDecoder().decode(bytes);
        holds(
          isTyped(parseEndpointFrame(text)) && isTyped(parseRelayFrame(text)),
          "a typed failure",
        );
        holds(isTyped(parsePayload(bytes)), "a typed failure");
      });
    },
  );
});

/** Primitives that count what costs time; `reset` gives the counts since the last time. */
function counted(p: Primitives) {
  let [derived, agreed, verified] = [0, 0, 0];
  const primitives: Primitives = {
    ...p,
    hmacSha256: (...input) => (derived++, p.hmacSha256(...input)),
    hkdfExpand: (...input) => (derived++, p.hkdfExpand(...input)),
    x25519: (...input) => (agreed++, p.x25519(...input)),
    xwingDecapsulate: (...input) => (agreed++, p.xwingDecapsulate(...input)),
    ed25519Verify: (...input) => (verified++, p.ed25519Verify(...input)),
  };
  const reset = () => {
    const counts = { derived, agreed, verified };
    [derived, agreed, verified] = [0, 0, 0];
    return counts;
  };
  return { primitives, reset };
}

describe("openers", () => {
  test(
    "[C16] [C25] [C27] open what was sealed and nothing else, with bounded work and one face",
    timeoutMs(600_000, 1_800_000),
    async () => {
      const cast = await makeCast(SEEDS.story);
      const { primitives, reset } = counted(await createPrimitives({ random: systemRandom }));
      const sender = senderView(primitives, cast.phone.account, cast.phone.deviceId);
      if (sender === null) throw new Error("a known device");
      const ledger = ledgerView(cast.conversation);
      const context = {
        sender,
        ledger,
        now: START + 100_000,
        suiteFloor: 1 as const,
        seen: () => false,
      };
      const [agent, prekeys] = [cast.agent.self, prekeyOf(cast.agent)];
      const isOneFace = (result: Result<unknown, { readonly kind: string }>): boolean =>
        result.ok || result.failure.kind === "crypto/cannot-read";
      const accept = (sessionOpen: Bytes) =>
        acceptSession(primitives, {
          ...context,
          sessionOpen,
          self: agent,
          prekeyOf: prekeys,
          bootstrap: cast.agent.bootstrap,
        });

      await feed("opens joined", bentFrom(opens, OPENED), async (bytes) => {
        const joined = await accept(bytes);
        const { verified, agreed, derived } = reset();
        holds(isOneFace(joined), "one face");
        holds(!joined.ok || opens.some((open) => equalBytes(open, bytes)), "only what was sealed");
        holds(
          verified <= 1 && agreed <= 1 && derived <= 8,
          `bounded: ${verified} ${agreed} ${derived}`,
        );
      });

      const session = must(await accept(opens[0] ?? new Uint8Array()));
      const before = encodeReceiverSession(session);
      // A bad one is a good one with a byte changed, and could be bent back.
      const small = sealed.filter(({ length }) => length < 5_000);
      await feed("messages opened", bentFrom(small, OPENED), async (bytes) => {
        reset();
        const read = await openMessage(primitives, session, bytes, context);
        const alone = await openEnvelopeMessage(primitives, bytes, {
          ...context,
          self: agent,
          prekeyOf: prekeys,
        });
        const { verified, agreed, derived } = reset();
        holds(isOneFace(read) && isOneFace(alone), "one face");
        holds(
          !(read.ok || alone.ok) || sealed.some((one) => equalBytes(one, bytes)),
          "only what was sealed",
        );
        holds(
          verified <= 2 && agreed <= 1 && derived <= 2 * 64 + 16,
          `bounded: ${verified} ${agreed} ${derived}`,
        );
      });
      expect(encodeReceiverSession(session)).toEqual(before);

      await feed("stored sessions", bentFrom([before], OPENED), (bytes) => {
        const parsed = parseReceiverSession(bytes);
        holds(parsed === null || equalBytes(encodeReceiverSession(parsed), bytes), "one form");
      });

      const key = cast.phone.signer.publicKey;
      await feed(
        "certificates and control records",
        bentFrom([...certificates, ...controls], OPENED),
        async (bytes) => {
          const controlKey = hex(golden("control").signingKey);
          const verdicts = await Promise.all([
            verifyClose(primitives, bytes, controlKey),
            verifyBeat(primitives, bytes, controlKey),
            verifyNotice(primitives, bytes, controlKey),
            verifyPrekey(primitives, bytes, {
              owner: cast.phone.accountId,
              device: cast.phone.deviceId,
              signingKey: key,
              fingerprint: cast.phone.fingerprint,
              mode: "session",
              floor: 1,
              now: START,
            }),
          ]);
          const { verified } = reset();
          holds(verdicts.every(isTyped), "typed failures");
          const isKnown = [...certificates, ...controls].some((one) => equalBytes(one, bytes));
          holds(verdicts.every(({ ok }) => !ok) || isKnown, "only what was signed");
          holds(verified <= 4, "bounded");
        },
      );

      const people = accountsOf([cast.phone, cast.laptop, cast.agent, cast.webhook]);
      const own = [...cast.phone.entries];
      const ledgers = [...cast.conversationEntries, ...own, ...entries];
      await feed("ledgers", bentFrom(ledgers, OPENED), async (bytes) => {
        const account = await replayAccount(
          primitives,
          cast.phone.accountId,
          [...own, bytes],
          undefined,
          people,
        );
        const talk = await replayConversation(
          primitives,
          cast.conversation.conversationId,
          [bytes],
          people,
          cast.conversation,
        );
        reset();
        holds(isTyped(account) && isTyped(talk) && !account.ok, "typed refusals");
        // Repeats of what is known are no step.
        holds(!talk.ok || talk.value.seq === cast.conversation.seq, "no step");
      });

      const stream = golden("delta");
      const state = streamSealer(primitives, {
        streamKey: hex(stream.streamKey),
        conversationId: stream.conversationId as ConversationId,
        streamId: stream.streamId as StreamId,
        startHash: hex(stream.startHash),
      });
      const deltas: Bytes[] = stream.cases.map(({ delta }: { delta: string }) => hex(delta));
      await feed("deltas", bentFrom(deltas, OPENED), (bytes) => {
        const opened = openDelta(primitives, state, 0, bytes);
        holds(
          isTyped(opened) && (!opened.ok || equalBytes(bytes, deltas[0] ?? bytes)),
          "only the first",
        );
      });
    },
  );

  test(
    "[C35] [C39] [C40] [C44] files, backups, recovery files, records and names open whole or not at all",
    timeoutMs(600_000, 1_800_000),
    async () => {
      const p = await createPrimitives({ random: systemRandom });
      const backup = golden("backup");
      const { accountId } = backup as { accountId: AccountId };
      const backups = [hex(backup.sealed), hex(golden("recovery").file.sealed)];
      await feed("backups", bentFrom(backups, OPENED), (bytes) => {
        const owner = { accountId, generation: backup.generation, version: backup.version };
        const opened = openBackup(p, new Secret(hex(backup.backupKey)), owner, null, bytes);
        holds(
          isTyped(opened) && (!opened.ok || equalBytes(bytes, backups[0] ?? bytes)),
          "only what was sealed",
        );
      });
      const wraps: Bytes[] = backup.wraps.map(({ wrap }: { wrap: string }) => hex(wrap));
      await feed("wraps", bentFrom(wraps, OPENED), (bytes) => {
        const [, code] = backup.wraps;
        const method = { kind: "recovery-code", methodId: hex(code.methodId) } as const;
        const opened = openBackupKey(
          p,
          new Secret(hex(code.kek)),
          { accountId, generation: 1 },
          method,
          bytes,
        );
        holds(
          isTyped(opened) && (!opened.ok || equalBytes(bytes, wraps[1] ?? bytes)),
          "only what was sealed",
        );
      });
      const disk = golden("vault");
      const vault = createVault(p, hex(disk.vaultKey));
      const records: Bytes[] = disk.cases.map(({ sealed: one }: { sealed: string }) => hex(one));
      await feed(
        "disk records and locks",
        bentFrom([...records, hex(disk.wrapped)], OPENED),
        async (bytes) => {
          const opened = await vault.open(disk.cases[0].place, bytes);
          holds(opened === null || equalBytes(bytes, records[0] ?? bytes), "only what was sealed");
          const lock = unwrapVaultKey(p, new Secret(hex(disk.kek)), disk.deviceId, bytes);
          holds(
            isTyped(lock) && (!lock.ok || equalBytes(bytes, hex(disk.wrapped))),
            "only what was sealed",
          );
        },
      );
      const names = golden("device-name");
      const sealedNames: Bytes[] = names.cases.map(({ sealed: one }: { sealed: string }) =>
        hex(one),
      );
      await feed("device names", bentFrom(sealedNames, OPENED), (bytes) => {
        const owner = { ...names, identitySeed: new Secret(hex(names.identitySeed)) };
        const opened = openDeviceName(p, owner, bytes);
        holds(
          opened === null || sealedNames.some((one) => equalBytes(one, bytes)),
          "only what was sealed",
        );
      });
      const remarks = golden("contact-remark");
      const sealedRemarks: Bytes[] = remarks.cases.map(({ sealed: one }: { sealed: string }) =>
        hex(one),
      );
      await feed("contact remarks", bentFrom(sealedRemarks, OPENED), (bytes) => {
        const owner = { ...remarks, identitySeed: new Secret(hex(remarks.identitySeed)) };
        const opened = openContactRemark(p, owner, bytes);
        holds(
          opened === null || sealedRemarks.some((one) => equalBytes(one, bytes)),
          "only what was sealed",
        );
      });
      const files = golden("file");
      const [, file] = files.cases;
      await feed("files", bentFrom([hex(file.head)], OPENED), async (bytes) => {
        const { conversationId, attachmentId } = files;
        const of = {
          fileKey: new Secret(hex(file.fileKey)),
          conversationId,
          attachmentId,
          sizeBytes: 1,
        };
        // Even under a hash that was made for these bytes.
        const opened = await openFileBytes(p, { ...of, sha256: p.sha256(bytes) }, bytes);
        holds(
          isTyped(opened) && (!opened.ok || equalBytes(bytes, hex(file.head))),
          "only what was sealed",
        );
      });
    },
  );
});
