import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { silentLog } from "#base/log.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import type { AttachmentId, ConversationId, UserId } from "#protocol/ids.ts";
import { aLedger, anId, onTestEnd } from "../relay-world.contract.ts";
import { createSqlLog } from "../log/sql-log.ts";
import { openStore } from "../store/open-store.ts";
import { createDiskBlobs } from "./disk-blobs.ts";
import { createUploads } from "./uploads.ts";

const HOUR_MS = 3_600_000;

test("[R61] of confirmed files those that can change no more are counted once, and the sum is that of all", async () => {
  const folder = mkdtempSync(join(tmpdir(), "parley-uploads-"));
  onTestEnd(() => rmSync(folder, { recursive: true, force: true }));
  const [clock, random] = [createFakeClock(), createSeededRandom(3)];
  const place = { file: join(folder, "log.sqlite"), writes: "here" } as const;
  const { writer, sql, close } = await openStore(place, { clock, random, log: silentLog });
  onTestEnd(close);
  const log = await createSqlLog(writer, sql, clock, silentLog);
  const [conversationId, uploader] = [anId<ConversationId>(), anId<UserId>()];
  await log.createConversation({
    now: clock.now(),
    conversationId,
    type: "group",
    members: [{ id: uploader, type: "human", role: "owner", ownerId: null }],
    ledger: aLedger(1, conversationId, 2),
    entries: [],
  });
  const bounds: (readonly unknown[])[] = [];
  const listened: typeof sql = {
    ...sql,
    get: (text, ...params) => {
      bounds.push(params);
      return sql.get(text, ...params);
    },
  };
  const uploads = createUploads(listened, writer, createDiskBlobs(join(folder, "blobs")), clock);
  const start = async (sizeBytes: number): Promise<string> => {
    const [uploadId, attachmentId] = [anId(), anId<AttachmentId>()];
    const file = { uploadId, attachmentId, conversationId, uploader, sizeBytes };
    await writer.run("startUpload", { now: clock.now(), ...file });
    return uploadId;
  };
  const confirm = (uploadId: string) => writer.run("confirmUpload", { uploadId, sha256: "00" });

  await confirm(await start(1));
  const late = await start(10);
  const sums = [await uploads.confirmedBytes()];
  await confirm(late);
  sums.push(await uploads.confirmedBytes());
  await clock.advance(3 * HOUR_MS);
  await confirm(await start(100));
  sums.push(await uploads.confirmedBytes());
  const settledUpTo = clock.now() - 2 * HOUR_MS;
  bounds.length = 0;
  await clock.advance(1_000);
  sums.push(await uploads.confirmedBytes());

  expect(sums).toEqual([1, 11, 111, 111]);
  expect(bounds.map(([after]) => after)).toEqual([settledUpTo, settledUpTo + 1_000]);
});
