import { expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { createMemoryStore } from "#peer/memory-store.ts";
import { createRest } from "#peer/rest.ts";
import type { Entry } from "#peer/endpoint.ts";
import type { AccountId, ConversationId, DeviceId, MessageId } from "#protocol/ids.ts";
import type { Payload } from "#protocol/payload.ts";
import { aMessageContent } from "#peer/entry.contract.ts";
import type { AnswerEntry } from "../artifacts/answers.ts";
import { createQuestions } from "../artifacts/questions.ts";
import { createErrorBoard } from "../line/error-board.ts";
import { createMetricsRecorder } from "../metrics.ts";
import type { DecryptFailure } from "../options.ts";
import type { ArtifactResponseEvent } from "./agent-event.ts";
import { createDeliver } from "./deliver.ts";
import { createHandlers } from "./handlers.ts";
import { createNames } from "./names.ts";

const M = "01900000-0000-7000-8000-000000000001" as MessageId;
const placed = {
  conversationId: "01900000-0000-7000-8000-0000000000c1" as ConversationId,
  seq: 7,
  at: 0,
  authorId: "01900000-0000-7000-8000-0000000000a1" as AccountId,
  authorKind: "human" as const,
  authorDeviceId: "01900000-0000-7000-8000-0000000000d1" as DeviceId,
};
const said = (payload: Payload): Entry => ({
  ...placed,
  content: aMessageContent(M, payload),
});

/** What a program hears, over a relay that knows nobody's name; answers are judged by `judge`. */
async function setupDelivery(judge: ArtifactResponseEvent | null = null) {
  const clock = createFakeClock();
  const told: string[] = [];
  const failures: DecryptFailure[] = [];
  const handlers = createHandlers(
    createErrorBoard(clock, (line) => told.push(line)),
    () => {},
  );
  handlers.addMessageHandler(({ payload }) => told.push(`message ${payload.type}`));
  handlers.addEventHandler(({ type }) => told.push(`event ${type}`));
  const fetch = () => Promise.reject(new TypeError("no relay here"));
  const rest = createRest({ fetch, clock, baseUrl: "http://relay", tokens: null });
  const deliver = createDeliver({
    endpoint: { ledger: async () => null },
    handlers,
    names: createNames(createMemoryStore(), rest),
    metrics: createMetricsRecorder(),
    questions: createQuestions(clock),
    checkAnswer: async (_entry: AnswerEntry) => judge,
    isExactlyOnce: () => true,
    decryptFailed: async (failure) => failures.push(failure),
  });
  const hears = async (...entries: readonly Entry[]): Promise<readonly string[]> => {
    const settled = Promise.all(entries.map((entry) => deliver(entry, { interrupted: false })));
    await clock.advance(60_000);
    await settled;
    return told.splice(0);
  };
  return { hears, failures };
}

const anAnswer: Payload = {
  type: "artifact_response",
  response_id: "r",
  ref_artifact: "card",
  ref_revision: 0,
  ref_action: "ok",
  values: {},
};

test("[K11] a handler of messages hears what people say, not the machinery, and not what does not open", async () => {
  const { hears, failures } = await setupDelivery();

  expect(
    await hears(
      said({ type: "text", text: "hi" }),
      said({ type: "link", url: "https://a.example" }),
      said({ type: "unknown", original_type: "hologram", raw: {} }),
    ),
  ).toEqual(["message text", "message link", "message unknown"]);
  expect(
    await hears(
      said({ type: "stream", stream_id: M, key: "" }),
      said({ type: "recall", message_id: M }),
      said({ type: "profile", name: "Mine now" }),
      said({
        type: "artifact_update",
        ref_artifact: "card",
        based_on_revision: 0,
        artifact: { payload: {} },
      }),
      { ...placed, content: { kind: "stream-ended", streamId: "s", reason: "aborted" } } as Entry,
      { ...placed, content: { kind: "unreadable", messageId: M, failure: "why not" } } as Entry,
    ),
  ).toEqual([]);
  expect(failures).toEqual([
    { conversation_id: placed.conversationId, message_id: M, reason: "why not" },
  ]);
});

test("[K11] an answer is an event once it holds, and nothing before", async () => {
  const event = { type: "artifact_response", ref_artifact: "card" } as ArtifactResponseEvent;
  const [refused, held] = [await setupDelivery(), await setupDelivery(event)];

  expect(await refused.hears(said(anAnswer))).toEqual([]);
  expect(await held.hears(said(anAnswer))).toEqual(["event artifact_response"]);
  expect(
    await held.hears(said({ type: "reaction", message_id: M, emoji: "👍", op: "add" })),
  ).toEqual(["event reaction"]);
});
