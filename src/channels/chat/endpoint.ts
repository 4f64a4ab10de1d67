/** Addresses of a chat server, from what a person typed, and what it offers there. */
import { err, ok, type Result } from "#base/result.ts";
import type { Secret } from "#base/secret.ts";
import type { ChannelFailure, UnreachableCause } from "#peer/channel-failure.ts";
import { isJsonObject, parseForeignJson, textOf } from "../json.ts";
import { readText } from "./read-body.ts";
import type { StreamFetch } from "./stream-fetch.ts";

/** `tpclaw`: tool frames are asked for by a header that other servers' cross-origin rules do not let through. */
export type ChatDialect = "tpclaw" | "openai";

const COMPLETIONS = "/chat/completions";
const MAX_LIST_CHARACTERS = 4 * 1_024 * 1_024;

/** The base that `/chat/completions` and `/models` are added to. An address without a path gets the usual one. */
export function chatBaseUrl(url: string, dialect: ChatDialect): string {
  const parsed = new URL(url);
  const path = parsed.pathname.replace(/\/+$/, "");
  const usual = dialect === "tpclaw" ? "/api/v1" : "/v1";
  const base = path.endsWith(COMPLETIONS) ? path.slice(0, -COMPLETIONS.length) : path || usual;
  return `${parsed.origin}${base}`;
}

export const completionsUrl = (base: string): string => `${base}${COMPLETIONS}`;

export const authorization = (apiKey: Secret<string> | null): Record<string, string> =>
  apiKey === null ? {} : { authorization: `Bearer ${apiKey.reveal()}` };

/** The failure a status other than 2xx means. */
export const failureOfStatus = (status: number): ChannelFailure =>
  status === 401 || status === 403
    ? { kind: "peer/unauthorized" }
    : { kind: "peer/http-status", status };

/**
 * Names of the models a server offers; none where it has no list.
 *
 * Fails with `peer/unreachable`, `peer/unauthorized`, `peer/http-status` (5xx).
 */
export async function listModels(options: {
  readonly fetch: StreamFetch;
  readonly baseUrl: string;
  readonly apiKey: Secret<string> | null;
  readonly signal: AbortSignal;
  readonly likelyCauses: readonly UnreachableCause[];
}): Promise<Result<readonly string[], ChannelFailure>> {
  const response = await options
    .fetch(`${options.baseUrl}/models`, {
      method: "GET",
      headers: { accept: "application/json", ...authorization(options.apiKey) },
      credentials: "omit",
      signal: options.signal,
    })
    .catch(() => null);
  if (response === null) return err({ kind: "peer/unreachable", causes: options.likelyCauses });
  const reader = response.body?.getReader() ?? null;
  const text = reader === null ? "" : await readText(reader, MAX_LIST_CHARACTERS);
  const { status } = response;
  // Many servers have no list; that says nothing against a chat.
  if (status !== 401 && status !== 403 && status >= 400 && status < 500) return ok([]);
  if (status < 200 || status >= 300) return err(failureOfStatus(status));
  const value = parseForeignJson(text ?? "");
  const list = isJsonObject(value) ? (value["data"] ?? value["models"]) : null;
  if (!Array.isArray(list)) return ok([]);
  const names = list.map((one) => (isJsonObject(one) ? textOf(one["id"] ?? one["name"]) : ""));
  return ok([...new Set(names.filter((name) => name !== ""))].sort());
}
