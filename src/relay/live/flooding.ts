/** Whether a socket says so much for so long that it must be a fault or an attack. SPEC P286. */
import type { Connection } from "./connection.ts";
import type { Rates } from "./rates.ts";
import { takeToken } from "./token-bucket.ts";

/** A flood is one stretch of this length … */
const FLOOD_MS = 10_000;
/** … without a quiet time of this one: many short bursts are none. */
const FLOOD_GAP_MS = 1_500;

/** Counts one frame. */
export function isFlooding(connection: Connection, rates: Rates, now: number): boolean {
  if (takeToken(connection.frames, rates.frames, now) === 0) return false;
  if (now - connection.floodedAt > FLOOD_GAP_MS) connection.floodingSince = now;
  connection.floodedAt = now;
  return now - connection.floodingSince >= FLOOD_MS;
}
