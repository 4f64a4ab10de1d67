/** Every open socket: what is sent to it, when it is closed, and how many an endpoint may have. SPEC §sockets. */
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/log.ts";
import type { RandomBytes } from "#base/random.ts";
import { CLOSE, type CloseCode } from "#protocol/close-codes.ts";
import { encodeFrame } from "#protocol/frame.ts";
import { makeId, type AccountId } from "#protocol/ids.ts";
import {
  EPHEMERA_BUFFER_BYTES,
  MAX_BUFFER_BYTES,
  MAX_SOCKETS_PER_AGENT,
  MAX_SOCKETS_PER_DEVICE,
} from "#protocol/limits.ts";
import type { RelayFrame } from "#protocol/relay-frame.ts";
import type { Ephemeral, Reply } from "../bus/bus.ts";
import type { Metrics } from "../metrics.ts";
import { makeConnection, type Connection, type Link, type Principal } from "./connection.ts";
import { createRoster, type Roster } from "./roster.ts";

type Needs = {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly events: Log;
  readonly metrics: Metrics;
  readonly frameBurst: number;
  /** Other nodes have a say in which sockets an agent has. */
  readonly sharesPlaces: boolean;
  /** Told once for each signed-in socket that is no more. */
  readonly onLeft: (connection: Connection, principal: Principal) => void;
};

export class Sockets {
  readonly roster: Roster = createRoster();
  readonly #needs: Needs;
  readonly #openById = new Map<string, Connection>();
  readonly #fenceByAgent = new Map<AccountId, number>();

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  open(link: Link, path: Connection["path"]): Connection {
    const { clock, random, frameBurst } = this.#needs;
    const now = clock.now();
    const connection = makeConnection(makeId(now, random), link, path, now, frameBurst);
    this.#openById.set(connection.id, connection);
    return connection;
  }

  all(): readonly Connection[] {
    return [...this.#openById.values()];
  }

  send(connection: Connection, frame: RelayFrame): void {
    this.sendText(connection, encodeFrame(frame), frame.type);
  }

  sendText(connection: Connection, text: string, type: RelayFrame["type"]): void {
    if (connection.phase === "closed") return;
    if (connection.link.bufferedBytes() > MAX_BUFFER_BYTES) {
      this.close(connection, CLOSE.slowConsumer);
      return;
    }
    connection.link.send(text);
    this.#needs.metrics.count("frames_total", { direction: "out", type });
  }

  /** To every socket of the accounts named; slow ones do without what may be dropped. */
  spread({ to, frame, except, droppable }: Ephemeral): void {
    const text = encodeFrame(frame);
    for (const accountId of to) {
      for (const connection of this.roster.of(accountId)) {
        const isFull = droppable && connection.link.bufferedBytes() > EPHEMERA_BUFFER_BYTES;
        if (connection.id !== except && !isFull) this.sendText(connection, text, frame.type);
      }
    }
  }

  close(connection: Connection, code: CloseCode, retryAfterS?: number): void {
    if (connection.phase === "closed") return;
    this.#needs.events.info("socket.closed", { path: connection.path, code: code.code });
    this.#needs.metrics.count("closes_total", { code: code.code });
    this.#leave(connection);
    connection.link.close(code, retryAfterS);
  }

  /** The other side went. */
  gone(connection: Connection, code: number): void {
    if (connection.phase === "closed") return;
    // The other side may name any code; only known ones become a label.
    const known = Object.values(CLOSE).some((entry) => entry.code === code);
    this.#needs.metrics.count("closes_total", { code: known ? code : "other" });
    this.#needs.events.info("socket.gone", { path: connection.path });
    this.#leave(connection);
  }

  /** A socket that has proven who it is; `fence` is that of an agent whose places are shared with other nodes. */
  admit(connection: Connection, principal: Principal, fence: number | null = null): void {
    if (fence === null) this.#makeRoom(principal, connection.hint);
    const now = this.#needs.clock.now();
    connection.principal = principal;
    connection.phase = "waiting";
    connection.signedInAt = now;
    connection.usedAt = now;
    this.roster.add(connection);
    if (fence !== null) this.#fenceByAgent.set(principal.accountId, fence);
    else if (principal.type === "agent") this.#raiseFence(principal.accountId);
    connection.link.onSignedIn();
  }

  /** Orders the changes of an agent's set of sockets; null while none was ever open. */
  fenceOf(agentId: AccountId): number | null {
    return this.#fenceByAgent.get(agentId) ?? null;
  }

  /** Tells an agent's processes how many they are, and since which change. */
  announceAssignment(agentId: AccountId): void {
    this.announce(agentId, this.fenceOf(agentId) ?? 0, this.roster.of(agentId).length);
  }

  /** As {@link Sockets.announceAssignment}, counted over all nodes. */
  announce(agentId: AccountId, fence: number, connections: number): void {
    this.#fenceByAgent.set(agentId, fence);
    for (const connection of this.roster.of(agentId))
      this.send(connection, { type: "agent.assignment", fence, connections });
  }

  /** A frame for one socket, if it is here. */
  reply({ connection: id, frame }: Reply): void {
    const connection = this.find(id);
    if (connection !== null) this.send(connection, frame);
  }

  find(connectionId: string): Connection | null {
    return this.#openById.get(connectionId) ?? null;
  }

  /** A socket lost its place to a newer one. */
  displace(connection: Connection, by: "evicted" | "replaced"): void {
    if (by === "evicted") this.#needs.metrics.count("evictions_total");
    this.close(connection, by === "evicted" ? CLOSE.evicted : CLOSE.replaced);
  }

  #leave(connection: Connection): void {
    connection.phase = "closed";
    this.#openById.delete(connection.id);
    this.roster.remove(connection);
    const { principal } = connection;
    if (principal === null) return;
    if (principal.type === "agent" && !this.#needs.sharesPlaces) {
      this.#raiseFence(principal.accountId);
      this.announceAssignment(principal.accountId);
    }
    this.#needs.onLeft(connection, principal);
  }

  // Starts at the clock, so that it goes on growing after a restart without being written down.
  #raiseFence(agentId: AccountId): void {
    const next = (this.#fenceByAgent.get(agentId) ?? 0) + 1;
    this.#fenceByAgent.set(agentId, Math.max(next, this.#needs.clock.now()));
  }

  #makeRoom(principal: Principal, hint: string | null): void {
    const ofEndpoint = (): readonly Connection[] =>
      this.roster
        .of(principal.accountId)
        .filter((other) => other.principal?.endpointId === principal.endpointId);
    for (const other of ofEndpoint()) {
      if (hint !== null && other.hint === hint) this.displace(other, "replaced");
    }
    const most = principal.type === "agent" ? MAX_SOCKETS_PER_AGENT : MAX_SOCKETS_PER_DEVICE;
    const longestUnused = ofEndpoint().toSorted((a, b) => a.usedAt - b.usedAt);
    const surplus = Math.max(0, longestUnused.length - most + 1);
    for (const other of longestUnused.slice(0, surplus)) {
      this.displace(other, "evicted");
    }
  }
}
