/** Decides, before a transaction opens, which pages a batch touches and what is written of them, and seals it. */
import type { Bytes } from "#base/bytes.ts";
import type { ConversationId } from "#protocol/ids.ts";
import type { Vault } from "#crypto/vault.ts";
import type { Batch } from "#peer/store.ts";
import { packRows, pageOf, slotOf } from "./row-pages.ts";
import { ROWS_VERSION, type PageShape, type RowReader } from "./row-reader.ts";
import { MAX_LOOSE_ROWS, PACKED_SLOT, ROWS_PER_PAGE, type StoredRows } from "./schema.ts";
import type { SealedNames } from "./sealed-names.ts";

export type RowPlan = {
  readonly droppedIds: readonly ConversationId[];
  /** Names of logs that go as a whole, before anything is put. */
  readonly dropped: readonly string[];
  /** Pages that are packed anew: their loose rows go. */
  readonly emptied: readonly { readonly log: string; readonly page: number }[];
  readonly records: readonly StoredRows[];
  /** What a reader that keeps pages must know afterwards; `rows` are the new ones only. */
  readonly changed: readonly {
    readonly conversationId: ConversationId;
    readonly page: number;
    readonly rows: ReadonlyMap<number, Bytes>;
    readonly shape: PageShape;
  }[];
};

type Touched = {
  readonly conversationId: ConversationId;
  readonly page: number;
  readonly rows: Map<number, Bytes>;
};

/** Plans and seals the log rows of a batch. */
export async function planRows(
  { vault, names }: { readonly vault: Vault; readonly names: SealedNames },
  reader: RowReader,
  batch: Batch,
): Promise<RowPlan> {
  const droppedIds = batch.dropLogs ?? [];
  const pages = await Promise.all(
    touchedPages(batch).map(async (touched) => {
      const isDropped = droppedIds.includes(touched.conversationId);
      return planPage(vault, names, reader, touched, isDropped);
    }),
  );
  return {
    droppedIds,
    dropped: droppedIds.map((conversationId) => names.name("log", conversationId)),
    emptied: pages.flatMap(({ emptied }) => emptied),
    records: pages.flatMap(({ records }) => records),
    changed: pages.map(({ changed }) => changed),
  };
}

function touchedPages({ log = [] }: Batch): readonly Touched[] {
  const touched = new Map<string, Touched>();
  for (const { conversationId, seq, row } of log) {
    const page = pageOf(seq);
    const key = `${conversationId}/${page}`;
    const entry = touched.get(key) ?? { conversationId, page, rows: new Map<number, Bytes>() };
    // A copy: the caller keeps its array and may reuse it.
    entry.rows.set(seq, row.slice());
    touched.set(key, entry);
  }
  return [...touched.values()];
}

async function planPage(
  vault: Vault,
  names: SealedNames,
  reader: RowReader,
  { conversationId, page, rows }: Touched,
  isDropped: boolean,
) {
  const log = names.name("log", conversationId);
  const seal = async (slot: number, plain: Bytes): Promise<StoredRows> => ({
    log,
    page,
    slot,
    sealed: await vault.seal(
      { store: "rows", conversationId, key: `${page}/${slot}`, version: ROWS_VERSION },
      plain,
    ),
  });
  const empty: PageShape = { isPacked: false, loose: new Set() };
  const before = isDropped ? empty : ((await reader.shape(conversationId)).get(page) ?? empty);
  const loose = new Set([...before.loose, ...[...rows.keys()].map(slotOf)]);
  // The last row fills the page: nothing more will come, so it is packed for good.
  const isFull = rows.has((page + 1) * ROWS_PER_PAGE - 1);

  if (loose.size <= MAX_LOOSE_ROWS && !isFull) {
    const shape = { isPacked: before.isPacked, loose };
    const records = await Promise.all([...rows].map(([seq, row]) => seal(slotOf(seq), row)));
    return { emptied: [], records, changed: { conversationId, page, rows, shape } };
  }
  const kept = isDropped ? new Map<number, Bytes>() : await reader.page(conversationId, page);
  const packed = await seal(PACKED_SLOT, packRows(new Map([...kept, ...rows])));
  const shape = { isPacked: true, loose: new Set<number>() };
  return {
    emptied: [{ log, page }],
    records: [packed],
    changed: { conversationId, page, rows, shape },
  };
}
