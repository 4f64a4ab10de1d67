import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createFakeClock, type FakeClock } from "#base/fake-clock.ts";
import { silentLog } from "#base/log.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import { onTestEnd } from "../relay-world.contract.ts";
import { openStore } from "../store/open-store.ts";
import { createMemoryTickets, createStoredTickets, type Tickets } from "./tickets.ts";

async function stored(clock: FakeClock) {
  const folder = mkdtempSync(join(tmpdir(), "parley-tickets-"));
  onTestEnd(() => rmSync(folder, { recursive: true, force: true }));
  const place = { file: join(folder, "log.sqlite"), writes: "here" } as const;
  const needs = { clock, random: createSeededRandom(5), log: silentLog };
  const { writer, sql, close } = await openStore(place, needs);
  onTestEnd(close);
  return { tickets: createStoredTickets(writer, sql, clock), sql };
}

const PLACES: readonly (readonly [
  name: string,
  open: (clock: FakeClock) => Promise<{ readonly tickets: Tickets }>,
])[] = [
  ["in memory", async (clock) => ({ tickets: createMemoryTickets(clock) })],
  ["in the database", stored],
];

describe.each(PLACES)("a ticket %s", (_name, open) => {
  const blank = { subject: "ada", content: null };
  const full = { subject: "ada", content: "AAAA" };

  test("[R47] is good until its time is over: then it is neither found, nor filled, nor taken", async () => {
    const clock = createFakeClock();
    const { tickets } = await open(clock);
    const endsAt = clock.now() + 1_000;
    for (const id of ["read", "filled", "taken"]) await tickets.put(id, blank, endsAt);
    await tickets.put("early", blank, endsAt);

    await clock.advance(999);
    expect(await tickets.find("read")).toMatchObject(blank);
    expect(await tickets.fill("early", "AAAA")).toBe(true);
    expect(await tickets.take("early")).toMatchObject(full);
    await clock.advance(1);

    expect(await tickets.find("read")).toBeNull();
    expect(await tickets.fill("filled", "AAAA")).toBe(false);
    expect(await tickets.take("taken")).toBeNull();
  });

  test("[R47] is filled once and taken once", async () => {
    const clock = createFakeClock();
    const { tickets } = await open(clock);
    await tickets.put("one", blank, clock.now() + 1_000);

    const filled = [await tickets.fill("one", "AAAA"), await tickets.fill("one", "BBBB")];
    const found = await tickets.find("one");
    const taken = [await tickets.take("one"), await tickets.take("one")];

    expect(filled).toEqual([true, false]);
    expect(found).toMatchObject(full);
    expect(taken).toMatchObject([full, null]);
    expect(await tickets.fill("one", "CCCC")).toBe(false);
  });
});

test("[R47] tickets whose time is over leave the database with the next one that is put", async () => {
  const clock = createFakeClock();
  const { tickets, sql } = await stored(clock);
  const ticket = { subject: "ada", content: null };
  await tickets.put("old", ticket, clock.now() + 1_000);
  await tickets.put("young", ticket, clock.now() + 2_000);

  await clock.advance(1_000);
  await tickets.put("new", ticket, clock.now() + 1_000);

  const left = await sql.all<{ ticket_id: string }>(
    "SELECT ticket_id FROM ticket ORDER BY ticket_id",
  );
  expect(left.map(({ ticket_id }) => ticket_id)).toEqual(["new", "young"]);
});
