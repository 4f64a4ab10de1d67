/** JPEG: segments, then scans. ITU-T T.81 annex B; Exif 3.0 §4.7. */
import { concat, utf8, type Bytes } from "#base/bytes.ts";
import type { Baring } from "../bare-picture.ts";
import { isOnItsSide, orientationOf, tiffOf, type Orientation } from "./orientation.ts";

const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;
const APP1 = 0xe1;
const COMMENT = 0xfe;
const EXIF = utf8("Exif\0\0");
/** What decoders need beside the tables: pixel shape, colour profile, colour transform. */
const KEPT: Readonly<Record<number, Bytes>> = {
  0xe0: utf8("JFIF\0"),
  0xe2: utf8("ICC_PROFILE\0"),
  0xee: utf8("Adobe"),
};

/** A JPEG without its other application segments, comments and whatever follows its end. */
export const bareJpeg: Baring = (picture) => {
  const kept: Bytes[] = [picture.subarray(0, 2)];
  let at = 2;
  for (;;) {
    const segment = segmentAt(picture, at);
    if (segment === null) return null;
    const { marker, start, end } = segment;
    at = end;
    if (marker === SOI) return null;
    if (marker === EOI) return concat(...kept, picture.subarray(start, end));
    const content = picture.subarray(Math.min(start + 4, end), end);
    if (marker === SOS) {
      at = endOfScan(picture, end);
      kept.push(picture.subarray(start, at));
      // Cut short: decoders show what is there.
      if (at === picture.length) return concat(...kept);
    } else if (marker === APP1 && beginsWith(content, EXIF)) {
      kept.push(exifOf(orientationOf(content.subarray(EXIF.length))));
    } else if (isKept(marker, content)) kept.push(picture.subarray(start, end));
  }
};

/** Whether the JPEG that begins so is shown on its side. */
export function isJpegOnItsSide(head: Bytes): boolean {
  for (let at = 2; ;) {
    const segment = segmentAt(head, at);
    if (segment === null || segment.marker === SOS) return false;
    const content = head.subarray(segment.start + 4, segment.end);
    if (segment.marker === APP1 && beginsWith(content, EXIF))
      return isOnItsSide(orientationOf(content.subarray(EXIF.length)));
    at = segment.end;
  }
}

type Segment = { readonly marker: number; readonly start: number; readonly end: number };

/** Fill bytes before a marker are skipped (T.81 B.1.1.2). */
function segmentAt(picture: Bytes, from: number): Segment | null {
  if (picture[from] !== 0xff) return null;
  let at = from + 1;
  while (picture[at] === 0xff) at++;
  const marker = picture[at];
  if (marker === undefined || marker === 0) return null;
  const start = at - 1;
  if (marker === EOI || marker === SOI || isRestart(marker) || marker === 0x01)
    return { marker, start, end: at + 1 };
  const sizeBytes = ((picture[at + 1] ?? 0) << 8) | (picture[at + 2] ?? 0);
  const end = at + 1 + sizeBytes;
  return sizeBytes < 2 || end > picture.length ? null : { marker, start, end };
}

/** Where the coded data of a scan ends: at the next marker that is no restart, or at the end of the bytes. */
function endOfScan(picture: Bytes, from: number): number {
  for (let at = picture.indexOf(0xff, from); at !== -1; at = picture.indexOf(0xff, at + 1)) {
    const next = picture[at + 1];
    if (next !== undefined && next !== 0 && next !== 0xff && !isRestart(next)) return at;
  }
  return picture.length;
}

const isRestart = (marker: number): boolean => marker >= 0xd0 && marker <= 0xd7;
const isApplication = (marker: number): boolean => marker >= 0xe0 && marker <= 0xef;

const isKept = (marker: number, content: Bytes): boolean => {
  if (!isApplication(marker)) return marker !== COMMENT;
  const start = KEPT[marker];
  return start !== undefined && beginsWith(content, start);
};

const beginsWith = (bytes: Bytes, start: Bytes): boolean =>
  bytes.length >= start.length && start.every((byte, i) => bytes[i] === byte);

function exifOf(orientation: Orientation): Bytes {
  if (orientation === 1) return new Uint8Array();
  const content = concat(EXIF, tiffOf(orientation));
  return concat(new Uint8Array([0xff, APP1, 0, content.length + 2]), content);
}
