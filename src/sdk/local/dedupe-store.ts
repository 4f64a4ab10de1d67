/**
 * What an agent has taken on, so that nothing is done twice: claimed before the work, finished after it.
 * The local file serves every process of one host; `shared/` those of several. SPEC §once.
 */
import { dirname, join } from "node:path";
import type { Clock } from "#base/clock.ts";
import { bytesToHex, type Bytes } from "#base/bytes.ts";
import type { RandomBytes } from "#base/random.ts";
import { hasCode, makePrivateFolder } from "./durable-file.ts";
import { openDatabase } from "./sqlite.ts";

/** One entry of a conversation's log. `key` is made of what its author signed, so no relay can make two of one. */
export type Claim = {
  readonly conversationId: string;
  readonly key: string;
  /** What is being worked on, kept from claim to finish, so that whoever takes over knows it; null: nothing to redo. */
  readonly work: Bytes | null;
};

export interface DedupeStore {
  /** `memory` forgets at the end of the process, `local` serves one host, `shared` every process of the agent. */
  readonly reach: "memory" | "local" | "shared";
  /** True once per claim, whoever asks, however often. */
  claim(claim: Claim): Promise<boolean>;
  /** The work is done and forgotten; that it was done is not. */
  finish(claim: Claim): Promise<void>;
  /** Claims whose process died before it finished, oldest first; they are the caller's from now on. */
  takeOver(): Promise<readonly Claim[]>;
  /** How many processes have a store of reach `local` open now, this one among them; absent: this one alone. */
  sharers?(): number;
  close(): Promise<void>;
}

/** Whether a process with this id runs on this host. */
export type IsAlive = (pid: number) => boolean;

/** Rows outlive every key that could open their message. */
const DEDUPE_TTL_MS = 30 * 86_400_000;

/** Opens the store an address names: a folder or the `.sqlite` file itself; null is memory. */
export async function openDedupeStore(
  address: string | null,
  settings: { readonly clock: Clock; readonly random: RandomBytes; readonly isAlive?: IsAlive },
): Promise<DedupeStore> {
  if (address === null) return createMemoryDedupeStore();
  const path = address.endsWith(".sqlite") ? address : join(address, "dedupe.sqlite");
  await makePrivateFolder(dirname(path));
  return createFileDedupeStore(path, settings);
}

/** Creates a store for tests and for agents that may not write to disk. */
export function createMemoryDedupeStore(): DedupeStore {
  const seen = new Set<string>();
  return {
    reach: "memory",
    claim: async ({ conversationId, key }) => {
      const whole = `${conversationId} ${key}`;
      if (seen.has(whole)) return false;
      seen.add(whole);
      // Long-running agents: what is forgotten here is far behind the relay's cursor.
      if (seen.size > MAX_REMEMBERED) for (const oldest of seen) return seen.delete(oldest);
      return true;
    },
    finish: async () => {},
    takeOver: async () => [],
    close: async () => {},
  };
}

const MAX_REMEMBERED = 100_000;

/** Creates the store of one host: a SQLite file, each claim on disk before it counts. */
export function createFileDedupeStore(
  path: string,
  {
    clock,
    random,
    isAlive = isProcessAlive,
  }: { readonly clock: Clock; readonly random: RandomBytes; readonly isAlive?: IsAlive },
): DedupeStore {
  const owner = `${process.pid}.${bytesToHex(random(8))}`;
  const database = openDatabase(path, { timeout: 5_000 });
  database.exec(SCHEMA);
  database
    .prepare("DELETE FROM claim WHERE claimed_at < ? AND finished = 1")
    .run(clock.now() - DEDUPE_TTL_MS);
  const insert = database.prepare(
    "INSERT INTO claim (conversation_id, key, owner, claimed_at, finished, work) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
  );
  const finish = database.prepare(
    "UPDATE claim SET finished = 1, work = NULL WHERE conversation_id = ? AND key = ?",
  );
  const owners = database.prepare("SELECT DISTINCT owner FROM claim WHERE finished = 0");
  const take = database.prepare(
    "UPDATE claim SET owner = ? WHERE finished = 0 AND owner = ? RETURNING conversation_id, key, work, claimed_at",
  );
  // A process id comes back after a restart, always in a container: ours with another tail is a dead one.
  const isGone = (other: string): boolean => {
    const pid = Number.parseInt(other, 10);
    return other !== owner && (pid === process.pid ? !ownersHere.has(other) : !isAlive(pid));
  };
  ownersHere.add(owner);
  database.prepare("INSERT INTO process (owner) VALUES (?)").run(owner);
  const others = database.prepare("SELECT owner FROM process");
  const forget = database.prepare("DELETE FROM process WHERE owner = ?");
  return {
    reach: "local",
    claim: async ({ conversationId, key, work }) =>
      insert.run(conversationId, key, owner, clock.now(), work === null ? 1 : 0, work).changes ===
      1,
    finish: async ({ conversationId, key }) => {
      finish.run(conversationId, key);
    },
    takeOver: async () => {
      const dead = owners.all().map((row) => String(row["owner"]));
      const taken = dead.filter(isGone).flatMap((other) => take.all(owner, other));
      return taken
        .sort((a, b) => Number(a["claimed_at"]) - Number(b["claimed_at"]))
        .map((row) => ({
          conversationId: String(row["conversation_id"]),
          key: String(row["key"]),
          work: row["work"] instanceof Uint8Array ? new Uint8Array(row["work"]) : null,
        }));
    },
    sharers() {
      const known = others.all().map((row) => String(row["owner"]));
      const gone = known.filter(isGone);
      for (const other of gone) forget.run(other);
      return known.length - gone.length;
    },
    close: async () => {
      ownersHere.delete(owner);
      forget.run(owner);
      database.close();
    },
  };
}

const isProcessAlive: IsAlive = (pid) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, and belongs to somebody else.
    return hasCode(error, "EPERM");
  }
};

const ownersHere = new Set<string>();

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA secure_delete = ON;
  CREATE TABLE IF NOT EXISTS claim (
    conversation_id TEXT NOT NULL,
    key TEXT NOT NULL,
    owner TEXT NOT NULL,
    claimed_at INTEGER NOT NULL,
    finished INTEGER NOT NULL,
    work BLOB,
    PRIMARY KEY (conversation_id, key)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS process (owner TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS claim_open ON claim (owner) WHERE finished = 0;
`;
