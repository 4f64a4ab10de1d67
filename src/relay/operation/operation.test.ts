import { createHash, randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { Secret } from "#base/secret.ts";
import { readConfig, type Config } from "../config.ts";
import { BLOB_FOLDER, DATABASE_FILE, KEY_FILE } from "../data-folder.ts";
import { aMessage, aWorld, onTestEnd } from "../relay-world.contract.ts";
import { aPersonWithAnAgent, sendByRest } from "../rest-steps.contract.ts";
import { backUp } from "./backup.ts";
import { examine } from "./doctor.ts";
import { moveToServer } from "./move.ts";
import { verifyFolder } from "./verify.ts";

const aFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "parley-copy-"));
  onTestEnd(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

/** A relay with a few messages and one confirmed file. */
async function aLivedInRelay() {
  const lived = await aPersonWithAnAgent(await aWorld());
  const { world, ada, conversation } = lived;
  for (let i = 0; i < 3; i++) await sendByRest(world, ada, conversation);
  const bytes = new Uint8Array(randomBytes(5_000));
  const { upload_id, upload_url, attachment_id } = (
    await world.rest("POST", "/files", ada.token, {
      filename: "blob",
      content_type: "application/octet-stream",
      size: bytes.length,
      conversation_id: conversation,
    })
  ).body.data;
  await world.rest("PUT", upload_url, ada.token, bytes);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  await world.rest("POST", "/files/confirm", ada.token, { upload_id, sha256 });
  return { ...lived, attachmentId: attachment_id as string };
}

/** Changes a folder's database behind the relay's back. */
function tamper(folder: string, sql: string): void {
  const db = new DatabaseSync(join(folder, DATABASE_FILE));
  db.exec(sql);
  db.close();
}

/** Another word in what the database says of one of its tables, as a turned byte leaves it. */
function tamperDescription(folder: string, table: string, word: string, other: string): void {
  const db = new DatabaseSync(join(folder, DATABASE_FILE), { defensive: false });
  db.exec("PRAGMA writable_schema = ON");
  db.prepare("UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE name = ?").run(
    word,
    other,
    table,
  );
  db.close();
}

const checksOf = async (folder: string): Promise<readonly string[]> =>
  (await verifyFolder(folder)).damage.map(({ check }) => check);

describe("a copy", () => {
  test("[R16] made while messages come in is whole, and a relay runs on it", async () => {
    const { world, ada, echo, conversation, attachmentId } = await aLivedInRelay();
    const person = await world.online(ada);
    const copy = aFolder();
    for (let i = 0; i < 20; i++) person.send(aMessage(conversation, ada));

    const done = await backUp(world.folder, copy);

    for (let i = 0; i < 20; i++) await person.next("message.ack");
    expect(done).toMatchObject({ ok: true, value: { files: 1, bytes: 5_000 } });
    expect(await verifyFolder(copy)).toMatchObject({ conversations: 1, files: 1, damage: [] });
    const later = await aWorld({ dataFolder: copy });
    const history = await later.rest("GET", `/conversations/${conversation}/messages`, echo.token);
    expect(history.body.data.length).toBeGreaterThanOrEqual(4);
    // The key came along, so a token of before still counts.
    expect((await later.rest("GET", `/files/${attachmentId}`, ada.token)).status).toBe(200);
  });

  test("[R16] is never made over something else, nor of nothing", async () => {
    const { world } = await aLivedInRelay();
    const used = aFolder();
    writeFileSync(join(used, "precious"), "x");

    expect(await backUp(world.folder, used)).toEqual({
      ok: false,
      failure: { kind: "relay/backup-target-in-use" },
    });
    expect(await backUp(used, aFolder())).toEqual({
      ok: false,
      failure: { kind: "relay/no-database" },
    });
  });
});

const BUCKET = {
  PARLEY_S3_ENDPOINT: "http://127.0.0.1:1",
  PARLEY_S3_BUCKET: "parley",
  PARLEY_S3_REGION: "here",
  PARLEY_S3_ACCESS_KEY: "relay",
  PARLEY_S3_SECRET_KEY: "sesame",
};

describe("where files lie in a bucket and the key is in the settings", () => {
  test("[R16] [R17] copying and verifying leave both to who keeps them", async () => {
    const { world } = await aLivedInRelay();
    await world.stop();
    rmSync(join(world.folder, BLOB_FOLDER), { recursive: true });
    rmSync(join(world.folder, KEY_FILE));
    const copy = aFolder();

    expect(await backUp(world.folder, copy, false)).toMatchObject({
      ok: true,
      value: { files: 0 },
    });
    expect(await verifyFolder(copy, null, false)).toMatchObject({ entries: 4, damage: [] });
    expect(existsSync(join(copy, KEY_FILE))).toBe(false);
  });
});

describe("a move to a server", () => {
  test("[R54] of what is no database says so, and a relay that runs is another matter", async () => {
    const nowhere = new Secret("postgres://nobody@127.0.0.1:1/none");
    const folder = aFolder();
    writeFileSync(join(folder, DATABASE_FILE), "x".repeat(8_192));
    const { world } = await aLivedInRelay();

    const garbage = await moveToServer(folder, nowhere);
    const running = await moveToServer(world.folder, nowhere);

    expect(garbage).toEqual({ ok: false, failure: { kind: "relay/not-a-database" } });
    expect(running).toEqual({ ok: false, failure: { kind: "relay/relay-is-running" } });
    expect(readFileSync(join(folder, DATABASE_FILE), "utf8")).toBe("x".repeat(8_192));
  });
});

describe("verifying", () => {
  test("[R17] finds nothing in a sound folder, even while the relay runs", async () => {
    const { world } = await aLivedInRelay();

    expect(await verifyFolder(world.folder)).toEqual({
      conversations: 1,
      entries: 4,
      files: 1,
      damage: [],
    });
  });

  test("[R17] names an altered entry, a hole, a broken ledger and a changed file", async () => {
    const { world, attachmentId } = await aLivedInRelay();
    await world.stop();

    tamper(world.folder, "UPDATE entry SET body = x'00' WHERE seq = 2");
    expect(await checksOf(world.folder)).toEqual(["entries with another hash"]);
    tamper(world.folder, "DELETE FROM entry WHERE seq = 2");
    expect(await checksOf(world.folder)).toEqual(["holes in a conversation"]);
    tamper(world.folder, "UPDATE ledger SET prev_hash = zeroblob(32) WHERE seq = 1");
    const file = join(world.folder, BLOB_FOLDER, attachmentId);
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.with(7, (bytes[7] ?? 0) ^ 1));
    expect(await checksOf(world.folder)).toEqual([
      "holes in a conversation",
      "broken ledgers",
      "files missing or altered",
    ]);
  });

  test("[R17] counts each kind of damage, a moved last number and an account's ledger among them, and changes nothing", async () => {
    const { world } = await aLivedInRelay();
    await world.stop();
    tamper(world.folder, "UPDATE entry SET body = x'00' WHERE seq IN (2, 3)");
    tamper(world.folder, "UPDATE entry SET seq = 9 WHERE seq = 4");
    tamper(world.folder, "UPDATE account_ledger SET prev_hash = zeroblob(32) WHERE seq = 1");
    const file = join(world.folder, DATABASE_FILE);
    const before = readFileSync(file);

    const { damage } = await verifyFolder(world.folder);

    expect(damage).toEqual([
      { check: "holes in a conversation", count: 1 },
      { check: "entries with another hash", count: 2 },
      { check: "broken ledgers", count: 1 },
    ]);
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  test("[R17] names tables that are not the relay's any more, which no statement of its fits", async () => {
    const { world } = await aLivedInRelay();
    await world.stop();

    tamperDescription(world.folder, "agent_socket", "connection_id", "connection_iD_");
    expect(await checksOf(world.folder)).toEqual(["tables"]);
    tamperDescription(world.folder, "agent_socket", "connection_iD_", "connection_id");
    expect(await checksOf(world.folder)).toEqual([]);
    tamperDescription(world.folder, "ledger", "prev_hash", "prev_hasj");
    expect(await checksOf(world.folder)).toEqual(["tables"]);
  });
});

describe("the doctor", () => {
  const settings = (env: Record<string, string>): Config => {
    const config = readConfig(env);
    if (!config.ok) throw new Error("settings that hold");
    return config.value;
  };
  const failures = async (config: Config): Promise<readonly string[]> =>
    (await examine(config)).flatMap(({ level, says }) => (level === "fail" ? [says] : []));

  test("[R18] finds no fault with a fresh folder or a running relay", async () => {
    const { world } = await aLivedInRelay();

    expect(await failures(settings({ PARLEY_DATA: world.folder }))).toEqual([]);
    expect(await failures(settings({ PARLEY_DATA: join(aFolder(), "new") }))).toEqual([]);
  });

  test("[R18] knows a database of a newer version, a key of the settings, and a Redis that is not there", async () => {
    const { world } = await aLivedInRelay();
    await world.stop();
    tamper(world.folder, "PRAGMA user_version = 999");
    writeFileSync(join(world.folder, KEY_FILE), "short");

    const found = await examine(
      settings({
        PARLEY_DATA: world.folder,
        PARLEY_KEY: Buffer.alloc(32, 7).toString("base64"),
        PARLEY_REDIS: "redis://127.0.0.1:1",
      }),
    );

    const says = found.map(({ level, says }) => `${level} ${says}`).join("\n");
    expect(says).toContain("fail The database was written by a newer version of the relay");
    expect(says).toContain("ok The relay's key comes from PARLEY_KEY.");
    expect(says).toContain("warn Redis does not answer");
    expect(await failures(settings({ PARLEY_DATA: world.folder }))).toContain(
      "The relay's key is damaged: put it back from a backup.",
    );
  });

  test("[R18] says of a data folder that it is none, or that others can read it", async () => {
    const [file, shared] = [join(aFolder(), "file"), aFolder()];
    writeFileSync(file, "");
    chmodSync(shared, 0o755);

    expect(await failures(settings({ PARLEY_DATA: file }))).toContain(
      "The data folder is not a folder.",
    );
    expect(await examine(settings({ PARLEY_DATA: shared }))).toContainEqual({
      level: "warn",
      says: "Others on this machine can read the data folder: chmod 700.",
    });
  });

  test("[R18] says what is wrong with key, database and origins", async () => {
    const { world } = await aLivedInRelay();
    await world.stop();
    chmodSync(join(world.folder, KEY_FILE), 0o644);
    writeFileSync(join(world.folder, DATABASE_FILE), "no database at all");
    for (const end of ["-wal", "-shm"])
      rmSync(join(world.folder, `${DATABASE_FILE}${end}`), { force: true });

    const says = await failures(
      settings({
        PARLEY_DATA: world.folder,
        PARLEY_HOST: "0.0.0.0",
        PARLEY_ORIGIN: "http://chat.example",
        ...BUCKET,
      }),
    );

    expect(says).toEqual([
      "Others on this machine can read the relay's key: chmod 600.",
      "The database cannot be read.",
      "The bucket does not answer, or refuses its key: look at PARLEY_S3_.",
      "An origin is plain http: browsers give such a page no cryptography.",
    ]);
    expect(await failures(settings({ PARLEY_HOST: "0.0.0.0", PARLEY_DATA: aFolder() }))).toEqual([
      "It listens beyond this machine, but PARLEY_ORIGIN names no page that may use it.",
    ]);
  });
});
