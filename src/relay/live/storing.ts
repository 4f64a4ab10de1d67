/** Durable frames of sockets: stored, then answered, and counted until they are. */
import type { Clock } from "#base/clock.ts";
import type { RandomBytes } from "#base/random.ts";
import { makeId, type MessageId } from "#protocol/ids.ts";
import { MAX_IN_FLIGHT } from "#protocol/limits.ts";
import { errorFrame } from "../error-frame.ts";
import { refuse } from "../failure.ts";
import { DISPLACED } from "../log/append-commands.ts";
import type { Connection, Principal } from "./connection.ts";
import { idsOf, type DurableEndpointFrame, type Posting } from "./posting.ts";
import type { Sockets } from "./sockets.ts";
import type { StreamDesk } from "./stream-desk.ts";

type Needs = {
  readonly posting: Posting;
  readonly streams: StreamDesk;
  readonly sockets: Sockets;
  readonly clock: Clock;
  readonly random: RandomBytes;
};

export class Storing {
  readonly #needs: Needs;
  /** Frames that were taken and not answered yet. */
  readonly #underWay = new Set<Promise<void>>();

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  take(
    connection: Connection,
    principal: Principal,
    frame: DurableEndpointFrame,
  ): Promise<unknown> {
    const stored = this.#store(connection, principal, frame);
    this.#underWay.add(stored);
    return stored.finally(() => this.#underWay.delete(stored));
  }

  /** Resolves when everything that was taken is answered. */
  drained(): Promise<unknown> {
    return Promise.all(this.#underWay);
  }

  async #store(
    connection: Connection,
    principal: Principal,
    frame: DurableEndpointFrame,
  ): Promise<void> {
    const { sockets, posting, clock, random } = this.#needs;
    const ids = idsOf(frame);
    if (connection.inFlight >= MAX_IN_FLIGHT) {
      sockets.send(connection, errorFrame(refuse("TOO_MANY_IN_FLIGHT").failure, ids));
      return;
    }
    connection.inFlight += 1;
    const stored = await posting.post(principal, frame, connection.id);
    connection.inFlight -= 1;
    if (!stored.ok) {
      // Whoever has the place now is sent it again.
      if (stored.failure.params["reason"] === DISPLACED) sockets.displace(connection, "evicted");
      sockets.send(connection, errorFrame(stored.failure, ids));
      return;
    }
    // A control record or an unsigned recall has no id of its own; its ack names one made for it.
    const message_id = ids.client_message_id ?? makeId<MessageId>(clock.now(), random);
    sockets.send(connection, {
      type: "message.ack",
      req: frame.req,
      conversation_id: frame.conversation_id,
      client_message_id: message_id,
      message_id,
      conversation_seq: stored.value.seq,
      created_at: new Date(stored.value.at).toISOString(),
      ...(stored.value.duplicate ? { duplicate: true } : {}),
    });
    if (frame.type === "stream.start")
      await this.#welcome(connection, principal, frame, stored.value.seq);
  }

  #welcome(
    connection: Connection,
    principal: Principal,
    frame: Extract<DurableEndpointFrame, { type: "stream.start" }>,
    seq: number,
  ): Promise<void> {
    const { conversation_id: conversationId, stream_id: streamId } = frame;
    return this.#needs.streams.welcomeAuthor(connection, principal, {
      conversationId,
      streamId,
      seq,
    });
  }
}
