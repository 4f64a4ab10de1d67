/** A browser's `fetch` as the way files travel. Browsers stream no request bodies everywhere, so a piece goes whole. */
import { concat, type Bytes } from "#base/bytes.ts";
import type { FileLine } from "#peer/file-transfer.ts";

type FileFetch = (
  url: string,
  request: {
    readonly method: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body?: Bytes;
    readonly signal?: AbortSignal;
    readonly credentials: "same-origin";
  },
) => Promise<{
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: ReadableStream<Uint8Array> | null;
  text(): Promise<string>;
}>;

/** Creates the line; bodies to put should be a piece of a file at most. */
export const createFetchLine = (fetch: FileFetch): FileLine => ({
  async put(url, headers, body, signal) {
    const parts: Bytes[] = [];
    for await (const part of body) parts.push(part);
    return answerOf(
      await fetch(url, { ...request("PUT", headers, signal), body: concat(...parts) }),
    );
  },
  async get(url, headers, signal) {
    const response = await fetch(url, request("GET", headers, signal));
    return { ...answerOf(response), body: piecesOf(response.body) };
  },
});

const request = (
  method: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
) => ({
  method,
  headers,
  credentials: "same-origin" as const,
  ...(signal === undefined ? {} : { signal }),
});

const answerOf = (response: Awaited<ReturnType<FileFetch>>) => ({
  status: response.status,
  retryAfter: response.headers.get("retry-after"),
  text: () => response.text(),
});

async function* piecesOf(body: ReadableStream<Uint8Array> | null): AsyncGenerator<Bytes> {
  if (body === null) return;
  // Not every browser iterates streams.
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value as Bytes;
  }
}
