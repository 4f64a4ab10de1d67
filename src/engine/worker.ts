/**
 * The browser worker's composition root: real clock, chance, socket, storage and locks, and one engine for all tabs
 * of a profile. Nothing is decided here.
 */
import { systemClock } from "#base/clock.ts";
import { silentLog } from "#base/log.ts";
import { systemRandom } from "#base/random.ts";
import { ARGON2 } from "#crypto/limits.ts";
import { createPrimitives } from "#crypto/primitives.ts";
import type { Socket } from "#peer/socket.ts";
import { nameDevice } from "./device-name.ts";
import { joinTabs, type RunningEngine } from "./election.ts";
import { createEngine } from "./engine.ts";

declare const self: DedicatedWorkerGlobalScope;

const NAME = "parley";
/** Just over one display frame. */
const GATHER_MS = 20;

joinTabs({
  lockName: `${NAME}/engine`,
  tabId: crypto.randomUUID(),
  locks: { request: (name, hold) => navigator.locks.request(name, hold) },
  channel: new BroadcastChannel(`${NAME}/engine`),
  startEngine,
  pagePort: self,
  onFault(error, call) {
    // A bug of ours: the page says so, and this is where to look for it.
    // oxlint-disable-next-line no-console
    console.error(`A fault in ${call}`, error);
  },
});

async function startEngine(): Promise<RunningEngine> {
  return createEngine({
    clock: systemClock,
    random: systemRandom,
    primitives: await createPrimitives({
      random: systemRandom,
      // The page's choice; a worker has no other setting to read.
      ...(self.name === "engine noble" && { force: "noble" }),
    }),
    log: silentLog,
    fetch: (url, request) => fetch(url, request),
    streamFetch: (url, request) => fetch(url, request as RequestInit),
    openSocket: (url) => new WebSocket(url) as Socket,
    origin: self.location.origin,
    databaseName: NAME,
    deviceName: nameDevice(navigator.userAgent),
    // Only the page may ask for it; the worker may see the answer.
    isStoragePersisted: async () => (await navigator.storage?.persisted?.()) ?? false,
    passwordCost: ARGON2,
    gatherMs: GATHER_MS,
  });
}
