import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/log.ts";
import type { RandomBytes } from "#base/random.ts";
import type { Argon2Params, Primitives } from "#crypto/primitives.ts";
import type { StreamFetch } from "#channels/chat/stream-fetch.ts";
import type { FileLine } from "#peer/file-transfer.ts";
import type { Fetch } from "#peer/rest.ts";
import type { OpenSocket } from "#peer/socket.ts";

/** Everything the engine needs from the world; the worker gives the real ones, tests give others. */
export type EngineDeps = {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly primitives: Primitives;
  readonly log: Log;
  readonly fetch: Fetch;
  /** Streamed answers of agent servers. */
  readonly streamFetch: StreamFetch;
  /** How files move. */
  readonly fileLine: FileLine;
  readonly openSocket: OpenSocket;
  /** Where app and relay are served, as `https://host[:port]`. */
  readonly origin: string;
  readonly databaseName: string;
  /** How this browser is called in the list of devices; may be empty. */
  readonly deviceName: string;
  /** Whether the browser promised not to evict what is stored. */
  readonly isStoragePersisted: () => Promise<boolean>;
  /** What a new password is stretched with. */
  readonly passwordCost: Argon2Params;
  /** Pieces of a stream and changes of the list are gathered this long before the page hears of them. */
  readonly gatherMs: number;
};
