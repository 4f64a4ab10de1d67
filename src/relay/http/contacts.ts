/** Contact requests between people, and the list of those who accepted. */
import { makeId, type RelationId, type UserId } from "#protocol/ids.ts";
import { ContactAcceptBody, ContactRequestBody, type PublicUser } from "#protocol/rest.ts";
import { refuse } from "../failure.ts";
import { answer, answerPage, isoTime, type Api, type RelayApp, type Route } from "./api.ts";
import { decodeAll } from "./body-parts.ts";
import { everyRelation, relationOf } from "./relations.ts";
import { publicUser } from "./users.ts";

export function serveContacts(app: RelayApp, api: Api): void {
  app.get("/contacts", listContacts(api));

  app.get("/contacts/requests", listRequests(api));

  app.post("/contacts/requests", requestContact(api));

  app.post("/contacts/requests/:id/accept", acceptRequest(api));

  app.post("/contacts/requests/:id/decline", dropRequest(api));
}

const listContacts = (api: Api): Route =>
  api.human(async (_http, who) => {
    const relations = await everyRelation((after, limit) =>
      api.directory.relationsOf(who.userId, after, limit),
    );
    return answerPage(
      await Promise.all(
        relations
          .filter((row) => row.kind === "h2h")
          .map(async (row) => {
            const other = row.user_id === who.userId ? row.peer_user_id : row.user_id;
            const user = other === null ? null : await userOf(api, other);
            return { user, relation: relationOf(row) };
          }),
      ),
    );
  });

const listRequests = (api: Api): Route =>
  api.human(async (_http, who) => {
    const requests = await api.directory.contactRequestsOf(who.userId);
    return answerPage(
      await Promise.all(
        requests.map(async (row) => ({
          request_id: row.request_id,
          direction: row.to_id === who.userId ? "in" : "out",
          user: await userOf(api, row.to_id === who.userId ? row.from_id : row.to_id),
          note_sealed: row.note_sealed,
          created_at: isoTime(row.created_at),
        })),
      ),
    );
  });

const requestContact = (api: Api): Route =>
  api.human(async (http, who) => {
    const body = await api.body(http, ContactRequestBody);
    if (!body.ok) return body;
    const toId = body.value.user_id;
    const requested = await api.writer.run("requestContact", {
      now: api.clock.now(),
      requestId: makeId(api.clock.now(), api.random),
      fromId: who.userId,
      toId,
      noteSealed: body.value.note_sealed ?? null,
    });
    if (!requested.ok) return requested;
    const { requestId, isNew } = requested.value;
    if (isNew)
      api.relay.tell(toId, {
        type: "contact.requested",
        request_id: requestId,
        user_id: who.userId,
      });
    return answer({ request_id: requestId });
  }, 201);

const acceptRequest = (api: Api): Route =>
  api.human(async (http, who) => {
    const requestId = api.id(http, "id");
    if (!requestId.ok) return requestId;
    const body = await api.body(http, ContactAcceptBody);
    if (!body.ok) return body;
    const ledger = decodeAll(body.value.ledger);
    if (ledger === null) return refuse("BAD_REQUEST", { path: "ledger" });
    const asker = (await api.directory.contactRequest(requestId.value))?.from_id;
    const conversationId = body.value.conversation_id;
    const accepted = await api.writer.run("acceptContact", {
      now: api.clock.now(),
      requestId: requestId.value,
      userId: who.userId,
      relationId: makeId<RelationId>(api.clock.now(), api.random),
      conversationId,
      ledger,
    });
    if (!accepted.ok) return accepted;
    if (asker !== undefined) {
      api.relay.tell(asker, {
        type: "contact.accepted",
        request_id: requestId.value,
        user_id: who.userId,
        conversation_id: conversationId,
      });
    }
    return answer(relationOf(accepted.value));
  }, 201);

const dropRequest = (api: Api): Route =>
  api.human(async (http, who) => {
    const requestId = api.id(http, "id");
    if (!requestId.ok) return requestId;
    const dropped = await api.writer.run("dropContactRequest", {
      requestId: requestId.value,
      userId: who.userId,
    });
    return dropped.ok ? answer({}) : dropped;
  });

const userOf = async (api: Api, userId: UserId): Promise<PublicUser | null> => {
  const user = await api.directory.user(userId);
  return user === null ? null : publicUser(user);
};
