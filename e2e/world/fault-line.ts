/**
 * A line on loopback between endpoints and a relay that does what lines do: breaks, falls silent, is slow, splits and
 * merges what passes. It can write down every byte, too. The bytes themselves it leaves alone.
 */
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { unmasked } from "./unmask.ts";

export type Fault =
  | { readonly kind: "none" }
  /** Open connections stay open and nothing ever passes again; new ones are as silent while this lasts. */
  | { readonly kind: "silent" }
  | { readonly kind: "slow"; readonly delayMs: number }
  /** Everything leaves in pieces of so many bytes. */
  | { readonly kind: "split"; readonly pieceBytes: number }
  /** What comes within this time leaves at once. */
  | { readonly kind: "merged"; readonly withinMs: number }
  /** New connections are broken once so many bytes have come back. */
  | { readonly kind: "short"; readonly afterBytes: number }
  /** New connections are dropped as soon as they are made. */
  | { readonly kind: "refused" }
  /** Somebody else answers: a web page where the relay should be. */
  | { readonly kind: "portal" }
  /** A gateway stands where the relay should be, and has only this to say. */
  | { readonly kind: "gateway"; readonly says: "429 Too Many Requests" | "502 Bad Gateway" };

export interface FaultLine {
  readonly url: string;
  readonly port: number;
  /** Connections end at this port of loopback from now on. */
  leadTo(port: number): void;
  become(fault: Fault): void;
  /** Breaks every open connection, both ends. */
  cut(): void;
  /** Breaks each open connection once so many more bytes have passed from this side: in the midst of a frame. */
  cutAfter(sizeBytes: number, from: Side): void;
  /** Ends each open connection in both directions, as a machine that goes down in order does. */
  hangUp(): void;
  readonly openConnections: number;
  /** How often somebody came, whatever they met. */
  readonly arrivals: number;
  /** How often connections were broken. */
  readonly cuts: number;
  /** Everything said so far, both ways, connection by connection; empty unless taped. */
  said(): Buffer;
  close(): Promise<void>;
}

type Side = "endpoint" | "relay";

type Pair = {
  readonly near: Socket;
  readonly far: Socket;
  /** Bytes that may still pass before the cut. */
  readonly left: Record<Side, number>;
  readonly tape: Record<Side, Buffer[]>;
  isSilent: boolean;
};

/** Starts a line that leads nowhere yet. */
export async function startFaultLine({
  isTaped = false,
  scheme = "http",
} = {}): Promise<FaultLine> {
  const tapes: Pair["tape"][] = [];
  const pairs = new Set<Pair>();
  let [target, cuts, arrivals] = [0, 0, 0];
  let fault: Fault = { kind: "none" };

  const drop = (pair: Pair): void => {
    if (!pairs.delete(pair)) return;
    cuts += 1;
    pair.near.resetAndDestroy();
    pair.far.resetAndDestroy();
  };

  /** Carries what one side says to the other, as the fault of the moment has it. */
  const carry = (pair: Pair, side: Side): void => {
    const [from, to] = side === "endpoint" ? [pair.near, pair.far] : [pair.far, pair.near];
    // What waits goes before what comes later, whatever the fault has become meanwhile.
    let [held, late, delayMs] = [[] as Buffer[], 0, 0];
    const flush = (): void => {
      to.write(Buffer.concat(held));
      held = [];
    };
    const pass = (chunk: Buffer): void => {
      if (fault.kind === "slow" || late > 0) {
        if (fault.kind === "slow") delayMs = fault.delayMs;
        late += 1;
        setTimeout(() => {
          late -= 1;
          to.write(chunk);
        }, delayMs);
      } else if (fault.kind === "merged" || held.length > 0) {
        if (held.push(chunk) === 1 && fault.kind === "merged") setTimeout(flush, fault.withinMs);
      } else if (fault.kind === "split") {
        for (let at = 0; at < chunk.length; at += fault.pieceBytes)
          to.write(chunk.subarray(at, at + fault.pieceBytes));
      } else to.write(chunk);
    };
    from.on("data", (chunk: Buffer) => {
      if (pair.isSilent) return;
      if (isTaped) pair.tape[side].push(chunk);
      const leftBytes = pair.left[side];
      pair.left[side] -= chunk.length;
      if (leftBytes > chunk.length) pass(chunk);
      else to.write(chunk.subarray(0, leftBytes), () => drop(pair));
    });
    from.on("end", () => (pair.isSilent ? undefined : to.end()));
    from.on("error", () => to.destroy());
    from.on("close", () => pairs.delete(pair));
  };

  const callers = new Set<Socket>();
  const server = createServer({ noDelay: true }, (near) => {
    arrivals += 1;
    callers.add(near);
    near.on("error", () => {});
    near.on("close", () => callers.delete(near));
    if (fault.kind === "refused") return void near.resetAndDestroy();
    if (fault.kind === "portal") return void near.end(answer("200 OK", PORTAL));
    if (fault.kind === "gateway") return void near.end(answer(fault.says, fault.says));
    const far = connect({ port: target, host: "127.0.0.1", noDelay: true });
    const pair: Pair = {
      near,
      far,
      left: { endpoint: Infinity, relay: fault.kind === "short" ? fault.afterBytes : Infinity },
      tape: { endpoint: [], relay: [] },
      isSilent: fault.kind === "silent",
    };
    pairs.add(pair);
    if (isTaped) tapes.push(pair.tape);
    carry(pair, "endpoint");
    carry(pair, "relay");
  });

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${scheme}://127.0.0.1:${port}`,
    port,
    leadTo: (next) => (target = next),
    become(next) {
      fault = next;
      if (next.kind === "silent") for (const pair of pairs) pair.isSilent = true;
    },
    cut() {
      for (const pair of [...pairs]) drop(pair);
    },
    cutAfter(sizeBytes, from) {
      for (const pair of pairs) pair.left[from] = sizeBytes;
    },
    hangUp() {
      for (const { near, far } of [...pairs]) {
        cuts += 1;
        near.end();
        far.end();
      }
    },
    get arrivals() {
      return arrivals;
    },
    get openConnections() {
      return pairs.size;
    },
    get cuts() {
      return cuts;
    },
    said: () =>
      Buffer.concat(
        tapes.flatMap(({ endpoint, relay }) => [unmasked(Buffer.concat(endpoint)), ...relay]),
      ),
    close: () =>
      new Promise((resolve) => {
        for (const pair of [...pairs]) drop(pair);
        for (const caller of callers) caller.destroy();
        server.close(() => resolve());
      }),
  };
}

const PORTAL = "<!doctype html><title>Welcome to our hotel</title>";

const answer = (status: string, page: string): string =>
  [
    `HTTP/1.1 ${status}`,
    "content-type: text/html",
    `content-length: ${page.length}`,
    "connection: close",
    "",
    page,
  ].join("\r\n");
