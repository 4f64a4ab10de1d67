/** GIF: a screen, then blocks. GIF89a §§12 to 26. */
import { concat, utf8ToText, type Bytes } from "#base/bytes.ts";
import type { Baring } from "../bare-picture.ts";

const SCREEN_BYTES = 13;
const IMAGE = 0x2c;
const EXTENSION = 0x21;
const TRAILER = 0x3b;
const GRAPHIC_CONTROL = 0xf9;
const APPLICATION = 0xff;
/** How often an animation runs. */
const LOOPS = new Set(["NETSCAPE2.0", "ANIMEXTS1.0"]);

/** A GIF without its comments, other applications' blocks and whatever follows its end. */
export const bareGif: Baring = (picture) => {
  const screenEnd = SCREEN_BYTES + tableBytes(picture[10]);
  if (screenEnd > picture.length) return null;
  const kept: Bytes[] = [picture.subarray(0, screenEnd)];
  for (let at = screenEnd; ;) {
    const kind = picture[at];
    if (kind === TRAILER) return concat(...kept, picture.subarray(at, at + 1));
    if (kind !== IMAGE && kind !== EXTENSION) return null;
    // An image's descriptor, its colours and the code size stand before its blocks; an extension's label before its.
    const blocksAt = at + (kind === IMAGE ? 10 + tableBytes(picture[at + 9]) + 1 : 2);
    const end = endOfBlocks(picture, blocksAt);
    if (end === null) return null;
    if (kind === IMAGE || isKept(picture, at)) kept.push(picture.subarray(at, end));
    at = end;
  }
};

const tableBytes = (packed = 0): number =>
  (packed & 0x80) === 0 ? 0 : 3 * 2 ** ((packed & 7) + 1);

function endOfBlocks(picture: Bytes, from: number): number | null {
  for (let at = from; ;) {
    const sizeBytes = picture[at];
    if (sizeBytes === undefined) return null;
    at += 1 + sizeBytes;
    if (sizeBytes === 0) return at;
  }
}

function isKept(picture: Bytes, at: number): boolean {
  const label = picture[at + 1];
  if (label === GRAPHIC_CONTROL) return true;
  return label === APPLICATION && LOOPS.has(utf8ToText(picture.subarray(at + 3, at + 14)) ?? "");
}
