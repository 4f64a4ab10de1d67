import { ok } from "#base/result.ts";
import type { Command } from "./transaction.ts";

/** Writes something of no importance, to see whether it can be written. */
export const probe: Command<{ now: number }, null> = async (tx, { now }) => {
  await tx.sql.run(
    `INSERT INTO meta (name, value) VALUES ('probed_at', ?)
     ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
    String(now),
  );
  return ok(null);
};
