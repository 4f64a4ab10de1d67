/**
 * Device links: four sealed notes between an old device and a new one, each put once, five minutes together. The new
 * one has no token yet; it may put one note, the second. SPEC P28.
 */
import { DeviceLinkBody, SealedNoteBody } from "#protocol/rest.ts";
import { MAX_NOTE_WAIT_S } from "#protocol/limits.ts";
import { refuse } from "../failure.ts";
import type { Ticket } from "../nodes/ticket-commands.ts";
import { answer, queryCount, type Api, type Answered, type Http, type RelayApp } from "./api.ts";

const LINK_LIFETIME_S = 300;
const OFFER = 1;
const ASK = 2;
const STEPS = [OFFER, ASK, 3, 4] as const;
/** The other end's note may be put at another node, so it is looked for. */
const LOOK_EVERY_MS = 500;

const noteTicket = (linkId: string, step: number): string => `link ${linkId} ${step}`;
/** Which link a device has open. */
const openTicket = (deviceId: string): string => `link of ${deviceId}`;
/** Who may answer, and who may close. */
const ownerOf = (userId: string, deviceId: string): string => `${userId} ${deviceId}`;

export function serveDeviceLinks(app: RelayApp, api: Api): void {
  const { tickets } = api;
  const idOf = (http: Http): string => http.req.param("id") ?? "";
  const stepOf = (http: Http): number => Number(http.req.param("step"));
  const find = (http: Http, step = stepOf(http)): Promise<Ticket | null> =>
    STEPS.some((one) => one === step)
      ? tickets.find(noteTicket(idOf(http), step))
      : Promise.resolve(null);
  const put = async (http: Http, step: number): Promise<Answered> => {
    const body = await api.body(http, SealedNoteBody);
    if (!body.ok) return body;
    const isPut = await tickets.fill(noteTicket(idOf(http), step), body.value.sealed);
    if (isPut) return answer({});
    return refuse((await find(http, step)) === null ? "NOT_FOUND" : "ID_TAKEN");
  };
  const close = async (linkId: string): Promise<void> => {
    for (const step of STEPS) await tickets.take(noteTicket(linkId, step));
  };

  app.post(
    "/auth/device-links",
    api.human(async (http, { userId, deviceId }) => {
      const body = await api.body(http, DeviceLinkBody);
      if (!body.ok) return body;
      const { link_id, sealed } = body.value;
      const before = await tickets.take(openTicket(deviceId));
      if (before !== null) await close(before.subject);
      if ((await tickets.find(noteTicket(link_id, OFFER))) !== null) return refuse("ID_TAKEN");
      const expiresAt = api.clock.now() + LINK_LIFETIME_S * 1_000;
      const subject = ownerOf(userId, deviceId);
      for (const step of STEPS) {
        const content = step === OFFER ? sealed : null;
        await tickets.put(noteTicket(link_id, step), { subject, content }, expiresAt);
      }
      await tickets.put(openTicket(deviceId), { subject: link_id, content: null }, expiresAt);
      return answer({ expires_in_seconds: LINK_LIFETIME_S });
    }, 201),
  );
  app.get(
    "/auth/device-links/:id/:step",
    api.open(async (http) => {
      const waitMs = Math.min(queryCount(http, "wait") ?? 0, MAX_NOTE_WAIT_S) * 1_000;
      const until = api.clock.now() + waitMs;
      const ends = AbortSignal.any([http.req.raw.signal, api.relay.stopping]);
      // Whoever comes second is told so before it shows an account to join.
      if (stepOf(http) === OFFER && (await find(http, ASK))?.content != null)
        return refuse("INVITE_EXPIRED");
      for (;;) {
        const note = await find(http);
        if (note === null) return refuse("NOT_FOUND");
        const isOver = api.clock.now() >= until || ends.aborted;
        if (note.content !== null || isOver) return answer({ sealed: note.content });
        await new Promise<void>((resolve) => {
          api.clock.after(LOOK_EVERY_MS, resolve);
        });
      }
    }),
  );
  app.put(
    `/auth/device-links/:id/${ASK}`,
    api.open((http) => put(http, ASK)),
  );
  app.put(
    "/auth/device-links/:id/:step",
    api.human(async (http, { userId, deviceId }) => {
      const note = await find(http);
      const isOwn = note?.subject === ownerOf(userId, deviceId);
      return isOwn && stepOf(http) > ASK ? put(http, stepOf(http)) : refuse("NOT_FOUND");
    }),
  );
  app.delete(
    "/auth/device-links/:id",
    api.human(async (http, { userId }) => {
      const note = await find(http, OFFER);
      if (note?.subject.startsWith(`${userId} `) !== true) return refuse("NOT_FOUND");
      await close(idOf(http));
      return answer({});
    }),
  );
}
