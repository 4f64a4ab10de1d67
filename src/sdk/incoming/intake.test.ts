import { describe, expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import type { Entry } from "#peer/endpoint.ts";
import type { AccountId, ConversationId, DeviceId, MessageId } from "#protocol/ids.ts";
import { aMessageContent } from "#peer/entry.contract.ts";
import {
  createFileDedupeStore,
  createMemoryDedupeStore,
  type DedupeStore,
} from "../local/dedupe-store.ts";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createIntake } from "./intake.ts";
import { createLanes } from "./lanes.ts";

const C = "01900000-0000-7000-8000-0000000000c1" as ConversationId;

const anEntry = (seq: number): Entry => ({
  conversationId: C,
  seq,
  at: 1_000 * seq,
  authorId: "01900000-0000-7000-8000-0000000000b1" as AccountId,
  authorKind: "human",
  authorDeviceId: "01900000-0000-7000-8000-0000000000d1" as DeviceId,
  content: aMessageContent(`01900000-0000-7000-8000-00000000000${seq}` as MessageId, {
    type: "text",
    text: `number ${seq}`,
  }),
});

function setupIntake(dedupe: DedupeStore, awaitedSeq?: number) {
  const lanes = createLanes(16);
  const story: string[] = [];
  let release = () => {};
  const intake = createIntake({
    lanes,
    dedupe,
    acknowledge: (_id, seq) => story.push(`ack ${seq}`),
    deliver: async (entry, { interrupted }) => {
      story.push(`begin ${entry.seq}${interrupted ? " again" : ""}`);
      if (entry.seq === 1) await new Promise<void>((resolve) => (release = resolve));
      story.push(`end ${entry.seq}`);
    },
    isAwaited: (entry) => entry.seq === awaitedSeq,
    failed: (cause) => story.push(`failed ${String(cause)}`),
  });
  lanes.open();
  return { intake, lanes, story, release: () => release() };
}
const settle = () =>
  createFakeClock()
    .advance(0)
    .then(() => createFakeClock().advance(0));

const aFileStore = (path: string, seed: number) =>
  createFileDedupeStore(path, {
    clock: createFakeClock(),
    random: createSeededRandom(seed),
    isAlive: () => true,
  });
const aPath = () => join(mkdtempSync(join(tmpdir(), "parley-intake-")), "dedupe.sqlite");

describe("the way of an entry to a handler", () => {
  test("[K6] acknowledges at the claim where claims last", async () => {
    const { intake, story, release } = setupIntake(aFileStore(aPath(), 1));
    intake.hear(anEntry(1));
    await settle();
    expect(story).toEqual(["ack 1", "begin 1"]);
    release();
    await settle();

    expect(story).toEqual(["ack 1", "begin 1", "end 1"]);
  });

  test("[K6] acknowledges at the end where claims end with the process", async () => {
    const { intake, story, release } = setupIntake(createMemoryDedupeStore());
    intake.hear(anEntry(1));
    await settle();
    release();
    await settle();

    expect(story).toEqual(["begin 1", "end 1", "ack 1"]);
  });

  test("[K6] hands nothing over twice, and acknowledges the repeat", async () => {
    const { intake, story } = setupIntake(createMemoryDedupeStore());
    intake.hear(anEntry(2));
    intake.hear(anEntry(2));
    await settle();

    expect(story).toEqual(["begin 2", "end 2", "ack 2", "ack 2"]);
  });

  test("[K6] knows a message by what its author signed, wherever the log shows it", async () => {
    const { intake, story } = setupIntake(createMemoryDedupeStore());
    intake.hear(anEntry(2));
    intake.hear({ ...anEntry(2), seq: 7, at: 9_000 });
    await settle();

    expect(story).toEqual(["begin 2", "end 2", "ack 2", "ack 7"]);
  });

  test("[K6] gives what was finished to nobody again", async () => {
    const path = aPath();
    const before = aFileStore(path, 1);
    const ended = setupIntake(before);
    ended.intake.hear(anEntry(2));
    await settle();
    await before.close();

    const after = setupIntake(
      createFileDedupeStore(path, {
        clock: createFakeClock(),
        random: createSeededRandom(2),
        isAlive: () => false,
      }),
    );
    await after.intake.recover();
    await settle();

    expect(ended.story).toEqual(["ack 2", "begin 2", "end 2"]);
    expect(after.story).toEqual([]);
  });

  test("[K6] gives what a dead process had begun to the next one, marked as interrupted", async () => {
    const path = aPath();
    const before = aFileStore(path, 1);
    const died = setupIntake(before);
    died.intake.hear(anEntry(1));
    await settle();
    await before.close();

    const { intake, story, release } = setupIntake(aFileStore(path, 2));
    await intake.recover();
    await settle();
    release();
    await settle();

    expect(story).toEqual(["begin 1 again", "end 1"]);
  });

  test("[K15] lets an awaited answer pass a handler that waits for it, without acknowledging what stands before", async () => {
    const { intake, story, release } = setupIntake(createMemoryDedupeStore(), 3);
    for (const seq of [1, 2, 3]) intake.hear(anEntry(seq));
    await settle();
    expect(story.toSorted()).toEqual(["begin 1", "begin 3", "end 3"]);
    release();
    await settle();
    await settle();

    expect(story.slice(3)).toEqual(["end 1", "ack 1", "begin 2", "end 2", "ack 2", "ack 3"]);
  });

  test("[K6] says so and hands nothing over when claims cannot be kept", async () => {
    const broken = aFileStore(aPath(), 1);
    await broken.close();
    const { intake, story } = setupIntake(broken);
    intake.hear(anEntry(2));
    await settle();

    expect(story).toHaveLength(1);
    expect(story[0]).toMatch(/^failed /);
  });
});
