/** The one address in front of several relays: each new connection goes to the next of them that takes it. */
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

export interface Balancer {
  readonly url: string;
  /** Where new connections may go from now on; open ones stay. */
  leadTo(ports: readonly number[]): void;
  /** Connections that are open, by port. */
  openAt(port: number): number;
  close(): Promise<void>;
}

/** Starts a balancer that leads nowhere yet. */
export async function startBalancer(): Promise<Balancer> {
  let targets: readonly number[] = [];
  let turn = 0;
  const open = new Map<Socket, number>();

  const carry = (near: Socket, far: Socket, port: number): void => {
    open.set(near, port);
    near.pipe(far);
    far.pipe(near);
    const end = (): void => {
      open.delete(near);
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) socket.on("error", end).on("close", end);
  };
  const lead = (near: Socket, candidates: readonly number[]): void => {
    const [port, ...rest] = candidates;
    if (port === undefined || near.destroyed) {
      near.destroy();
      return;
    }
    const far = connect(port, "127.0.0.1");
    far.once("connect", () => carry(near, far, port));
    far.once("error", () => {
      if (!open.has(near)) lead(near, rest);
    });
  };
  const server = createServer((near) => {
    near.on("error", () => near.destroy());
    turn += 1;
    lead(near, [
      ...targets.slice(turn % targets.length),
      ...targets.slice(0, turn % targets.length),
    ]);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    leadTo(ports) {
      targets = ports;
    },
    openAt: (at) => [...open.values()].filter((one) => one === at).length,
    async close() {
      for (const socket of open.keys()) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
