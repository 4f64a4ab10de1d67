/** Who is here: agents are seen by those who talk with them, people only when they agreed to it. */
import type { Clock } from "#base/clock.ts";
import type { AccountId, UserId } from "#protocol/ids.ts";
import type { RelayFrameOf } from "#protocol/relay-frame.ts";
import type { EphemeralBus } from "../bus/bus.ts";
import type { Directory } from "../directory/directory.ts";
import type { Connection, Principal } from "./connection.ts";
import type { Rates } from "./rates.ts";
import type { Sockets } from "./sockets.ts";
import type { Buckets } from "./token-bucket.ts";

type State = RelayFrameOf<"presence">["state"];

type Needs = {
  readonly directory: Directory;
  readonly bus: EphemeralBus;
  readonly clock: Clock;
  readonly sockets: Sockets;
  readonly buckets: Buckets;
  readonly rates: Rates;
};

export class Presence {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** A device says how awake it is; what it says too often is dropped. */
  set(principal: Principal, state: State): void {
    const { buckets, rates } = this.#needs;
    if (buckets.take(`presence ${principal.endpointId}`, rates.marks) === 0)
      this.tell(principal, state);
  }

  /** To everyone who shares a conversation with the account. */
  tell({ type, accountId }: Principal, state: State): void {
    if (!this.#isShared(type, accountId)) return;
    const to = this.#needs.directory.relatedTo(accountId).filter((id) => id !== accountId);
    if (to.length === 0) return;
    this.#needs.bus.publish({
      kind: "frame",
      to,
      frame: this.#frame(type, accountId, state),
      except: null,
      droppable: true,
    });
  }

  /** What a fresh socket needs to know about those who are already here. */
  introduce(connection: Connection, principal: Principal): void {
    const { directory, sockets } = this.#needs;
    for (const id of directory.relatedTo(principal.accountId)) {
      const type = sockets.roster.of(id)[0]?.principal?.type;
      if (type === undefined || id === principal.accountId || !this.#isShared(type, id)) continue;
      sockets.send(connection, this.#frame(type, id, "online"));
    }
  }

  #isShared(type: Principal["type"], accountId: AccountId): boolean {
    return type === "agent" || this.#needs.directory.user(accountId as UserId)?.presence === 1;
  }

  #frame(type: Principal["type"], accountId: AccountId, state: State): RelayFrameOf<"presence"> {
    const at = new Date(this.#needs.clock.now()).toISOString();
    return { type: "presence", peer_id: accountId, peer_type: type, state, at };
  }
}
