/** PNG: a signature and chunks. W3C PNG, third edition. */
import { concat, utf8, type Bytes } from "#base/bytes.ts";
import { u32 } from "#protocol/encoding.ts";
import type { Baring } from "../bare-picture.ts";
import { isOnItsSide, orientationOf, tiffOf } from "./orientation.ts";

const SIGNATURE_BYTES = 8;
/** What the pixels and their colours need, animation included. Text, times, Exif and private chunks are not among it. */
const KEPT = new Set(
  "IHDR PLTE IDAT IEND tRNS cHRM gAMA iCCP sBIT sRGB cICP mDCV cLLI bKGD hIST pHYs sPLT acTL fcTL fdAT".split(
    " ",
  ),
);

/** A PNG without its other chunks and whatever follows its end. */
export const barePng: Baring = (picture) => {
  const kept: Bytes[] = [picture.subarray(0, SIGNATURE_BYTES)];
  for (const { type, whole, content } of chunksOf(picture)) {
    if (KEPT.has(type)) kept.push(whole);
    else if (type === "eXIf") {
      const orientation = orientationOf(content);
      if (orientation !== 1) kept.push(chunkOf("eXIf", tiffOf(orientation)));
    }
    if (type === "IEND") return concat(...kept);
  }
  return null;
};

/** Whether the PNG that begins so is shown on its side. */
export function isPngOnItsSide(head: Bytes): boolean {
  for (const { type, content } of chunksOf(head))
    if (type === "eXIf") return isOnItsSide(orientationOf(content));
  return false;
}

type Chunk = { readonly type: string; readonly whole: Bytes; readonly content: Bytes };

/** The chunks that are whole; the first that is not ends it. */
function* chunksOf(picture: Bytes): Generator<Chunk> {
  const view = new DataView(picture.buffer, picture.byteOffset, picture.byteLength);
  for (let at = SIGNATURE_BYTES; at + 12 <= picture.length;) {
    const end = at + 12 + view.getUint32(at);
    if (end > picture.length) return;
    yield {
      type: String.fromCharCode(...picture.subarray(at + 4, at + 8)),
      whole: picture.subarray(at, end),
      content: picture.subarray(at + 8, end - 4),
    };
    at = end;
  }
}

function chunkOf(type: string, content: Bytes): Bytes {
  const body = concat(utf8(type), content);
  return concat(u32(content.length), body, u32(crc32(body)));
}

/** ISO 3309, bit by bit: it is run over thirty bytes. */
function crc32(bytes: Bytes): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
