import { describe, expect, test } from "vitest";
import { concat, utf8 } from "#base/bytes.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import { u32 } from "#protocol/encoding.ts";
import { safeFileName } from "./file-name.ts";
import { pictureOf } from "./picture.ts";
import { aGif, aPng } from "./pictures.contract.ts";

describe("what a file is", () => {
  test("[N146] is told by its bytes", () => {
    expect(pictureOf(aPng(640, 400))).toEqual({ mime: "image/png", width: 640, height: 400 });
    expect(pictureOf(aGif(5, 4))).toEqual({ mime: "image/gif", width: 5, height: 4 });
  });

  test("[N146] is no picture where it could run, is of another kind, or would fill the memory", () => {
    const heic = concat(u32(24), utf8("ftypheic"), u32(0), utf8("mif1heic"));
    const bomb = aPng(1, 1);
    bomb.set(u32(29_000), 16);
    bomb.set(u32(29_000), 20);
    const none = [
      utf8("<svg xmlns='http://www.w3.org/2000/svg' width='1' height='1'/>"),
      utf8("<!doctype html><script>1</script>"),
      utf8("%PDF-1.7"),
      heic,
      bomb,
      aPng(0, 9),
      new Uint8Array(),
    ];

    expect(none.map(pictureOf)).toEqual(none.map(() => null));
  });

  test("[N146] never breaks on bytes that a stranger made", () => {
    const random = createSeededRandom(11);
    const heads = [
      aPng(2, 2).subarray(0, 12),
      utf8("GIF89a"),
      utf8("RIFF0000WEBPVP8 "),
      new Uint8Array([0xff, 0xd8, 0xff]),
    ];
    const files = Array.from({ length: 400 }, (_, i) =>
      concat(heads[i % heads.length] ?? new Uint8Array(), random(i % 64)),
    );

    for (const file of files) {
      const picture = pictureOf(file);
      if (picture !== null) expect(picture.width * picture.height).toBeLessThanOrEqual(50_000_000);
    }
  });
});

describe("the name a file is saved under", () => {
  test("[N148] is one plain component and keeps its ending", () => {
    expect(
      [
        "report.pdf",
        "../../etc/passwd",
        "C:\\temp\\a.txt",
        ".profile",
        "invoice\u202efdp.exe",
        "a\u200bb\n.txt",
        "CON",
        "nul.txt",
        "  ",
        "年报.pdf",
      ].map(safeFileName),
    ).toEqual([
      "report.pdf",
      "_.._etc_passwd",
      "C__temp_a.txt",
      "profile",
      "invoice_fdp.exe",
      "a_b_.txt",
      "_CON",
      "_nul.txt",
      "file",
      "年报.pdf",
    ]);
    expect(safeFileName(`${"x".repeat(300)}.tar`)).toMatch(/^x{116}\.tar$/);
  });
});
