/**
 * What every REST resource is built from: who is asking, how often, a checked body, and one way to answer.
 * A handler returns a Result; only this file spells answers and refusals. SPEC P7.
 */
import type { HttpBindings } from "@hono/node-server";
import type { Context, Handler, Hono } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type * as v from "valibot";
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/log.ts";
import type { RandomBytes } from "#base/random.ts";
import { ok, type Result } from "#base/result.ts";
import type { Secret } from "#base/secret.ts";
import { ERROR_CODES } from "#protocol/error-codes.ts";
import { isUuid } from "#protocol/ids.ts";
import { DEFAULT_PAGE, MAX_PAGE } from "#protocol/limits.ts";
import { parseJson, parseShape } from "#protocol/parse.ts";
import type { Admission } from "../admission.ts";
import type { Tickets } from "../nodes/tickets.ts";
import type { EphemeralBus } from "../bus/bus.ts";
import type { BlobStore } from "../blobs/blob-store.ts";
import type { Uploads } from "../blobs/uploads.ts";
import type { Directory } from "../directory/directory.ts";
import type { Endings } from "../directory/endings.ts";
import type { AgentRow } from "../directory/rows.ts";
import { errorBody } from "../error-frame.ts";
import { refuse, type RelayFailure } from "../failure.ts";
import type { Principal } from "../live/connection.ts";
import type { RateName, Rates } from "../live/rates.ts";
import type { LogStore } from "../log/log-store.ts";
import type { Metrics } from "../metrics.ts";
import type { Relay } from "../relay.ts";
import type { AtRest } from "../at-rest.ts";
import type { Vapid } from "../push/web-push.ts";
import type { Webhooks } from "../webhook/webhooks.ts";
import type { Sql } from "../store/sql.ts";
import type { Writer } from "../store/writer.ts";
import { createCallers, type Enrolling, type Human } from "./callers.ts";

export type ApiNeeds = {
  readonly relay: Relay;
  readonly bus: EphemeralBus;
  readonly tickets: Tickets;
  readonly log: LogStore;
  readonly directory: Directory;
  readonly endings: Endings;
  readonly sql: Sql;
  readonly writer: Writer;
  readonly admission: Admission;
  readonly blobs: BlobStore;
  readonly uploads: Uploads;
  readonly webhooks: Webhooks;
  readonly atRest: AtRest;
  readonly vapid: Vapid;
  /** Webhooks may be plain http and on this machine. */
  readonly allowsPrivateTargets: boolean;
  readonly events: Log;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly rates: Rates;
  readonly metrics: Metrics;
  readonly registration: {
    readonly policy: "open" | "invite" | "closed";
    readonly code: string | null;
  };
  /** Believe the proxy in front about who calls. */
  readonly trustsProxy: boolean;
  /** Who brings it may read the counters from elsewhere; none: only this machine. */
  readonly metricsToken: Secret<string> | null;
  /** Bytes of the database with its write-ahead log. */
  readonly logBytes: () => Promise<number>;
  /** Cookies are marked Secure unless the relay is only reached over loopback http. */
  readonly secureCookies: boolean;
};

export type RelayApp = Hono<{ Bindings: HttpBindings }>;
/** One route, ready to be put under a path. */
export type Route = Handler<{ Bindings: HttpBindings }>;
export type Http = Context<{ Bindings: HttpBindings }>;
export type Answer = { readonly data: unknown; readonly next_cursor?: string | null };
export type Answered = Result<Answer, RelayFailure>;

type Task<Who> = (http: Http, who: Who) => Promise<Answered> | Answered;
type Admit<Who> = (http: Http) => Promise<Result<Who, RelayFailure>> | Result<Who, RelayFailure>;

export interface Api extends ApiNeeds {
  /** Anyone, at the rate of their address. */
  open(task: Task<null>, rate?: RateName, status?: ContentfulStatusCode): Route;
  human(task: Task<Human>, status?: ContentfulStatusCode): Route;
  /** A person, even in a browser that is not enrolled yet. */
  enrolling(task: Task<Enrolling>): Route;
  agent(task: Task<AgentRow>, status?: ContentfulStatusCode): Route;
  either(task: Task<Principal>, status?: ContentfulStatusCode): Route;
  /** As {@link Api.either}, for an answer that is not JSON. */
  eitherRaw(task: (http: Http, who: Principal) => Promise<Result<Response, RelayFailure>>): Route;
  /** The id in the path, or a refusal: ids that are none of ours name nothing. */
  id<Id extends string>(http: Http, name: string): Result<Id, RelayFailure>;
  body<Schema extends v.GenericSchema>(
    http: Http,
    schema: Schema,
  ): Promise<Result<v.InferOutput<Schema>, RelayFailure>>;
}

export function createApi(needs: ApiNeeds): Api {
  const callers = createCallers(needs);
  const route =
    <Who>(admit: Admit<Who>, task: Task<Who>, status?: ContentfulStatusCode): Route =>
    async (http) => {
      const admitted = await admit(http);
      return respond(http, admitted.ok ? await task(http, admitted.value) : admitted, status);
    };
  return {
    ...needs,
    open: (task, rate = "restByAddress", status) =>
      route((http) => callers.anyone(http, rate), task, status),
    human: (task, status) => route(callers.human, task, status),
    enrolling: (task) => route(callers.enrolling, task),
    agent: (task, status) => route(callers.agent, task, status),
    either: (task, status) => route(callers.either, task, status),
    eitherRaw: (task) => async (http) => {
      const admitted = await callers.either(http);
      const done = admitted.ok ? await task(http, admitted.value) : admitted;
      return done.ok ? done.value : respond(http, done);
    },
    id(http, name) {
      const id = http.req.param(name);
      return isUuid(id) ? ok(id as never) : refuse("NOT_FOUND");
    },
    body: readBody,
  };
}

export const answer = (data: unknown): Answered => ok({ data });
export const answerPage = (data: readonly unknown[], nextCursor: string | null = null): Answered =>
  ok({ data, next_cursor: nextCursor });

/** An answer or a refusal as HTTP says it. */
export function respond(
  http: Http,
  answered: Answered,
  status: ContentfulStatusCode = 200,
): Response {
  if (answered.ok) return http.json(answered.value, status);
  const { failure } = answered;
  if (failure.retryAfterMs !== undefined) {
    http.header("Retry-After", String(Math.ceil(failure.retryAfterMs / 1_000)));
  }
  return http.json(errorBody(failure), ERROR_CODES[failure.code].status as ContentfulStatusCode);
}

/** `?limit=` within its bounds. */
export function pageSize(http: Http): number {
  const asked = Number(http.req.query("limit") ?? DEFAULT_PAGE);
  return Number.isInteger(asked) && asked > 0 ? Math.min(asked, MAX_PAGE) : DEFAULT_PAGE;
}

/** A whole number of the query, or null when it is absent or none. */
export function queryCount(http: Http, name: string): number | null {
  const text = http.req.query(name);
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

export const isoTime = (at: number): string => new Date(at).toISOString();

async function readBody<Schema extends v.GenericSchema>(
  http: Http,
  schema: Schema,
): Promise<Result<v.InferOutput<Schema>, RelayFailure>> {
  const json = parseJson(await http.req.text());
  const shaped = json.ok ? parseShape(schema, json.value) : json;
  if (shaped.ok) return shaped;
  const path = shaped.failure.kind === "protocol/bad-shape" ? shaped.failure.path : "";
  return refuse("BAD_REQUEST", { path });
}
