/**
 * The four requests an object store is used by: put, get a range, list, delete. Path style, signed with version 4,
 * every body with its hash, so that a store takes nothing else than was sent.
 */
import { createHash } from "node:crypto";
import type { AwsClient } from "aws4fetch";
import type { Bytes } from "#base/bytes.ts";
import type { Clock } from "#base/clock.ts";

export type StoredObject = { readonly key: string; readonly sizeBytes: number };

/** Every call rejects when the store cannot be reached or refuses. */
export interface Bucket {
  put(key: string, bytes: Bytes): Promise<void>;
  /** Bytes from `start` to `end`, both inclusive. */
  get(key: string, start: number, end: number): Promise<AsyncIterable<Uint8Array>>;
  list(prefix: string): Promise<readonly StoredObject[]>;
  delete(key: string): Promise<void>;
}

const TRIES = 3;
const PAUSE_MS = 200;
const ANSWER_WITHIN_MS = 30_000;
const EMPTY_HASH = createHash("sha256").digest("hex");

export function createBucket(client: AwsClient, url: string, clock: Clock): Bucket {
  const once = (method: string, address: string, request: Request_): Promise<Response> =>
    client.fetch(address, {
      method,
      headers: { ...request.headers, "X-Amz-Content-Sha256": request.hash ?? EMPTY_HASH },
      ...(request.body === undefined ? {} : { body: request.body }),
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
  // Each of the four may be done twice.
  const ask = async (
    method: string,
    address: string,
    request: Request_ = {},
  ): Promise<Response> => {
    for (let attempt = 1; ; attempt++) {
      const answer = await once(method, address, request).catch((fault: unknown) => {
        if (attempt >= TRIES) throw fault;
        return null;
      });
      if (answer?.ok === true) return answer;
      await answer?.body?.cancel();
      const mayPass = answer === null || answer.status >= 500 || answer.status === 429;
      if (!mayPass || attempt >= TRIES)
        throw new Error(`the object store answers ${answer?.status ?? "nothing"}`);
      await new Promise<void>((next) => void clock.after(PAUSE_MS * attempt, next));
    }
  };
  return {
    async put(key, bytes) {
      const hash = createHash("sha256").update(bytes).digest("hex");
      const headers = { "Content-Type": "application/octet-stream" };
      const answer = await ask("PUT", `${url}/${key}`, { body: bytes, hash, headers });
      await answer.body?.cancel();
    },
    async get(key, start, end) {
      const headers = { Range: `bytes=${start}-${end}` };
      const { body } = await ask("GET", `${url}/${key}`, { headers });
      if (body === null) throw new Error("the object store answers nothing");
      return body;
    },
    async list(prefix) {
      const found: StoredObject[] = [];
      let token: string | null = null;
      do {
        const query = new URLSearchParams({ "list-type": "2", prefix });
        if (token !== null) query.set("continuation-token", token);
        const text = await (await ask("GET", `${url}?${query.toString()}`)).text();
        found.push(...objectsIn(text));
        token = /<IsTruncated>true</.test(text) ? textIn(text, "NextContinuationToken") : null;
      } while (token !== null);
      return found;
    },
    async delete(key) {
      const answer = await ask("DELETE", `${url}/${key}`);
      await answer.body?.cancel();
    },
  };
}

type Request_ = {
  readonly body?: Bytes;
  readonly hash?: string;
  readonly headers?: Readonly<Record<string, string>>;
};

// Our keys are letters, digits and a few signs that XML leaves alone, so its grammar is not needed.
const objectsIn = (xml: string): readonly StoredObject[] =>
  [...xml.matchAll(/<Contents>.*?<\/Contents>/gs)].map(([contents]) => ({
    key: textIn(contents, "Key") ?? "",
    sizeBytes: Number(textIn(contents, "Size")),
  }));

const textIn = (xml: string, name: string): string | null =>
  new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1] ?? null;
