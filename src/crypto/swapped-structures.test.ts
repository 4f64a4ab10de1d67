import { beforeAll, describe, expect, test } from "vitest";
import type { Bytes } from "#base/bytes.ts";
import { ENVELOPE_LABELS } from "#protocol/envelope.ts";
import { LABEL } from "./labels.ts";
import { signRecord, splitSigned } from "./signed-record.ts";
import { makeEveryStructure } from "./vectors/every-structure.ts";

type Every = Awaited<ReturnType<typeof makeEveryStructure>>;
let every: Every;
beforeAll(async () => {
  every = await makeEveryStructure();
});

/** What each reader answers to anything that is not its own; none that is not listed has more than one face. */
const FACES: Readonly<Record<string, readonly string[]>> = {
  "session opening": ["crypto/cannot-read"],
  "message of a session": ["crypto/cannot-read"],
  "message by itself": ["crypto/cannot-read"],
  "stream piece": ["crypto/cannot-read"],
  prekey: ["crypto/prekey-refused"],
  "account entry": ["crypto/ledger-refused"],
  "conversation entry": ["crypto/ledger-refused"],
  close: ["crypto/control-refused"],
  beat: ["crypto/control-refused"],
  notice: ["crypto/control-refused"],
  approval: ["crypto/malformed"],
  "link offer": ["crypto/bad-link"],
  "link ask": ["crypto/bad-link"],
  "link show": ["crypto/bad-link"],
  "link grant": ["crypto/bad-link"],
  "history head": ["crypto/bad-history"],
  backup: ["crypto/bad-tag"],
  "backup content": ["crypto/malformed"],
  // A wrap of the right length is compared before it is opened.
  "backup key": ["crypto/malformed", "crypto/wrong-unlock-key"],
  "disk key": ["crypto/malformed", "crypto/wrong-unlock-key"],
  // What the message says of the file is compared in this order.
  file: ["crypto/file-size-mismatch", "crypto/file-hash-mismatch"],
};

/** The labels that records by one device are signed under. */
const SIGNED = {
  prekey: LABEL.prekeySignature,
  "account entry": LABEL.grantSignature,
  "conversation entry": LABEL.grantSignature,
  close: LABEL.controlSignature,
  beat: LABEL.controlSignature,
  notice: LABEL.controlSignature,
  "creator's word": LABEL.vouchSignature,
  approval: LABEL.approvalSignature,
  "history head": LABEL.historySignature,
} as const;

const structureOf = (name: string) => {
  const found = every.structures.get(name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
};

describe("every structure", () => {
  test("[C4] is taken by its own reader", async () => {
    for (const [name, { bytes, refuse }] of every.structures)
      expect([name, await refuse(bytes)]).toEqual([name, null]);
    expect(every.structures.size).toBeGreaterThan(30);
  });

  test("[C4] [C27] given where another is expected is refused with that reader's one face, and changes nothing", async () => {
    for (const [expected, { refuse, state }] of every.structures) {
      const before = state();
      const faces = new Set<string | null>();
      for (const [given, { bytes }] of every.structures)
        if (given !== expected) faces.add(await refuse(bytes));
      const known = FACES[expected] ?? ["nothing"];
      expect([expected, [...faces].filter((face) => !known.includes(face ?? ""))]).toEqual([
        expected,
        [],
      ]);
      expect(state()).toBe(before);
    }
  });

  test("[C4] has labels of its own: none stands for two uses", () => {
    const labels = [...Object.values(LABEL), ...Object.values(ENVELOPE_LABELS)];
    expect(labels.filter((label, at) => labels.indexOf(label) !== at)).toEqual([]);
  });

  test("[C4] signed by the right device under another structure's label is refused by both readers", async () => {
    const names = Object.keys(SIGNED) as (keyof typeof SIGNED)[];
    for (const record of names) {
      for (const label of names) {
        if (SIGNED[label] === SIGNED[record]) continue;
        const bare: Bytes = splitSigned(structureOf(record).bytes).record;
        const forged = await signRecord(every.p, SIGNED[label], bare, every.signer);
        for (const reader of [record, label])
          expect([record, label, reader, await structureOf(reader).refuse(forged)]).not.toContain(
            null,
          );
      }
    }
  });
});
