/** The one thing of Exif that a picture cannot be shown without: which way is up. Exif 3.0 §4.6.5 (tag 0x0112). Pure. */
import type { Bytes } from "#base/bytes.ts";

/** 1: as stored. 2 to 8: mirrored and turned; from 5 on width and height change places. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

const TAG = 0x0112;
const SHORT = 3;
const ENTRY_BYTES = 12;
/** More than any writer has in a first directory. */
const MAX_ENTRIES = 1_000;

/** The orientation that a TIFF structure names; 1 for none, or nothing that can be read. */
export function orientationOf(tiff: Bytes): Orientation {
  if (tiff.length < 8) return 1;
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  const order = view.getUint16(0);
  if (order !== 0x4949 && order !== 0x4d4d) return 1;
  const isLittle = order === 0x4949;
  const directory = view.getUint32(4, isLittle);
  if (directory + 2 > tiff.length) return 1;
  const count = Math.min(view.getUint16(directory, isLittle), MAX_ENTRIES);
  for (let i = 0; i < count; i++) {
    const at = directory + 2 + i * ENTRY_BYTES;
    if (at + ENTRY_BYTES > tiff.length) return 1;
    if (view.getUint16(at, isLittle) !== TAG || view.getUint16(at + 2, isLittle) !== SHORT)
      continue;
    const value = view.getUint16(at + 8, isLittle);
    return isOrientation(value) ? value : 1;
  }
  return 1;
}

/** Whether width and height change places when it is shown. */
export const isOnItsSide = (orientation: Orientation): boolean => orientation >= 5;

const isOrientation = (value: number): value is Orientation => value >= 1 && value <= 8;

/** A TIFF structure that names an orientation and nothing else. */
export const tiffOf = (orientation: Orientation): Bytes =>
  // Big-endian, directory at 8, one entry: tag, SHORT, one value; no next directory.
  new Uint8Array([
    0x4d,
    0x4d,
    0,
    42,
    0,
    0,
    0,
    8,
    0,
    1,
    0x01,
    0x12,
    0,
    SHORT,
    0,
    0,
    0,
    1,
    0,
    orientation,
    0,
    0,
    0,
    0,
    0,
    0,
  ]);
