/** Small things that live minutes and that one node hands out and another takes back: challenges, device links. */
import { ok } from "#base/result.ts";
import type { Command } from "../store/transaction.ts";

export type Ticket = { readonly subject: string; readonly content: string | null };

/** Keeps a ticket, and forgets those whose time is over. */
export const putTicket: Command<
  Ticket & { readonly ticketId: string; readonly expiresAt: number; readonly now: number },
  null
> = async ({ sql }, { ticketId, subject, content, expiresAt, now }) => {
  await sql.run("DELETE FROM ticket WHERE expires_at <= ?", now);
  await sql.run(
    "INSERT INTO ticket (ticket_id, subject, content, expires_at) VALUES (?, ?, ?, ?)",
    ticketId,
    subject,
    content,
    expiresAt,
  );
  return ok(null);
};

/** Writes on a ticket that is blank; whether there was such a one. */
export const fillTicket: Command<
  { readonly ticketId: string; readonly content: string; readonly now: number },
  boolean
> = async ({ sql }, { ticketId, content, now }) =>
  ok(
    (await sql.run(
      "UPDATE ticket SET content = ? WHERE ticket_id = ? AND expires_at > ? AND content IS NULL",
      content,
      ticketId,
      now,
    )) === 1,
  );

/** Uses a ticket up: who takes it is the only one. */
export const takeTicket: Command<
  { readonly ticketId: string; readonly now: number },
  Ticket | null
> = async ({ sql }, { ticketId, now }) => {
  const row = await sql.get<Ticket & { expires_at: number }>(
    "DELETE FROM ticket WHERE ticket_id = ? RETURNING subject, content, expires_at",
    ticketId,
  );
  return ok(
    row === undefined || row.expires_at <= now
      ? null
      : { subject: row.subject, content: row.content },
  );
};
