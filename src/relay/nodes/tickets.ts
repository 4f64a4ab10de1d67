/**
 * Small things that live minutes, handed out by one request and taken back by another: challenges, device links.
 * A relay alone keeps them in memory; several keep them where each finds what another handed out.
 */
import type { Clock } from "#base/clock.ts";
import type { Sql } from "../store/sql.ts";
import type { Writer } from "../store/writer.ts";
import type { Ticket } from "./ticket-commands.ts";

export interface Tickets {
  put(ticketId: string, ticket: Ticket, expiresAt: number): Promise<void>;
  find(ticketId: string): Promise<Ticket | null>;
  /** Writes on one that is blank; whether there was such a one. */
  fill(ticketId: string, content: string): Promise<boolean>;
  /** Uses it up: of several who try one gets it. */
  take(ticketId: string): Promise<Ticket | null>;
}

/** Anyone may ask for one, so the oldest make room. */
const MAX_TICKETS = 10_000;

export function createMemoryTickets(clock: Clock): Tickets {
  const ticketById = new Map<string, Ticket & { readonly expiresAt: number }>();
  const find = (ticketId: string) => {
    const ticket = ticketById.get(ticketId);
    return ticket !== undefined && ticket.expiresAt > clock.now() ? ticket : null;
  };
  // Kinds of tickets live for different times: an old one may stand behind a younger that is over.
  const forgetOld = (): void => {
    for (const [id, { expiresAt }] of ticketById)
      if (expiresAt <= clock.now()) ticketById.delete(id);
    for (const id of ticketById.keys()) {
      if (ticketById.size < MAX_TICKETS) return;
      ticketById.delete(id);
    }
  };
  return {
    put: async (ticketId, ticket, expiresAt) => {
      if (ticketById.size >= MAX_TICKETS / 2) forgetOld();
      ticketById.set(ticketId, { ...ticket, expiresAt });
    },
    find: async (ticketId) => find(ticketId),
    fill: async (ticketId, content) => {
      const ticket = find(ticketId);
      if (ticket === null || ticket.content !== null) return false;
      ticketById.set(ticketId, { ...ticket, content });
      return true;
    },
    take: async (ticketId) => {
      const ticket = find(ticketId);
      ticketById.delete(ticketId);
      return ticket;
    },
  };
}

/** Tickets in the database; a write that fails rejects. */
export function createStoredTickets(writer: Writer, sql: Sql, clock: Clock): Tickets {
  return {
    async put(ticketId, ticket, expiresAt) {
      const put = await writer.run("putTicket", {
        ...ticket,
        ticketId,
        expiresAt,
        now: clock.now(),
      });
      if (!put.ok) throw new Error("the database takes no ticket");
    },
    async find(ticketId) {
      const row = await sql.get<Ticket>(
        "SELECT subject, content FROM ticket WHERE ticket_id = ? AND expires_at > ?",
        ticketId,
        clock.now(),
      );
      return row ?? null;
    },
    async fill(ticketId, content) {
      const filled = await writer.run("fillTicket", { ticketId, content, now: clock.now() });
      return filled.ok && filled.value;
    },
    async take(ticketId) {
      const taken = await writer.run("takeTicket", { ticketId, now: clock.now() });
      return taken.ok ? taken.value : null;
    },
  };
}
