/** Who calls: by the token they bring, at the rate they may. */
import { ok, type Result } from "#base/result.ts";
import type { DeviceId, UserId } from "#protocol/ids.ts";
import type { Admission, HumanLogin } from "../admission.ts";
import type { AgentRow } from "../directory/rows.ts";
import { refuse, refuseFor, type RelayFailure } from "../failure.ts";
import type { Principal } from "../live/connection.ts";
import type { Metrics } from "../metrics.ts";
import type { RateName, Rates } from "../live/rates.ts";
import { endpointOf } from "../live/sign-in.ts";
import type { Buckets } from "../live/token-bucket.ts";
import type { Http } from "./api.ts";

/** A person whose browser may not be enrolled yet. */
export type Enrolling = HumanLogin;
/** A person and the device they use. */
export type Human = HumanLogin & { readonly deviceId: DeviceId };

type Called<Who> = Result<Who, RelayFailure>;

export interface Callers {
  anyone(http: Http, rate: RateName): Called<null>;
  enrolling(http: Http): Promise<Called<Enrolling>>;
  human(http: Http): Promise<Called<Human>>;
  agent(http: Http): Promise<Called<AgentRow>>;
  either(http: Http): Promise<Called<Principal>>;
}

export function createCallers(needs: {
  readonly admission: Admission;
  readonly relay: { readonly buckets: Buckets };
  readonly rates: Rates;
  readonly trustsProxy: boolean;
  readonly metrics: Metrics;
}): Callers {
  const { admission, rates, relay, trustsProxy, metrics } = needs;
  const limit = (key: string, rate: RateName): Called<null> => {
    const waitMs = relay.buckets.take(`${rate} ${key}`, rates[rate]);
    if (waitMs === 0) return ok(null);
    metrics.count("rate_limited_total", { rule: rate });
    return refuseFor("RATE_LIMITED", waitMs);
  };
  const callers: Callers = {
    anyone: (http, rate) => limit(addressOf(http, trustsProxy), rate),
    async enrolling(http) {
      const login = await admission.checkAccess(bearerOf(http));
      if (!login.ok) return login;
      const allowed = limit(login.value.sessionId, "rest");
      return allowed.ok ? login : allowed;
    },
    async human(http) {
      const login = await callers.enrolling(http);
      if (!login.ok) return login;
      const { deviceId } = login.value;
      return deviceId === null
        ? refuse("FORBIDDEN", { reason: "enrol_device" })
        : ok({ ...login.value, deviceId });
    },
    async agent(http) {
      const agent = await admission.checkAgent(bearerOf(http));
      if (!agent.ok) return agent;
      const allowed = limit(agent.value.agent_id, "rest");
      return allowed.ok ? agent : allowed;
    },
    async either(http) {
      if (bearerOf(http).startsWith("hsk_")) {
        const agent = await callers.agent(http);
        return agent.ok ? ok(agentPrincipal(agent.value)) : agent;
      }
      const human = await callers.human(http);
      return human.ok ? ok(humanPrincipal(human.value)) : human;
    },
  };
  return callers;
}

export const humanPrincipal = (human: Human): Principal => ({
  type: "human",
  accountId: human.userId satisfies UserId,
  endpointId: human.deviceId,
  sessionId: human.sessionId,
});

export const agentPrincipal = ({ agent_id, messages_per_second }: AgentRow): Principal => ({
  type: "agent",
  accountId: agent_id,
  endpointId: endpointOf(agent_id),
  messagesPerSecond: messages_per_second,
});

/** The token a request brings; empty without one. */
export const bearerOf = (http: Http): string =>
  /^Bearer (\S+)$/.exec(http.req.header("authorization") ?? "")?.[1] ?? "";

/** The caller's address; behind a trusted proxy, the one it names last. */
export function addressOf(http: Http, trustsProxy: boolean): string {
  const forwarded = trustsProxy ? http.req.header("x-forwarded-for") : undefined;
  return forwarded?.split(",").at(-1)?.trim() ?? http.env.incoming.socket.remoteAddress ?? "";
}
