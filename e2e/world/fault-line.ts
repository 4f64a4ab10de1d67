/**
 * A line on loopback between endpoints and a relay that does what lines do: breaks, falls silent, is slow, splits and
 * merges what passes. It can write down every byte, too. The bytes themselves it leaves alone.
 */
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { unmasked } from "./unmask.ts";

export type Fault =
  | { readonly kind: "none" }
  /** Connections stay open and nothing passes, either way. */
  | { readonly kind: "silent" }
  | { readonly kind: "slow"; readonly delayMs: number }
  /** Everything leaves in pieces of so many bytes. */
  | { readonly kind: "split"; readonly pieceBytes: number }
  /** What comes within this time leaves at once. */
  | { readonly kind: "merged"; readonly withinMs: number }
  /** New connections are dropped as soon as they are made. */
  | { readonly kind: "refused" }
  /** Somebody else answers: a web page where the relay should be. */
  | { readonly kind: "portal" };

export interface FaultLine {
  readonly url: string;
  readonly port: number;
  /** Connections end at this port of loopback from now on. */
  leadTo(port: number): void;
  become(fault: Fault): void;
  /** Breaks every open connection, both ends. */
  cut(): void;
  /** Breaks each connection once this many more bytes have come from the relay: in the midst of a frame. */
  cutAfter(sizeBytes: number): void;
  readonly openConnections: number;
  /** How often connections were broken. */
  readonly cuts: number;
  /** Everything said so far, both ways, connection by connection; empty unless taped. */
  said(): Buffer;
  close(): Promise<void>;
}

type Pair = { readonly near: Socket; readonly far: Socket; leftBytes: number };

/** Starts a line that leads nowhere yet. */
export async function startFaultLine({ isTaped = false } = {}): Promise<FaultLine> {
  const tapes: { readonly byEndpoint: Buffer[]; readonly byRelay: Buffer[] }[] = [];
  const pairs = new Set<Pair>();
  let [target, cuts] = [0, 0];
  let fault: Fault = { kind: "none" };

  const drop = (pair: Pair): void => {
    if (!pairs.delete(pair)) return;
    cuts += 1;
    pair.near.resetAndDestroy();
    pair.far.resetAndDestroy();
  };
  const server = createServer({ noDelay: true }, (near) => {
    near.on("error", () => {});
    if (fault.kind === "refused") return void near.resetAndDestroy();
    if (fault.kind === "portal") return void near.end(PORTAL);
    const far = connect({ port: target, host: "127.0.0.1", noDelay: true });
    const pair: Pair = { near, far, leftBytes: Infinity };
    pairs.add(pair);
    const tape = { byEndpoint: [] as Buffer[], byRelay: [] as Buffer[] };
    if (isTaped) tapes.push(tape);
    carry(near, far, (chunk) => {
      if (isTaped) tape.byEndpoint.push(chunk);
      return chunk;
    });
    carry(far, near, (chunk) => {
      if (isTaped) tape.byRelay.push(chunk);
      pair.leftBytes -= chunk.length;
      if (pair.leftBytes > 0) return chunk;
      near.write(chunk.subarray(0, chunk.length + pair.leftBytes), () => drop(pair));
      return null;
    });
    for (const end of [near, far]) end.on("close", () => pairs.delete(pair));
  });

  const carry = (from: Socket, to: Socket, check: (chunk: Buffer) => Buffer | null): void => {
    let held: Buffer[] = [];
    let late: NodeJS.Timeout | null = null;
    const flush = (): void => {
      late = null;
      to.write(Buffer.concat(held));
      held = [];
    };
    const pass = (chunk: Buffer): void => {
      switch (fault.kind) {
        case "silent":
          return;
        case "slow":
          setTimeout(() => to.write(chunk), fault.delayMs);
          return;
        case "split":
          for (let at = 0; at < chunk.length; at += fault.pieceBytes)
            to.write(chunk.subarray(at, at + fault.pieceBytes));
          return;
        case "merged":
          held.push(chunk);
          late ??= setTimeout(flush, fault.withinMs);
          return;
        default:
          to.write(chunk);
      }
    };
    from.on("data", (chunk: Buffer) => {
      const passing = check(chunk);
      if (passing !== null) pass(passing);
    });
    from.on("end", () => (fault.kind === "silent" ? undefined : to.end()));
    from.on("error", () => to.destroy());
  };

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    leadTo: (next) => (target = next),
    become: (next) => (fault = next),
    cut() {
      for (const pair of [...pairs]) drop(pair);
    },
    cutAfter(sizeBytes) {
      for (const pair of pairs) pair.leftBytes = sizeBytes;
    },
    get openConnections() {
      return pairs.size;
    },
    get cuts() {
      return cuts;
    },
    said: () =>
      Buffer.concat(
        tapes.flatMap(({ byEndpoint, byRelay }) => [
          unmasked(Buffer.concat(byEndpoint)),
          ...byRelay,
        ]),
      ),
    close: () =>
      new Promise((resolve) => {
        for (const pair of [...pairs]) drop(pair);
        server.close(() => resolve());
      }),
  };
}

const PAGE = "<!doctype html><title>Welcome to our hotel</title>";
const PORTAL = `HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: ${PAGE.length}\r\nconnection: close\r\n\r\n${PAGE}`;
