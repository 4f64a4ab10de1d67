/** Who is here: agents are seen by those who talk with them, people only when they agreed to it. */
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/log.ts";
import { createKeyedQueue } from "#base/queue.ts";
import type { AccountId, UserId } from "#protocol/ids.ts";
import type { RelayFrameOf } from "#protocol/relay-frame.ts";
import type { EphemeralBus } from "../bus/bus.ts";
import type { Directory } from "../directory/directory.ts";
import { factsOf } from "../json-log.ts";
import type { Connection, Principal } from "./connection.ts";
import type { Rates } from "./rates.ts";
import type { Sockets } from "./sockets.ts";
import type { Buckets } from "./token-bucket.ts";

type State = RelayFrameOf<"presence">["state"];

type Needs = {
  readonly directory: Directory;
  readonly bus: EphemeralBus;
  readonly clock: Clock;
  /** Who of these is at any node; none when this one is alone. */
  readonly onlineAmong: (
    ids: readonly AccountId[],
  ) => Promise<ReadonlyMap<AccountId, Principal["type"]>>;
  readonly sockets: Sockets;
  readonly events: Log;
  readonly buckets: Buckets;
  readonly rates: Rates;
};

export class Presence {
  readonly #needs: Needs;
  readonly #telling = createKeyedQueue();

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** A device says how awake it is; what it says too often is dropped. */
  set(principal: Principal, state: State): void {
    const { buckets, rates } = this.#needs;
    if (buckets.take(`presence ${principal.endpointId}`, rates.marks) === 0)
      this.tell(principal, state);
  }

  /** To everyone who shares a conversation with the account, one state after the other. */
  tell({ type, accountId }: Pick<Principal, "type" | "accountId">, state: State): void {
    const { directory, bus, events } = this.#needs;
    const frame = this.#frame(type, accountId, state);
    const told = this.#telling.run(accountId, async () => {
      const isShared =
        type === "agent" || (await directory.user(accountId as UserId))?.presence === 1;
      if (!isShared) return;
      for await (const related of directory.relatedTo(accountId)) {
        const to = related.map(({ id }) => id);
        bus.publish({ kind: "frame", to, frame, except: null, droppable: true });
      }
    });
    void told.catch((fault: unknown) => events.warn("presence.failed", factsOf(fault)));
  }

  /** What a fresh socket needs to know about those who are already here. */
  async introduce(connection: Connection, principal: Principal): Promise<void> {
    const { directory, sockets } = this.#needs;
    for await (const related of directory.relatedTo(principal.accountId)) {
      const shown = related.flatMap(({ id, isShown }) => (isShown ? [id] : []));
      const elsewhere = await this.#needs.onlineAmong(shown);
      // Who is here is asked after the wait, so that whoever left meanwhile is not announced.
      for (const id of shown) {
        const type = sockets.roster.of(id)[0]?.principal?.type ?? elsewhere.get(id);
        if (type !== undefined) sockets.send(connection, this.#frame(type, id, "online"));
      }
    }
  }

  #frame(type: Principal["type"], accountId: AccountId, state: State): RelayFrameOf<"presence"> {
    const at = new Date(this.#needs.clock.now()).toISOString();
    return { type: "presence", peer_id: accountId, peer_type: type, state, at };
  }
}
