/** Stands between endpoints and relay on loopback and writes down every byte that passes, both ways. */
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

export interface Wiretap {
  readonly port: number;
  /** Everything seen so far. */
  bytes(): Buffer;
  close(): Promise<void>;
}

/** Starts a tap in front of the server on `port`. */
export async function startWiretap(port: number): Promise<Wiretap> {
  const seen: Buffer[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on("data", (chunk: Buffer) => {
        seen.push(Buffer.from(chunk));
        to.write(chunk);
      });
      from.on("end", () => to.end());
      from.on("error", () => to.destroy());
      from.on("close", () => sockets.delete(from));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    bytes: () => Buffer.concat(seen),
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
