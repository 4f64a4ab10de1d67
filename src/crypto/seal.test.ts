import { expect, test } from "vitest";
import { fc } from "#base/properties.contract.ts";
import { utf8 } from "#base/bytes.ts";
import { enc } from "#protocol/encoding.ts";
import { padPlaintext, parsePlaintext, PLAINTEXT_OVERHEAD_BYTES } from "./seal.ts";
import { must } from "./vectors/people.ts";

const json = utf8("json");
const overhead = PLAINTEXT_OVERHEAD_BYTES + json.length;
const padded = (sizeBytes: number) => must(padPlaintext("json", new Uint8Array(sizeBytes).fill(9)));

test("[C7] a plaintext fills the smallest bucket that holds it", () => {
  const edges = [256, 512, 1024, 2048, 4096, 8192, 126_976];
  const sizes = edges.flatMap((edge) => [
    padded(edge - overhead).length,
    padded(edge - overhead + 1).length,
  ]);
  expect(sizes).toEqual([
    256, 512, 512, 1024, 1024, 2048, 2048, 4096, 4096, 8192, 8192, 12_288, 126_976, 131_072,
  ]);
  expect(padded(524_288).length).toBe(528_384);
});

test("[C7] a plaintext reads back as it went in", () => {
  fc.assert(
    fc.property(
      fc.string({ maxLength: 16 }),
      fc.uint8Array({ maxLength: 9000 }),
      (contentType, noise) => {
        const payload = new Uint8Array(noise);
        const plaintext = must(padPlaintext(contentType, payload));
        expect(parsePlaintext(plaintext)).toEqual({ contentType, payload });
      },
    ),
  );
});

test("[C7] any other padding is refused", () => {
  const payload = new Uint8Array(256 - overhead - 1);
  const plain = (pad: Uint8Array<ArrayBuffer>) => parsePlaintext(enc("pt", json, payload, pad));
  expect(plain(new Uint8Array(1))).not.toBe(null);
  expect(plain(new Uint8Array([1]))).toBe(null);
  expect(plain(new Uint8Array(0))).toBe(null);
  expect(plain(new Uint8Array(257))).toBe(null);
  expect(parsePlaintext(enc("pt", new Uint8Array([255, 254]), payload, new Uint8Array(3)))).toBe(
    null,
  );
  expect(parsePlaintext(new Uint8Array(256))).toBe(null);
});

test("a content type that is long or ill-formed is a fault of the writer", () => {
  expect(() => padPlaintext("x".repeat(65), new Uint8Array())).toThrow();
  expect(() => padPlaintext("\udfff", new Uint8Array())).toThrow();
});
