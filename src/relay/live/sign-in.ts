/** From the first frame of a socket to a principal: who it is, or why not and how the socket closes. */
import { equalBytes, type Bytes } from "#base/bytes.ts";
import { err, ok, type Result } from "#base/result.ts";
import type { EndpointFrameOf } from "#protocol/endpoint-frame.ts";
import { CLOSE, type CloseCode } from "#protocol/close-codes.ts";
import type { AgentId, DeviceId } from "#protocol/ids.ts";
import { isSpokenProtocol } from "#protocol/version.ts";
import type { Admission } from "../admission.ts";
import type { Directory } from "../directory/directory.ts";
import type { AgentStanding } from "../directory/rows.ts";
import type { Connection, Principal } from "./connection.ts";

export type SignedIn = {
  readonly principal: Principal;
  readonly expiresAt: number | null;
  /** Hash of an agent's token: when it is another, the socket's time is over. */
  readonly tokenHash: Bytes | null;
};

export type SignInRefusal = {
  readonly reason:
    | "invalid_token"
    | "expired_token"
    | "unknown_agent"
    | "revoked"
    | "disabled"
    | "wrong_mode"
    | "unsupported_protocol";
  readonly message: string;
  readonly close: CloseCode;
};

const refused = (reason: SignInRefusal["reason"], message: string, close: CloseCode) =>
  err<SignInRefusal>({ reason, message, close });

/** Fails with a {@link SignInRefusal}. */
export async function signIn(
  needs: { readonly admission: Admission; readonly directory: Directory },
  path: Connection["path"],
  frame: EndpointFrameOf<"auth">,
): Promise<Result<SignedIn, SignInRefusal>> {
  if (!isSpokenProtocol(frame.protocol)) {
    return refused(
      "unsupported_protocol",
      "This protocol is not spoken here.",
      CLOSE.unsupportedProtocol,
    );
  }
  return path === "agent" ? signInAgent(needs, frame) : signInHuman(needs, frame.token);
}

/** A person's token, at sign-in and when it is renewed. */
export async function signInHuman(
  { admission, directory }: { readonly admission: Admission; readonly directory: Directory },
  token: string,
): Promise<Result<SignedIn, SignInRefusal>> {
  const login = await admission.checkAccess(token);
  if (!login.ok) {
    return login.failure.code === "TOKEN_EXPIRED"
      ? refused("expired_token", "The access token has expired.", CLOSE.authExpired)
      : refused("invalid_token", "The access token is not valid.", CLOSE.authFailed);
  }
  const { userId, deviceId, sessionId, expiresAt } = login.value;
  const device = deviceId === null ? null : await directory.device(deviceId);
  if (deviceId === null || device?.revoked_at !== null) {
    return refused("revoked", "This device is not enrolled.", CLOSE.sessionInvalidated);
  }
  return ok({
    principal: { type: "human", accountId: userId, endpointId: deviceId, sessionId },
    expiresAt,
    tokenHash: null,
  });
}

async function signInAgent(
  { admission, directory }: { readonly admission: Admission; readonly directory: Directory },
  frame: EndpointFrameOf<"auth">,
): Promise<Result<SignedIn, SignInRefusal>> {
  const agent = await admission.checkAgent(frame.token);
  if (!agent.ok) {
    if (agent.failure.code === "FORBIDDEN")
      return refused("disabled", "The agent is blocked.", CLOSE.blocked);
    return frame.agent_id !== undefined && (await directory.agent(frame.agent_id)) === null
      ? refused("unknown_agent", "There is no such agent.", CLOSE.notFound)
      : refused("invalid_token", "The agent token is not valid.", CLOSE.authFailed);
  }
  const { agent_id, connection_mode, token_hash, messages_per_second } = agent.value;
  if (frame.agent_id !== undefined && frame.agent_id !== agent_id) {
    return refused("invalid_token", "The token belongs to another agent.", CLOSE.authFailed);
  }
  if (connection_mode !== "websocket") {
    return refused("wrong_mode", "The agent does not use a socket.", CLOSE.modeChanged);
  }
  return ok({
    principal: {
      type: "agent",
      accountId: agent_id,
      endpointId: endpointOf(agent_id),
      messagesPerSecond: messages_per_second,
    },
    expiresAt: null,
    tokenHash: token_hash,
  });
}

/** How a signed-in agent's socket must end, because of what happened to the agent since; null: it may stay. */
export function endOfAgent(agent: AgentStanding | null, tokenHash: Bytes | null): CloseCode | null {
  if (agent === null || agent.deleted_at !== null) return CLOSE.notFound;
  if (agent.governance === "blocked") return CLOSE.blocked;
  if (agent.connection_mode !== "websocket") return CLOSE.modeChanged;
  return tokenHash !== null && equalBytes(agent.token_hash, tokenHash) ? null : CLOSE.authFailed;
}

/** All processes of an agent are one endpoint. */
export const endpointOf = (agentId: AgentId): DeviceId => agentId as string as DeviceId;
