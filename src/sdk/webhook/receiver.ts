/** From a posted delivery to the endpoint, once: the answer says whether the relay may forget it. */
import type { Clock } from "#base/clock.ts";
import type { Primitives } from "#crypto/primitives.ts";
import { HasheeError } from "../agent-error.ts";
import type { RestLine } from "../line/rest-line.ts";
import { frameOfDelivery, proveDelivery, webhookKey, type Delivered } from "./delivery.ts";
import type { WebhookReceiver } from "./webhook-handler.ts";

/** The relay waits 10 s for an answer. */
const ANSWER_WITHIN_MS = 9_000;
/** Longer than a delivery's timestamp stays good. */
const REMEMBERED_MS = 600_000;

/** Creates a receiver. @throws {@link HasheeError} `BAD_REQUEST` for a secret that is none */
export function createWebhookReceiver(parts: {
  readonly primitives: Primitives;
  readonly clock: Clock;
  readonly agentId: string;
  readonly secret: string;
  readonly line: RestLine;
}): WebhookReceiver {
  const { primitives, clock, agentId, line } = parts;
  const key = webhookKey(parts.secret);
  if (key === null)
    throw new HasheeError("BAD_REQUEST", {
      message: "A webhook secret is base64 of at least 32 bytes.",
      params: { path: "secret" },
      fatal: true,
    });
  // What a delivery carries is claimed by what its author signed, on disk; this only saves the work of opening it.
  const finishedAt = new Map<string, number>();
  const forgetOld = (): void => {
    for (const [id, at] of finishedAt) {
      if (clock.now() - at < REMEMBERED_MS) return;
      finishedAt.delete(id);
    }
  };
  return {
    async receive(headers, body) {
      const id = proveDelivery(primitives, { key, agentId, now: clock.now() }, headers, body);
      if (id === null) return 401;
      forgetOld();
      if (finishedAt.has(id)) return 200;
      const frame = frameOfDelivery(body);
      if (frame === null) return 400;
      const isDone = frame === "ignored" || (await inTime(clock, handIn(line, frame)));
      if (isDone) finishedAt.set(id, clock.now());
      return isDone ? 200 : 503;
    },
  };
}

const handIn = (line: RestLine, delivered: Delivered): Promise<void> =>
  delivered.kind === "entry" ? line.deliver(delivered.frame) : line.tell(delivered.frame);

const inTime = (clock: Clock, task: Promise<void>): Promise<boolean> =>
  new Promise((resolve) => {
    const stop = clock.after(ANSWER_WITHIN_MS, () => resolve(false));
    const settle = (isDone: boolean) => () => {
      stop();
      resolve(isDone);
    };
    task.then(settle(true), settle(false));
  });
