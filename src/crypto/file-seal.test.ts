import { fc } from "#base/properties.contract.ts";
import { expect, test } from "vitest";

import { concat, type Bytes } from "#base/bytes.ts";
import { systemRandom } from "#base/random.ts";
import type { Result } from "#base/result.ts";
import { Secret } from "#base/secret.ts";
import type { AttachmentId, ConversationId } from "#protocol/ids.ts";
import { MAX_FILE_BYTES } from "#protocol/limits.ts";

import type { CryptoFailure } from "./failure.ts";
import {
  createFileSealer,
  openFile,
  openFileBytes,
  sealFileBytes,
  sealedFileSize,
} from "./file-seal.ts";
import { FILE_CHUNK_BYTES } from "./limits.ts";
import { createPrimitives } from "./primitives.ts";

const p = await createPrimitives({ random: systemRandom });
const binding = {
  fileKey: new Secret(new Uint8Array(32).fill(1)),
  conversationId: "01900000-0000-7000-8000-000000000004" as ConversationId,
  attachmentId: "01900000-0000-7000-8000-000000000006" as AttachmentId,
};
const aFile = (sizeBytes: number): Bytes =>
  Uint8Array.from({ length: sizeBytes }, (_, at) => at & 0xff);
const TWO_AND_A_HALF = 2 * FILE_CHUNK_BYTES + 1_000;
const SEALED_CHUNK = FILE_CHUNK_BYTES + 16;

async function sealed(plain: Bytes): Promise<{ readonly sealed: Bytes; readonly sha256: Bytes }> {
  const result = await sealFileBytes(p, binding, plain);
  if (!result.ok) throw new Error(result.failure.kind);
  return result.value;
}

/** Opens bytes as if the message had named their hash, so that the chunks themselves are judged. */
const openAnyway = (bytes: Bytes, sizeBytes: number) =>
  openFileBytes(p, { ...binding, sizeBytes, sha256: p.sha256(bytes) }, bytes);

const kindOf = (result: Result<unknown, CryptoFailure>): string =>
  result.ok ? "ok" : result.failure.kind;

function cut(bytes: Bytes, sizes: readonly number[]): Bytes[] {
  const pieces: Bytes[] = [];
  let at = 0;
  for (const size of sizes) {
    pieces.push(bytes.slice(at, at + size));
    at += size;
  }
  return [...pieces, bytes.slice(at)];
}

test("[C35] a file opens to itself however it was cut on its way in and out", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(3 * FILE_CHUNK_BYTES),
      fc.array(fc.nat(100_000), { maxLength: 5 }),
      fc.array(fc.nat(100_000), { maxLength: 5 }),
      async (sizeBytes, inPieces, outPieces) => {
        const plain = aFile(sizeBytes);
        const sealer = await createFileSealer(p, { ...binding, sizeBytes });
        if (!sealer.ok) throw new Error("not too large");
        const parts = [sealer.value.head];
        for (const piece of cut(plain, inPieces)) parts.push(await sealer.value.update(piece));
        const end = await sealer.value.finish();
        if (!end.ok) throw new Error("all pieces came");
        const bytes = concat(...parts, end.value.rest);

        const file = { ...binding, sizeBytes, sha256: end.value.sha256 };
        const chunks = await openFile(p, file, () => cut(bytes, outPieces));

        expect(bytes.length).toBe(sealedFileSize(sizeBytes));
        const opened: Bytes[] = [];
        if (chunks.ok)
          for await (const chunk of chunks.value)
            opened.push(chunk.ok ? chunk.value : new Uint8Array());
        expect(p.sha256(concat(...opened))).toEqual(p.sha256(plain));
      },
    ),
    { numRuns: 20 },
  );
});

test("[C35] nothing is offered while the whole hash does not hold", async () => {
  const { sealed: bytes, sha256 } = await sealed(aFile(100));
  const other = bytes.slice();
  other[50] = (other[50] ?? 0) ^ 1;

  const opened = await openFileBytes(p, { ...binding, sizeBytes: 100, sha256 }, other);

  expect(kindOf(opened)).toBe("crypto/file-hash-mismatch");
});

test("[C35] a flipped bit anywhere does not open, even under a hash that was made for it", async () => {
  const { sealed: bytes } = await sealed(aFile(300));

  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(7), async (at, bit) => {
      const flipped = Uint8Array.from(bytes, (byte, index) =>
        index === at ? byte ^ (1 << bit) : byte,
      );
      expect(kindOf(await openAnyway(flipped, 300))).toBe("crypto/bad-tag");
    }),
  );
});

test("[C35] chunks swapped, repeated or dropped do not open", async () => {
  const { sealed: bytes } = await sealed(aFile(TWO_AND_A_HALF));
  const [head, first, second, last] = cut(bytes, [7, SEALED_CHUNK, SEALED_CHUNK]) as [
    Bytes,
    Bytes,
    Bytes,
    Bytes,
  ];

  const swapped = concat(head, second, first, last);
  const repeated = concat(head, first, first, last);
  const dropped = concat(head, first, last);

  expect(kindOf(await openAnyway(swapped, TWO_AND_A_HALF))).toBe("crypto/bad-tag");
  expect(kindOf(await openAnyway(repeated, TWO_AND_A_HALF))).toBe("crypto/bad-tag");
  expect(kindOf(await openAnyway(dropped, TWO_AND_A_HALF))).toBe("crypto/file-size-mismatch");
  expect(kindOf(await openAnyway(dropped, FILE_CHUNK_BYTES + 1_000))).toBe("crypto/bad-tag");
});

test("[C35] a file does not open as another attachment, conversation or size, or with another key", async () => {
  const { sealed: bytes, sha256 } = await sealed(aFile(100));
  const file = { ...binding, sizeBytes: 100, sha256 };
  const others = [
    { ...file, attachmentId: "01900000-0000-7000-8000-000000000007" as AttachmentId },
    { ...file, conversationId: "01900000-0000-7000-8000-000000000007" as ConversationId },
    { ...file, fileKey: new Secret(new Uint8Array(32)) },
  ];

  for (const other of others)
    expect(kindOf(await openFileBytes(p, other, bytes))).toBe("crypto/bad-tag");
  expect(kindOf(await openFileBytes(p, { ...file, sizeBytes: 99 }, bytes))).toBe(
    "crypto/file-size-mismatch",
  );
});

test("[C35] bytes that change between the two readings do not open", async () => {
  const { sealed: bytes, sha256 } = await sealed(aFile(TWO_AND_A_HALF));
  const changed = bytes.slice();
  changed[SEALED_CHUNK + 20] = (changed[SEALED_CHUNK + 20] ?? 0) ^ 1;
  const readings = [bytes, changed, bytes.slice(0, -1), concat(bytes, Uint8Array.of(0))];
  const kindsOnSecondReading = async (second: Bytes): Promise<string[]> => {
    const queue = [bytes, second];
    const chunks = await openFile(p, { ...binding, sizeBytes: TWO_AND_A_HALF, sha256 }, () => [
      queue.shift() ?? bytes,
    ]);
    const kinds: string[] = [];
    if (chunks.ok) for await (const chunk of chunks.value) kinds.push(kindOf(chunk));
    return kinds;
  };

  expect(await Promise.all(readings.map(kindsOnSecondReading))).toEqual([
    ["ok", "ok", "ok"],
    ["ok", "crypto/bad-tag"],
    ["ok", "ok", "crypto/file-size-mismatch"],
    ["ok", "ok", "ok", "crypto/file-size-mismatch"],
  ]);
});

test("[C35] a file that is not as long as was said, or longer than allowed, is not sealed", async () => {
  const sealer = await createFileSealer(p, { ...binding, sizeBytes: 10 });
  const large = { ...binding, sizeBytes: MAX_FILE_BYTES + 1 };
  if (!sealer.ok) throw new Error("ten bytes are not too many");

  const afterTooMuch = await sealer.value.update(aFile(FILE_CHUNK_BYTES * 3));

  expect(afterTooMuch).toEqual(new Uint8Array());
  expect(await sealer.value.finish()).toEqual({
    ok: false,
    failure: {
      kind: "crypto/file-size-mismatch",
      sizeBytes: FILE_CHUNK_BYTES * 3,
      expectedSizeBytes: 10,
    },
  });
  await expect(sealer.value.update(aFile(1))).rejects.toThrow("takes no more");
  await expect(sealer.value.finish()).rejects.toThrow("ends once");
  expect(kindOf(await createFileSealer(p, large))).toBe("crypto/file-too-large");
  expect(kindOf(await openFile(p, { ...large, sha256: new Uint8Array(32) }, () => []))).toBe(
    "crypto/file-too-large",
  );
});

test("[C5] every chunk of a file has a nonce of its own under a random prefix", async () => {
  const nonces: string[] = [];
  const watched = {
    ...p,
    importAesGcm: async (key: Bytes) => {
      const aes = await p.importAesGcm(key);
      return {
        ...aes,
        seal: (nonce: Bytes, aad: Bytes, plain: Bytes) => {
          nonces.push(String(nonce));
          return aes.seal(nonce, aad, plain);
        },
      };
    },
  };

  for (let run = 0; run < 3; run++) await sealFileBytes(watched, binding, aFile(TWO_AND_A_HALF));

  expect(nonces).toHaveLength(9);
  expect(new Set(nonces).size).toBe(9);
});
