import { describe, expect, test } from "vitest";
import { utf8 } from "#base/bytes.ts";
import { readEvents } from "./sse.ts";

async function* inPieces(bytes: Uint8Array, sizeBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += sizeBytes) yield bytes.subarray(at, at + sizeBytes);
}

const eventsOf = async (text: string, sizeBytes = 1_000): Promise<readonly string[]> => {
  const events: string[] = [];
  for await (const event of readEvents(inPieces(utf8(text), sizeBytes))) events.push(event);
  return events;
};

describe("server-sent events", () => {
  test("come out whole wherever the bytes are cut", async () => {
    const text = 'data: {"a":"你好"}\r\n\r\n: a comment\n\ndata: b\n\ndata: [DONE]\n\n';
    const whole = await eventsOf(text);

    const cuts = await Promise.all([1, 2, 3, 5, 7].map((size) => eventsOf(text, size)));

    expect(whole).toEqual(['{"a":"你好"}', "b", "[DONE]"]);
    expect(cuts).toEqual([whole, whole, whole, whole, whole]);
  });

  test("join several data lines and pass over other fields", async () => {
    expect(await eventsOf("event: x\nid: 7\ndata: a\ndata:b\nretry: 3\n\n")).toEqual(["a\nb"]);
  });

  test("take a lone carriage return for a line's end", async () => {
    expect(await eventsOf("data: a\r\rdata: b\r\r")).toEqual(["a", "b"]);
  });

  test("end with the stream even without an empty line", async () => {
    expect(await eventsOf("data: a\n\ndata: b")).toEqual(["a", "b"]);
  });
});
