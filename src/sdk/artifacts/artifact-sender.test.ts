import { describe, expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import type { SendOptions } from "#peer/endpoint.ts";
import { createMemoryStore } from "#peer/memory-store.ts";
import type { KnownPayload } from "#protocol/payload.ts";
import { HasheeError } from "../agent-error.ts";
import { createArtifactSender } from "./artifact-sender.ts";

const C = "01900000-0000-7000-8000-0000000000c1";
const progress = (percent: number) => ({
  subtype: "progress",
  title: "Export",
  payload: { percent },
});

/** A sender over a relay that keeps only the newest revision of each card, as a blind one does. */
function setupSender() {
  const clock = createFakeClock();
  const store = createMemoryStore();
  const sent: KnownPayload[] = [];
  const revisions = new Map<string, number>();
  const sender = createArtifactSender({
    store,
    clock,
    random: createSeededRandom(1),
    send: async (_id, payload, options: SendOptions) => {
      const { artifactId, basedOnRevision } = options.guard ?? { artifactId: "" };
      const current = revisions.get(artifactId) ?? 0;
      await store.commit(options.alongside ?? {});
      if (basedOnRevision !== undefined && basedOnRevision !== current)
        throw new HasheeError("REVISION_CONFLICT", { params: { current_revision: current } });
      if (basedOnRevision !== undefined) revisions.set(artifactId, current + 1);
      sent.push(payload);
      return {
        message_id: "m",
        client_message_id: "m",
        conversation_seq: sent.length,
        created_at: "",
      };
    },
  });
  return {
    sender,
    sent,
    clock,
    someoneElse: (id: string) => revisions.set(id, (revisions.get(id) ?? 0) + 1),
  };
}

describe("cards", () => {
  test("[K14] get an id and start at revision 0", async () => {
    const { sender, sent } = setupSender();

    const receipt = await sender.send(C, progress(0));

    expect(receipt).toMatchObject({ revision: 0, conversation_seq: 1 });
    expect(sent).toEqual([
      { type: "artifact", artifact: { ...progress(0), artifact_id: receipt.artifact_id } },
    ]);
  });

  test("[K14] change by what is given, one revision at a time, in order", async () => {
    const { sender, sent } = setupSender();
    const { artifact_id } = await sender.send(C, progress(0));

    const receipts = await Promise.all(
      [25, 50].map((percent) =>
        sender.update(C, { ref_artifact: artifact_id, artifact: { payload: { percent } } }),
      ),
    );

    expect(receipts.map(({ revision }) => revision)).toEqual([1, 2]);
    expect(sent.slice(1)).toMatchObject([
      { type: "artifact_update", based_on_revision: 0, artifact: { payload: { percent: 25 } } },
      { type: "artifact_update", based_on_revision: 1, artifact: { payload: { percent: 50 } } },
    ]);
    expect((await sender.find(C, artifact_id))?.artifact.payload).toEqual({ percent: 50 });
  });

  test("[K14] throw a conflict to whoever gave an object, and stay as they were", async () => {
    const { sender, someoneElse } = setupSender();
    const { artifact_id } = await sender.send(C, progress(0));
    someoneElse(artifact_id);

    await expect(
      sender.update(C, { ref_artifact: artifact_id, artifact: { payload: { percent: 50 } } }),
    ).rejects.toMatchObject({ code: "REVISION_CONFLICT", params: { current_revision: 1 } });
    expect((await sender.find(C, artifact_id))?.artifact.payload).toEqual({ percent: 0 });
  });

  test("[K14] refuse an object made for an older revision, or one that breaks the card, before it is sent", async () => {
    const { sender, sent } = setupSender();
    const { artifact_id: ref_artifact } = await sender.send(C, progress(0));
    await sender.update(C, { ref_artifact, artifact: { payload: { percent: 10 } } });

    const stale = { ref_artifact, based_on_revision: 0, artifact: { payload: { percent: 50 } } };
    await expect(sender.update(C, stale)).rejects.toMatchObject({
      code: "REVISION_CONFLICT",
      params: { current_revision: 1 },
    });
    await expect(
      sender.update(C, { ref_artifact, artifact: { payload: { percent: 101 } } }),
    ).rejects.toMatchObject({ code: "ARTIFACT_INVALID", params: { path: "percent" } });
    expect(sent).toHaveLength(2);
    expect((await sender.find(C, ref_artifact))?.artifact.payload).toEqual({ percent: 10 });
  });

  test("[K14] ask a function again after a conflict, three times at most", async () => {
    const { sender, someoneElse } = setupSender();
    const { artifact_id } = await sender.send(C, progress(0));
    const asked: number[] = [];
    const change = (conflicts: number) =>
      sender.update(C, {
        ref_artifact: artifact_id,
        artifact: (_current, revision) => {
          asked.push(revision);
          if (asked.length <= conflicts) someoneElse(artifact_id);
          return { payload: { percent: 10 * asked.length } };
        },
      });

    const receipt = await change(3);
    expect(asked).toEqual([0, 1, 2, 3]);
    expect(receipt.revision).toBe(4);
    asked.length = 0;
    await expect(change(9)).rejects.toMatchObject({ code: "REVISION_CONFLICT" });
    expect(asked).toHaveLength(4);
  });

  test("[K14] that do not fit their kind, live too long or are unknown are refused before anything is sent", async () => {
    const { sender, sent, clock } = setupSender();
    const tooLong = new Date(clock.now() + 31 * 86_400_000).toISOString();

    const outcomes = await Promise.allSettled([
      sender.send(C, { ...progress(0), payload: { percent: 101 } }),
      sender.send(C, { ...progress(0), expires_at: tooLong }),
      sender.send(C, { ...progress(0), expires_at: "soon" }),
      sender.update(C, { ref_artifact: "unknown", artifact: { payload: {} } }),
    ]);

    expect(
      outcomes.map((one) => one.status === "rejected" && (one.reason as HasheeError).code),
    ).toEqual(["ARTIFACT_INVALID", "ARTIFACT_INVALID", "ARTIFACT_INVALID", "NOT_FOUND"]);
    expect(sent).toEqual([]);
  });

  test("[K14] change a hundred times and no more", async () => {
    const { sender } = setupSender();
    const { artifact_id } = await sender.send(C, progress(0));
    const change = () =>
      sender.update(C, { ref_artifact: artifact_id, artifact: { payload: { percent: 1 } } });
    for (let i = 0; i < 100; i++) await change();

    await expect(change()).rejects.toMatchObject({ code: "ARTIFACT_LIMIT" });
  });
});
