import { execFileSync } from "node:child_process";
import { globSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { describe, expect, test } from "vitest";
import { systemRandom } from "#base/random.ts";
import { Secret } from "#base/secret.ts";
import { readConfig } from "../config.ts";
import { backUpServer, DUMP_FILE } from "../operation/backup-server.ts";
import { examine } from "../operation/doctor.ts";
import { verifyFolder } from "../operation/verify.ts";
import { createOperator } from "../operator.ts";
import { aWorld, onTestEnd } from "../relay-world.contract.ts";
import { aPersonWithAnAgent, sendByRest } from "../rest-steps.contract.ts";
import { aDatabase, NO_POSTGRES, tellServer } from "./a-database.contract.ts";

const aFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "parley-server-"));
  onTestEnd(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

/** Debian keeps the client programs beside the server, outside of the path. */
const tools = globSync("/usr/lib/postgresql/*/bin").at(-1);
if (tools !== undefined) process.env["PATH"] += `${delimiter}${tools}`;

async function aLivedInRelay() {
  const database = await aDatabase();
  const lived = await aPersonWithAnAgent(await aWorld({ database }));
  for (let i = 0; i < 3; i++) await sendByRest(lived.world, lived.ada, lived.conversation);
  return { ...lived, database };
}

async function failuresOf(env: Record<string, string>): Promise<readonly string[]> {
  const config = readConfig(env);
  if (!config.ok) throw new Error("settings that hold");
  return (await examine(config.value)).flatMap(({ level, says }) =>
    level === "fail" ? [says] : [],
  );
}

describe.skipIf(NO_POSTGRES !== null)(
  `the operator of a relay on PostgreSQL ${NO_POSTGRES ?? ""}`,
  () => {
    test("[R15] makes, sees and shuts out agents beside the running relay", async () => {
      const { world, echo, database } = await aLivedInRelay();
      const operator = await createOperator(world.folder, world.clock, systemRandom, database);
      onTestEnd(() => operator.close());

      const made = await operator.createAgent("Second", "");
      const agents = await operator.agents();

      expect(made.ok).toBe(true);
      expect(agents.map(({ name, conversations }) => [name, conversations]).toSorted()).toEqual([
        ["Echo", 1],
        ["Second", 0],
      ]);
      expect(agents.some(({ agent_id }) => agent_id === echo.id)).toBe(true);
    });

    test("[R17] verifying walks the log on the server and names an altered entry and a hole", async () => {
      const { world, database } = await aLivedInRelay();
      expect(await verifyFolder(world.folder, database)).toEqual({
        conversations: 1,
        entries: 4,
        files: 0,
        damage: [],
      });

      await tellServer(database.reveal(), "UPDATE entry SET body = '\\x00' WHERE seq = 2");
      await tellServer(database.reveal(), "DELETE FROM entry WHERE seq = 3");

      expect((await verifyFolder(world.folder, database)).damage).toEqual([
        { check: "holes in a conversation", count: 1 },
        { check: "entries with another hash", count: 1 },
      ]);
    });

    test("[R18] the doctor knows a sound server from one that forgets, is strange, or does not answer", async () => {
      const { world, database } = await aLivedInRelay();
      const hasty = await aDatabase();
      const name = new URL(hasty.reveal()).pathname.slice(1);
      await tellServer(hasty.reveal(), `ALTER DATABASE ${name} SET synchronous_commit = off`);
      const foreign = await aDatabase();
      await tellServer(foreign.reveal(), "CREATE TABLE theirs (x int)");
      const settings = (address: string) => ({
        PARLEY_DATA: world.folder,
        PARLEY_DATABASE: address,
      });

      expect(await failuresOf(settings(database.reveal()))).toEqual([]);
      expect(await failuresOf(settings(hasty.reveal()))).toEqual([
        "The database answers commits before they are on disk: set synchronous_commit to on for this database and user.",
      ]);
      expect(await failuresOf(settings(foreign.reveal()))).toEqual([
        "The database holds tables of another program: give the relay a database of its own.",
      ]);
      expect(await failuresOf(settings("postgres://nobody@127.0.0.1:1/none"))).toEqual([
        "The database server does not answer.",
      ]);
    });

    test("[R16] a copy made of the server runs a relay once it is restored", async () => {
      const { world, ada, conversation, database } = await aLivedInRelay();
      const copy = aFolder();

      const done = await backUpServer(world.folder, database, copy);

      expect(done).toMatchObject({ ok: true, value: { files: 0 } });
      const restored = await aDatabase();
      execFileSync("pg_restore", [
        "--no-owner",
        `--dbname=${restored.reveal()}`,
        join(copy, DUMP_FILE),
      ]);
      const second = await aWorld({ database: new Secret(restored.reveal()), dataFolder: copy });
      const path = `/conversations/${conversation}/messages?after=0`;
      const read = await second.rest("GET", path, ada.token);
      expect(read.body.data).toHaveLength(4);
      expect(await backUpServer(world.folder, database, copy)).toMatchObject({
        failure: { kind: "relay/backup-target-in-use" },
      });
    });
  },
);
