/** Links by which an old device hands a new one what it needs: two sealed notes, five minutes, one use. */
import { DeviceLinkAnswerBody, DeviceLinkBody } from "#protocol/rest.ts";
import { makeCode } from "../admission.ts";
import { refuse } from "../failure.ts";
import { answer, type Api, type RelayApp } from "./api.ts";

const LINK_LIFETIME_S = 300;

const ticketOf = (id: string | undefined): string => `link ${id ?? ""}`;

export function serveDeviceLinks(app: RelayApp, api: Api): void {
  app.post(
    "/auth/device-links",
    api.open(async (http) => {
      const body = await api.body(http, DeviceLinkBody);
      if (!body.ok) return body;
      const link_id = makeCode(api.random, 18);
      const expiresAt = api.clock.now() + LINK_LIFETIME_S * 1_000;
      await api.tickets.put(
        ticketOf(link_id),
        { subject: body.value.ephemeral_key, content: null },
        expiresAt,
      );
      return answer({ link_id, expires_in_seconds: LINK_LIFETIME_S });
    }),
  );
  app.get(
    "/auth/device-links/:id",
    api.open(async (http) => {
      const id = ticketOf(http.req.param("id"));
      const link = await api.tickets.find(id);
      // Of two who ask for the answer one gets it.
      const taken = link?.content == null ? link : await api.tickets.take(id);
      return taken === null
        ? refuse("NOT_FOUND")
        : answer({ ephemeral_key: taken.subject, sealed: taken.content });
    }, "rest"),
  );
  app.put(
    "/auth/device-links/:id",
    api.human(async (http) => {
      const body = await api.body(http, DeviceLinkAnswerBody);
      if (!body.ok) return body;
      const id = ticketOf(http.req.param("id"));
      if (!(await api.tickets.fill(id, body.value.sealed))) return refuse("NOT_FOUND");
      return answer({});
    }),
  );
}
