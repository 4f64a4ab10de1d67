/** Node's `fetch` as the way files travel: pieces in, pieces out, nothing held whole. */
import type { Bytes } from "#base/bytes.ts";
import type { FileLine } from "#peer/file-transfer.ts";

/** A body that has not moved on for so long is not going to. */
const STALLED_AFTER_MS = 60_000;

export const nodeFileLine: FileLine = {
  async put(url, headers, body) {
    const stall = watchStall();
    try {
      const response = await fetch(url, {
        method: "PUT",
        headers,
        body: ReadableStream.from(stall.watched(body)),
        duplex: "half",
        signal: stall.signal,
      } as RequestInit);
      return answerOf(response);
    } finally {
      stall.end();
    }
  },
  async get(url, headers) {
    const stall = watchStall();
    const response = await fetch(url, { headers, signal: stall.signal });
    const body = response.body as AsyncIterable<Bytes> | null;
    return { ...answerOf(response), body: stall.watched(body ?? nothing(), true) };
  },
};

const answerOf = (response: Response) => ({
  status: response.status,
  retryAfter: response.headers.get("retry-after"),
  text: () => response.text(),
});

async function* nothing(): AsyncGenerator<Bytes> {}

/** Ends a transfer that stands still; every piece gives it time anew. */
function watchStall() {
  const stopped = new AbortController();
  const stop = () => stopped.abort();
  let timer = setTimeout(stop, STALLED_AFTER_MS);
  const end = () => clearTimeout(timer);
  return {
    signal: stopped.signal,
    end,
    async *watched(pieces: AsyncIterable<Bytes>, isWhole = false): AsyncGenerator<Bytes> {
      try {
        for await (const piece of pieces) {
          timer.refresh();
          yield piece;
        }
      } finally {
        if (isWhole) end();
      }
    },
  };
}
