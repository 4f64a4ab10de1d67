/**
 * A small typed REST client: the path's answer is checked against its schema before anyone sees it, refusals become
 * failures. It refreshes a token once; waiting out a rate limit is the caller's affair.
 */
import * as v from "valibot";
import type { Clock } from "#base/clock.ts";
import { err, ok, type Result } from "#base/result.ts";
import { parseJson, parseShape } from "#protocol/parse.ts";
import { answerOf, pageOf, RestError } from "#protocol/rest.ts";
import { failureOfCode, type PeerFailure } from "./failure.ts";

/** What of `fetch` is used; the platform's own fits. Rejects when there is no network. */
export type Fetch = (
  url: string,
  request: {
    readonly method: string;
    readonly headers: Record<string, string>;
    readonly body?: string;
    readonly credentials?: "same-origin";
  },
) => Promise<{
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  text(): Promise<string>;
}>;

/** Where access tokens come from. */
export interface Tokens {
  /** A token that holds now; `fresh` asks for a new one whatever is kept. */
  token(fresh: boolean): Promise<Result<string, PeerFailure>>;
}

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

export type Page<Item> = { readonly items: readonly Item[]; readonly nextCursor: string | null };

export interface Rest {
  /** `data` of the answer. Fails with `peer/offline`, `peer/timed-out`, `peer/bad-answer` or the refusal's kind. */
  call<Schema extends v.GenericSchema>(
    method: Method,
    path: string,
    schema: Schema,
    body?: unknown,
  ): Promise<Result<v.InferOutput<Schema>, PeerFailure>>;
  /** One page of a list. Fails as `call` does. */
  page<Schema extends v.GenericSchema>(
    path: string,
    item: Schema,
  ): Promise<Result<Page<v.InferOutput<Schema>>, PeerFailure>>;
}

const ANSWER_WITHIN_MS = 30_000;

/** Creates a client; without `tokens` it calls only what needs none. */
export const createRest = (options: Needs): Rest => new Client(options);

type Needs = {
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly baseUrl: string;
  readonly tokens: Tokens | null;
};

class Client implements Rest {
  readonly #options: Needs;
  /** Address without a slash at its end. */
  readonly #base: string;

  constructor(options: Needs) {
    this.#options = options;
    this.#base = this.#options.baseUrl.replace(/\/+$/, "");
  }

  async call<Schema extends v.GenericSchema>(
    method: Method,
    path: string,
    schema: Schema,
    body?: unknown,
  ): Promise<Result<v.InferOutput<Schema>, PeerFailure>> {
    const shape = this.#checked(await this.#answer(method, path, body), answerOf(schema));
    return shape.ok ? ok(shape.value.data) : shape;
  }

  async page<Schema extends v.GenericSchema>(
    path: string,
    item: Schema,
  ): Promise<Result<Page<v.InferOutput<Schema>>, PeerFailure>> {
    const shape = this.#checked(await this.#answer("GET", path), pageOf(item));
    if (!shape.ok) return shape;
    return ok({ items: shape.value.data, nextCursor: shape.value.next_cursor });
  }

  async #attempt(method: Method, path: string, body: unknown, fresh: boolean) {
    const headers: Record<string, string> = { accept: "application/json" };
    if (this.#options.tokens !== null) {
      const token = await this.#options.tokens.token(fresh);
      if (!token.ok) return token;
      headers["authorization"] = `Bearer ${token.value}`;
    }
    if (body !== undefined) headers["content-type"] = "application/json";
    const request = {
      method,
      headers,
      credentials: "same-origin" as const,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    };
    return withDeadline(this.#options.clock, async () => {
      const answer = await this.#options.fetch(this.#base + path, request);
      return {
        status: answer.status,
        retryAfter: answer.headers.get("retry-after"),
        text: await answer.text(),
      };
    });
  }

  async #answer(method: Method, path: string, body?: unknown) {
    let got = await this.#attempt(method, path, body, false);
    if (got.ok && got.value.status === 401 && this.#options.tokens !== null) {
      got = await this.#attempt(method, path, body, true);
    }
    if (!got.ok) return got;
    return got.value.status >= 200 && got.value.status < 300
      ? ok(got.value.text)
      : err(refusalOf(got.value));
  }

  #checked<Schema extends v.GenericSchema>(
    text: Result<string, PeerFailure>,
    schema: Schema,
  ): Result<v.InferOutput<Schema>, PeerFailure> {
    if (!text.ok) return text;
    const json = parseJson(text.value);
    if (!json.ok) return err({ kind: "peer/bad-answer", path: "" });
    const shape = parseShape(schema, json.value);
    if (shape.ok) return shape;
    const path = shape.failure.kind === "protocol/bad-shape" ? shape.failure.path : "";
    return err({ kind: "peer/bad-answer", path });
  }
}

/** What an answer that is no success means. `retryAfter`: that header. */
export function refusalOf(answer: {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly text: string;
}): PeerFailure {
  const seconds = Number(answer.retryAfter ?? "");
  const retryAfterMs = seconds > 0 ? Math.min(seconds, 3_600) * 1_000 : undefined;
  const json = parseJson(answer.text);
  const error = json.ok ? parseShape(RestError, json.value) : json;
  // A proxy between us and the relay speaks in statuses only.
  if (!error.ok)
    return failureOfCode(CODE_OF_STATUS[answer.status] ?? "INTERNAL", {}, retryAfterMs);
  const { code, params } = error.value.error;
  const exact = params["retry_after_ms"];
  return failureOfCode(code, params, typeof exact === "number" ? exact : retryAfterMs);
}

const CODE_OF_STATUS: Readonly<Record<number, string>> = {
  401: "UNAUTHENTICATED",
  403: "FORBIDDEN",
  404: "NOT_FOUND",
  413: "TOO_LARGE",
  429: "RATE_LIMITED",
  502: "UNAVAILABLE",
  503: "UNAVAILABLE",
  504: "UNAVAILABLE",
};

async function withDeadline<Value>(
  clock: Clock,
  task: () => Promise<Value>,
): Promise<Result<Value, PeerFailure>> {
  return new Promise((resolve) => {
    const stop = clock.after(ANSWER_WITHIN_MS, () => resolve(err({ kind: "peer/timed-out" })));
    const settle = (result: Result<Value, PeerFailure>) => {
      stop();
      resolve(result);
    };
    task().then(
      (value) => settle(ok(value)),
      () => settle(err({ kind: "peer/offline" })),
    );
  });
}
