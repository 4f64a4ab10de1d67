import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { DATABASE_FILE } from "../data-folder.ts";
import { moveToServer, MOVED_FILE } from "../operation/move.ts";
import { verifyFolder } from "../operation/verify.ts";
import { aWorld } from "../relay-world.contract.ts";
import { aPersonWithAnAgent, sendByRest } from "../rest-steps.contract.ts";
import { aDatabase, NO_POSTGRES, tellServer } from "./a-database.contract.ts";

/** A relay on a file that has been lived in, and has ended. */
async function aStoppedRelay() {
  const lived = await aPersonWithAnAgent(await aWorld({ database: null }));
  for (let i = 0; i < 8; i++) await sendByRest(lived.world, lived.ada, lived.conversation);
  await lived.world.stop();
  return lived;
}

const isEmpty = async (address: string): Promise<boolean> =>
  (await tellServer(address, "SELECT 1 FROM pg_tables WHERE schemaname = current_schema()"))
    .length === 0;

describe.skipIf(NO_POSTGRES !== null)(`a move to a server ${NO_POSTGRES ?? ""}`, () => {
  test("[R54] takes everything: people sign in, read the same history and write on at the next place", async () => {
    const { world, ada, conversation } = await aStoppedRelay();
    const before = await verifyFolder(world.folder);
    const database = await aDatabase();

    const moved = await moveToServer(world.folder, database);

    expect(moved).toMatchObject({
      ok: true,
      value: { conversations: 1, entries: before.entries, files: 0 },
    });
    expect([DATABASE_FILE, MOVED_FILE].map((name) => existsSync(join(world.folder, name)))).toEqual(
      [false, true],
    );
    const next = await aWorld({ dataFolder: world.folder, database });
    const path = `/conversations/${conversation}/messages?after=0&limit=100`;
    const read = await next.rest("GET", path, ada.token);
    const sent = await sendByRest(next, ada, conversation);
    expect(read.body.data).toHaveLength(before.entries);
    expect(sent.body.data.conversation_seq).toBe(before.entries + 1);
    expect((await verifyFolder(world.folder, database)).damage).toEqual([]);
  });

  test("[R54] is refused while the relay runs", async () => {
    const { world } = await aStoppedRelay();
    await world.restart();
    const database = await aDatabase();

    const moved = await moveToServer(world.folder, database);

    expect(moved).toMatchObject({ failure: { kind: "relay/relay-is-running" } });
    expect(await isEmpty(database.reveal())).toBe(true);
  });

  test("[R54] is refused where the database holds something, and leaves both as they were", async () => {
    const { world } = await aStoppedRelay();
    const other = await aWorld({ database: await aDatabase() });
    await other.person("ben");
    await other.stop();
    if (other.database === null) throw new Error("a server");

    const moved = await moveToServer(world.folder, other.database);

    expect(moved).toMatchObject({ failure: { kind: "relay/move-target-in-use" } });
    expect(await tellServer(other.database.reveal(), "SELECT handle FROM users")).toEqual([
      { handle: "ben" },
    ]);
    expect(existsSync(join(world.folder, DATABASE_FILE))).toBe(true);
  });

  test.each([
    ["a row that did not come", "account_ledger", "RETURN NULL"],
    ["another head", "conv", "NEW.updated_at := 1; NEW.next_seq := NEW.next_seq + 1; RETURN NEW"],
    ["another body", "entry", "NEW.body := sha256('other'); RETURN NEW"],
    ["another hash", "entry", "NEW.hash := sha256('other'); RETURN NEW"],
  ])(
    "[R54] whose server made something else of what came stands nowhere: %s",
    async (_, table, does) => {
      const { world } = await aStoppedRelay();
      const database = await aDatabase();
      // The server's own rule about new tables, as an operator may have one.
      await tellServer(
        database.reveal(),
        `CREATE FUNCTION alter_row() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN ${does}; END$$;
       CREATE FUNCTION on_table() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN
         IF to_regclass('${table}') IS NOT NULL AND NOT EXISTS (SELECT 1 FROM pg_trigger WHERE tgname = 'alter_it')
         THEN CREATE TRIGGER alter_it BEFORE INSERT ON ${table} FOR EACH ROW EXECUTE FUNCTION alter_row(); END IF;
       END$$;
       CREATE EVENT TRIGGER made ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION on_table()`,
      );

      const moved = await moveToServer(world.folder, database);

      expect(moved).toMatchObject({ ok: false, failure: { kind: "relay/move-altered" } });
      expect(await isEmpty(database.reveal())).toBe(true);
      expect(existsSync(join(world.folder, DATABASE_FILE))).toBe(true);
    },
  );

  test("[R54] of a damaged file is refused, and of none", async () => {
    const { world } = await aStoppedRelay();
    const db = new DatabaseSync(join(world.folder, DATABASE_FILE));
    db.exec("UPDATE entry SET body = zeroblob(length(body)) WHERE seq = 3");
    db.close();
    const database = await aDatabase();

    const damaged = await moveToServer(world.folder, database);
    const none = await moveToServer(join(world.folder, "nowhere"), database);

    expect(damaged).toMatchObject({
      failure: {
        kind: "relay/source-damaged",
        damage: [{ check: "entries with another hash", count: 1 }],
      },
    });
    expect(none).toMatchObject({ failure: { kind: "relay/no-database" } });
    expect(await isEmpty(database.reveal())).toBe(true);
  });
});
