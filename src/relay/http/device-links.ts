/** Links by which an old device hands a new one what it needs: two sealed notes, five minutes, one use. */
import { ok, type Result } from "#base/result.ts";
import { DeviceLinkAnswerBody, DeviceLinkBody } from "#protocol/rest.ts";
import { makeCode } from "../admission.ts";
import { refuse, type RelayFailure } from "../failure.ts";
import { answer, type Api, type Http, type RelayApp } from "./api.ts";

const LINK_LIFETIME_S = 300;

// Links live five minutes and are used once, so memory is the right place for them.
export function serveDeviceLinks(app: RelayApp, api: Api): void {
  const linkById = new Map<
    string,
    { ephemeralKey: string; sealed: string | null; expiresAt: number }
  >();
  const find = (
    http: Http,
  ): Result<[string, { ephemeralKey: string; sealed: string | null }], RelayFailure> => {
    for (const [id, link] of linkById) if (link.expiresAt <= api.clock.now()) linkById.delete(id);
    const id = http.req.param("id") ?? "";
    const link = linkById.get(id);
    return link === undefined ? refuse("NOT_FOUND") : ok([id, link]);
  };

  app.post(
    "/auth/device-links",
    api.open(async (http) => {
      const body = await api.body(http, DeviceLinkBody);
      if (!body.ok) return body;
      const link_id = makeCode(api.random, 18);
      const expiresAt = api.clock.now() + LINK_LIFETIME_S * 1_000;
      linkById.set(link_id, { ephemeralKey: body.value.ephemeral_key, sealed: null, expiresAt });
      return answer({ link_id, expires_in_seconds: LINK_LIFETIME_S });
    }),
  );
  app.get(
    "/auth/device-links/:id",
    api.open((http) => {
      const found = find(http);
      if (!found.ok) return found;
      const [id, { ephemeralKey, sealed }] = found.value;
      if (sealed !== null) linkById.delete(id);
      return answer({ ephemeral_key: ephemeralKey, sealed });
    }, "rest"),
  );
  app.put(
    "/auth/device-links/:id",
    api.human(async (http) => {
      const body = await api.body(http, DeviceLinkAnswerBody);
      const found = find(http);
      if (!body.ok) return body;
      if (!found.ok) return found;
      found.value[1].sealed = body.value.sealed;
      return answer({});
    }),
  );
}
