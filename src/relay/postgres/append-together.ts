/**
 * Appends that came together, in three statements whatever their number: what stands about each, the places they get,
 * and the rows. Says of each append what it would have been told alone. SPEC R4, R52, S15.
 */
import { hash } from "node:crypto";
import type { Client, QueryResult } from "pg";
import { assert } from "#base/invariant.ts";
import { ok } from "#base/result.ts";
import type { ConversationId } from "#protocol/ids.ts";
import { answerBefore, standingOf, type Standing } from "../log/append-commands.ts";
import type { AppendRequest, StoredEntry } from "../log/log-store.ts";
import { inPlace } from "../store/insert-entry.ts";
import type { JobOutcome } from "../store/transaction.ts";
import { lossAsSuch } from "./session.ts";

const STANDINGS = `${standingOf(
  "unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS asked(conv, msg_id, account, place)",
)} ORDER BY asked.place`;
const PLACES = `UPDATE conv SET next_seq = next_seq + more.count, updated_at = more.now
  FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS more(id, count, now)
  WHERE conv.id = more.id RETURNING conv.id, next_seq - more.count AS first`;
const RIGHTFUL = "SELECT connection_id FROM agent_socket WHERE connection_id = ANY($1::text[])";
const ROWS = `INSERT INTO entry
  (conv, seq, msg_id, sender_id, sender_type, sender_dev, kind, meta, body, hash, counts, at)
  SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
    $8::text[], $9::bytea[], $10::bytea[], $11::bigint[], $12::bigint[])`;

/**
 * Appends in the order given, no message twice among them. Null: one of the agents' sockets lost its place, so they have
 * to be done one by one, in a transaction begun anew.
 */
export async function appendTogether(
  client: Client,
  requests: readonly AppendRequest[],
): Promise<readonly JobOutcome[] | null> {
  const standings = await ask<Standing>(client, "standings", STANDINGS, [
    requests.map(({ entry }) => entry.conversationId),
    requests.map(({ entry }) => entry.messageId),
    requests.map(({ entry }) => entry.senderId),
  ]);
  const answers = requests.map(({ entry }, i) => answerBefore(entry, standings[i]));
  const stored = await store(
    client,
    requests.filter((_, i) => answers[i] === null),
  );
  if (stored === null) return null;
  const entries = stored.values();
  return answers.map((answer): JobOutcome => {
    if (answer !== null) return { result: answer, appended: [] };
    const entry = entries.next().value;
    assert(entry !== undefined, "what may be stored was stored");
    return { result: ok({ seq: entry.seq, at: entry.at, duplicate: false }), appended: [entry] };
  });
}

async function store(
  client: Client,
  requests: readonly AppendRequest[],
): Promise<readonly StoredEntry[] | null> {
  if (requests.length === 0) return [];
  const nextSeq = await takePlaces(client, requests);
  // After the places are taken: whoever took a socket's place and wrote here was committed before, and is seen.
  if (!(await areRightful(client, requests))) return null;
  const entries = requests.map(({ entry, now }) => {
    const seq = nextSeq.get(entry.conversationId);
    assert(seq !== undefined, "entries go to conversations that exist");
    nextSeq.set(entry.conversationId, seq + 1);
    return inPlace(entry, seq, now);
  });
  await ask(client, "rows", ROWS, [
    entries.map(({ conversationId }) => conversationId),
    entries.map(({ seq }) => seq),
    entries.map(({ messageId }) => messageId),
    entries.map(({ senderId }) => senderId),
    entries.map(({ senderType }) => senderType),
    entries.map(({ senderDeviceId }) => senderDeviceId),
    entries.map(({ kind }) => kind),
    entries.map(({ meta }) => JSON.stringify(meta)),
    entries.map(({ body }) => body),
    entries.map(({ body }) => (body === null ? null : hash("sha256", body, "buffer"))),
    entries.map(({ countsUnread }) => (countsUnread ? 1 : 0)),
    entries.map(({ at }) => at),
  ]);
  return entries;
}

/** The first seq each conversation gives to these entries. */
async function takePlaces(
  client: Client,
  requests: readonly AppendRequest[],
): Promise<Map<ConversationId, number>> {
  const more = new Map<ConversationId, { count: number; now: number }>();
  for (const { entry, now } of requests) {
    const { count } = more.get(entry.conversationId) ?? { count: 0 };
    more.set(entry.conversationId, { count: count + 1, now });
  }
  const rows = await ask<{ id: ConversationId; first: number }>(client, "places", PLACES, [
    [...more.keys()],
    [...more.values()].map(({ count }) => count),
    [...more.values()].map(({ now }) => now),
  ]);
  return new Map(rows.map(({ id, first }) => [id, first]));
}

async function areRightful(client: Client, requests: readonly AppendRequest[]): Promise<boolean> {
  const sockets = new Set(requests.flatMap(({ origin }) => origin?.agentSocket ?? []));
  if (sockets.size === 0) return true;
  return (await ask(client, "rightful", RIGHTFUL, [[...sockets]])).length === sockets.size;
}

async function ask<Row>(
  client: Client,
  name: string,
  text: string,
  values: readonly (readonly unknown[])[],
): Promise<Row[]> {
  const query = { name: `parley-together-${name}`, text, values: [...values] };
  const { rows } = await lossAsSuch<QueryResult>(client.query(query));
  return rows as Row[];
}
