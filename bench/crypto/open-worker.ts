/** A worker that opens its part of the backlog on the primitives it is told, as often as it is asked. */
import { parentPort, workerData } from "node:worker_threads";
import { assert } from "#base/invariant.ts";
import { systemRandom } from "#base/random.ts";
import { createPrimitives } from "#crypto/primitives.ts";
import { join, makePair, openAll, type StoredSession } from "./backlog.ts";

export type OpenTask = {
  readonly force: "noble" | null;
  readonly sessions: readonly StoredSession[];
};
/** `open` opens every message, `join` every session. */
export type OpenCall = "open" | "join";

const { force, sessions } = workerData as OpenTask;
const primitives = await createPrimitives({
  random: systemRandom,
  ...(force === "noble" && { force }),
});
const pair = await makePair();
assert(parentPort !== null, "a worker");
const port = parentPort;

port.on("message", async (call: OpenCall) => {
  if (call === "open") return port.postMessage(await openAll(pair, primitives, sessions));
  for (const { sessionOpen } of sessions) await join(pair, primitives, sessionOpen);
  return port.postMessage(sessions.length);
});
port.postMessage("ready");
