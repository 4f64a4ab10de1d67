/**
 * History on its way between two devices of one person: sealed notes, a few at a time, that wait ten minutes for the
 * device they are for. They are put in order and taken out in order. SPEC P293.
 */
import type { DeviceId, UserId } from "#protocol/ids.ts";
import { MAX_WAITING_HISTORY_NOTES } from "#protocol/limits.ts";
import { SealedNoteBody } from "#protocol/rest.ts";
import { refuse, refuseFor } from "../failure.ts";
import { answer, answerPage, queryCount, type Api, type Http, type RelayApp } from "./api.ts";

const LIFETIME_MS = 600_000;
const RETRY_AFTER_MS = 1_000;
const SLICE = /^[0-9a-f]{32}$/;

const noteTicket = (deviceId: string, slice: string, index: number): string =>
  `history ${deviceId} ${slice} ${index}`;
/** The slice that is on its way to a device, and how many of its notes were put. */
const wayTicket = (deviceId: string): string => `history of ${deviceId}`;

type Way = { readonly slice: string; readonly count: number };

export function serveHistoryNotes(app: RelayApp, api: Api): void {
  const { tickets } = api;
  const isOwn = async (userId: UserId, deviceId: string): Promise<boolean> =>
    (await api.directory.devicesOf(userId)).some(
      (device) => device.device_id === deviceId && device.revoked_at === null,
    );
  const indexOf = (http: Http): number => Number(http.req.param("index"));
  const wayTo = async (deviceId: string): Promise<Way | null> => {
    const ticket = await tickets.find(wayTicket(deviceId));
    return ticket === null ? null : { slice: ticket.subject, count: Number(ticket.content) };
  };
  const setWay = async (deviceId: string, { slice, count }: Way): Promise<void> => {
    await tickets.take(wayTicket(deviceId));
    const ticket = { subject: slice, content: String(count) };
    await tickets.put(wayTicket(deviceId), ticket, api.clock.now() + LIFETIME_MS);
  };
  const drop = async (deviceId: string, { slice, count }: Way): Promise<void> => {
    await tickets.take(noteTicket(deviceId, slice, 0));
    const first = Math.max(1, count - MAX_WAITING_HISTORY_NOTES);
    for (let index = first; index < count; index++)
      await tickets.take(noteTicket(deviceId, slice, index));
  };

  app.put(
    "/users/me/devices/:id/history/:slice/:index",
    api.human(async (http, { userId }) => {
      const deviceId = api.id<DeviceId>(http, "id");
      const slice = http.req.param("slice") ?? "";
      const index = indexOf(http);
      const body = await api.body(http, SealedNoteBody);
      if (!deviceId.ok || !(await isOwn(userId, deviceId.value))) return refuse("NOT_FOUND");
      if (!body.ok) return body;
      if (!SLICE.test(slice)) return refuse("BAD_REQUEST", { path: "slice" });
      const to = deviceId.value;
      const way = await wayTo(to);
      const count = way?.slice === slice ? way.count : 0;
      // Put before: its answer was lost.
      if (index < count) return answer({});
      if (index !== count) return refuse("NOT_FOUND");
      if (index === 0 && way !== null) await drop(to, way);
      const oldest = index - MAX_WAITING_HISTORY_NOTES;
      if (oldest > 0 && (await tickets.find(noteTicket(to, slice, oldest))) !== null)
        return refuseFor("TOO_MANY_IN_FLIGHT", RETRY_AFTER_MS);
      const note = { subject: userId, content: body.value.sealed };
      const expiresAt = api.clock.now() + LIFETIME_MS;
      await tickets.put(noteTicket(to, slice, index), note, expiresAt);
      await setWay(to, { slice, count: index + 1 });
      api.relay.tell(userId, { type: "history.waiting", device_id: to });
      return answer({});
    }),
  );
  app.get(
    "/users/me/devices/:id/history/:slice/:index",
    api.human(async (http, { userId }) => {
      const deviceId = api.id<DeviceId>(http, "id");
      if (!deviceId.ok || !(await isOwn(userId, deviceId.value))) return refuse("NOT_FOUND");
      const name = noteTicket(deviceId.value, http.req.param("slice") ?? "", indexOf(http));
      return answer({ waiting: (await tickets.find(name)) !== null });
    }),
  );
  app.get(
    "/users/me/history",
    api.human(async (http, { deviceId }) => {
      const way = await wayTo(deviceId);
      if (way === null) return answerPage([]);
      const from = queryCount(http, "from") ?? 0;
      const first = Math.max(from, way.count - MAX_WAITING_HISTORY_NOTES);
      // The head, where it is asked for, then the first part that is there.
      const places = [...(from === 0 ? [0] : []), ...range(Math.max(1, first), way.count)];
      for (const index of places) {
        const note = await tickets.find(noteTicket(deviceId, way.slice, index));
        if (note?.content != null)
          return answerPage([{ slice_id: way.slice, index, sealed: note.content }]);
      }
      return answerPage([]);
    }),
  );
  app.delete(
    "/users/me/history/:slice/:index",
    api.human(async (http, { deviceId }) => {
      const slice = http.req.param("slice") ?? "";
      const taken = await tickets.take(noteTicket(deviceId, slice, indexOf(http)));
      return taken === null ? refuse("NOT_FOUND") : answer({});
    }),
  );
}

const range = (from: number, to: number): readonly number[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, at) => from + at);
