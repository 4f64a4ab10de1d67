/** What a command may do inside the running transaction, and what it came to. */
import type { Result } from "#base/result.ts";
import type { NewEntry, StoredEntry } from "../log/log-store.ts";
import type { RelayFailure } from "../failure.ts";
import { insertEntry } from "./insert-entry.ts";
import type { Sql } from "./sql.ts";

/** What a command may do inside the running transaction. */
export interface Transaction {
  readonly sql: Sql;
  /** Gives the entry the conversation's next seq and remembers it for those who wait for the commit. */
  append(entry: NewEntry, now: number): Promise<StoredEntry>;
}

/** Waits for nothing but its own transaction: whoever else waits for the writer waits for this. */
export type Command<Args, Value> = (
  tx: Transaction,
  args: Args,
) => Promise<Result<Value, RelayFailure>>;

/** What one job came to; `appended` holds its new entries in order and is empty when it was refused. */
export type JobOutcome = {
  readonly result: Result<unknown, RelayFailure>;
  readonly appended: readonly StoredEntry[];
};

/** What a job writes through, the entries it has appended so far, and whether anything would have to be undone. */
export function createTransaction(sql: Sql): {
  readonly tx: Transaction;
  readonly appended: StoredEntry[];
  hasWritten(): boolean;
} {
  const appended: StoredEntry[] = [];
  let hasWritten = false;
  const watched =
    <Args extends readonly [text: string, ...rest: unknown[]], Value>(
      verb: (...args: Args) => Value,
    ) =>
    (...args: Args): Value => {
      hasWritten ||= !args[0].startsWith("SELECT");
      return verb(...args);
    };
  const append = async (entry: NewEntry, now: number): Promise<StoredEntry> => {
    hasWritten = true;
    const stored = await insertEntry(sql, entry, now);
    appended.push(stored);
    return stored;
  };
  const own = { all: watched(sql.all), get: watched(sql.get), run: watched(sql.run) };
  return { tx: { sql: own as Sql, append }, appended, hasWritten: () => hasWritten };
}
