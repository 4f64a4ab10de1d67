import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { readConfig } from "../config.ts";
import { DATABASE_FILE, KEY_FILE } from "../data-folder.ts";
import { createRelayServer } from "../relay-server.ts";
import { onTestEnd } from "../relay-world.contract.ts";
import { sentenceOf, sentenceOfFault } from "./sentences.ts";

function aFolder(file?: string, content: string | Uint8Array = ""): string {
  const folder = mkdtempSync(join(tmpdir(), "parley-says-"));
  onTestEnd(() => rmSync(folder, { recursive: true, force: true }));
  if (file !== undefined) writeFileSync(join(folder, file), content);
  return folder;
}

/** What an operator reads when a relay with these settings does not start. */
async function saysOf(env: Readonly<Record<string, string>>): Promise<string | null> {
  const config = readConfig({ PARLEY_PORT: "0", ...env });
  if (!config.ok) throw new Error("settings that hold");
  try {
    const relay = await createRelayServer(config.value);
    await relay.close();
    return "it started";
  } catch (fault) {
    return sentenceOfFault(fault, config.value);
  }
}

function aDatabaseWith(pragma: string): string {
  const folder = aFolder();
  const db = new DatabaseSync(join(folder, DATABASE_FILE));
  db.exec(pragma);
  db.close();
  return folder;
}

test("[R58] what keeps a relay from starting is a sentence for each cause", async () => {
  const foreign = aDatabaseWith("CREATE TABLE theirs (x); PRAGMA user_version = 1");
  const newer = aFolder();
  const relay = await createRelayServer({ dataFolder: newer });
  await relay.close();
  const db = new DatabaseSync(join(newer, DATABASE_FILE));
  db.exec("PRAGMA user_version = 999");
  db.close();
  const damaged = aFolder(DATABASE_FILE, "x".repeat(4_096));

  expect(await saysOf({ PARLEY_DATA: aFolder() })).toBe("it started");
  expect(await saysOf({ PARLEY_DATA: newer })).toMatch(/written by a newer version/);
  expect(await saysOf({ PARLEY_DATA: foreign })).toMatch(/tables of another program/);
  expect(await saysOf({ PARLEY_DATA: damaged })).toMatch(/^The database is damaged/);
  expect(await saysOf({ PARLEY_DATA: aFolder(KEY_FILE, "short") })).toMatch(/key is damaged/);
  expect(await saysOf({ PARLEY_DATA: join(damaged, DATABASE_FILE) })).toBe(
    "PARLEY_DATA is a file, not a folder.",
  );
  expect(await saysOf({ PARLEY_DATA: aFolder(), PARLEY_HOST: "256.256.256.256" })).toBe(
    "PARLEY_HOST is no address of this machine: 256.256.256.256.",
  );
  expect(
    await saysOf({ PARLEY_DATA: aFolder(), PARLEY_DATABASE: "postgres://nobody@127.0.0.1:1/none" }),
  ).toBe("The database server does not answer.");
});

test("[R58] a bug gets no sentence, and a code without words stands for itself", () => {
  const config = readConfig({});
  if (!config.ok) throw new Error("settings that hold");

  expect(sentenceOfFault(new Error("of ours"), config.value)).toBeNull();
  expect(sentenceOf("NOT_FOUND")).toBe("No agent has this id; `agent list` shows them.");
  expect(sentenceOf("SOMETHING_ELSE")).toBe("Refused: SOMETHING_ELSE.");
});
