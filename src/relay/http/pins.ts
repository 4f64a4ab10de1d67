/** Pinned messages of a conversation. */
import type { ConversationId, MessageId } from "#protocol/ids.ts";
import { refuse } from "../failure.ts";
import { answer, answerPage, isoTime, type Api, type RelayApp, type Route } from "./api.ts";

export function servePins(app: RelayApp, api: Api): void {
  app.get("/conversations/:id/pins", listPins(api));
  app.put("/conversations/:id/pins/:mid", setPin(api, true));
  app.delete("/conversations/:id/pins/:mid", setPin(api, false));
}

const listPins = (api: Api): Route =>
  api.either(async (http, who) => {
    const id = api.id<ConversationId>(http, "id");
    if (!id.ok) return id;
    if (!(await api.directory.isMember(id.value, who.accountId))) return refuse("NOT_MEMBER");
    const rows = await api.sql.all<{ msg_id: MessageId; pinned_by: string; at: number }>(
      "SELECT msg_id, pinned_by, at FROM pin WHERE conv = ? ORDER BY at, msg_id",
      id.value,
    );
    return answerPage(
      rows.map((row) => ({
        message_id: row.msg_id,
        pinned_by: row.pinned_by,
        pinned_at: isoTime(row.at),
      })),
    );
  });

const setPin = (api: Api, pinned: boolean): Route =>
  api.either(async (http, who) => {
    const id = api.id<ConversationId>(http, "id");
    const messageId = api.id<MessageId>(http, "mid");
    if (!id.ok) return id;
    if (!messageId.ok) return messageId;
    const done = await api.writer.run("pinMessage", {
      now: api.clock.now(),
      conversationId: id.value,
      messageId: messageId.value,
      by: who.accountId,
      pinned,
    });
    return done.ok ? answer({}) : done;
  });
