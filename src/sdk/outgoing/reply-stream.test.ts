import { describe, expect, test } from "vitest";
import { err, ok } from "#base/result.ts";
import type { OutgoingMessage, StreamWriter } from "#peer/endpoint.ts";
import type { PeerFailure } from "#peer/failure.ts";
import type { ConversationId, MessageId, StreamId } from "#protocol/ids.ts";
import { HasheeError } from "../agent-error.ts";
import { createReplyStream } from "./reply-stream.ts";

const receipt = { message_id: "m", client_message_id: "m", conversation_seq: 1, created_at: "" };
const done: OutgoingMessage = {
  conversationId: "c" as ConversationId,
  messageId: "m" as MessageId,
  payload: { type: "text", text: "" },
  queuedAt: 0,
  state: { status: "acked", seq: 1, at: 0, duplicate: false },
};

/** A stream whose writer notes what it is asked, may refuse to open, and may end before its second piece. */
function setupStream(refusal?: PeerFailure, ending?: PeerFailure) {
  const story: string[] = [];
  const stopping = new AbortController();
  const writer: StreamWriter = {
    streamId: "s" as StreamId,
    messageId: "m" as MessageId,
    signal: stopping.signal,
    delta: async (text) => {
      story.push(`delta ${text}`);
      const isSecond = story.filter((line) => line.startsWith("delta")).length > 1;
      return isSecond && ending !== undefined ? err(ending) : ok(null);
    },
    done: async (extra) => (story.push(`done ${JSON.stringify(extra)}`), ok(done)),
    abort: async (reason) => (story.push(`abort ${reason}`), ok(null)),
  };
  const stream = createReplyStream({
    open: async () => (story.push("open"), refusal === undefined ? ok(writer) : err(refusal)),
    sendWhole: async ({ type: _text, ...whole }) => (
      story.push(`send ${JSON.stringify(whole)}`),
      receipt
    ),
    onFirstDelta: () => story.push("first"),
    onDone: async () => receipt,
  });
  return { stream, story, stop: () => stopping.abort() };
}

const ended = (reason: string): PeerFailure => ({
  kind: "peer/stream-ended",
  streamId: "s" as StreamId,
  reason,
});

describe("a reply stream", () => {
  test("[K13] opens with its first piece and keeps the order of calls nobody awaits", async () => {
    const { stream, story } = setupStream();
    expect(stream.stream_id).toBeNull();
    void stream.delta("a");
    void stream.delta("");
    void stream.delta("b");

    expect(await stream.done({ markdown: false })).toEqual(receipt);
    expect(story).toEqual(["first", "open", "delta a", "delta b", 'done {"markdown":false}']);
  });

  test("[K13] tells its signal when a person asks to stop, and then takes no more pieces", async () => {
    const { stream, story, stop } = setupStream();
    await stream.delta("kept");
    stop();
    await stream.delta("dropped");
    await stream.done();

    expect(stream.signal.aborted).toBe(true);
    expect(story).toEqual(["first", "open", "delta kept", "done {}"]);
  });

  test("[K13] becomes one message where a conversation takes no streams", async () => {
    const { stream, story } = setupStream({ kind: "peer/refused", code: "STREAM_DISABLED" });
    await stream.delta("one ");
    await stream.delta("two");
    await stream.done({ markdown: false });

    expect(story).toEqual(["first", "open", 'send {"text":"one two","markdown":false}']);
  });

  test("[K13] becomes one message where streams are switched off while it runs, and throws for any other end", async () => {
    const off = setupStream(undefined, ended("disabled"));
    const over = setupStream(undefined, ended("expired"));
    for (const piece of ["one ", "two ", "three"]) await off.stream.delta(piece);
    await off.stream.done();
    await over.stream.delta("one ");

    expect(off.story.slice(2)).toEqual([
      "delta one ",
      "delta two ",
      'send {"text":"one two three"}',
    ]);
    await expect(over.stream.delta("two ")).rejects.toBeInstanceOf(HasheeError);
  });

  test("[K13] hears a wish to stop that came while it opened", async () => {
    const { stream, story, stop } = setupStream();
    stop();
    await stream.delta("first");
    await stream.delta("dropped");

    expect(stream.signal.aborted).toBe(true);
    expect(story).toEqual(["first", "open", "delta first"]);
  });

  test("[K13] takes nothing after its end, however it ended, and abort changes nothing then", async () => {
    const [whole, aborted, stopped] = [setupStream(), setupStream(), setupStream()];
    const collected = setupStream({ kind: "peer/refused", code: "STREAM_DISABLED" });
    const all = [whole, aborted, stopped, collected];
    for (const { stream } of all) await stream.delta("a");
    stopped.stop();
    for (const { stream } of [whole, stopped, collected]) await stream.done();
    await aborted.stream.abort("over");
    const stories = all.map(({ story }) => [...story]);

    for (const { stream } of all) {
      await expect(stream.delta("b")).rejects.toMatchObject({ code: "STREAM_UNKNOWN" });
      await expect(stream.delta("")).rejects.toMatchObject({ code: "STREAM_UNKNOWN" });
      await expect(stream.done()).rejects.toMatchObject({ code: "STREAM_UNKNOWN" });
      await stream.abort();
      expect(stream.stream_id).toBeNull();
    }
    expect(all.map(({ story }) => story)).toEqual(stories);
  });

  test("[K13] throws what keeps it from opening, and after its end", async () => {
    const refused = setupStream({ kind: "peer/relation-revoked" });
    const ended = setupStream();
    await ended.stream.delta("a");
    await ended.stream.abort("over");

    await expect(refused.stream.delta("a")).rejects.toMatchObject({ code: "RELATION_REVOKED" });
    await expect(ended.stream.delta("b")).rejects.toMatchObject({ code: "STREAM_UNKNOWN" });
    expect(ended.story.at(-1)).toBe("abort over");
  });
});
