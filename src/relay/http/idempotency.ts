/**
 * A POST that names an `Idempotency-Key` is done once: its repeat within a day gets the first answer. Answers may hold
 * what is shown only once, so they are kept sealed. SPEC P12.
 */
import { createHash } from "node:crypto";
import type { Context, MiddlewareHandler } from "hono";
import type { HttpBindings } from "@hono/node-server";
import type { Clock } from "#base/clock.ts";
import { utf8, utf8ToText, type Bytes } from "#base/bytes.ts";
import { MAX_BODY_BYTES, MAX_ID_CHARACTERS } from "#protocol/limits.ts";
import { refuse, refuseFor } from "../failure.ts";
import { orNull } from "../store/sql.ts";
import { respond, type ApiNeeds } from "./api.ts";
import { bearerOf } from "./callers.ts";

/** How long a repeat waits for the first that is at work at another node. */
const TRIES = 20;
const RETRY_MS = 100;
const KEPT_MS = 86_400_000;
/** A larger answer is no answer to a creation. */
const MAX_ANSWER_BYTES = 65_536;

type Http = Context<{ Bindings: HttpBindings }>;
type Kept = { readonly request_hash: Bytes; readonly status: number; readonly sealed: Bytes };

export function onceByKey(
  needs: Pick<ApiNeeds, "sql" | "writer" | "atRest" | "clock" | "admission" | "relay">,
): MiddlewareHandler<{ Bindings: HttpBindings }> {
  // A repeat that comes while the first is at work waits for it.
  const working = new Map<string, Promise<void>>();
  return async (http, next) => {
    const key = http.req.header("idempotency-key");
    if (key === undefined || http.req.method !== "POST") return next();
    if (key === "" || key.length > MAX_ID_CHARACTERS)
      return respond(http, refuse("BAD_REQUEST", { path: "idempotency-key" }));
    const caller = await callerOf(needs, http);
    if (caller === null) return next();
    const scope = createHash("sha256").update(`${caller}\0${key}`).digest("hex");
    const requestHash = await hashOf(http);
    // Nothing is waited for between the last look and the claim.
    while (working.has(scope)) await working.get(scope);
    const { promise, resolve } = Promise.withResolvers<void>();
    working.set(scope, promise);
    const { together } = needs.relay;
    const chore = `repeat ${scope}`;
    try {
      // At another node the first may be at work: it is waited for a little, then asked again by whoever wants it.
      if (together !== null && !(await isFree(needs.clock, () => together.takeChore(chore))))
        return respond(http, refuseFor("UNAVAILABLE", RETRY_MS));
      const kept = await find(needs, scope);
      if (kept !== null) return repeat(needs, http, scope, kept, requestHash);
      await next();
      await keep(needs, scope, requestHash, http.res);
    } finally {
      await together?.dropChore(chore);
      working.delete(scope);
      resolve();
    }
    return undefined;
  };
}

/** Tries until it is taken, or given up. */
async function isFree(clock: Clock, take: () => Promise<boolean>): Promise<boolean> {
  for (let tries = 0; tries < TRIES; tries++) {
    if (await take()) return true;
    await new Promise<void>((next) => void clock.after(RETRY_MS, next));
  }
  return false;
}

// The account, whatever token it brings this time; strangers have no keys of their own.
async function callerOf(
  { admission }: Pick<ApiNeeds, "admission">,
  http: Http,
): Promise<string | null> {
  const token = bearerOf(http);
  if (token.startsWith("hsk_")) {
    const agent = await admission.checkAgent(token);
    return agent.ok ? agent.value.agent_id : null;
  }
  const login = await admission.checkAccess(token);
  return login.ok ? login.value.userId : null;
}

async function hashOf(http: Http): Promise<Bytes> {
  const { method, path } = http.req;
  // Hono hands the same text to whoever reads the body next.
  const text = await http.req.text();
  const hash = createHash("sha256").update(`${method} ${path}\0`);
  return new Uint8Array(hash.update(text.slice(0, MAX_BODY_BYTES)).digest());
}

const find = (
  { sql, clock }: Pick<ApiNeeds, "sql" | "clock">,
  scope: string,
): Promise<Kept | null> =>
  orNull(
    sql.get<Kept>(
      "SELECT request_hash, status, sealed FROM idempotency WHERE scope = ? AND at > ?",
      scope,
      clock.now() - KEPT_MS,
    ),
  );

function repeat(
  { atRest }: Pick<ApiNeeds, "atRest">,
  http: Http,
  scope: string,
  kept: Kept,
  requestHash: Bytes,
): Response {
  if (!Buffer.from(requestHash).equals(kept.request_hash))
    return respond(http, refuse("IDEMPOTENCY_MISMATCH"));
  const body = atRest.open(`answer ${scope}`, kept.sealed);
  const text = body === null ? null : utf8ToText(body);
  if (text === null) return respond(http, refuse("INTERNAL"));
  return http.body(text, kept.status as 200, { "Content-Type": "application/json" });
}

// Only what was done is kept: a refusal may be another one next time.
async function keep(
  { writer, atRest, clock }: Pick<ApiNeeds, "writer" | "atRest" | "clock">,
  scope: string,
  requestHash: Bytes,
  answer: Response,
): Promise<void> {
  if (!answer.ok) return;
  const text = await answer.clone().text();
  if (text.length > MAX_ANSWER_BYTES) return;
  await writer.run("keepAnswer", {
    now: clock.now(),
    scope,
    requestHash,
    status: answer.status,
    sealed: atRest.seal(`answer ${scope}`, utf8(text)),
    forgetBefore: clock.now() - KEPT_MS,
  });
}
