/**
 * AVIF and HEIC: boxes, with items that name places in the file (ISO/IEC 14496-12 §8.11). Moving bytes would mean to
 * rewrite every such place, so what has to go is overwritten with zeros where it lies.
 */
import type { Bytes } from "#base/bytes.ts";
import type { Baring } from "../bare-picture.ts";

type Box = { readonly type: string; readonly start: number; readonly end: number };
type Extent = { readonly start: number; readonly end: number };
type ItemPlace = { readonly id: number; readonly extents: readonly Extent[] };

/** Boxes that say nothing about pixels. */
const WIPED = new Set(["free", "skip", "uuid", "udta"]);
/** Kinds of items that describe a picture: Exif, and XMP or other documents by their media type. */
const DESCRIBING = new Set(["Exif", "mime", "uri "]);

/** The picture with its descriptions zeroed; null where a box or an item cannot be followed. Up is said elsewhere (`irot`). */
export const bareAvif: Baring = (picture) => {
  const bare = picture.slice();
  const reader = new BoxReader(bare);
  const boxes = reader.boxes(0, bare.length);
  const meta = boxes?.find(({ type }) => type === "meta");
  if (boxes === null || meta === undefined) return null;
  for (const { type, start, end } of boxes) if (WIPED.has(type)) bare.fill(0, start, end);
  const inner = reader.boxes(meta.start + 4, meta.end);
  if (inner === null) return null;
  const named = (type: string): Box | undefined => inner.find((box) => box.type === type);
  for (const { type, start, end } of inner) if (WIPED.has(type)) bare.fill(0, start, end);
  const [information, locations, data] = [named("iinf"), named("iloc"), named("idat")];
  if (information === undefined || locations === undefined) return null;
  const describing = reader.describingItems(information);
  const places = reader.itemPlaces(locations, data);
  if (describing === null || places === null) return null;
  for (const { id, extents } of places)
    if (describing.has(id)) for (const { start, end } of extents) bare.fill(0, start, end);
  return bare;
};

/** Whether the picture that begins so is turned by a quarter (`irot`, ISO/IEC 23008-12 §6.5.10). */
export function isAvifOnItsSide(head: Bytes): boolean {
  const reader = new BoxReader(head);
  const inside = (box: Box | null, skipped: number, type: string): Box | null =>
    box === null ? null : reader.find(box.start + skipped, box.end, type);
  const meta = reader.find(0, head.length, "meta");
  const turn = inside(inside(inside(meta, 4, "iprp"), 0, "ipco"), 0, "irot");
  return turn !== null && ((head[turn.start] ?? 0) & 1) === 1;
}

class BoxReader {
  readonly #bytes: Bytes;
  readonly #view: DataView;

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The boxes that fill a stretch, each with where its content starts and ends. */
  boxes(from: number, end: number): readonly Box[] | null {
    const found: Box[] = [];
    for (let at = from; at < end; at = found.at(-1)?.end ?? end) {
      const box = this.#boxAt(at, end);
      if (box === null) return null;
      found.push(box);
    }
    return found;
  }

  /** The first box of a kind; what comes after it need not be there. */
  find(from: number, end: number, type: string): Box | null {
    for (let box = this.#boxAt(from, end); box !== null; box = this.#boxAt(box.end, end))
      if (box.type === type) return box;
    return null;
  }

  #boxAt(at: number, end: number): Box | null {
    if (at + 8 > end) return null;
    const short = this.#view.getUint32(at);
    const isLong = short === 1;
    if (isLong && at + 16 > end) return null;
    const sizeBytes =
      short === 0 ? end - at : isLong ? Number(this.#view.getBigUint64(at + 8)) : short;
    const start = at + (isLong ? 16 : 8);
    if (at + sizeBytes > end || at + sizeBytes < start) return null;
    return { type: this.#type(at + 4), start, end: at + sizeBytes };
  }

  /** Ids of the items that describe (`iinf`, `infe` of version 2 and 3). */
  describingItems({ start, end }: Box): ReadonlySet<number> | null {
    if (start + 8 > end) return null;
    const entries = this.boxes(start + (this.#bytes[start] === 0 ? 6 : 8), end);
    if (entries === null) return null;
    const ids = new Set<number>();
    for (const entry of entries) {
      const version = this.#bytes[entry.start] ?? 0;
      if (version < 2) continue;
      const idBytes = version === 2 ? 2 : 4;
      if (entry.start + 4 + idBytes + 6 > entry.end) return null;
      const type = this.#type(entry.start + 4 + idBytes + 2);
      if (DESCRIBING.has(type)) ids.add(this.#number(entry.start + 4, idBytes));
    }
    return ids;
  }

  /** Where each item's bytes lie (`iloc`); offsets count from the file's start, or from the start of `idat`. */
  itemPlaces({ start, end }: Box, data: Box | undefined): readonly ItemPlace[] | null {
    const version = this.#bytes[start] ?? 0;
    const sizes = this.#view.getUint16(start + 4);
    const [offsetBytes, lengthBytes, baseBytes] = [
      sizes >> 12,
      (sizes >> 8) & 15,
      (sizes >> 4) & 15,
    ];
    const indexBytes = version === 0 ? 0 : sizes & 15;
    const idBytes = version < 2 ? 2 : 4;
    let at = start + 6;
    const take = (bytes: number): number => {
      const value = at + bytes > end ? Number.NaN : this.#number(at, bytes);
      at += bytes;
      return value;
    };
    const places: ItemPlace[] = [];
    const count = take(idBytes);
    for (let i = 0; i < count; i++) {
      const id = take(idBytes);
      const isInData = version > 0 && (take(2) & 15) === 1;
      take(2);
      const base = take(baseBytes) + (isInData ? (data?.start ?? Number.NaN) : 0);
      const extentCount = take(2);
      const extents: Extent[] = [];
      for (let n = 0; n < extentCount; n++) {
        take(indexBytes);
        const from = base + take(offsetBytes);
        extents.push({ start: from, end: from + take(lengthBytes) });
      }
      if (Number.isNaN(extentCount) || !extents.every((one) => one.end <= this.#bytes.length))
        return null;
      places.push({ id, extents });
    }
    return Number.isNaN(count) ? null : places;
  }

  #type(at: number): string {
    return String.fromCharCode(...this.#bytes.subarray(at, at + 4));
  }

  #number(at: number, sizeBytes: number): number {
    let value = 0;
    for (let i = 0; i < sizeBytes; i++) value = value * 256 + (this.#bytes[at + i] ?? 0);
    return value;
  }
}
