/** All routes of the relay, and what every answer has in common. SPEC P7. */
import { Hono, type Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { routePath } from "hono/route";
import type { HttpBindings } from "@hono/node-server";
import { MAX_BODY_BYTES } from "#protocol/limits.ts";
import { errorBody } from "../error-frame.ts";
import { refuse } from "../failure.ts";
import { factsOf } from "../json-log.ts";
import { secondsSince } from "../metrics.ts";
import type { OriginCheck } from "../origins.ts";
import { serveAgentSettings } from "./agent-settings.ts";
import { serveAgents } from "./agents.ts";
import { refusalCode } from "../store/fault.ts";
import { createApi, respond, type ApiNeeds, type RelayApp } from "./api.ts";
import { serveAuth } from "./auth.ts";
import { serveContacts } from "./contacts.ts";
import { serveConversations } from "./conversations.ts";
import { serveFiles } from "./files.ts";
import { serveGroups } from "./groups.ts";
import { serveHistoryNotes } from "./history-notes.ts";
import { serveHealth } from "./health.ts";
import { serveKeys } from "./keys.ts";
import { serveWays } from "./ways.ts";
import { serveLedgers } from "./ledgers.ts";
import { onceByKey } from "./idempotency.ts";
import { serveInvites } from "./invites.ts";
import { serveDeviceLinks } from "./device-links.ts";
import { serveManifests } from "./manifests.ts";
import { serveMessages } from "./messages.ts";
import { serveOffered } from "./offered.ts";
import { servePolling } from "./polling.ts";
import { servePush } from "./push.ts";
import { servePins } from "./pins.ts";
import { serveRelations } from "./relations.ts";
import { securityHeaders, type HeaderOptions } from "./security-headers.ts";
import { serveStaticFile } from "./static-files.ts";
import { serveUsers } from "./users.ts";

/** Paths that are the relay's own; every other one is the app's. */
const OWN_PATH =
  /^\/(auth|users|contacts|keys|agents|invites|relations|conversations|groups|files|push|ws|health|live|ready|metrics)(\/|$)/;

/** An address of the app that begins like one of the relay's: a reload may come here, where no worker answers for the app. */
const SHARED_PATH = "/contacts";

/** An upload's own bound is what was announced. */
const isUpload = (path: string): boolean => path.endsWith("/upload");

export function createApp(
  needs: ApiNeeds & {
    readonly origins: OriginCheck;
    readonly headers: HeaderOptions;
    /** Folder of the built app, or null. */
    readonly staticRoot: string | null;
  },
): RelayApp {
  const app = new Hono<{ Bindings: HttpBindings }>();
  const api = createApi(needs);
  const headers = Object.entries(securityHeaders(needs.headers));
  const tooLarge = (http: Context): Response =>
    respond(http, refuse("TOO_LARGE", { limit: MAX_BODY_BYTES }));
  const bounded = bodyLimit({ maxSize: MAX_BODY_BYTES, onError: tooLarge });
  const isOwn = (path: string): boolean => OWN_PATH.test(path);

  app.use(async (http, next) => {
    const startedAt = needs.clock.now();
    const { method, path } = http.req;
    const sizeBytes = Number(http.req.header("content-length") ?? 0);
    const changesState = method !== "GET" && method !== "HEAD" && method !== "OPTIONS";
    if (
      changesState &&
      !needs.origins.isAllowed(http.req.header("origin"), http.req.header("host"))
    ) {
      http.res = respond(http, refuse("ORIGIN_REFUSED"));
    } else if (sizeBytes > MAX_BODY_BYTES && !isUpload(path)) {
      http.res = tooLarge(http);
    } else {
      await next();
    }
    // The pattern, never the path: that one holds ids.
    const route = `${method} ${routePath(http, -1)}`;
    needs.metrics.count("http_requests_total", { route, status: http.res.status });
    needs.metrics.observe("http_seconds", secondsSince(needs.clock.now(), startedAt), { route });
    for (const [name, value] of headers) http.res.headers.set(name, value);
    if (isOwn(path)) http.res.headers.set("Cache-Control", "no-store");
  });

  // A length that was said is judged above, before the body is touched: so the connection can go on.
  app.use((http, next) =>
    http.req.header("content-length") !== undefined || isUpload(http.req.path)
      ? next()
      : bounded(http, next),
  );
  app.use(onceByKey(api));
  app.get(SHARED_PATH, async (http, next) => {
    const asksForPage = http.req.header("accept")?.includes("text/html") === true;
    if (!asksForPage || needs.staticRoot === null) return next();
    return (await serveStaticFile(needs.staticRoot, "/index.html")) ?? next();
  });
  serveHealth(app, api);
  serveAuth(app, api);
  serveUsers(app, api);
  serveContacts(app, api);
  serveDeviceLinks(app, api);
  serveHistoryNotes(app, api);
  serveKeys(app, api);
  serveWays(app, api);
  serveLedgers(app, api);
  serveOffered(app, api);
  serveAgents(app, api);
  serveAgentSettings(app, api);
  servePolling(app, api);
  serveInvites(app, api);
  serveRelations(app, api);
  serveManifests(app, api);
  serveMessages(app, api);
  serveConversations(app, api);
  servePins(app, api);
  serveGroups(app, api);
  serveFiles(app, api);
  servePush(app, api);

  app.notFound(async (http) => {
    const { path, method } = http.req;
    const file =
      needs.staticRoot === null || isOwn(path) || (method !== "GET" && method !== "HEAD")
        ? null
        : await serveStaticFile(needs.staticRoot, path);
    return file ?? http.json(errorBody(refuse("NOT_FOUND").failure), 404);
  });
  app.onError((fault, http) => {
    // Where, never what: a message could repeat what a caller sent.
    needs.events.error("http.bug", { route: routePath(http, -1), ...factsOf(fault) });
    return respond(http, refuse(refusalCode(fault)));
  });
  return app;
}
