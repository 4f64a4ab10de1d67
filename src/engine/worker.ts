/**
 * The browser worker's composition root: real clock, chance, socket, storage and locks, and one engine for all tabs
 * of a profile. Nothing is decided here, and the engine's own code is fetched apart from it.
 */
import { systemClock } from "#base/clock.ts";
import { silentLog } from "#base/log.ts";
import { systemRandom } from "#base/random.ts";
import { ARGON2 } from "#crypto/limits.ts";
import type { Socket } from "#peer/socket.ts";
import { nameDevice } from "./device-name.ts";
import { joinTabs, type RunningEngine } from "./election.ts";
import { createPorch } from "./porch.ts";

declare const self: DedicatedWorkerGlobalScope;

const NAME = "parley";
/** Just over one display frame. */
const GATHER_MS = 20;

joinTabs({
  lockName: `${NAME}/engine`,
  tabId: crypto.randomUUID(),
  locks: { request: (name, hold) => navigator.locks.request(name, hold) },
  channel: new BroadcastChannel(`${NAME}/engine`),
  startEngine: async () => createPorch({ databaseName: NAME, fetchEngine }),
  pagePort: self,
  onFault(error, call) {
    // A bug of ours: the page says so, and this is where to look for it.
    // oxlint-disable-next-line no-console
    console.error(`A fault in ${call}`, error);
  },
});

async function fetchEngine(): Promise<(() => Promise<RunningEngine>) | null> {
  try {
    const [{ createEngine }, { createPrimitives }, { createFetchLine }] = await Promise.all([
      import("./engine.ts"),
      import("#crypto/primitives.ts"),
      import("./files/fetch-line.ts"),
    ]);
    return () => startEngine(createEngine, createPrimitives, createFetchLine);
  } catch {
    return null;
  }
}

async function startEngine(
  createEngine: typeof import("./engine.ts").createEngine,
  createPrimitives: typeof import("#crypto/primitives.ts").createPrimitives,
  createFetchLine: typeof import("./files/fetch-line.ts").createFetchLine,
): Promise<RunningEngine> {
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
    fileLine: createFetchLine((url, request) => fetch(url, request)),
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
