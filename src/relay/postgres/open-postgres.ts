/** A PostgreSQL database with its lanes and readers, opened and closed together. SPEC R50 to R53. */
import { Pool } from "pg";
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/log.ts";
import type { Secret } from "#base/secret.ts";
import { factsOf } from "../json-log.ts";
import type { Store } from "../store/open-store.ts";
import { migrate } from "./migrate.ts";
import { createPostgresWriter } from "./postgres-writer.ts";
import { clientConfig, connectSafely, createPostgresSql, setLimits } from "./session.ts";

const READERS = 8;

/**
 * Opens and migrates. `logEpoch` names the log when this call creates it.
 * Rejects with `ConnectionLost` when no server answers and `UnfitDatabase` when it cannot be relied upon.
 */
export async function openPostgres(needs: {
  readonly address: Secret<string>;
  readonly logEpoch: string;
  readonly clock: Clock;
  readonly events: Log;
}): Promise<Store> {
  const { address, logEpoch, clock, events } = needs;
  const first = await connectSafely(address, false);
  try {
    await migrate(first, logEpoch);
  } finally {
    await first.end().catch(() => undefined);
  }
  const readers = new Pool({ ...clientConfig(address), max: READERS, onConnect: setLimits });
  readers.on("error", (fault) => events.warn("database.lost", factsOf(fault)));
  const sql = createPostgresSql(readers);
  const writer = createPostgresWriter({
    connect: () => connectSafely(address, true),
    clock,
    events,
  });
  return {
    writer,
    sql,
    async sizeBytes() {
      const row = await sql.get<{ bytes: number }>(
        "SELECT pg_database_size(current_database()) AS bytes",
      );
      return row?.bytes ?? 0;
    },
    async close() {
      await writer.close();
      await readers.end();
    },
  };
}
