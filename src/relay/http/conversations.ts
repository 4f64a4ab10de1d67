/** Conversations as one account sees them: list, marks, members, groups. */
import { setImmediate as othersTurn } from "node:timers/promises";
import type { AccountId, ConversationId, UserId } from "#protocol/ids.ts";
import { ConversationBody, type Conversation } from "#protocol/rest.ts";
import { refuse } from "../failure.ts";
import type { Role } from "../log/log-store.ts";
import { inSlices, lastOfFull, SLICE } from "../store/slices.ts";
import {
  answer,
  answerPage,
  isoTime,
  pageSize,
  type Api,
  type RelayApp,
  type Route,
} from "./api.ts";
import { MAX_STREAMING_MEMBERS, MAX_UNREAD_COUNT } from "#protocol/limits.ts";

type Row = {
  readonly id: ConversationId;
  readonly type: Conversation["type"];
  readonly next_seq: number;
  readonly updated_at: number;
  readonly role: Role;
  readonly read_seq: number;
  readonly muted_until: number | null;
  readonly pinned: number;
  readonly archived: number;
  readonly left_seq: number | null;
  readonly members_can_invite: number;
  readonly join_approval: number;
  readonly group_key_version: number;
  readonly member_count: number;
  readonly unread: number;
  readonly delivered_seq: number;
  readonly relation_status: Conversation["relation_status"];
  readonly peer_id: AccountId | null;
  readonly peer_type: "human" | "agent" | null;
};

/** What is said of each costs some reads, so it is said of those of a page alone. */
const SAID = `SELECT conv.*, own.role, own.read_seq, own.muted_until, own.pinned, own.archived, own.left_seq,
  (SELECT count(*) FROM member WHERE member.conv = own.conv AND member.left_seq IS NULL) AS member_count,
  (SELECT count(*) FROM (SELECT 1 FROM entry WHERE entry.conv = own.conv AND seq > own.read_seq
     AND seq >= own.joined_seq AND counts = 1 AND sender_id <> own.account LIMIT ${MAX_UNREAD_COUNT}) AS counted) AS unread,
  coalesce((SELECT min(other.delivered_seq) FROM member AS other
     WHERE other.conv = own.conv AND other.account <> own.account AND other.left_seq IS NULL), 0) AS delivered_seq,
  (SELECT status FROM relations WHERE conversation_id = own.conv) AS relation_status,
  peer.account AS peer_id, peer.type AS peer_type
  FROM member AS own JOIN conv ON conv.id = own.conv
  LEFT JOIN member AS peer ON peer.conv = own.conv AND peer.account <> own.account AND conv.type <> 'group'`;

const ONE = `${SAID} WHERE own.account = ? AND conv.id = ?`;

/** Each may have a thousand unread entries to count. */
const SAID_AT_ONCE = 25;
// Pairs, because a server that knew the account alone would go through all that is its own.
const AMONG = `${SAID} WHERE (own.conv, own.account) IN (VALUES
  ${Array.from({ length: SAID_AT_ONCE }, () => "(?, ?)").join(", ")})`;

type Place = { readonly id: ConversationId; readonly updated_at: number };
type Page = { readonly ids: readonly ConversationId[]; readonly next: string | null };

// No index holds what each message changes, so the newest are found by looking at all, a slice at a time.
const PLACES = `SELECT id, updated_at FROM member JOIN conv ON id = member.conv
  WHERE account = ? AND member.conv > ? ORDER BY member.conv LIMIT ${SLICE}`;
const BY_ID = "SELECT conv AS id FROM member WHERE account = ? AND conv > ? ORDER BY conv LIMIT ?";

/** Negative when `a` is the newer one. */
const compareAge = (a: Place, b: Place): number =>
  b.updated_at - a.updated_at || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0);

/** The newest that are older than `cursor` says. */
async function pageByAge(
  { sql }: Api,
  account: AccountId,
  cursor: string,
  limit: number,
): Promise<Page> {
  const [at, id] = cursor.split(".");
  const isTold = at !== undefined && /^\d+$/.test(at);
  const end = { updated_at: isTold ? Number(at) : Number.MAX_SAFE_INTEGER, id: id ?? "" } as Place;
  const read = (after: string) => sql.all<Place>(PLACES, account, after);
  let newest: readonly Place[] = [];
  for await (const slice of inSlices(
    read,
    lastOfFull((place) => place.id),
  )) {
    const older = slice.filter((place) => compareAge(end, place) < 0);
    newest = [...newest, ...older].toSorted(compareAge).slice(0, limit);
  }
  const last = newest.at(-1);
  const isWhole = newest.length < limit || last === undefined;
  return {
    ids: newest.map((place) => place.id),
    next: isWhole ? null : `${last.updated_at}.${last.id}`,
  };
}

/** In the order of their ids: who wants all of them is given each once, however they move meanwhile. */
async function pageById(
  { sql }: Api,
  account: AccountId,
  cursor: string,
  limit: number,
): Promise<Page> {
  const ids = (await sql.all<{ id: ConversationId }>(BY_ID, account, cursor, limit)).map(
    ({ id }) => id,
  );
  return { ids, next: ids.length < limit ? null : (ids.at(-1) ?? null) };
}

const conversationOf = (row: Row): Conversation => ({
  conversation_id: row.id,
  type: row.type,
  peer:
    row.peer_id === null || row.peer_type === null
      ? null
      : { id: row.peer_id, type: row.peer_type },
  relation_status: row.relation_status,
  last_seq: Math.min(row.next_seq - 1, row.left_seq ?? Number.MAX_SAFE_INTEGER),
  read_seq: row.read_seq,
  delivered_seq: row.delivered_seq,
  unread_count: row.unread,
  muted_until: row.muted_until === null ? null : isoTime(row.muted_until),
  pinned: row.pinned === 1,
  archived: row.archived === 1,
  member_count: row.member_count,
  group:
    row.type === "group"
      ? {
          group_id: row.id,
          role: row.role,
          streaming: row.member_count <= MAX_STREAMING_MEMBERS,
          members_can_invite: row.members_can_invite === 1,
          join_approval: row.join_approval === 1,
          group_key_version: row.group_key_version,
        }
      : null,
  updated_at: isoTime(row.updated_at),
});

/** What is said of conversations of the account's, in the order they are named. */
async function readAmong(
  { sql }: Api,
  account: AccountId,
  ids: readonly ConversationId[],
): Promise<readonly Conversation[]> {
  const byId = new Map<ConversationId, Conversation>();
  for (let i = 0; i < ids.length; i += SAID_AT_ONCE) {
    if (i > 0) await othersTurn();
    // Always as many, so that it is one statement.
    const pairs = Array.from({ length: SAID_AT_ONCE }, (_, at) => [ids[i + at] ?? "", account]);
    for (const row of await sql.all<Row>(AMONG, ...pairs.flat()))
      byId.set(row.id, conversationOf(row));
  }
  return ids.flatMap((id) => byId.get(id) ?? []);
}

export async function readConversation(
  api: Api,
  id: ConversationId,
  accountId: AccountId,
): Promise<Conversation | null> {
  const row = await api.sql.get<Row>(ONE, accountId, id);
  return row === undefined ? null : conversationOf(row);
}

export function serveConversations(app: RelayApp, api: Api): void {
  app.get("/conversations", listConversations(api));
  app.get("/conversations/:id", readOne(api));
  app.patch("/conversations/:id", changeFlags(api));
  app.delete("/conversations/:id", hide(api));
  app.get("/conversations/:id/members", listMembers(api));
}

const listConversations = (api: Api): Route =>
  api.either(async (http, who) => {
    const pageOf = http.req.query("order") === "id" ? pageById : pageByAge;
    const cursor = http.req.query("cursor") ?? "";
    const { ids, next } = await pageOf(api, who.accountId, cursor, pageSize(http));
    return answerPage(await readAmong(api, who.accountId, ids), next);
  });

const readOne = (api: Api): Route =>
  api.either(async (http, who) => {
    const id = api.id<ConversationId>(http, "id");
    const conversation = id.ok ? await readConversation(api, id.value, who.accountId) : null;
    return conversation === null ? refuse("NOT_FOUND") : answer(conversation);
  });

const changeFlags = (api: Api): Route =>
  api.human(async (http, who) => {
    const id = api.id<ConversationId>(http, "id");
    if (!id.ok) return id;
    const body = await api.body(http, ConversationBody);
    if (!body.ok) return body;
    const { muted_until, pinned, archived } = body.value;
    const flagged = await api.writer.run("flagConversation", {
      conversationId: id.value,
      accountId: who.userId,
      mutedUntil: typeof muted_until === "string" ? Date.parse(muted_until) : muted_until,
      pinned,
      archived,
    });
    if (!flagged.ok) return flagged;
    return answer(await readConversation(api, id.value, who.userId));
  });

/** Off this account's list; the log and the others stay as they are. */
const hide = (api: Api): Route =>
  api.human(async (http, who) => {
    const id = api.id<ConversationId>(http, "id");
    if (!id.ok) return id;
    const hidden = await api.writer.run("flagConversation", {
      conversationId: id.value,
      accountId: who.userId,
      mutedUntil: undefined,
      pinned: undefined,
      archived: true,
    });
    return hidden.ok ? answer({}) : hidden;
  });

const listMembers = (api: Api): Route =>
  api.either(async (http, who) => {
    const id = api.id<ConversationId>(http, "id");
    if (!id.ok) return id;
    const members = (await api.log.members(id.value)).filter((member) => member.leftSeq === null);
    if (!members.some((member) => member.id === who.accountId)) return refuse("NOT_MEMBER");
    return answerPage(
      members.map(({ id: memberId, type, role, ownerId, joinedSeq }) => ({
        id: memberId,
        type,
        role,
        ...(ownerId === null ? {} : { owner_id: ownerId satisfies UserId }),
        joined_seq: joinedSeq,
      })),
    );
  });
