/**
 * A whole relay from its options: database, log, live core, REST and sockets on one port.
 * What the command line, the launcher and the tests all start.
 */
import { createHmac } from "node:crypto";
import { mkdirSync } from "node:fs";
import type { IncomingMessage, Server } from "node:http";
import { join, resolve } from "node:path";
import { createAdaptorServer } from "@hono/node-server";
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
import { createUploads } from "./blobs/uploads.ts";
import type { EphemeralBus } from "./bus/bus.ts";
import type { BusNeeds } from "./bus/redis-bus.ts";
import { createMemoryBus } from "./bus/memory-bus.ts";
import { BLOB_FOLDER, DATABASE_FILE, KEY_FILE } from "./data-folder.ts";
import { createDirectory } from "./directory/directory.ts";
import { createEndings } from "./directory/endings.ts";
import { createApp } from "./http/app.ts";
import { OFFERED_INVITES_FILE } from "./http/offered.ts";
import { DEFAULT_RATES, type Rates } from "./live/rates.ts";
import { factsOf } from "./json-log.ts";
import { createMetrics } from "./metrics.ts";
import { createSqlLog } from "./log/sql-log.ts";
import { createOutbound } from "./outbound.ts";
import { createOriginCheck, type OriginCheck } from "./origins.ts";
import { createMemoryTickets, createStoredTickets } from "./nodes/tickets.ts";
import { Notifier } from "./push/notifier.ts";
import { createVapid } from "./push/web-push.ts";
import { Relay } from "./relay.ts";
import { loadKey, UnfitKey } from "./relay-key.ts";
import { openStore, placeOf } from "./store/open-store.ts";
import type { Writer } from "./store/writer.ts";
import { createGovernance } from "./webhook/governance.ts";
import { Webhooks } from "./webhook/webhooks.ts";
import { attachSockets } from "./ws-server.ts";

export type RelayOptions = {
  /** Folder of everything that must survive; made when missing. */
  readonly dataFolder: string;
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

export type RunningRelay = {
  readonly url: string;
  readonly port: number;
  /** Tells every endpoint to come back, writes what is pending, stops. */
  close(): Promise<void>;
};

const TICK_MS = 1_000;
const SWEEP_MS = 600_000;
const END_MS = 60_000;
/** How long a closing relay waits for requests it has taken. */
const REQUEST_LIMIT_MS = 5_000;
/** When the endpoints of a closing relay try again. */
const RETRY_AFTER_S = 2;
/** Longer than proxies keep a quiet connection (60 s): who closes it first must not be we, while they write into it. */
const KEEP_ALIVE_MS = 75_000;

/** Creates and starts a relay. Rejects when the port is taken or the folder cannot be used. */
export async function createRelayServer(options: RelayOptions): Promise<RunningRelay> {
  const { clock = systemClock, host = "127.0.0.1", log: events = silentLog } = options;
  let port = options.port ?? 0;
  const origins = createOriginCheck(options.origins ?? [], () => port);
  const { store, bus, relay, endings, uploads, webhooks, notifier, app } = await openRelay(
    options,
    origins,
  );
  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  const addressOf = (request: IncomingMessage): string =>
    callerAddress(request, options.trustsProxy ?? false);
  const closeConnections = closingOnceIdle(server);
  const detachSockets = attachSockets(server, { relay, origins, addressOf });
  port = await listen(server, port, host);

  const stopDelivering = deliverOnce(relay, webhooks, clock);
  const stopTicking = every(clock, TICK_MS, ticking(relay, clock));
  const stopSweeping = every(clock, SWEEP_MS, () => {
    const swept = uploads.sweep(clock.now());
    void swept.catch((fault: unknown) => events.warn("sweep.failed", factsOf(fault)));
  });
  const stopEnding = every(clock, END_MS, () => void endings.goOn());
  void endings.goOn();
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${port}`,
    port,
    async close() {
      stopTicking();
      stopDelivering();
      stopSweeping();
      stopEnding();
      const closed = closeConnections();
      await relay.stop(RETRY_AFTER_S);
      await Promise.all([webhooks.stop(), notifier.stop()]);
      detachSockets();
      // Requests that were taken are answered; one that hangs ends the wait.
      const cut = clock.after(REQUEST_LIMIT_MS, () => server.closeAllConnections());
      await closed;
      cut();
      await endings.stop();
      await bus.close();
      await store.close();
    },
  };
}

/** Closes the server. Node ends connections that are idle by then; those that become so later are ended too. */
function closingOnceIdle(server: Server): () => Promise<void> {
  let isClosing = false;
  const look = (): void => {
    if (isClosing) server.closeIdleConnections();
  };
  server.on("request", (request, response) => {
    request.once("close", look);
    response.once("close", look);
  });
  return () => {
    isClosing = true;
    return new Promise((done) => server.close(() => done()));
  };
}

async function openRelay(options: RelayOptions, origins: OriginCheck) {
  const { clock = systemClock, random = systemRandom, log: events = silentLog } = options;
  const folder = resolve(options.dataFolder);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const place = placeOf(options.database, join(folder, DATABASE_FILE));
  const store = await openStore(place, { clock, random, log: events });
  const { writer, sql } = store;
  const log = await createSqlLog(writer, sql, clock, events);
  const directory = createDirectory(sql);
  await log.orphanStreams(clock.now());

  const isShared = options.isShared ?? options.database != null;
  const secret = new Secret(options.key?.reveal() ?? loadKey(join(folder, KEY_FILE)));
  if (isShared) await checkKey(writer, secret);
  const tickets = isShared ? createStoredTickets(writer, sql, clock) : createMemoryTickets(clock);
  const admission = createAdmission({
    directory,
    clock,
    random,
    tickets,
    secret,
    origins: origins.list,
  });
  const rates: Rates = { ...DEFAULT_RATES, ...options.rates };
  const blobs = await openBlobs(options.s3 ?? null, join(folder, BLOB_FOLDER), { clock, random });
  const metrics = createMetrics();
  const shared = { log, directory, admission, clock, random, events, rates, metrics };
  const bus = await openBus(options.redis ?? null, {
    channel: log.epoch,
    clock,
    events,
    metrics,
    random,
  });
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
    offeredFile: join(folder, OFFERED_INVITES_FILE),
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
  return { store, bus, relay, endings, uploads, webhooks, notifier, app };
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

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((done, fail) => {
    server.once("error", fail);
    server.listen(port, host, () => {
      server.off("error", fail);
      const address = server.address();
      done(typeof address === "object" && address !== null ? address.port : port);
    });
  });
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

function callerAddress(request: IncomingMessage, trustsProxy: boolean): string {
  const forwarded = trustsProxy ? request.headers["x-forwarded-for"] : undefined;
  const named =
    String(forwarded ?? "")
      .split(",")
      .at(-1)
      ?.trim() ?? "";
  return named === "" ? (request.socket.remoteAddress ?? "") : named;
}
