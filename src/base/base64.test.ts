import { fc } from "./properties.contract.ts";
import { describe, expect, test } from "vitest";
import { base64ToBytes, base64UrlToBytes, bytesToBase64, bytesToBase64Url } from "./base64.ts";
import { utf8 } from "./bytes.ts";

const anyBytes = fc.uint8Array({ maxLength: 70 }).map((bytes) => Uint8Array.from(bytes));

describe("base64", () => {
  test("agrees with the published examples of RFC 4648", () => {
    const examples = ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map((text) =>
      bytesToBase64(utf8(text)),
    );

    expect(examples).toEqual(["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"]);
  });

  test("gives back any bytes, in both alphabets", () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        expect(base64ToBytes(bytesToBase64(bytes))).toEqual(bytes);
        expect(base64UrlToBytes(bytesToBase64Url(bytes))).toEqual(bytes);
      }),
    );
  });

  test("refuses every second spelling of the same bytes", () => {
    const spellings = [
      "Zh==",
      "Zg=",
      "Zg",
      "Zg== ",
      "Zg==\n",
      "Zm9=",
      "====",
      "Zg==Zg==",
      "Z-8=",
      "é===",
    ];

    expect(spellings.map(base64ToBytes)).toEqual(spellings.map(() => null));
    expect(["Zh", "Zg==", "Z", "Zm9+"].map(base64UrlToBytes)).toEqual([null, null, null, null]);
  });
});
