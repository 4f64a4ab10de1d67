/** Ways into an account beside its password: named by its devices, kept as hashes. SPEC P290. */
import { base64ToBytes } from "#base/base64.ts";
import { PutWayBody, type Way } from "#protocol/rest.ts";
import { sha256 } from "../admission.ts";
import { refuse } from "../failure.ts";
import { answer, answerPage, isoTime, type Api, type RelayApp, type Route } from "./api.ts";

export function serveWays(app: RelayApp, api: Api): void {
  app.get("/keys/ways", listWays(api));
  app.put("/keys/ways", putWay(api));
  app.delete("/keys/ways", dropWay(api));
}

const listWays = (api: Api): Route =>
  api.human(async (_http, who) => {
    const ways = await api.directory.waysOf(who.userId);
    return answerPage(
      ways.map(({ method, method_id, created_at }): Way => ({
        method,
        method_id,
        created_at: isoTime(created_at),
      })),
    );
  });

const putWay = (api: Api): Route =>
  api.human(async (http, who) => {
    const body = await api.body(http, PutWayBody);
    if (!body.ok) return body;
    const { method, method_id: methodId, auth_key, wrap } = body.value;
    const put = await api.writer.run("putWay", {
      now: api.clock.now(),
      userId: who.userId,
      method,
      methodId,
      authHash: sha256(base64ToBytes(auth_key) ?? new Uint8Array()),
      wrap,
    });
    return put.ok ? answer({}) : put;
  });

// An id is base64 and may hold what a path parts by, so it stands in the query.
const dropWay = (api: Api): Route =>
  api.human(async (http, who) => {
    const methodId = http.req.query("method_id");
    if (methodId === undefined) return refuse("BAD_REQUEST", { path: "method_id" });
    const dropped = await api.writer.run("dropWay", { userId: who.userId, methodId });
    return dropped.ok ? answer({}) : dropped;
  });
