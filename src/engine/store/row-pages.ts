/** Rows of a log as pages: which page and slot a seq has, and the bytes of a packed page. */
import type { Bytes } from "#base/bytes.ts";
import { PACKED_SLOT, ROWS_PER_PAGE } from "./schema.ts";

/** Rows by seq; not necessarily in order. */
export type Rows = ReadonlyMap<number, Bytes>;

export const pageOf = (seq: number): number => Math.floor(seq / ROWS_PER_PAGE);
export const slotOf = (seq: number): number => PACKED_SLOT + 1 + (seq % ROWS_PER_PAGE);
export const seqOf = (page: number, slot: number): number =>
  page * ROWS_PER_PAGE + slot - PACKED_SLOT - 1;

/** Shapes: per row seq u64, length u32, bytes. */
export function packRows(rows: Rows): Bytes {
  let sizeBytes = 0;
  for (const row of rows.values()) sizeBytes += 12 + row.length;
  const packed = new Uint8Array(sizeBytes);
  const view = new DataView(packed.buffer);
  let at = 0;
  for (const [seq, row] of rows) {
    view.setBigUint64(at, BigInt(seq));
    view.setUint32(at + 8, row.length);
    packed.set(row, at + 12);
    at += 12 + row.length;
  }
  return packed;
}

/** The rows of a packed page; what is cut off at the end is left out. */
export function unpackRows(packed: Bytes): Map<number, Bytes> {
  const rows = new Map<number, Bytes>();
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  let at = 0;
  while (at + 12 <= packed.length) {
    const length = view.getUint32(at + 8);
    if (at + 12 + length > packed.length) break;
    rows.set(Number(view.getBigUint64(at)), packed.slice(at + 12, at + 12 + length));
    at += 12 + length;
  }
  return rows;
}
