import { createHash } from "node:crypto";
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { createSeededRandom } from "../../src/base/seeded-random.ts";
import { DATABASE_FILE } from "../../src/relay/data-folder.ts";
import { APPLICATION_ID, MIGRATIONS } from "../../src/relay/store/schema.ts";
import { call, online, startCast, verified, type Cast } from "../world/cast.ts";
import { BY_HAND, check, NONE, placesStored } from "../world/checker.ts";
import { rounds, timeoutMs } from "../world/profile.ts";
import { storedRows } from "../world/stored.ts";
import { flood, makeFrames, type Said } from "../world/talk.ts";

const KILLS = rounds(5, 50);
/** Enough to make the writer move its log of 16 MiB into the database while it comes in: few large ones, or many. */
const MESSAGES = rounds(1_500, 7_000);
const PADDED_BYTES = rounds(16_384, 1_024);
const FILE_BYTES = 3_000_000;

/** Looks again each millisecond: what is waited for does not last longer. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await pause(1);
}

async function talkOf(cast: Cast) {
  return {
    sender: await online(cast.relay.url, cast.person),
    receiver: await online(cast.relay.url, cast.agent),
    from: cast.person,
    conversationId: cast.conversationId,
  };
}

test(
  `[R2] [S14] over ${KILLS} kills while the log moves into the database nothing acknowledged is lost, nothing stands twice`,
  timeoutMs(600_000, 1_800_000),
  async () => {
    const cast = await startCast();
    const database = join(cast.dataFolder, DATABASE_FILE);
    const acked = new Set<string>();
    let due: readonly Said[] = [];
    let moves = 0;

    for (let kill = 0; kill < KILLS; kill++) {
      const talk = await talkOf(cast);
      due = [...due, ...makeFrames(talk, MESSAGES - due.length, PADDED_BYTES)];
      const passing = flood(talk, due);
      // Only a checkpoint writes to the database itself.
      const { mtimeMs } = statSync(database);
      let isOver = false;
      void passing.then(() => (isOver = true));
      const hasMoved = (): boolean => statSync(database).mtimeMs !== mtimeMs;
      await until(() => isOver || hasMoved());
      if (hasMoved()) moves++;
      await cast.relay.program.kill();
      for (const id of (await passing).acked) acked.add(id);
      due = due.filter(({ id }) => !acked.has(id));
      await cast.restart();
    }
    for (const id of (await flood(await talkOf(cast), due)).acked) acked.add(id);
    await cast.relay.program.stop();

    const stored = storedRows(cast.dataFolder).map(({ id }) => id);
    const { damage } = verified(cast.dataFolder);
    const places = placesStored(cast.dataFolder);
    await cast.end();
    const facts = { acked: { ada: [...acked] }, read: { "the log": stored }, places, ...BY_HAND };
    expect(check("killed in a checkpoint", facts, { kills: KILLS })).toEqual(NONE);
    expect({ damage, moves }).toEqual({ damage: [], moves: KILLS });
  },
);

test(
  `[S14] over ${KILLS} kills while the database is brought to a newer form the next start finds all of it, and finishes`,
  timeoutMs(600_000, 1_800_000),
  async () => {
    const left: unknown[] = [];
    for (let kill = 0; kill < KILLS; kill++) {
      const folder = mkdtempSync(join(tmpdir(), "parley-migration-"));
      const from = 1 + (kill % (MIGRATIONS.length - 1));
      makeOldDatabase(join(folder, DATABASE_FILE), from);
      const env = { ...process.env, PARLEY_DATA: folder, PARLEY_PORT: "0" };
      const program = fork("src/relay/main.ts", [], {
        env,
        stdio: ["ignore", "ignore", "ignore", "ipc"],
      });
      const ended = once(program, "close");
      const log = join(folder, `${DATABASE_FILE}-wal`);
      // Every other time at the first sign of writing, else when something is in the log.
      const least = kill % 2;
      await until(() => (statSync(log, { throwIfNoEntry: false })?.size ?? -1) >= least);
      program.kill("SIGKILL");
      await ended;

      const { damage } = verified(folder);
      const again = fork("src/relay/main.ts", [], {
        env,
        stdio: ["ignore", "ignore", "ignore", "ipc"],
      });
      await once(again, "message");
      const over = once(again, "close");
      again.kill("SIGTERM");
      await over;
      left.push({ damage, ...versionAndUsers(folder), after: verified(folder).damage });
      rmSync(folder, { recursive: true });
    }

    const whole = { damage: [], version: MIGRATIONS.length, users: USERS, after: [] };
    console.log(`killed in a migration: ${KILLS} kills, ${USERS} rows each time, damage 0`);
    expect(left).toEqual(Array.from({ length: KILLS }, () => whole));
  },
);

test(
  `[P76] over ${KILLS} kills while a file comes in it goes on from where it broke, and is whole`,
  timeoutMs(600_000, 1_800_000),
  async () => {
    const cast = await startCast();
    const bytes = createSeededRandom(7)(FILE_BYTES);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const resumedAt: number[] = [];

    for (let kill = 0; kill < KILLS; kill++) {
      const { upload_id, upload_url } = (await call(cast.relay.url, "/files", cast.person.token, {
        conversation_id: cast.conversationId,
        filename: "blob",
        content_type: "application/octet-stream",
        size: FILE_BYTES,
      })) as { readonly upload_id: string; readonly upload_url: string };
      const stopAt = Math.floor((FILE_BYTES * (kill + 1)) / (KILLS + 1));
      const putting = put(cast, upload_url, 0, bytes.subarray(0, stopAt), FILE_BYTES);
      await until(async () => (await received(cast, upload_url)) >= stopAt / 2);
      await cast.relay.program.kill();
      await putting;
      await cast.restart();

      const from = await received(cast, upload_url);
      resumedAt.push(from);
      await put(cast, upload_url, from, bytes.subarray(from), FILE_BYTES);
      await call(cast.relay.url, "/files/confirm", cast.person.token, { upload_id, sha256 });
    }
    await cast.relay.program.stop();
    const { files, damage } = verified(cast.dataFolder);
    await cast.end();

    console.log(
      `killed in a file: ${KILLS} kills, went on at ${resumedAt.join(", ")}, damage ${damage.length}`,
    );
    expect(resumedAt.filter((from) => from === 0 || from >= FILE_BYTES)).toEqual([]);
    expect({ files, damage }).toEqual({ files: KILLS, damage: [] });
  },
);

const USERS = 2_000;

/** A database as an earlier version left it. */
function makeOldDatabase(path: string, version: number): void {
  const database = new DatabaseSync(path);
  database.exec("PRAGMA journal_mode = WAL");
  for (const migration of MIGRATIONS.slice(0, version)) database.exec(migration);
  database.exec(
    `PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${version}; BEGIN`,
  );
  database.exec("INSERT INTO meta (name, value) VALUES ('log_epoch', 'old')");
  const insert = database.prepare(
    "INSERT INTO users (user_id, handle, display_name, identity_key, created_at) VALUES (?, ?, ?, x'00', 0)",
  );
  for (let i = 0; i < USERS; i++) insert.run(`user ${i}`, `user_${i}`, "x".repeat(60));
  database.exec("COMMIT");
  // The last to close takes the log along: what comes then is the migration's.
  database.close();
}

function versionAndUsers(folder: string): { readonly version: unknown; readonly users: unknown } {
  const database = new DatabaseSync(join(folder, DATABASE_FILE));
  const version = database.prepare("PRAGMA user_version").get()?.["user_version"];
  const users = database.prepare("SELECT count(*) AS n FROM users").get()?.["n"];
  database.close();
  return { version, users };
}

const headers = (cast: Cast): Record<string, string> => ({
  authorization: `Bearer ${cast.person.token}`,
});

async function received(cast: Cast, uploadUrl: string): Promise<number> {
  const answer = await fetch(`${cast.relay.url}${uploadUrl}`, { headers: headers(cast) });
  return ((await answer.json()) as { readonly data: { readonly received: number } }).data.received;
}

/** Sends a part of a file; one that is not the end stays open until the relay is gone. */
async function put(
  cast: Cast,
  uploadUrl: string,
  from: number,
  part: Uint8Array,
  sizeBytes: number,
): Promise<void> {
  const isEnd = from + part.length === sizeBytes;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (let at = 0; at < part.length; at += 65_536)
        controller.enqueue(part.slice(at, at + 65_536));
      if (isEnd) controller.close();
    },
  });
  const sending = fetch(`${cast.relay.url}${uploadUrl}`, {
    method: "PUT",
    headers: { ...headers(cast), "content-range": `bytes ${from}-${sizeBytes - 1}/${sizeBytes}` },
    body,
    duplex: "half",
  } as RequestInit);
  if (isEnd) expect((await sending).status).toBe(200);
  else await sending.catch(() => undefined);
}
