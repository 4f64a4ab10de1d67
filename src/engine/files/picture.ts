/** What a file is by its bytes. Pure. */
import { imageDimensionsFromData } from "image-dimensions";
import type { PictureView } from "#bridge/file-views.ts";
import type { Bytes } from "#base/bytes.ts";
import { isAvifOnItsSide } from "./formats/avif.ts";
import { isJpegOnItsSide } from "./formats/jpeg.ts";
import { isPngOnItsSide } from "./formats/png.ts";

/** Formats that browsers turn as they are told to; the size that a file names is of what is stored. */
const ON_ITS_SIDE: Readonly<Record<string, (head: Bytes) => boolean>> = {
  png: isPngOnItsSide,
  jpeg: isJpegOnItsSide,
  avif: isAvifOnItsSide,
};

const MIME_BY_TYPE: Readonly<Record<string, PictureView["mime"]>> = {
  png: "image/png",
  jpeg: "image/jpeg",
  webp: "image/webp",
  gif: "image/gif",
  avif: "image/avif",
};
/** Decoded, a picture takes four bytes a pixel whatever its file's size. */
const MAX_PIXELS = 50_000_000;
const MAX_SIDE_PIXELS = 30_000;

/** The picture that a file's first bytes (1 MiB will do) begin, its size as it is shown, or null: for SVG, HTML and whatever else may run, too. */
export function pictureOf(head: Bytes): PictureView | null {
  const found = dimensionsOf(head);
  const mime = found === undefined ? undefined : MIME_BY_TYPE[found.type];
  if (found === undefined || mime === undefined) return null;
  const isOnItsSide = ON_ITS_SIDE[found.type]?.(head) === true;
  const [width, height] = isOnItsSide ? [found.height, found.width] : [found.width, found.height];
  const isSane =
    Number.isInteger(width) &&
    Number.isInteger(height) &&
    width > 0 &&
    height > 0 &&
    Math.max(width, height) <= MAX_SIDE_PIXELS &&
    width * height <= MAX_PIXELS;
  return isSane ? { mime, width, height } : null;
}

// The library reads bytes that a stranger made.
function dimensionsOf(head: Bytes): ReturnType<typeof imageDimensionsFromData> {
  try {
    return imageDimensionsFromData(head);
  } catch {
    return undefined;
  }
}
