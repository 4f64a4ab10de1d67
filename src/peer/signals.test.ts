import { expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import type { EndpointFrame } from "#protocol/endpoint-frame.ts";
import type { AccountId, ConversationId, UserId } from "#protocol/ids.ts";
import type { EndpointEvent } from "./endpoint.ts";
import { createSignals } from "./signals.ts";

const CONVERSATION = "01900000-0000-7000-8000-00000000000a" as ConversationId;
const ANN = "01900000-0000-7000-8000-0000000000a1" as UserId;
const BEN = "01900000-0000-7000-8000-0000000000b1" as UserId;

function someSignals() {
  const clock = createFakeClock();
  const events: EndpointEvent[] = [];
  const sent: EndpointFrame[] = [];
  const line = { isThere: true };
  const signals = createSignals({
    clock,
    send: (frame) => {
      if (line.isThere) sent.push(frame);
      return line.isThere;
    },
    emit: (event) => events.push(event),
  });
  const typing = () =>
    events.flatMap((event) =>
      event.type === "typing" ? `${event.accountId} ${event.typing}` : [],
    );
  const marks = () => sent.flatMap((frame) => (frame.type === "message.read" ? frame.seq : []));
  return { clock, events, signals, line, typing, marks };
}

const typingOf = (sender_id: AccountId, state: "start" | "stop" = "start") =>
  ({
    type: "typing",
    conversation_id: CONVERSATION,
    sender_id,
    sender_type: "human",
    state,
    expires_in_ms: 60_000,
  }) as const;

test("[E73] typing ends five seconds after it was heard last, however long the relay grants", async () => {
  const { clock, signals, typing } = someSignals();

  signals.hear(typingOf(ANN));
  await clock.advance(4_000);
  signals.hear(typingOf(ANN));
  await clock.advance(4_900);
  expect(typing()).toEqual([`${ANN} true`, `${ANN} true`]);
  await clock.advance(200);

  expect(typing()).toEqual([`${ANN} true`, `${ANN} true`, `${ANN} false`]);
});

test("[E73] typing ends with its author's message, and not with another's", () => {
  const { signals, typing } = someSignals();
  signals.hear(typingOf(ANN));

  signals.wrote(CONVERSATION, BEN);
  expect(typing()).toEqual([`${ANN} true`]);
  signals.wrote(CONVERSATION, ANN);
  signals.hear(typingOf(ANN, "stop"));

  expect(typing()).toEqual([`${ANN} true`, `${ANN} false`]);
});

test("[E74] an own mark leaves once, grows only, and waits for a line", () => {
  const { signals, line, marks } = someSignals();

  for (const seq of [4, 4, 3]) signals.markRead(CONVERSATION, seq);
  expect(marks()).toEqual([4]);
  line.isThere = false;
  for (const seq of [7, 6]) signals.markRead(CONVERSATION, seq);
  expect([marks(), signals.hasUnsent(CONVERSATION)]).toEqual([[4], true]);
  line.isThere = true;
  signals.ready();
  signals.ready();

  expect([marks(), signals.hasUnsent(CONVERSATION)]).toEqual([[4, 7], false]);
});

test("[E74] others' marks are told as they grow, each kind and each reader by itself", () => {
  const { signals, events } = someSignals();
  const hear = (user_id: UserId, seq: number, status: "delivered" | "read") =>
    signals.hear({
      type: "message.status_updated",
      ...{ conversation_id: CONVERSATION, user_id, seq, status },
    });

  hear(ANN, 5, "delivered");
  hear(ANN, 5, "read");
  hear(BEN, 2, "read");
  for (const seq of [5, 3]) hear(ANN, seq, "read");
  hear(ANN, 6, "read");

  const told = events.flatMap((event) =>
    event.type === "receipt" ? [[event.accountId, event.status, event.seq]] : [],
  );
  expect(told).toEqual([
    [ANN, "delivered", 5],
    [ANN, "read", 5],
    [BEN, "read", 2],
    [ANN, "read", 6],
  ]);
});
