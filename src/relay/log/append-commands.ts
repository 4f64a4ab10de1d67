/** Writes to a conversation's log by its members and, about streams and artifacts, by the relay itself. */
import { ok, type Result } from "#base/result.ts";
import { errorI18nKey, ERROR_CODES, type ErrorCode } from "#protocol/error-codes.ts";
import type { AccountId, ConversationId, StreamId } from "#protocol/ids.ts";
import { MAX_ARTIFACT_UPDATES, MAX_LIVE_STREAMS, MAX_STREAMING_MEMBERS } from "#protocol/limits.ts";
import { refuse, type RelayFailure } from "../failure.ts";
import type { Sql } from "../store/sql.ts";
import type { Command, Transaction } from "../store/transaction.ts";
import type { Appended, AppendRequest, NewEntry, RecallRequest } from "./log-store.ts";

export const appendMessage: Command<AppendRequest, Appended> = async (tx, request) => {
  const { entry, now } = request;
  const answer = answerBefore(entry, await readStanding(tx.sql, entry));
  if (answer !== null) return answer;
  const stream = request.stream === null ? ok(null) : await moveStream(tx, request, request.stream);
  if (!stream.ok) return stream;
  const artifact =
    request.artifact === null ? ok(null) : await guardArtifact(tx, request, request.artifact);
  if (!artifact.ok) return artifact;
  const { seq, at } = await tx.append(entry, now);
  const rightful = await checkPlace(tx, request.origin);
  return rightful.ok ? ok({ seq, at, duplicate: false }) : rightful;
};

type RecallableRow = {
  readonly seq: number;
  readonly sender_id: string;
  readonly at: number;
  readonly recalled_at: number | null;
};

export const recallMessage: Command<RecallRequest, Appended> = async (tx, request) => {
  const { conversationId, messageId, signed, now } = request;
  const member = await checkMember(tx, conversationId, request.senderId);
  if (!member.ok) return member;
  if (signed !== null) {
    const earlier = await earlierAppend(tx, { ...request, messageId: signed.messageId });
    if (earlier !== null) return earlier;
  }
  const row = await tx.sql.get<RecallableRow>(
    "SELECT seq, sender_id, at, recalled_at FROM entry WHERE conv = ? AND msg_id = ?",
    conversationId,
    messageId,
  );
  if (row === undefined) return refuse("NOT_FOUND");
  if (row.sender_id !== request.senderId) return refuse("RECALL_NOT_OWNER");
  if (row.recalled_at !== null) return await repeatedRecall(tx, request, row.seq);
  if (now - row.at > request.windowMs) return refuse("RECALL_WINDOW_EXPIRED");
  // The hash stays, so that a chain over the erased envelope can still be followed.
  await tx.sql.run(
    "UPDATE entry SET body = NULL, recalled_at = ?, counts = 0 WHERE conv = ? AND msg_id = ?",
    now,
    conversationId,
    messageId,
  );
  const { seq, at } = await tx.append(recallEntry(request), now);
  const rightful = await checkPlace(tx, request.origin);
  return rightful.ok ? ok({ seq, at, duplicate: false }) : rightful;
};

export const failStream: Command<
  {
    now: number;
    conversationId: ConversationId;
    streamId: StreamId;
    code: ErrorCode;
    /** Only if the stream is still this node's; absent: whoever's it is. */
    nodeId?: string;
  },
  null
> = async (tx, { now, conversationId, streamId, code, nodeId }) => {
  if (nodeId !== undefined && (await isElsewhere(tx, conversationId, streamId, nodeId)))
    return refuse("STREAM_UNKNOWN");
  const ended = await tx.sql.run(
    "DELETE FROM stream WHERE conv = ? AND stream_id = ?",
    conversationId,
    streamId,
  );
  if (ended === 0) return refuse("STREAM_UNKNOWN");
  const meta = {
    stream_id: streamId,
    code,
    message: ERROR_CODES[code].message,
    i18n_key: errorI18nKey(code),
  };
  await tx.append(systemEntry(conversationId, "stream.error", meta), now);
  return ok(null);
};

async function isElsewhere(
  { sql }: Transaction,
  conversationId: ConversationId,
  streamId: StreamId,
  nodeId: string,
): Promise<boolean> {
  const row = await sql.get(
    "SELECT 1 FROM stream WHERE conv = ? AND stream_id = ? AND node_id <> ?",
    conversationId,
    streamId,
    nodeId,
  );
  return row !== undefined;
}

export const orphanStreams: Command<{ now: number }, null> = async (tx, { now }) => {
  const rows = await tx.sql.all<{ conv: ConversationId; stream_id: StreamId }>(
    "SELECT conv, stream_id FROM stream WHERE node_id IS NULL OR node_id NOT IN (SELECT node_id FROM node)",
  );
  for (const { conv, stream_id } of rows) {
    await failStream(tx, {
      now,
      conversationId: conv,
      streamId: stream_id,
      code: "STREAM_ORPHANED",
    });
  }
  return ok(null);
};

/** A live stream goes on at another node; whether it still is live. */
export const moveStreamTo: Command<
  { conversationId: ConversationId; streamId: StreamId; nodeId: string },
  boolean
> = async (tx, { conversationId, streamId, nodeId }) =>
  ok(
    (await tx.sql.run(
      "UPDATE stream SET node_id = ? WHERE conv = ? AND stream_id = ?",
      nodeId,
      conversationId,
      streamId,
    )) === 1,
  );

export const expireArtifacts: Command<{ now: number }, null> = async (tx, { now }) => {
  const rows = await tx.sql.all<{ conv: ConversationId; key: string; expires_at: number }>(
    `UPDATE artifact SET expired = 1 WHERE expired = 0 AND expires_at IS NOT NULL AND expires_at <= ?
     RETURNING conv, key, expires_at`,
    now,
  );
  for (const { conv, key, expires_at } of rows) {
    const meta = { key, expired_at: new Date(expires_at).toISOString() };
    await tx.append(systemEntry(conv, "artifact.expired", meta), now);
  }
  return ok(null);
};

/** Nothing more is written to a conversation whose entries cannot be read. */
export const quarantine: Command<{ now: number; conversationId: ConversationId }, null> = async (
  tx,
  { now, conversationId },
) => {
  await tx.sql.run(
    "UPDATE conv SET damaged_at = coalesce(damaged_at, ?) WHERE id = ?",
    now,
    conversationId,
  );
  return ok(null);
};

/** An entry nobody but the relay wrote. */
export const systemEntry = (
  conversationId: ConversationId,
  kind: NewEntry["kind"],
  meta: NewEntry["meta"],
): NewEntry => ({
  conversationId,
  kind,
  messageId: null,
  senderId: null,
  senderType: "system",
  senderDeviceId: null,
  meta,
  body: null,
  sessionOpen: null,
  countsUnread: false,
});

/** Whether the account is in the conversation now. */
export async function checkMember(
  tx: Pick<Transaction, "sql">,
  conversationId: ConversationId,
  accountId: AccountId,
): Promise<Result<null, RelayFailure>> {
  const row = await tx.sql.get(
    "SELECT 1 FROM member WHERE conv = ? AND account = ? AND left_seq IS NULL",
    conversationId,
    accountId,
  );
  return row === undefined ? refuse("NOT_MEMBER") : ok(null);
}

/** Why a socket that lost its place is refused. */
export const DISPLACED = "displaced";

// After the entry has its place: whoever took the socket's place and wrote here was committed before, and is seen.
async function checkPlace(
  tx: Transaction,
  origin: AppendRequest["origin"],
): Promise<Result<null, RelayFailure>> {
  if (origin === undefined || origin.agentSocket === null) return ok(null);
  return (await holdsPlace(tx.sql, origin.agentSocket))
    ? ok(null)
    : refuse("UNAVAILABLE", { reason: DISPLACED });
}

/** Whether an agent's socket still has its place. */
export const holdsPlace = async (sql: Sql, agentSocket: string): Promise<boolean> =>
  (await sql.get("SELECT 1 FROM agent_socket WHERE connection_id = ?", agentSocket)) !== undefined;

type Earlier = Pick<AppendRequest["entry"], "conversationId" | "messageId" | "senderDeviceId">;

async function earlierAppend(
  tx: Transaction,
  entry: Earlier,
): Promise<Result<Appended, RelayFailure> | null> {
  if (entry.messageId === null) return null;
  const row = await tx.sql.get<{ seq: number; at: number; sender_dev: string }>(
    "SELECT seq, at, sender_dev FROM entry WHERE conv = ? AND msg_id = ?",
    entry.conversationId,
    entry.messageId,
  );
  return row === undefined ? null : answerAgain(entry, row);
}

// A repeat gets the first answer whatever its bytes: the sender may only want to know that the first one came.
const answerAgain = (
  { senderDeviceId }: Earlier,
  earlier: { readonly seq: number; readonly at: number; readonly sender_dev: string | null },
): Result<Appended, RelayFailure> =>
  earlier.sender_dev === senderDeviceId
    ? ok({ seq: earlier.seq, at: earlier.at, duplicate: true })
    : refuse("MESSAGE_ID_CONFLICT");

/** What decides whether an entry may be appended, in one row; `asked` gives `conv`, `msg_id` and `account`. */
export const standingOf = (asked: string): string =>
  `SELECT earlier.seq, earlier.at, earlier.sender_dev, member.account AS member, conv.status, conv.damaged_at,
     CASE WHEN conv.type = 'h2h' THEN (
       SELECT count(*) FROM blocks JOIN member AS other ON other.account = blocks.user_id
       WHERE other.conv = asked.conv AND blocks.blocked_id = asked.account
     ) END AS blocks
   FROM ${asked} LEFT JOIN conv ON conv.id = asked.conv
   LEFT JOIN entry AS earlier ON earlier.conv = asked.conv AND earlier.msg_id = asked.msg_id
   LEFT JOIN member ON member.conv = asked.conv AND member.account = asked.account AND member.left_seq IS NULL`;
const STANDING_OF_ONE = standingOf("(SELECT ? AS conv, ? AS msg_id, ? AS account) AS asked");

/** What stands about one append. */
export const readStanding = (
  sql: Sql,
  { conversationId, messageId, senderId }: AppendRequest["entry"],
): Promise<Standing | undefined> =>
  sql.get<Standing>(STANDING_OF_ONE, conversationId, messageId, senderId);

export type Standing = {
  readonly seq: number | null;
  readonly at: number | null;
  readonly sender_dev: string | null;
  readonly member: string | null;
  readonly status: string | null;
  readonly damaged_at: number | null;
  /** How many in a conversation of two blocked the writer; null: it is another kind. */
  readonly blocks: number | null;
};

const CLOSED_BY_STATUS: Readonly<Record<string, ErrorCode>> = {
  pending: "RELATION_SUSPENDED",
  suspended: "RELATION_SUSPENDED",
  revoked: "RELATION_REVOKED",
};

/** The answer to an append that stores nothing: it is a repeat or refused. Null: it may be stored. */
export function answerBefore(
  entry: Earlier,
  standing: Standing | undefined,
): Result<Appended, RelayFailure> | null {
  if (standing === undefined) return refuse("NOT_MEMBER");
  const { seq, at, sender_dev, member, status, damaged_at, blocks } = standing;
  if (seq !== null && at !== null) return answerAgain(entry, { seq, at, sender_dev });
  if (member === null) return refuse("NOT_MEMBER");
  if (damaged_at !== null) return refuse("STORAGE_FAILED");
  const closed = CLOSED_BY_STATUS[status ?? ""];
  if (closed !== undefined) return refuse(closed);
  return (blocks ?? 0) > 0 ? refuse("BLOCKED") : null;
}

async function moveStream(
  tx: Transaction,
  { entry, origin }: AppendRequest,
  { streamId, step }: NonNullable<AppendRequest["stream"]>,
): Promise<Result<null, RelayFailure>> {
  const { conversationId, senderDeviceId } = entry;
  if (step === "end") {
    const ended = await tx.sql.run(
      "DELETE FROM stream WHERE conv = ? AND stream_id = ? AND sender_dev = ?",
      conversationId,
      streamId,
      senderDeviceId,
    );
    return ended === 0 ? refuse("STREAM_UNKNOWN") : ok(null);
  }
  const members = await tx.sql.get<{ n: number }>(
    "SELECT count(*) AS n FROM member WHERE conv = ? AND left_seq IS NULL",
    conversationId,
  );
  if ((members?.n ?? 0) > MAX_STREAMING_MEMBERS) return refuse("STREAM_DISABLED");
  const live = await tx.sql.get<{ n: number }>(
    "SELECT count(*) AS n FROM stream WHERE conv = ? AND sender_dev = ?",
    conversationId,
    senderDeviceId,
  );
  if ((live?.n ?? 0) >= MAX_LIVE_STREAMS) return refuse("STREAM_LIMIT");
  const started = await tx.sql.run(
    "INSERT INTO stream (conv, stream_id, sender_dev, node_id) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
    conversationId,
    streamId,
    senderDeviceId,
    origin?.nodeId ?? null,
  );
  return started === 0 ? refuse("ID_TAKEN") : ok(null);
}

async function guardArtifact(
  tx: Transaction,
  { entry, now }: AppendRequest,
  guard: NonNullable<AppendRequest["artifact"]>,
): Promise<Result<null, RelayFailure>> {
  const known = await tx.sql.get<{ author: string; revision: number; expires_at: number | null }>(
    "SELECT author, revision, expires_at FROM artifact WHERE conv = ? AND key = ?",
    entry.conversationId,
    guard.key,
  );
  if (guard.basedOnRevision === null) {
    if (known !== undefined)
      return refuse("REVISION_CONFLICT", { current_revision: known.revision });
    await tx.sql.run(
      "INSERT INTO artifact (conv, key, author, revision, expires_at) VALUES (?, ?, ?, 0, ?)",
      entry.conversationId,
      guard.key,
      entry.senderId,
      guard.expiresAt,
    );
    return ok(null);
  }
  if (known === undefined) return refuse("NOT_FOUND");
  if (known.author !== entry.senderId) return refuse("FORBIDDEN");
  if (known.expires_at !== null && known.expires_at <= now) return refuse("ARTIFACT_EXPIRED");
  if (known.revision !== guard.basedOnRevision) {
    return refuse("REVISION_CONFLICT", { current_revision: known.revision });
  }
  if (known.revision >= MAX_ARTIFACT_UPDATES)
    return refuse("ARTIFACT_LIMIT", { limit: MAX_ARTIFACT_UPDATES });
  await tx.sql.run(
    "UPDATE artifact SET revision = revision + 1 WHERE conv = ? AND key = ?",
    entry.conversationId,
    guard.key,
  );
  return ok(null);
}

const recallEntry = (request: RecallRequest): NewEntry => ({
  conversationId: request.conversationId,
  kind: "message.recalled",
  messageId: request.signed?.messageId ?? null,
  senderId: request.senderId,
  senderType: request.senderType,
  senderDeviceId: request.senderDeviceId,
  meta: {
    message_id: request.messageId,
    recalled_by: request.senderId,
    recalled_at: new Date(request.now).toISOString(),
  },
  body: request.signed?.body ?? null,
  sessionOpen: request.signed?.sessionOpen ?? null,
  countsUnread: false,
});

async function repeatedRecall(
  tx: Transaction,
  { conversationId, messageId }: RecallRequest,
  afterSeq: number,
): Promise<Result<Appended, RelayFailure>> {
  const row = await tx.sql.get<{ seq: number; at: number }>(
    // A recall stands soon behind its message, so few are looked at.
    `SELECT seq, at FROM entry
     WHERE conv = ? AND seq > ? AND kind = 'message.recalled' AND meta LIKE ? ORDER BY seq LIMIT 1`,
    conversationId,
    afterSeq,
    // The one thing a recall's meta begins with: see recallEntry. Both databases read it as text.
    `{"message_id":"${messageId}"%`,
  );
  return row === undefined ? refuse("NOT_FOUND") : ok({ ...row, duplicate: true });
}
