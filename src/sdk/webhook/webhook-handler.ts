/** The HTTP side of an agent that has no line: takes what the relay posts and answers when it is dealt with. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Bytes } from "#base/bytes.ts";
import { concat } from "#base/bytes.ts";
import { HasheeError } from "../agent-error.ts";
import type { HasheeAgent } from "../agent.ts";
import type { DeliveryHeaders } from "./delivery.ts";

export type WebhookReceiver = {
  /** The HTTP status to answer with: 200 dealt with, 401 not the relay's, 400 unreadable, 503 not yet, try again. */
  receive(headers: DeliveryHeaders, body: Bytes): Promise<number>;
};

/** Envelopes are at most 640 KiB, in base64, with a session beside. */
const MAX_BODY_BYTES = 2_097_152;

/**
 * A handler for `http.createServer`, or Express before any body parser.
 *
 * ```ts
 * const agent = await HasheeAgent.init({ connectionMode: "webhook" });
 * createServer(webhookHandler({ agent, secret: process.env.HASHEE_WEBHOOK_SECRET })).listen(8080);
 * ```
 *
 * Shapes: `secret` base64 of at least 32 bytes, by default `HASHEE_WEBHOOK_SECRET`.
 * @throws {@link HasheeError} `BAD_REQUEST` for a secret that is none, or an agent in another mode
 */
export function webhookHandler({
  agent,
  secret = process.env["HASHEE_WEBHOOK_SECRET"],
}: {
  readonly agent: HasheeAgent;
  readonly secret?: string | undefined;
}): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  if (secret === undefined || secret === "")
    throw new HasheeError("BAD_REQUEST", {
      message: "The webhook's secret is needed: the option secret, or HASHEE_WEBHOOK_SECRET.",
      params: { path: "secret" },
      fatal: true,
    });
  const receiver = agent.webhookReceiver(secret);
  return async (request, response) => {
    // Nobody awaits this: what it threw would end the program, and anybody can hang up in the middle of a body.
    const status = await statusFor(receiver, request).catch(() => 503);
    const headers = status === 503 ? { "retry-after": "5" } : {};
    // What was not read is in the way of a next request.
    response.writeHead(status, status === 413 ? { connection: "close" } : headers).end();
  };
}

async function statusFor(receiver: WebhookReceiver, request: IncomingMessage): Promise<number> {
  if (request.method !== "POST") return 405;
  const body = await readBody(request);
  return body === null ? 413 : receiver.receive(request.headers, body);
}

async function readBody(request: IncomingMessage): Promise<Bytes | null> {
  const pieces: Bytes[] = [];
  let sizeBytes = 0;
  const incoming = request.iterator({ destroyOnReturn: false }) as AsyncIterable<Bytes>;
  for await (const piece of incoming) {
    sizeBytes += piece.length;
    if (sizeBytes > MAX_BODY_BYTES) return null;
    pieces.push(new Uint8Array(piece));
  }
  return concat(...pieces);
}
