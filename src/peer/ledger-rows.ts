/** Ledger entries fetched from the relay, page by page. The relay orders and stores them; it cannot author any. */
import { base64ToBytes } from "#base/base64.ts";
import type { Bytes } from "#base/bytes.ts";
import { err, ok, type Result } from "#base/result.ts";
import { MAX_PAGE } from "#protocol/limits.ts";
import { LedgerRow } from "#protocol/rest.ts";
import type { PeerFailure } from "./failure.ts";
import type { Rest } from "./rest.ts";

/** All entries after `afterSeq` (-1: from the first). Fails as {@link Rest} does. */
export async function fetchLedger(
  rest: Rest,
  path: string,
  afterSeq: number,
): Promise<Result<readonly Bytes[], PeerFailure>> {
  const entries: Bytes[] = [];
  let after = afterSeq;
  for (;;) {
    const query = after < 0 ? `limit=${MAX_PAGE}` : `after=${after}&limit=${MAX_PAGE}`;
    const page = await rest.page(`${path}?${query}`, LedgerRow);
    if (!page.ok) return page;
    for (const row of page.value.items) {
      const entry = base64ToBytes(row.entry);
      if (entry === null) return err({ kind: "peer/bad-answer", path: "entry" });
      entries.push(entry);
    }
    const last = page.value.items.at(-1);
    if (last === undefined || last.ledger_seq <= after || page.value.nextCursor === null) {
      return ok(entries);
    }
    after = last.ledger_seq;
  }
}
