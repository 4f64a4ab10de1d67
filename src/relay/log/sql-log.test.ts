import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { silentLog } from "#base/log.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import { onTestEnd } from "../relay-world.contract.ts";
import { IN_MEMORY, openForWriting } from "../store/database.ts";
import { openStore } from "../store/open-store.ts";
import { APPLICATION_ID } from "../store/schema.ts";
import type { GroupJob } from "../store/group-job.ts";
import { createSqliteSql } from "../store/sqlite-sql.ts";
import { createGroupRunner } from "../store/group-runner.ts";
import { ok } from "#base/result.ts";
import { refuse } from "../failure.ts";
import { describeLogStore } from "./log-store.contract.ts";
import { createSqlLog } from "./sql-log.ts";

const aFile = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "parley-log-"));
  onTestEnd(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "log.sqlite");
};

const aLog = async (writes: "in-thread" | "here") => {
  const store = await openStore(
    { file: aFile(), writes },
    { clock: createFakeClock(), random: createSeededRandom(3), log: silentLog },
  );
  onTestEnd(() => store.close());
  return createSqlLog(store.writer, store.sql, createFakeClock(), silentLog);
};

describeLogStore("the log in a file, written by its thread", () => aLog("in-thread"));
describeLogStore("the log in a file, written in line", () => aLog("here"));

test("[S14] the file is ours by its mark, in WAL mode, and every commit is synced", async () => {
  const path = aFile();

  const db = openForWriting(path, "epoch");

  const sql = createSqliteSql(db);
  expect(await sql.get("PRAGMA journal_mode")).toEqual({ journal_mode: "wal" });
  expect(await sql.get("PRAGMA synchronous")).toEqual({ synchronous: 2 });
  expect(await sql.get("PRAGMA application_id")).toEqual({ application_id: APPLICATION_ID });
  const loose = await sql.all(
    "SELECT name FROM pragma_table_list WHERE schema = 'main' AND strict = 0 AND name NOT LIKE 'sqlite_%'",
  );
  expect(loose).toEqual([]);
  db.close();
});

test("[S14] another program's file is refused and left as it is", () => {
  const path = aFile();
  const foreign = new DatabaseSync(path);
  foreign.exec("CREATE TABLE theirs (x); PRAGMA application_id = 7; PRAGMA user_version = 1");
  foreign.close();

  expect(() => openForWriting(path, "epoch")).toThrow("foreign");

  const again = new DatabaseSync(path);
  expect(again.prepare("SELECT name FROM sqlite_master").all()).toEqual([{ name: "theirs" }]);
  again.close();
});

/** Jobs that share a commit, named by how they end. */
async function together(...names: readonly string[]) {
  const db = openForWriting(IN_MEMORY, "epoch");
  const faults: unknown[] = [];
  const run = createGroupRunner(db, (fault) => faults.push(fault));
  const jobs = names.map((name): GroupJob => {
    const work: GroupJob["run"] = async (tx) => {
      await tx.sql.run("INSERT INTO meta (name, value) VALUES (?, '')", name);
      if (name === "faulty") throw new Error("a bug");
      return name === "refused" ? refuse("FORBIDDEN") : ok(null);
    };
    return { run: work, append: null };
  });
  const outcomes = await run(jobs);
  const kept = await createSqliteSql(db).all<{ name: string }>(
    "SELECT name FROM meta WHERE value = '' ORDER BY name",
  );
  return {
    ends: outcomes.map(({ result }) => (result.ok ? "ok" : result.failure.code)),
    kept: kept.map(({ name }) => name),
    faults: faults.length,
  };
}

test("[R4] of jobs that share a commit, a refused or faulty one leaves the others alone", async () => {
  const kept = ["first", "last"];

  const refused = await together("first", "refused", "last");
  const faulty = await together("first", "faulty", "last");
  const both = await together("first", "refused", "faulty", "last");

  expect(refused).toEqual({ ends: ["ok", "FORBIDDEN", "ok"], kept, faults: 0 });
  expect(faulty).toEqual({ ends: ["ok", "INTERNAL", "ok"], kept, faults: 1 });
  expect(both).toEqual({ ends: ["ok", "FORBIDDEN", "INTERNAL", "ok"], kept, faults: 1 });
});
