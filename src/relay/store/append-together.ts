/**
 * Appends that came together, in one statement each: who may write is asked once for each writer, a conversation's
 * counter is written once. Says of each append what it would have been told alone. SPEC R4, S13.
 */
import { assert } from "#base/invariant.ts";
import { ok, type Result } from "#base/result.ts";
import type { ConversationId } from "#protocol/ids.ts";
import type { RelayFailure } from "../failure.ts";
import { answerBefore, holdsPlace, readStanding } from "../log/append-commands.ts";
import type { Appended, AppendRequest } from "../log/log-store.ts";
import { inPlace, insertRow } from "./insert-entry.ts";
import type { Sql } from "./sql.ts";
import type { JobOutcome } from "./transaction.ts";

/** Where a conversation's next entry goes, and when its last one came. */
type Counter = { nextSeq: number; updatedAt: number };

/**
 * Appends in the order given, no message twice among them. Null: one of the agents' sockets lost its place, so they have
 * to be done one by one, in a transaction begun anew.
 */
export async function appendTogether(
  sql: Sql,
  requests: readonly AppendRequest[],
): Promise<readonly JobOutcome[] | null> {
  const writers = new Set<string>();
  const counters = new Map<ConversationId, Counter>();
  const outcomes: JobOutcome[] = [];
  for (const request of requests) {
    const { entry, now } = request;
    const writer = `${entry.conversationId} ${entry.senderId}`;
    if (!writers.has(writer)) {
      const answer = await answerAlone(sql, request);
      if (answer !== null) {
        outcomes.push({ result: answer, appended: [] });
        continue;
      }
      writers.add(writer);
    }
    const counter = counters.get(entry.conversationId) ?? (await readCounter(sql, entry));
    counters.set(entry.conversationId, counter);
    const stored = inPlace(entry, counter.nextSeq, now);
    if (!(await insertRow(sql, stored))) {
      const answer = await answerAlone(sql, request);
      assert(answer !== null, "a message that is there is answered");
      outcomes.push({ result: answer, appended: [] });
      continue;
    }
    counter.nextSeq += 1;
    counter.updatedAt = now;
    outcomes.push({
      result: ok({ seq: stored.seq, at: stored.at, duplicate: false }),
      appended: [stored],
    });
  }
  for (const [id, { nextSeq, updatedAt }] of counters)
    await sql.run(
      "UPDATE conv SET next_seq = ?, updated_at = ? WHERE id = ? AND next_seq < ?",
      nextSeq,
      updatedAt,
      id,
      nextSeq,
    );
  return (await haveTheirPlaces(sql, requests)) ? outcomes : null;
}

const answerAlone = async (
  sql: Sql,
  { entry }: AppendRequest,
): Promise<Result<Appended, RelayFailure> | null> =>
  answerBefore(entry, await readStanding(sql, entry));

async function readCounter(
  sql: Sql,
  { conversationId }: { readonly conversationId: ConversationId },
): Promise<Counter> {
  const row = await sql.get<{ next_seq: number }>(
    "SELECT next_seq FROM conv WHERE id = ?",
    conversationId,
  );
  assert(row !== undefined, "entries go to conversations that exist");
  return { nextSeq: row.next_seq, updatedAt: 0 };
}

async function haveTheirPlaces(sql: Sql, requests: readonly AppendRequest[]): Promise<boolean> {
  const sockets = new Set(requests.flatMap(({ origin }) => origin?.agentSocket ?? []));
  for (const socket of sockets) if (!(await holdsPlace(sql, socket))) return false;
  return true;
}
