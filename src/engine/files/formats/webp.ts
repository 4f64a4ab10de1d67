/** WebP: RIFF chunks. RFC 9649 §2. */
import { concat, utf8, utf8ToText, type Bytes } from "#base/bytes.ts";
import type { Baring } from "../bare-picture.ts";
import { orientationOf, tiffOf } from "./orientation.ts";

const HEADER_BYTES = 12;
const KEPT = new Set(["VP8 ", "VP8L", "VP8X", "ALPH", "ANIM", "ANMF", "ICCP"]);
/** Bits of the extended header that announce Exif and XMP. */
const HAS_EXIF = 0x08;
const HAS_XMP = 0x04;
const EXIF_START = /^Exif\0\0/;

/** A WebP without its other chunks and whatever follows its end. */
export const bareWebp: Baring = (picture) => {
  const view = new DataView(picture.buffer, picture.byteOffset, picture.byteLength);
  if (picture.length < HEADER_BYTES) return null;
  const riffEnd = 8 + view.getUint32(4, true);
  if (riffEnd > picture.length) return null;
  const kept: Bytes[] = [];
  let flags: Bytes | null = null;
  let exif: Bytes | null = null;
  for (let at = HEADER_BYTES; at + 8 <= riffEnd;) {
    const sizeBytes = view.getUint32(at + 4, true);
    const end = at + 8 + sizeBytes + (sizeBytes & 1);
    const type = utf8ToText(picture.subarray(at, at + 4));
    if (end > riffEnd || type === null) return null;
    // A copy: the flags of the extended header are written below.
    const chunk = picture.slice(at, end);
    if (KEPT.has(type)) kept.push(chunk);
    if (type === "VP8X") flags = chunk.subarray(8, 9);
    if (type === "EXIF") exif = chunk.subarray(8, 8 + sizeBytes);
    at = end;
  }
  const orientation = exif === null ? 1 : orientationOf(withoutStart(exif));
  const isTurned = orientation !== 1 && flags !== null;
  if (flags !== null)
    flags[0] = ((flags[0] ?? 0) & ~(HAS_EXIF | HAS_XMP)) | (isTurned ? HAS_EXIF : 0);
  if (isTurned) kept.push(chunkOf("EXIF", tiffOf(orientation)));
  const content = concat(utf8("WEBP"), ...kept);
  return concat(utf8("RIFF"), u32LittleEndian(content.length), content);
};

/** Some writers put JPEG's mark in front. */
const withoutStart = (exif: Bytes): Bytes =>
  EXIF_START.test(String.fromCharCode(...exif.subarray(0, 6))) ? exif.subarray(6) : exif;

const chunkOf = (type: string, content: Bytes): Bytes =>
  concat(utf8(type), u32LittleEndian(content.length), content);

function u32LittleEndian(value: number): Bytes {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}
