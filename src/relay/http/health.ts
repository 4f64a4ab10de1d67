/** Whether the relay can do its work, whether it should get more of it, and what it has counted. SPEC §operation. */
import { timingSafeEqual } from "node:crypto";
import type { Health } from "#protocol/rest.ts";
import { sha256 } from "../admission.ts";
import { refuse } from "../failure.ts";
import { RELAY_VERSION } from "../relay-version.ts";
import { utf8 } from "#base/bytes.ts";
import { respond, type Api, type Http, type RelayApp } from "./api.ts";
import { addressOf, bearerOf } from "./callers.ts";

const STATE_NUMBER = { ok: 0, read_only: 1, full: 2 } as const;

export function serveHealth(app: RelayApp, api: Api): void {
  app.get("/health", async (http) => {
    const storage = await probe(api);
    const status = storage === "ok" ? "ok" : "degraded";
    const health: Health = { status, version: RELAY_VERSION, storage };
    return http.json({ data: health }, storage === "ok" ? 200 : 503);
  });
  // What restarts a relay asks this: a disk or database that fails is not healed by another start.
  app.get("/live", (http) => http.json({ data: { live: true } }));
  app.get("/ready", async (http) => {
    const ready = !api.relay.stopping.aborted && (await probe(api)) === "ok";
    // Without its bus a node is slower to hear of others and works all the same.
    return http.json({ data: { ready, bus: api.bus.state() } }, ready ? 200 : 503);
  });
  app.get("/metrics", async (http) => {
    if (!mayReadMetrics(api, http)) return respond(http, refuse("FORBIDDEN"));
    api.relay.measure();
    api.metrics.set("storage_state", STATE_NUMBER[await probe(api)]);
    api.metrics.set("quarantined", api.log.damagedCount());
    api.metrics.set("log_bytes", await api.logBytes());
    api.metrics.set("blob_bytes", await api.uploads.confirmedBytes());
    api.metrics.set("build_info", 1, { version: RELAY_VERSION });
    return http.text(api.metrics.text(), 200, {
      "Content-Type": "text/plain; version=0.0.4; charset=utf-8",
    });
  });
}

// Only a page that is really written says whether the disk takes one.
async function probe(api: Api): Promise<Health["storage"]> {
  const done = await api.writer.run("probe", { now: api.clock.now() });
  if (done.ok) return "ok";
  return done.failure.code === "STORAGE_FULL" ? "full" : "read_only";
}

function mayReadMetrics(api: Api, http: Http): boolean {
  const token = api.metricsToken?.reveal();
  const isBearer =
    token !== undefined && timingSafeEqual(sha256(utf8(token)), sha256(utf8(bearerOf(http))));
  // A proxy on this machine calls from loopback too, but says for whom.
  const isProxied = http.req.header("x-forwarded-for") !== undefined;
  return isBearer || (!isProxied && isLoopback(addressOf(http, false)));
}

const isLoopback = (address: string): boolean =>
  address === "::1" || /^(::ffff:)?127\./.test(address);
