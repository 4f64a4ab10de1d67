/**
 * A picture without what cameras and programs wrote beside it: place, time, device, names, thumbnails, an editor's
 * history, what hides behind its end. Its pixels stay as they are; no decoder runs. Pure. SPEC §files.
 */
import type { Bytes } from "#base/bytes.ts";
import { bareAvif } from "./formats/avif.ts";
import { bareGif } from "./formats/gif.ts";
import { bareJpeg } from "./formats/jpeg.ts";
import { barePng } from "./formats/png.ts";
import { bareWebp } from "./formats/webp.ts";

/** A format's own way: fresh bytes, or null where the structure cannot be followed to its end. */
export type Baring = (picture: Bytes) => Bytes | null;

const BY_START: readonly (readonly [start: RegExp, bare: Baring])[] = [
  [/^\xff\xd8\xff/, bareJpeg],
  [/^\x89PNG\r\n/, barePng],
  [/^GIF8[79]a/, bareGif],
  [/^RIFF[^]{4}WEBP/, bareWebp],
  [/^[^]{4}ftyp(?:avi[fs]|hei[cx]|hev[cx]|mi[fh]1|msf1)/, bareAvif],
];
/** Enough of a file for {@link baringOf}. */
export const START_BYTES = 12;

/** How a file that begins so is bared; null for what is no picture of a format known here. */
export function baringOf(head: Bytes): Baring | null {
  const start = String.fromCharCode(...head.subarray(0, START_BYTES));
  return BY_START.find(([pattern]) => pattern.test(start))?.[1] ?? null;
}
