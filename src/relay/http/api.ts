/**
 * What every REST resource is built from: who is asking, how often, a checked body, and one way to answer.
 * A handler returns a Result; only this file spells answers and refusals. SPEC §rest.
 */
import type { HttpBindings } from "@hono/node-server";
import type { Context, Handler, Hono } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type * as v from "valibot";
import type { Clock } from "#base/clock.ts";
import type { RandomBytes } from "#base/random.ts";
import { ok, type Result } from "#base/result.ts";
import { ERROR_CODES } from "#protocol/error-codes.ts";
import { isUuid, type AgentId, type DeviceId, type UserId } from "#protocol/ids.ts";
import { DEFAULT_PAGE, MAX_BODY_BYTES, MAX_PAGE } from "#protocol/limits.ts";
import { parseJson, parseShape } from "#protocol/parse.ts";
import type { Admission } from "../admission.ts";
import type { BlobStore } from "../blobs/blob-store.ts";
import type { Directory } from "../directory/directory.ts";
import type { AgentRow } from "../directory/rows.ts";
import { errorBody } from "../error-frame.ts";
import { refuse, refuseFor, type RelayFailure } from "../failure.ts";
import type { Principal } from "../live/connection.ts";
import type { RateName, Rates } from "../live/rates.ts";
import { endpointOf } from "../live/sign-in.ts";
import type { LogStore } from "../log/log-store.ts";
import type { Relay } from "../relay.ts";
import type { Sql } from "../store/sql.ts";
import type { Writer } from "../store/writer.ts";

export type ApiNeeds = {
  readonly relay: Relay;
  readonly log: LogStore;
  readonly directory: Directory;
  readonly sql: Sql;
  readonly writer: Writer;
  readonly admission: Admission;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly rates: Rates;
  readonly registration: {
    readonly policy: "open" | "invite" | "closed";
    readonly code: string | null;
  };
  /** The address of the caller; behind a trusted proxy, the one it names. */
  readonly trustsProxy: boolean;
  /** Cookies are marked Secure unless the relay is only reached over loopback http. */
  readonly secureCookies: boolean;
};

export type Http = Context<{ Bindings: HttpBindings }>;
export type Answer = { readonly data: unknown; readonly next_cursor?: string | null };
export type Answered = Result<Answer, RelayFailure>;

export const answer = (data: unknown): Answered => ok({ data });
export const answerPage = (data: readonly unknown[], nextCursor: string | null = null): Answered =>
  ok({ data, next_cursor: nextCursor });

/** A person and the browser they use. */
export type Human = {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
  readonly sessionId: string;
  readonly expiresAt: number;
};
/** A person whose browser may not be enrolled yet. */
export type Enrolling = Omit<Human, "deviceId"> & { readonly deviceId: DeviceId | null };

type Task<Who> = (http: Http, who: Who) => Promise<Answered> | Answered;
/** One route, ready to be put under a path. */
export type Route = Handler<{ Bindings: HttpBindings }>;
export type RelayApp = Hono<{ Bindings: HttpBindings }>;

export interface Api extends ApiNeeds {
  open(task: Task<null>, rate?: RateName, status?: ContentfulStatusCode): Route;
  human(task: Task<Human>, status?: ContentfulStatusCode): Route;
  enrolling(task: Task<Enrolling>): Route;
  agent(task: Task<AgentRow>, status?: ContentfulStatusCode): Route;
  either(task: Task<Principal>, status?: ContentfulStatusCode): Route;
  /** The id in the path, or a refusal: ids that are none of ours name nothing. */
  id<Id extends string>(http: Http, name: string): Result<Id, RelayFailure>;
  body<Schema extends v.GenericSchema>(
    http: Http,
    schema: Schema,
  ): Promise<Result<v.InferOutput<Schema>, RelayFailure>>;
  addressOf(http: Http): string;
  respond(http: Http, answered: Answered, status?: ContentfulStatusCode): Response;
}

export function createApi(needs: ApiNeeds): Api {
  const { admission, rates, relay } = needs;

  const addressOf = (http: Http): string => {
    const forwarded = needs.trustsProxy ? http.req.header("x-forwarded-for") : undefined;
    return forwarded?.split(",").at(-1)?.trim() ?? http.env.incoming.socket.remoteAddress ?? "";
  };
  const limit = (key: string, rate: RateName): Result<null, RelayFailure> => {
    const waitMs = relay.buckets.take(`${rate} ${key}`, rates[rate]);
    return waitMs === 0 ? ok(null) : refuseFor("RATE_LIMITED", waitMs);
  };
  const bearer = (http: Http): string =>
    /^Bearer (\S+)$/.exec(http.req.header("authorization") ?? "")?.[1] ?? "";

  const asEnrolling = async (http: Http): Promise<Result<Enrolling, RelayFailure>> => {
    const login = await admission.checkAccess(bearer(http));
    if (!login.ok) return login;
    const allowed = limit(login.value.sessionId, "rest");
    return allowed.ok ? login : allowed;
  };
  const asHuman = async (http: Http): Promise<Result<Human, RelayFailure>> => {
    const login = await asEnrolling(http);
    if (!login.ok) return login;
    const { deviceId } = login.value;
    return deviceId === null
      ? refuse("FORBIDDEN", { reason: "enrol_device" })
      : ok({ ...login.value, deviceId });
  };
  const asAgent = (http: Http): Result<AgentRow, RelayFailure> => {
    const agent = admission.checkAgent(bearer(http));
    if (!agent.ok) return agent;
    const allowed = limit(agent.value.agent_id, "rest");
    return allowed.ok ? agent : allowed;
  };
  const asEither = async (http: Http): Promise<Result<Principal, RelayFailure>> => {
    if (bearer(http).startsWith("hsk_")) {
      const agent = asAgent(http);
      return agent.ok ? ok(agentPrincipal(agent.value.agent_id)) : agent;
    }
    const login = await asHuman(http);
    return login.ok ? ok(humanPrincipal(login.value)) : login;
  };

  const respond: Api["respond"] = (http, answered, status = 200) => {
    if (answered.ok) return http.json(answered.value, status);
    const { failure } = answered;
    if (failure.retryAfterMs !== undefined) {
      http.header("Retry-After", String(Math.ceil(failure.retryAfterMs / 1_000)));
    }
    return http.json(errorBody(failure), ERROR_CODES[failure.code].status as ContentfulStatusCode);
  };

  const route =
    <Who>(
      admit: (http: Http) => Promise<Result<Who, RelayFailure>> | Result<Who, RelayFailure>,
      task: Task<Who>,
      status?: ContentfulStatusCode,
    ): Route =>
    async (http) => {
      const admitted = await admit(http);
      return respond(http, admitted.ok ? await task(http, admitted.value) : admitted, status);
    };

  return {
    ...needs,
    open: (task, rate = "restByAddress", status) =>
      route((http) => limit(addressOf(http), rate), task, status),
    human: (task, status) => route(asHuman, task, status),
    enrolling: (task) => route(asEnrolling, task),
    agent: (task, status) => route(asAgent, task, status),
    either: (task, status) => route(asEither, task, status),
    id(http, name) {
      const id = http.req.param(name);
      return isUuid(id) ? ok(id as never) : refuse("NOT_FOUND");
    },
    async body(http, schema) {
      const text = await http.req.text();
      if (text.length > MAX_BODY_BYTES) return refuse("TOO_LARGE", { limit: MAX_BODY_BYTES });
      const json = parseJson(text);
      const shaped = json.ok ? parseShape(schema, json.value) : json;
      if (shaped.ok) return shaped;
      const path = shaped.failure.kind === "protocol/bad-shape" ? shaped.failure.path : "";
      return refuse("BAD_REQUEST", { path });
    },
    addressOf,
    respond,
  };
}

export const humanPrincipal = (human: Human): Principal => ({
  type: "human",
  accountId: human.userId,
  endpointId: human.deviceId,
  sessionId: human.sessionId,
});

export const agentPrincipal = (agentId: AgentId): Principal => ({
  type: "agent",
  accountId: agentId,
  endpointId: endpointOf(agentId),
});

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
