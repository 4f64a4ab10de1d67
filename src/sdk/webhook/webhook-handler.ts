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
    throw new HasheeError("BAD_REQUEST", { params: { path: "secret" }, fatal: true });
  const receiver = agent.webhookReceiver(secret);
  return async (request, response) => {
    const body = request.method === "POST" ? await readBody(request) : null;
    const status =
      request.method !== "POST"
        ? 405
        : body === null
          ? 413
          : await receiver.receive(request.headers, body);
    response.writeHead(status, status === 503 ? { "retry-after": "5" } : {}).end();
  };
}

async function readBody(request: IncomingMessage): Promise<Bytes | null> {
  const pieces: Bytes[] = [];
  let sizeBytes = 0;
  for await (const piece of request as AsyncIterable<Bytes>) {
    sizeBytes += piece.length;
    if (sizeBytes > MAX_BODY_BYTES) return null;
    pieces.push(new Uint8Array(piece));
  }
  return concat(...pieces);
}
