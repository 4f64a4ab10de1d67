import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { silentLog } from "#base/log.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import { aWorld, onTestEnd } from "../relay-world.contract.ts";
import { DATABASE_FILE } from "../data-folder.ts";
import { openStore } from "../store/open-store.ts";
import { isOnAServer, statementsFromNow } from "./statements.contract.ts";
import { talkAndRead, writeEach } from "./talk.contract.ts";

/** A table gone through, an index made for one query, or a conversation's entries gone through. */
const GROWS =
  /^SCAN (?:conv|member|entry|session_open|cursor|ledger|upload|sessions|artifact|login_failures|relations|idempotency|ticket)\b|AUTOMATIC|BLOOM|relations_by_agent \(agent_id=\?\)|(?:entry|session_open) USING .*\(conv=\?\)$/;

function stepsThatGrow(file: string, texts: ReadonlySet<string>): readonly string[] {
  const db = new DatabaseSync(file);
  const grown = [...texts]
    .filter((text) => /^\s*(?:SELECT|UPDATE|DELETE)/.test(text))
    .flatMap((text) =>
      db
        .prepare(`EXPLAIN QUERY PLAN ${text}`)
        .all(...(text.match(/\?(?!\d)/g) ?? []).map(() => 1))
        .map(({ detail }) => String(detail))
        .filter((detail) => GROWS.test(detail))
        .map((detail) => `${detail}: ${text}`),
    );
  db.close();
  return grown;
}

test.skipIf(isOnAServer)(
  "[R61] what is asked while a conversation runs is found by an index, however long it is",
  async () => {
    const world = await aWorld({ database: null });
    let texts: ReadonlySet<string> = new Set();
    await talkAndRead(world, () => {
      texts = statementsFromNow();
    });
    await world.stop();

    expect([...texts].some((text) => text.includes("sum(size) OVER"))).toBe(true);
    expect([...texts].some((text) => text.includes("member_count"))).toBe(true);
    expect(stepsThatGrow(join(world.folder, DATABASE_FILE), texts)).toEqual([]);
  },
);

test("[R61] what is written while a conversation runs is placed by an index, however long it is", async () => {
  const folder = mkdtempSync(join(tmpdir(), "parley-plans-"));
  onTestEnd(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "log.sqlite");
  const [clock, random] = [createFakeClock(), createSeededRandom(3)];
  const store = await openStore({ file, writes: "here" }, { clock, random, log: silentLog });
  onTestEnd(() => store.close());
  let texts: ReadonlySet<string> = new Set();
  await writeEach(store, clock, () => {
    texts = statementsFromNow();
  });
  expect(stepsThatGrow(file, texts)).toEqual([]);
});

test.skipIf(isOnAServer)(
  "[R61] what is counted about a conversation is counted for those of the page alone",
  async () => {
    const world = await aWorld({ database: null });
    const ada = await world.person("ada");
    await world.invite(ada, (await world.agent()).inviteCode);
    const texts = statementsFromNow();
    await world.rest("GET", "/conversations", ada.token);
    await world.stop();

    const page = [...texts].filter((text) => text.includes("member_count"));
    const db = new DatabaseSync(join(world.folder, DATABASE_FILE));
    const steps = db
      .prepare(`EXPLAIN QUERY PLAN ${page.join("")}`)
      .all(...(page.join("").match(/\?/g) ?? []).map(() => ""))
      .map(({ detail }) => String(detail));
    db.close();

    const found = steps.findIndex((step) =>
      /^SEARCH own USING .*\((?:conv=\? AND account=\?|account=\? AND conv=\?)\)$/.test(step),
    );
    const counted = steps.findIndex((step) => step.includes("CORRELATED"));
    expect([page.length, found]).toEqual([1, expect.any(Number)]);
    expect(found).toBeGreaterThan(-1);
    expect(counted).toBeGreaterThan(found);
  },
);
