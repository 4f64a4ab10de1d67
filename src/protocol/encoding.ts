// The one canonical binary form: everything that is hashed, signed or authenticated is written and read here.
// LP(x) = u32 length, then x. ENC(label, f1…fn) = LP("parley/1/" + label), then LP of each field in fixed order.
// A parser accepts exactly what the writer can write: `enc(label, ...parse(b))` equals `b`. See crypto/SPEC.md §3.
import { type Bytes, concat, utf8 } from "#base/bytes.ts";
import { assert } from "#base/invariant.ts";

/** What every label starts with. */
export const LABEL_PREFIX = "parley/1/";

/** Width of one field: exact, or a range in bytes, optionally of whole items. */
export type FieldSize =
  | number
  | { readonly min?: number; readonly max: number; readonly multipleOf?: number };

/** Unsigned big-endian integer of one byte. */
export const u8 = (value: number): Bytes => unsigned(value, 1);
/** Unsigned big-endian integer of two bytes. */
export const u16 = (value: number): Bytes => unsigned(value, 2);
/** Unsigned big-endian integer of four bytes. */
export const u32 = (value: number): Bytes => unsigned(value, 4);
/** Unsigned big-endian integer of eight bytes, at most 2^53 - 1. */
export const u64 = (value: number): Bytes => unsigned(value, 8);

/** Value of an unsigned big-endian integer of any width up to 8 bytes; null beyond 2^53 - 1. */
export function readUnsigned(bytes: Uint8Array): number | null {
  let value = 0;
  for (const byte of bytes) value = value * 256 + byte;
  return value <= Number.MAX_SAFE_INTEGER ? value : null;
}

/** A length-prefixed field: u32 length, then the bytes. */
export const lp = (field: Uint8Array): Bytes => concat(u32(field.length), field);

/**
 * The canonical encoding of a labelled record.
 *
 * Shapes: every field always present, absent = zero length.
 * Source: SPEC C1.
 */
export const enc = (label: string, ...fields: readonly Uint8Array[]): Bytes =>
  concat(prefixOf(label), ...fields.map(lp));

/**
 * The fields of a whole record, copied, or null unless the label, every width and the end match exactly.
 *
 * Source: SPEC C2.
 */
export function parseEnc<const Sizes extends readonly FieldSize[]>(
  label: string,
  bytes: Uint8Array,
  sizes: Sizes,
): { readonly [Key in keyof Sizes]: Bytes } | null {
  const fields = viewEnc(label, bytes, sizes);
  return fields === null
    ? null
    : (fields.map(copyOf) as { readonly [Key in keyof Sizes]: Bytes } as never);
}

/** As {@link parseEnc}, without copying: the fields are parts of `bytes` and change with them. */
export function viewEnc<const Sizes extends readonly FieldSize[]>(
  label: string,
  bytes: Uint8Array,
  sizes: Sizes,
): { readonly [Key in keyof Sizes]: Uint8Array } | null {
  const prefix = prefixOf(label);
  if (bytes.length < prefix.length) return null;
  for (let i = 0; i < prefix.length; i++) if (bytes[i] !== prefix[i]) return null;
  const fields: Uint8Array[] = [];
  let at = prefix.length;
  for (const size of sizes) {
    const field = viewLp(bytes, at);
    if (field === null || !fits(field.length, size)) return null;
    fields.push(field);
    at += 4 + field.length;
  }
  return at === bytes.length ? (fields as never) : null;
}

/** The items of a field that is a list of length-prefixed items, copied, or null over either cap. */
export function parseLpList(
  bytes: Uint8Array,
  caps: { readonly maxItems: number; readonly maxItemSizeBytes: number },
): readonly Bytes[] | null {
  const items: Bytes[] = [];
  let at = 0;
  while (at < bytes.length) {
    const item = viewLp(bytes, at);
    if (item === null || item.length > caps.maxItemSizeBytes) return null;
    if (items.push(copyOf(item)) > caps.maxItems) return null;
    at += 4 + item.length;
  }
  return items;
}

/** Cuts bytes into items of one width, copied, or null when they do not divide. */
export function splitItems(bytes: Uint8Array, itemSizeBytes: number): readonly Bytes[] | null {
  if (bytes.length % itemSizeBytes !== 0) return null;
  return Array.from({ length: bytes.length / itemSizeBytes }, (_, index) =>
    copy(bytes, index * itemSizeBytes, (index + 1) * itemSizeBytes),
  );
}

/** Cuts bytes into parts of the given exact widths, copied, or null when they do not sum up. */
export function splitFixed<const Sizes extends readonly number[]>(
  bytes: Uint8Array,
  sizes: Sizes,
): { readonly [Key in keyof Sizes]: Bytes } | null {
  const parts: Bytes[] = [];
  let at = 0;
  for (const size of sizes) {
    parts.push(copy(bytes, at, at + size));
    at += size;
  }
  if (at !== bytes.length) return null;
  return parts as unknown as { readonly [Key in keyof Sizes]: Bytes };
}

const prefixByLabel = new Map<string, Bytes>();

/** How a record of this label begins; labels are few, and every record asks. */
function prefixOf(label: string): Bytes {
  const prefix = prefixByLabel.get(label) ?? lp(utf8(LABEL_PREFIX + label));
  prefixByLabel.set(label, prefix);
  return prefix;
}

function fits(length: number, size: FieldSize): boolean {
  if (typeof size === "number") return length === size;
  return length >= (size.min ?? 0) && length <= size.max && length % (size.multipleOf ?? 1) === 0;
}

function viewLp(bytes: Uint8Array, at: number): Uint8Array | null {
  if (bytes.length - at < 4) return null;
  const length = u32At(bytes, at);
  return bytes.length - at - 4 < length ? null : bytes.subarray(at + 4, at + 4 + length);
}

const u32At = (bytes: Uint8Array, at: number): number =>
  (bytes[at] ?? 0) * 2 ** 24 +
  (((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0));

/** Bytes of their own. */
export const copyOf = (bytes: Uint8Array): Bytes => new Uint8Array(bytes);

const copy = (bytes: Uint8Array, from: number, to: number): Bytes =>
  copyOf(bytes.subarray(from, to));

function unsigned(value: number, sizeBytes: number): Bytes {
  assert(
    Number.isSafeInteger(value) && value >= 0 && value < 256 ** sizeBytes,
    `integer does not fit ${sizeBytes} bytes`,
  );
  const bytes = new Uint8Array(sizeBytes);
  for (let i = sizeBytes - 1, rest = value; i >= 0; i--, rest = Math.floor(rest / 256)) {
    bytes[i] = rest % 256;
  }
  return bytes;
}
