/** Reads rows of logs page by page and keeps the pages opened last, so that scrolling and search stay in memory. */
import type { Bytes } from "#base/bytes.ts";
import type { Log } from "#base/log.ts";
import type { ConversationId } from "#protocol/ids.ts";
import type { Vault } from "#crypto/vault.ts";
import type { LogRow } from "#peer/store.ts";
import type { Database } from "./migrations.ts";
import type { RowPlan } from "./row-plan.ts";
import { pageOf, seqOf, unpackRows, type Rows } from "./row-pages.ts";
import { PACKED_SLOT, ROWS_PER_PAGE } from "./schema.ts";
import type { SealedNames } from "./sealed-names.ts";

/** Pages kept open: 25,600 rows, about 25 MB of text messages. */
const MAX_OPEN_PAGES = 256;
export const ROWS_VERSION = 1;

/** What is known of a page without opening it. */
export type PageShape = { readonly isPacked: boolean; readonly loose: ReadonlySet<number> };

export interface RowReader {
  before(
    conversationId: ConversationId,
    beforeSeq: number,
    limit: number,
  ): Promise<readonly LogRow[]>;
  after(
    conversationId: ConversationId,
    afterSeq: number,
    limit: number,
  ): Promise<readonly LogRow[]>;
  at(conversationId: ConversationId, seq: number): Promise<Bytes | null>;
  /** Rows of one page; the map is the reader's own. */
  page(conversationId: ConversationId, page: number): Promise<Rows>;
  shape(conversationId: ConversationId): Promise<ReadonlyMap<number, PageShape>>;
  /** A plan is on disk: what is kept here follows it. */
  wrote(plan: RowPlan): void;
  forget(): void;
}

/** Creates the reader of one open vault. */
export function createRowReader(parts: {
  readonly database: Database;
  readonly vault: Vault;
  readonly names: SealedNames;
  readonly log: Log;
}): RowReader {
  const { database, names } = parts;
  const shapes = new Map<ConversationId, Map<number, PageShape>>();
  const open = new Map<string, Map<number, Bytes>>();
  let writes = 0;

  const shapeOf = async (conversationId: ConversationId): Promise<Map<number, PageShape>> => {
    const known = shapes.get(conversationId);
    if (known !== undefined) return known;
    const before = writes;
    const log = names.name("log", conversationId);
    const keys = await database.getAllKeys(
      "rows",
      IDBKeyRange.bound([log, 0, 0], [log, Infinity, 0]),
    );
    const found = new Map<number, { readonly isPacked: boolean; readonly loose: Set<number> }>();
    for (const [, page, slot] of keys) {
      const { isPacked, loose } = found.get(page) ?? { isPacked: false, loose: new Set<number>() };
      if (slot !== PACKED_SLOT) loose.add(slot);
      found.set(page, { isPacked: isPacked || slot === PACKED_SLOT, loose });
    }
    // A commit in between knows better: what was read here may be its past.
    if (writes !== before) return shapeOf(conversationId);
    const shape: Map<number, PageShape> = found;
    shapes.set(conversationId, shape);
    return shape;
  };

  const page = async (conversationId: ConversationId, number: number): Promise<Rows> => {
    const name = `${conversationId}/${number}`;
    const known = open.get(name);
    if (known !== undefined) {
      open.delete(name);
      open.set(name, known);
      return known;
    }
    const before = writes;
    const rows = await readPage(parts, conversationId, number);
    if (writes !== before) return page(conversationId, number);
    open.set(name, rows);
    for (const oldest of open.keys()) {
      if (open.size <= MAX_OPEN_PAGES) break;
      open.delete(oldest);
    }
    return rows;
  };

  const collect = async (
    conversationId: ConversationId,
    wants: (seq: number) => boolean,
    limit: number,
    newestFirst: boolean,
  ): Promise<readonly LogRow[]> => {
    const sign = newestFirst ? -1 : 1;
    const pages = [...(await shapeOf(conversationId)).keys()].sort((a, b) => sign * (a - b));
    const rows: LogRow[] = [];
    for (const number of pages) {
      if (rows.length >= limit) break;
      // Pages on the far side hold nothing wanted; their ends tell without opening them.
      if (!wants(seqOf(number, newestFirst ? 1 : ROWS_PER_PAGE))) continue;
      const found = [...(await page(conversationId, number))]
        .filter(([seq]) => wants(seq))
        .sort(([a], [b]) => sign * (a - b));
      for (const [seq, row] of found) rows.push({ seq, row: row.slice() });
    }
    const cut = rows.slice(0, Math.max(0, limit));
    return newestFirst ? cut.reverse() : cut;
  };

  return {
    shape: shapeOf,
    page,
    before: (conversationId, beforeSeq, limit) =>
      collect(conversationId, (seq) => seq < beforeSeq, limit, true),
    after: (conversationId, afterSeq, limit) =>
      collect(conversationId, (seq) => seq > afterSeq, limit, false),
    async at(conversationId, seq) {
      if (!(await shapeOf(conversationId)).has(pageOf(seq))) return null;
      return (await page(conversationId, pageOf(seq))).get(seq)?.slice() ?? null;
    },
    wrote(plan) {
      writes++;
      for (const conversationId of plan.droppedIds) {
        shapes.set(conversationId, new Map());
        for (const name of [...open.keys()]) {
          if (name.startsWith(conversationId)) open.delete(name);
        }
      }
      for (const { conversationId, page: number, rows, shape: next } of plan.changed) {
        shapes.get(conversationId)?.set(number, next);
        const known = open.get(`${conversationId}/${number}`);
        if (known !== undefined) for (const [seq, row] of rows) known.set(seq, row);
      }
    },
    forget() {
      shapes.clear();
      open.clear();
    },
  };
}

async function readPage(
  {
    database,
    vault,
    names,
    log,
  }: {
    readonly database: Database;
    readonly vault: Vault;
    readonly names: SealedNames;
    readonly log: Log;
  },
  conversationId: ConversationId,
  page: number,
): Promise<Map<number, Bytes>> {
  const name = names.name("log", conversationId);
  const range = IDBKeyRange.bound([name, page, PACKED_SLOT], [name, page, Infinity]);
  const rows = new Map<number, Bytes>();
  // In key order the packed record comes first, so that a loose row replaces the packed one of its seq.
  for (const { slot, sealed } of await database.getAll("rows", range)) {
    const key = `${page}/${slot}`;
    const plain = await vault.open(
      { store: "rows", conversationId, key, version: ROWS_VERSION },
      sealed,
    );
    if (plain === null) log.warn("store.page-damaged");
    else if (slot === PACKED_SLOT) for (const [seq, row] of unpackRows(plain)) rows.set(seq, row);
    else rows.set(seqOf(page, slot), plain);
  }
  return rows;
}
