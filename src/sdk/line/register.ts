/** Tells the relay who the agent is before a line is opened, as often as it takes. */
import { bytesToBase64 } from "#base/base64.ts";
import { backoffDelayMs } from "#base/backoff.ts";
import type { Bytes } from "#base/bytes.ts";
import type { Clock } from "#base/clock.ts";
import type { RandomBytes } from "#base/random.ts";
import { err } from "#base/result.ts";
import type { Signer } from "#crypto/identity.ts";
import type { Primitives } from "#crypto/primitives.ts";
import { registerAgentKeys } from "#peer/accounts.ts";
import { isPassing } from "#peer/failure.ts";
import type { KeyVault } from "#peer/key-vault.ts";
import type { Rest } from "#peer/rest.ts";
import type { AgentId } from "#protocol/ids.ts";
import { Agent, AgentKeys } from "#protocol/rest.ts";
import { HasheeError } from "../agent-error.ts";
import { errorOfFailure } from "../error-of-failure.ts";
import type { LineWatch } from "./line-watch.ts";

/**
 * Registers the agent's public keys.
 *
 * @throws {@link HasheeError} fatal when the relay refuses for good; `CLOSED` once `signal` aborts
 */
export async function register(parts: {
  readonly rest: Rest;
  readonly primitives: Primitives;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly agentId: AgentId;
  readonly identity: Signer;
  readonly bootstrapPublicKey: Bytes;
  readonly mode: "session" | "envelope";
  readonly watch: LineWatch;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { rest, clock, watch, signal } = parts;
  for (let tries = 0; !signal.aborted; tries++) {
    watch.tell({ status: "connecting", tries });
    const done = await registerAgentKeys(rest, parts.primitives, {
      agentId: parts.agentId,
      identity: parts.identity,
      bootstrapKey: parts.bootstrapPublicKey,
      mode: parts.mode,
      createdAt: clock.now(),
    });
    if (done.ok) return;
    if (!isPassing(done.failure)) throw errorOfFailure(done.failure, true);
    const delayMs = backoffDelayMs(tries, parts.random);
    const since = clock.now();
    watch.tell({ status: "waiting", since, retryAt: since + delayMs, because: done.failure.kind });
    await pauseUnlessAborted(clock, delayMs, signal);
  }
  throw new HasheeError("CLOSED");
}

/**
 * Whether prekeys of this vault may be offered. Not where another process is connected whose prekeys are not in it:
 * each would withdraw the other's, and neither could open what was sealed to the other. SPEC K2.
 */
export async function mayOfferPrekeys(
  rest: Rest,
  agentId: AgentId,
  vault: KeyVault,
): Promise<boolean> {
  const agent = await rest.call("GET", `/agents/${agentId}`, Agent);
  if (!agent.ok || !agent.value.online) return true;
  const keys = await rest.call("GET", `/keys/agents/${agentId}`, AgentKeys);
  if (!keys.ok) return true;
  const held = new Set((await vault.list()).map(({ kid }) => bytesToBase64(kid)));
  return keys.value.prekeys.every(({ kid }) => held.has(kid));
}

/** A vault of somebody else's: what is in it opens messages, and nothing of it is renewed or withdrawn. */
export const createForeignVault = (vault: KeyVault | null): KeyVault => ({
  list: async () => (vault === null ? [] : vault.list()),
  change: async () => err({ kind: "peer/store-closed" }),
  exclusively: async () => null,
});

function pauseUnlessAborted(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(delayMs, resolve);
    signal.addEventListener("abort", () => (cancel(), resolve()), { once: true });
  });
}
