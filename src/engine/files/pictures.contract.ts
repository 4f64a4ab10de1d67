/** Small true pictures, made here. */
import { deflateSync, crc32 } from "node:zlib";
import { concat, utf8, type Bytes } from "#base/bytes.ts";
import { u32 } from "#protocol/encoding.ts";

/** A grey PNG of any size. */
export function aPng(width: number, height: number): Bytes {
  const rows = new Uint8Array(height * (width + 1)).fill(0x80);
  for (let y = 0; y < height; y++) rows[y * (width + 1)] = 0;
  return concat(
    new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", concat(u32(width), u32(height), new Uint8Array([8, 0, 0, 0, 0]))),
    chunk("IDAT", new Uint8Array(deflateSync(rows))),
    chunk("IEND", new Uint8Array()),
  );
}

const chunk = (type: string, content: Bytes): Bytes => {
  const body = concat(utf8(type), content);
  return concat(u32(content.length), body, u32(crc32(body)));
};

/** The head of a GIF: enough for whoever looks at bytes. */
export const aGif = (width: number, height: number): Bytes =>
  concat(
    utf8("GIF89a"),
    new Uint8Array([width & 0xff, width >> 8, height & 0xff, height >> 8, 0, 0, 0, 0x3b]),
  );
