/** Plain REST calls with the agent's token. A message is sealed before it leaves: the relay never gets one in the clear. */
import { systemClock } from "#base/clock.ts";
import { systemRandom } from "#base/random.ts";
import { parseId, type MessageId } from "#protocol/ids.ts";
import { checkPayload, type KnownPayload } from "#protocol/payload.ts";
import { HasheeError } from "./agent-error.ts";
import { assembleAgent } from "./assemble.ts";
import { liveSender } from "./live-agents.ts";
import { settleOptions, type SettledOptions } from "./options.ts";
import { conversationOf, type Sender } from "./outgoing/sender.ts";
import type { SendReceipt } from "./outgoing/reply-stream.ts";
import { callRest, type RestCall } from "./rest-call.ts";

/** However it is spelt: what the relay would take for this path must not leave unsealed. */
const MESSAGES_PATH = /^\/+agents\/+([^/?#]+)\/+messages\/*(?:[?#].*)?$/i;
const DRAIN_MS = 10_000;

/**
 * `data` of the relay's answer. POST `/agents/:id/messages` with a `payload` is sealed with the keys of an agent of
 * that id that runs in this process, else with those of the environment.
 *
 * ```ts
 * await restRequest({ method: "GET", baseUrl, path: "/relations", token });
 * ```
 * @throws {@link HasheeError} with the relay's code; `KEYS_REQUIRED` where there is nothing to seal with; `BAD_REQUEST`
 * for a `payload` on its way to any other path
 */
export async function restRequest(call: RestCall): Promise<unknown> {
  if (hasPayload(call.body)) return sendSealed(agentIn(call), call, call.body);
  return callRest(call, {
    fetch: (url, request) => fetch(url, request),
    clock: systemClock,
    random: systemRandom,
  });
}

// No path takes a message in the clear, so a `payload` for any other one is a mistake that would leak it.
function agentIn({ method, path }: RestCall): string {
  const agentId = method.toUpperCase() === "POST" ? MESSAGES_PATH.exec(path)?.[1] : undefined;
  if (agentId !== undefined) return agentId.toLowerCase();
  throw new HasheeError("BAD_REQUEST", {
    message: "A message with a payload goes to POST /agents/<agent id>/messages, and nowhere else.",
    params: { path: "path" },
  });
}

type MessageBody = {
  readonly payload: unknown;
  readonly conversation_id?: unknown;
  readonly client_message_id?: unknown;
};

const hasPayload = (body: unknown): body is MessageBody =>
  typeof body === "object" && body !== null && "payload" in body;

async function sendSealed(
  agentId: string,
  call: RestCall,
  body: MessageBody,
): Promise<SendReceipt & { readonly conversation_id: string }> {
  const conversationId = conversationOf(String(body.conversation_id));
  const payload = checkPayload(body.payload);
  if (!payload.ok || payload.value.type === "unknown")
    throw new HasheeError("BAD_REQUEST", { params: { path: "payload" } });
  const known: KnownPayload = payload.value;
  const messageId = parseId<MessageId>(body.client_message_id);
  const send = async (sender: Sender) => ({
    conversation_id: conversationId,
    ...(await sender.send(conversationId, known, messageId === null ? {} : { messageId })),
  });

  const live = liveSender(agentId);
  if (live !== undefined) return send(live);
  const guest = await assembleAgent(guestOptions(agentId, call), { asGuest: true });
  try {
    return await send(guest.sender);
  } finally {
    await guest.close(DRAIN_MS);
  }
}

function guestOptions(agentId: string, call: RestCall): SettledOptions {
  const { baseUrl, token } = call;
  const options = settleOptions(
    { agentId, token, baseUrl, keyVault: null, dedupe: null, connectionMode: "webhook" },
    process.env,
  );
  if (options.keys === null) throw new HasheeError("KEYS_REQUIRED");
  return options;
}
