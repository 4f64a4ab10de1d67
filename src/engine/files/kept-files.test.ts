import { describe, expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { createMemoryStore } from "#peer/memory-store.ts";
import type { ConversationId, MessageId } from "#protocol/ids.ts";
import { loadKeptFiles, MAX_KEPT_FILE_BYTES } from "./kept-files.ts";

const conversationId = "00000000-0000-7000-8000-00000000c001" as ConversationId;
const messageId = "00000000-0000-7000-8000-00000000a001" as MessageId;
const picture = (attachmentId: string) => ({ attachmentId, conversationId, messageId });

describe("pictures that are kept", () => {
  test("[N146] are small, and the oldest go when all of them grow too large", async () => {
    const store = createMemoryStore();
    const clock = createFakeClock();
    const kept = await loadKeptFiles(store, clock);
    await kept.keep(picture("too large"), new Uint8Array(MAX_KEPT_FILE_BYTES + 1));
    for (let i = 0; i < 17; i++) {
      await clock.advance(1_000);
      await kept.keep(picture(`${i}`), new Uint8Array(MAX_KEPT_FILE_BYTES));
    }

    expect(kept.has("too large")).toBe(false);
    expect(kept.has("0")).toBe(false);
    expect(kept.has("1")).toBe(true);
    expect(await kept.read("0")).toBeNull();
    expect((await store.list("engine/kept-bytes")).length).toBe(16);
  });

  test("[N146] are there for the next start, and leave nothing once they are forgotten", async () => {
    const store = createMemoryStore();
    const clock = createFakeClock();
    await (await loadKeptFiles(store, clock)).keep(picture("a"), new Uint8Array([1, 2]));
    const again = await loadKeptFiles(store, clock);
    const read = await again.read("a");

    await again.forget((one) => one.messageId === messageId);

    expect(read).toEqual(new Uint8Array([1, 2]));
    expect(await again.read("a")).toBeNull();
    expect(await store.list("engine/kept-bytes")).toEqual([]);
    expect(await store.list("engine/kept-files")).toEqual([]);
  });
});
