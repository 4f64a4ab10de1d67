/** A conversation's entries over REST: pages of history, sending without a socket, marks, recalls. */
import { ok, type Result } from "#base/result.ts";
import { isUuid, type ConversationId, type MessageId } from "#protocol/ids.ts";
import type { EndpointFrameOf } from "#protocol/endpoint-frame.ts";
import { ReadBody, RecallBody, SendBody } from "#protocol/rest.ts";
import { refuse, type RelayFailure } from "../failure.ts";
import { entryToFrame } from "../log/entry-frame.ts";
import type { Appended } from "../log/log-store.ts";
import {
  answer,
  answerPage,
  isoTime,
  pageSize,
  type Answered,
  type Api,
  type Http,
  type RelayApp,
  type Route,
} from "./api.ts";
import { humanPrincipal } from "./callers.ts";

/** Bytes of envelopes in one page; a page may hold fewer entries than asked for. */
const PAGE_BYTES = 4_194_304;

/** A stored message's ack, as REST spells it. */
export const ackOf = (
  frame: Pick<EndpointFrameOf<"message.send">, "conversation_id" | "client_message_id">,
  stored: Result<Appended, RelayFailure>,
): Answered =>
  stored.ok
    ? answer({
        conversation_id: frame.conversation_id,
        client_message_id: frame.client_message_id,
        message_id: frame.client_message_id,
        conversation_seq: stored.value.seq,
        created_at: isoTime(stored.value.at),
        ...(stored.value.duplicate ? { duplicate: true } : {}),
      })
    : stored;

export function serveMessages(app: RelayApp, api: Api): void {
  app.get("/conversations/:id/messages", readHistory(api));

  app.post("/conversations/:id/messages", sendMessage(api));

  app.post("/conversations/:id/messages/:mid/recall", recallMessage(api));

  app.post("/conversations/:id/read", markRead(api));
}

type Bounds = { readonly after: number | null; readonly before: number | null };

async function boundsOf(
  api: Api,
  http: Http,
  conversationId: ConversationId,
): Promise<Result<Bounds, RelayFailure>> {
  const seqOf = async (text: string | undefined): Promise<number | null> => {
    if (text === undefined) return null;
    return isUuid(text)
      ? (api.log.seqOf(conversationId, text as string as MessageId) ?? null)
      : /^\d{1,15}$/.test(text)
        ? Number(text)
        : null;
  };
  const afterText = http.req.query("after");
  const beforeText = http.req.query("before");
  const after = await seqOf(afterText);
  const before = await seqOf(beforeText);
  const isLost =
    (afterText !== undefined && after === null) || (beforeText !== undefined && before === null);
  return isLost ? refuse("NOT_FOUND") : ok({ after, before });
}

const readHistory = (api: Api): Route =>
  api.either(async (http, who) => {
    const id = api.id<ConversationId>(http, "id");
    if (!id.ok) return id;
    const member = (await api.log.members(id.value)).find((row) => row.id === who.accountId);
    if (member === undefined) return refuse("NOT_MEMBER");
    const bounds = await boundsOf(api, http, id.value);
    if (api.log.isDamaged(id.value)) return refuse("STORAGE_FAILED");
    if (!bounds.ok) return bounds;
    const { after, before } = bounds.value;
    const upwards = after !== null;
    const limit = pageSize(http);
    const firstHidden = (member.leftSeq ?? Number.MAX_SAFE_INTEGER - 1) + 1;
    const entries = await api.log.page({
      conversationId: id.value,
      after: upwards ? Math.max(after, member.joinedSeq - 1) : null,
      before: Math.min(before ?? Number.MAX_SAFE_INTEGER, firstHidden),
      maxEntries: limit,
      maxBytes: PAGE_BYTES,
    });
    if (api.log.isDamaged(id.value)) return refuse("STORAGE_FAILED");
    const visible = entries.filter((entry) => entry.seq >= member.joinedSeq);
    const edge = upwards ? visible.at(-1)?.seq : visible[0]?.seq;
    const isEnd =
      edge === undefined || (upwards ? entries.length < limit : edge <= member.joinedSeq);
    return answerPage(
      visible.map((entry) => entryToFrame(entry, false)),
      isEnd ? null : String(edge),
    );
  });

const sendMessage = (api: Api): Route =>
  api.human(async (http, who) => {
    const id = api.id<ConversationId>(http, "id");
    if (!id.ok) return id;
    const body = await api.body(http, SendBody);
    if (!body.ok) return body;
    const frame = { type: "message.send", conversation_id: id.value, ...body.value } as const;
    return ackOf(frame, await api.relay.posting.post(humanPrincipal(who), frame, null));
  }, 201);

const recallMessage = (api: Api): Route =>
  api.either(async (http, who) => {
    const id = api.id<ConversationId>(http, "id");
    const messageId = api.id<MessageId>(http, "mid");
    if (!id.ok) return id;
    if (!messageId.ok) return messageId;
    const body = await api.body(http, RecallBody);
    if (!body.ok) return body;
    const frame = {
      type: "message.recall",
      conversation_id: id.value,
      message_id: messageId.value,
      ...body.value,
    } as const;
    const stored = await api.relay.posting.post(who, frame, null);
    if (!stored.ok) return stored;
    const [entry] = await api.log.page({
      conversationId: id.value,
      after: stored.value.seq - 1,
      before: stored.value.seq + 1,
      maxEntries: 1,
      maxBytes: PAGE_BYTES,
    });
    return entry === undefined ? refuse("INTERNAL") : answer(entryToFrame(entry, false));
  });

const markRead = (api: Api): Route =>
  api.human(async (http, who) => {
    const id = api.id<ConversationId>(http, "id");
    if (!id.ok) return id;
    const body = await api.body(http, ReadBody);
    if (!body.ok) return body;
    const marked = await api.relay.markRead(who.userId, id.value, body.value.seq);
    return marked.ok ? answer({ read_seq: marked.value.readSeq }) : marked;
  });
