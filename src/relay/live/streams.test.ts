import { describe, expect, test } from "vitest";
import type { StreamId } from "#protocol/ids.ts";
import { aMessage, anId, aWorld } from "../relay-world.contract.ts";

async function aLiveStream() {
  const world = await aWorld();
  const ada = await world.person("ada");
  const echo = await world.agent();
  const conversation = await world.invite(ada, echo.inviteCode);
  const person = await world.online(ada);
  const agent = await world.online(echo);
  const stream_id = anId<StreamId>();
  const start = { ...aMessage(conversation, echo), type: "stream.start" as const, stream_id };
  agent.send(start);
  await agent.next("message.ack");
  expect(await agent.next("stream.ack")).toMatchObject({ stream_id, next_index: 0 });
  await person.next("stream.start");
  const place = { conversation_id: conversation, stream_id };
  const delta = (index: number) =>
    agent.send({ type: "stream.delta", ...place, index, encrypted_payload: `AAA${index}` });
  const done = (delta_count: number) =>
    agent.send({ ...aMessage(conversation, echo), type: "stream.done", stream_id, delta_count });
  return { world, ada, echo, conversation, person, agent, stream_id, start, place, delta, done };
}

describe("a stream", () => {
  test("[P194] reaches people as start, deltas and done, and stays as one message", async () => {
    const { world, ada, conversation, person, agent, stream_id, delta, done } = await aLiveStream();

    delta(0);
    delta(1);
    done(2);

    expect((await person.next("stream.delta")).index).toBe(0);
    expect((await person.next("stream.delta")).encrypted_payload).toBe("AAA1");
    expect(await person.next("stream.done")).toMatchObject({ stream_id, delta_count: 2 });
    await agent.next("message.ack");
    const page = await world.rest(
      "GET",
      `/conversations/${conversation}/messages?after=2`,
      ada.token,
    );
    expect(page.body.data).toMatchObject([
      { type: "message.new", stream_id, content_type: "encrypted" },
    ]);
  });

  test("[P194] is closed by its author alone, and once", async () => {
    const { ada, conversation, person, agent, stream_id, delta, done } = await aLiveStream();
    const end = { type: "stream.done", stream_id, delta_count: 0 } as const;

    person.send({ ...aMessage(conversation, ada), ...end });
    expect((await person.next("error")).code).toBe("STREAM_UNKNOWN");
    delta(0);
    expect((await person.next("stream.delta")).index).toBe(0);
    done(1);
    await agent.next("message.ack");
    done(1);

    expect((await agent.next("error")).code).toBe("STREAM_UNKNOWN");
  });

  test("[P196] takes deltas in order: a repeat is ignored, a gap refused", async () => {
    const { person, agent, delta } = await aLiveStream();
    delta(0);
    delta(0);
    delta(5);
    delta(1);

    expect(await agent.next("error")).toMatchObject({
      code: "STREAM_GAP",
      params: { next_index: 1 },
    });
    const indexes = [
      (await person.next("stream.delta")).index,
      (await person.next("stream.delta")).index,
    ];
    expect(indexes).toEqual([0, 1]);
  });

  test("[P109] repeats its deltas to who asks, with the same bytes", async () => {
    const { person, place, delta } = await aLiveStream();
    for (let i = 0; i < 3; i++) delta(i);
    for (let i = 0; i < 3; i++) await person.next("stream.delta");

    person.send({ type: "stream.pull", ...place, from_index: 1 });

    expect(await person.next("stream.delta")).toMatchObject({
      index: 1,
      encrypted_payload: "AAA1",
    });
    expect(await person.next("stream.delta")).toMatchObject({
      index: 2,
      encrypted_payload: "AAA2",
    });
  });

  test("[P200] is shown from its start to a person who comes back, from where they were", async () => {
    const { world, ada, person, agent, stream_id, delta } = await aLiveStream();
    for (let i = 0; i < 3; i++) delta(i);
    await agent.settle();
    person.close();

    const again = await world.socket(ada);
    again.send({ type: "resume", log_epoch: null, cursors: null, streams: { [stream_id]: 2 } });

    expect(await again.next("stream.start")).toMatchObject({ stream_id });
    expect((await again.next("stream.delta")).index).toBe(2);
  });

  test("[P200] goes on where the relay has it when its author repeats the start", async () => {
    const { world, echo, agent, start, delta } = await aLiveStream();
    delta(0);
    await agent.settle();
    agent.close();

    const again = await world.online(echo);
    again.send(start);

    expect(await again.next("message.ack")).toMatchObject({ duplicate: true });
    expect(await again.next("stream.ack")).toMatchObject({ next_index: 1 });
  });

  test("[P198] whose author is silent for 30 s ends with an error in the log", async () => {
    const { world, person, agent, stream_id, delta } = await aLiveStream();

    await world.clock.advance(31_000);

    expect(await person.next("stream.error")).toMatchObject({
      stream_id,
      code: "STREAM_ORPHANED",
      conversation_seq: 3,
    });
    delta(0);
    expect((await agent.next("error")).code).toBe("STREAM_UNKNOWN");
  });

  test("[P200] that a restart cut short is orphaned", async () => {
    const { world, ada, stream_id } = await aLiveStream();

    await world.restart();

    const person = await world.online(ada);
    expect(await person.next("stream.error")).toMatchObject({ stream_id, code: "STREAM_ORPHANED" });
  });

  test("[P199] is stopped by its author, at a reader's request", async () => {
    const { ada, person, agent, place } = await aLiveStream();

    person.send({ type: "stream.abort", ...place, reason: "enough" });
    expect(await agent.next("stream.abort")).toEqual({
      type: "stream.abort",
      ...place,
      reason: "enough",
      requested_by: ada.id,
    });
    agent.send({ type: "stream.abort", ...place });

    expect(await person.next("stream.abort")).toMatchObject({ ...place, conversation_seq: 3 });
  });

  test("[P198] is the fifth of its author's in a conversation, and refused", async () => {
    const { echo, conversation, agent } = await aLiveStream();

    for (let i = 0; i < 4; i++) {
      agent.send({
        ...aMessage(conversation, echo),
        type: "stream.start",
        stream_id: anId<StreamId>(),
      });
    }

    expect((await agent.next("error")).code).toBe("STREAM_LIMIT");
  });
});
