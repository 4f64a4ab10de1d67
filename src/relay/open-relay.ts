/** A whole relay from its options, but for its way to the network: database, log, live core and REST. */
import { createHmac } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { systemClock, type Clock } from "#base/clock.ts";
import { silentLog, type Log } from "#base/log.ts";
import type { Bytes } from "#base/bytes.ts";
import { systemRandom, type RandomBytes } from "#base/random.ts";
import { makeId } from "#protocol/ids.ts";
import { Secret } from "#base/secret.ts";
import { createAtRest } from "./at-rest.ts";
import { createAdmission } from "./admission.ts";
import type { BlobStore } from "./blobs/blob-store.ts";
import type { S3Place } from "./blobs/s3-blobs.ts";
import { createDiskBlobs } from "./blobs/disk-blobs.ts";
import { createUploads, type Uploads } from "./blobs/uploads.ts";
import type { EphemeralBus } from "./bus/bus.ts";
import type { BusNeeds } from "./bus/redis-bus.ts";
import { createMemoryBus } from "./bus/memory-bus.ts";
import { BLOB_FOLDER, DATABASE_FILE, KEY_FILE } from "./data-folder.ts";
import { createDirectory } from "./directory/directory.ts";
import { createEndings } from "./directory/endings.ts";
import { createApp } from "./http/app.ts";
import { DEFAULT_RATES, type Rates } from "./live/rates.ts";
import { factsOf } from "./json-log.ts";
import { createMetrics } from "./metrics.ts";
import { createSqlLog } from "./log/sql-log.ts";
import { createOutbound } from "./outbound.ts";
import type { OriginCheck } from "./origins.ts";
import { createMemoryTickets, createStoredTickets } from "./nodes/tickets.ts";
import { Notifier } from "./push/notifier.ts";
import { createVapid } from "./push/web-push.ts";
import { Relay } from "./relay.ts";
import { loadKey, UnfitKey } from "./relay-key.ts";
import { openStore, placeOf } from "./store/open-store.ts";
import type { Writer } from "./store/writer.ts";
import { createGovernance } from "./webhook/governance.ts";
import { Webhooks } from "./webhook/webhooks.ts";

export type RelayOptions = {
  /** Folder of everything that must survive; made when missing. */
  readonly dataFolder: string;
  /** Whether the commits of the file wait for the disk in a thread or on this one, which is for tools and tests. */
  readonly writes?: "in-thread" | "here";
  /** `postgres://` address of the database; none: a file in the data folder. */
  readonly database?: Secret<string> | null;
  /** 0: any free port. */
  readonly port?: number;
  readonly host?: string;
  /** Origins of the pages that may talk to it; none: loopback on its own port. */
  readonly origins?: readonly string[];
  /** Folder of the built app; none: only the API. */
  readonly staticRoot?: string | null;
  readonly registration?: {
    readonly policy: "open" | "invite" | "closed";
    readonly code: string | null;
  };
  readonly connectSources?: readonly string[];
  readonly artifactOrigin?: string | null;
  /** Believe the last address of `X-Forwarded-For`: only behind a proxy of one's own. */
  readonly trustsProxy?: boolean;
  /** Who brings it may read `/metrics` from another machine. */
  readonly metricsToken?: Secret<string> | null;
  /** Webhooks and push services may be plain http and on this machine; for development. */
  readonly allowsPrivateTargets?: boolean;
  /** Where files go; none: into the data folder. */
  readonly s3?: S3Place | null;
  /** Whether other relays stand on the same database; by default they may when it is PostgreSQL. */
  readonly isShared?: boolean;
  /** The key of all relays of the database, 32 bytes; none: the one in the data folder. */
  readonly key?: Secret<Bytes> | null;
  /** Redis by which several relays hear each other at once; none: this one is alone. */
  readonly redis?: Secret<string> | null;
  readonly rates?: Partial<Rates>;
  readonly clock?: Clock;
  readonly random?: RandomBytes;
  readonly log?: Log;
};

export type OpenRelay = {
  readonly relay: Relay;
  readonly app: ReturnType<typeof createApp>;
  /** Begins what is done by the clock; the returned function ends it. */
  start(): () => void;
  /** Tells every endpoint to come back, writes what is pending. */
  sayGoodbye(): Promise<void>;
  /** Once nobody asks any more. */
  close(): Promise<void>;
};

const TICK_MS = 1_000;
const SWEEP_MS = 600_000;
const END_MS = 60_000;
/** When the endpoints of a closing relay try again. */
const RETRY_AFTER_S = 2;

/**
 * Opens all of a relay but its way to the network. Rejects when the folder cannot be used.
 * What it offers works at once; what it does by the clock begins with `start`.
 */
export async function openRelay(options: RelayOptions, origins: OriginCheck): Promise<OpenRelay> {
  const { clock = systemClock, random = systemRandom, log: events = silentLog } = options;
  const folder = resolve(options.dataFolder);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const place = placeOf(options.database, join(folder, DATABASE_FILE), options.writes);
  const store = await openStore(place, { clock, random, log: events });
  const { writer, sql } = store;
  const log = await createSqlLog(writer, sql, clock, events);
  const directory = createDirectory(sql);
  await log.orphanStreams(clock.now());

  const isShared = options.isShared ?? options.database != null;
  const secret = new Secret(options.key?.reveal() ?? loadKey(join(folder, KEY_FILE)));
  if (isShared) await checkKey(writer, secret);
  const tickets = isShared ? createStoredTickets(writer, sql, clock) : createMemoryTickets(clock);
  const who = { directory, clock, random, tickets, secret };
  const admission = createAdmission({ ...who, origins: origins.list });
  const rates: Rates = { ...DEFAULT_RATES, ...options.rates };
  const blobs = await openBlobs(options.s3 ?? null, join(folder, BLOB_FOLDER), { clock, random });
  const metrics = createMetrics();
  const shared = { log, directory, admission, clock, random, events, rates, metrics };
  const busNeeds = { channel: log.epoch, clock, events, metrics, random };
  const bus = await openBus(options.redis ?? null, busNeeds);
  const relay = new Relay({ ...shared, bus, ...(isShared ? { shared: store } : {}) });
  await relay.together?.start();
  const allowsPrivateTargets = options.allowsPrivateTargets ?? false;
  const atRest = createAtRest(secret);
  const outbound = createOutbound(clock, allowsPrivateTargets);
  const govern = createGovernance({ writer, directory, relay });
  const webhooks = new Webhooks({
    ...shared,
    onGrown: (listener) => relay.onGrown(listener),
    outbound,
    atRest,
    govern,
  });
  const vapid = await createVapid(secret, subjectOf(options.origins ?? []));
  const notifier = new Notifier({ ...shared, writer, outbound, vapid });
  const endings = createEndings({ ...shared, writer });
  const uploads = createUploads(sql, writer, blobs, clock);
  const app = createApp({
    ...shared,
    relay,
    bus,
    tickets,
    sql,
    writer,
    endings,
    blobs,
    uploads,
    webhooks,
    atRest,
    vapid,
    allowsPrivateTargets,
    origins,
    registration: options.registration ?? { policy: "open", code: null },
    trustsProxy: options.trustsProxy ?? false,
    metricsToken: options.metricsToken ?? null,
    logBytes: () => store.sizeBytes(),
    secureCookies: origins.list().some((origin) => origin.startsWith("https:")),
    headers: {
      connectSources: options.connectSources ?? [],
      artifactOrigin: options.artifactOrigin ?? null,
    },
    staticRoot: options.staticRoot == null ? null : resolve(options.staticRoot),
  });
  return {
    relay,
    app,
    start: () => startDuties({ relay, webhooks, uploads, endings }, clock, events),
    async sayGoodbye() {
      await relay.stop(RETRY_AFTER_S);
      await Promise.all([webhooks.stop(), notifier.stop()]);
    },
    async close() {
      await endings.stop();
      await bus.close();
      await store.close();
    },
  };
}

function startDuties(
  parts: {
    readonly relay: Relay;
    readonly webhooks: Webhooks;
    readonly uploads: Uploads;
    readonly endings: ReturnType<typeof createEndings>;
  },
  clock: Clock,
  events: Log,
): () => void {
  const { relay, webhooks, uploads, endings } = parts;
  const stopDelivering = deliverOnce(relay, webhooks, clock);
  const stopTicking = every(clock, TICK_MS, ticking(relay, clock));
  const stopSweeping = every(clock, SWEEP_MS, () => {
    const swept = uploads.sweep(clock.now());
    void swept.catch((fault: unknown) => events.warn("sweep.failed", factsOf(fault)));
  });
  const stopEnding = every(clock, END_MS, () => void endings.goOn());
  void endings.goOn();
  return () => {
    stopEnding();
    stopTicking();
    stopDelivering();
    stopSweeping();
  };
}

// Of several relays one delivers to webhooks: whoever takes the chore, and another one when that one is gone.
function deliverOnce(relay: Relay, webhooks: Webhooks, clock: Clock): () => void {
  const { together } = relay;
  if (together === null) {
    webhooks.start();
    return () => undefined;
  }
  let isOurs = false;
  const look = async (): Promise<void> => {
    if (isOurs) return;
    isOurs = await together.takeChore("webhooks").catch(() => false);
    if (isOurs) webhooks.start();
  };
  const offs = [
    relay.onBuried(() => {
      isOurs = false;
      webhooks.rest();
    }),
    relay.onAgentChanged((agentId) => webhooks.wake(agentId)),
    every(clock, TICK_MS, () => void look()),
  ];
  void look();
  return () => {
    for (const off of offs) off();
  };
}

/** Relays with different keys would refuse each other's tokens and lose each other's secrets. */
async function checkKey(writer: Writer, secret: Secret<Bytes>): Promise<void> {
  const check = createHmac("sha256", secret.reveal()).update("key-check").digest("hex");
  const isSame = await writer.run("checkKey", { check });
  if (!isSame.ok || !isSame.value) throw new UnfitKey("another");
}

// Packages that a relay alone on its machine has no use for are not even read.
async function openBlobs(
  place: S3Place | null,
  folder: string,
  needs: { readonly clock: Clock; readonly random: RandomBytes },
): Promise<BlobStore> {
  if (place === null) return createDiskBlobs(folder);
  const { createS3Blobs } = await import("./blobs/s3-blobs.ts");
  return createS3Blobs(place, needs);
}

async function openBus(
  redis: Secret<string> | null,
  needs: Omit<BusNeeds, "address" | "nodeId"> & {
    readonly random: RandomBytes;
  },
): Promise<EphemeralBus> {
  if (redis === null) return createMemoryBus();
  const { openRedisBus } = await import("./bus/redis-bus.ts");
  const nodeId: string = makeId(needs.clock.now(), needs.random);
  const channel = `parley:${needs.channel}`;
  return openRedisBus({ ...needs, channel, nodeId, address: redis.reveal() });
}

// Push services want somebody to turn to; a relay nobody reaches from outside has nobody.
const subjectOf = (origins: readonly string[]): string =>
  origins.find((origin) => origin.startsWith("https:")) ?? "mailto:operator@localhost";

/** Never twice in a row: on a machine that is always late the silent are found, too. SPEC R62. */
function ticking(relay: Pick<Relay, "tick">, clock: Clock): () => void {
  let [tickedAt, stoodStill] = [clock.now(), false];
  return () => {
    const now = clock.now();
    stoodStill = !stoodStill && now - tickedAt >= 2 * TICK_MS;
    tickedAt = now;
    relay.tick(stoodStill);
  };
}

/** Repeats a task until the returned function is called. */
function every(clock: Clock, periodMs: number, task: () => void): () => void {
  let cancel = clock.after(periodMs, function again() {
    task();
    cancel = clock.after(periodMs, again);
  });
  return () => cancel();
}
