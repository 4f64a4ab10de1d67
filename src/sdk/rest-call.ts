/** One call of the relay's REST paths with the waiting done: lost lines, full relays and rate limits are tried again. */
import type { Clock } from "#base/clock.ts";
import { backoffDelayMs } from "#base/backoff.ts";
import { bytesToHex } from "#base/bytes.ts";
import type { RandomBytes } from "#base/random.ts";
import type { Fetch } from "#peer/rest.ts";
import { parseJson, parseShape } from "#protocol/parse.ts";
import { RestError } from "#protocol/rest.ts";
import { HasheeError } from "./agent-error.ts";

export type RestCall = {
  readonly method: string;
  readonly baseUrl: string;
  readonly path: string;
  readonly token: string;
  readonly body?: unknown;
};

export type RestCallParts = {
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly random: RandomBytes;
};

const MAX_TRIES = 5;
const MAX_WAITING_MS = 60_000;

/**
 * `data` of the answer.
 *
 * @throws {@link HasheeError} with the relay's code after the last try
 */
export async function callRest(call: RestCall, parts: RestCallParts): Promise<unknown> {
  const endAt = parts.clock.now() + MAX_WAITING_MS;
  // The same key on every try: a repeat whose first answer was lost is answered, not done twice.
  const idempotencyKey = bytesToHex(parts.random(16));
  for (let tries = 0; ; tries++) {
    const outcome = await tryOnce(call, parts.fetch, idempotencyKey);
    if (outcome.done) return outcome.data;
    const delayMs = Math.max(
      outcome.error.retry_after_ms ?? 0,
      backoffDelayMs(tries, parts.random),
    );
    const isLast = tries + 1 >= MAX_TRIES || parts.clock.now() + delayMs > endAt;
    if (!outcome.again || isLast) throw outcome.error;
    await new Promise<void>((resolve) => {
      parts.clock.after(delayMs, resolve);
    });
  }
}

type Outcome =
  | { readonly done: true; readonly data: unknown }
  | { readonly done: false; readonly again: boolean; readonly error: HasheeError };

async function tryOnce(call: RestCall, fetch: Fetch, idempotencyKey: string): Promise<Outcome> {
  const headers: Record<string, string> = {
    accept: "application/json",
    authorization: `Bearer ${call.token}`,
  };
  if (call.method === "POST") headers["idempotency-key"] = idempotencyKey;
  if (call.body !== undefined) headers["content-type"] = "application/json";
  let answer: { status: number; retryAfter: string | null; text: string };
  try {
    const response = await fetch(call.baseUrl.replace(/\/+$/, "") + call.path, {
      method: call.method,
      headers,
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
    });
    answer = {
      status: response.status,
      retryAfter: response.headers.get("retry-after"),
      text: await response.text(),
    };
  } catch {
    return { done: false, again: true, error: new HasheeError("UNAVAILABLE") };
  }
  const json = parseJson(answer.text);
  if (answer.status >= 200 && answer.status < 300) {
    const body = json.ok ? json.value : null;
    const data =
      typeof body === "object" && body !== null ? (body as { data?: unknown }).data : null;
    return { done: true, data };
  }
  return {
    done: false,
    again: answer.status === 429 || (answer.status >= 500 && answer.status !== 501),
    error: refusalOf(answer, json.ok ? json.value : null),
  };
}

function refusalOf(
  answer: { readonly status: number; readonly retryAfter: string | null },
  body: unknown,
): HasheeError {
  const refusal = parseShape(RestError, body);
  const code = refusal.ok ? refusal.value.error.code : CODE_OF_STATUS[answer.status];
  const params = refusal.ok ? refusal.value.error.params : {};
  const exactMs = params["retry_after_ms"];
  const seconds = Number(answer.retryAfter ?? "");
  const retryAfterMs =
    typeof exactMs === "number" ? exactMs : seconds > 0 ? seconds * 1_000 : undefined;
  return new HasheeError(code ?? "INTERNAL", {
    status: answer.status,
    retryAfterMs,
    params,
    fatal: answer.status === 401,
  });
}

// A proxy in front of the relay speaks in statuses only.
const CODE_OF_STATUS: Readonly<Record<number, string>> = {
  401: "UNAUTHENTICATED",
  403: "FORBIDDEN",
  404: "NOT_FOUND",
  413: "TOO_LARGE",
  429: "RATE_LIMITED",
};
