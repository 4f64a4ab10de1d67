/** What stands before a relay where lines are encrypted: it ends TLS and hands on what was inside. */
import { connect, type AddressInfo, type Socket } from "node:net";
import { createServer } from "node:tls";
import type { Certificate } from "./certificate.ts";

export interface TlsFront {
  readonly port: number;
  leadTo(port: number): void;
  /** Shows this certificate to whoever comes from now on. */
  show(certificate: Certificate): void;
  /** How many handshakes came to an end, and how many did not. */
  readonly handshakes: { readonly done: number; readonly failed: number };
  close(): Promise<void>;
}

export async function startTlsFront(certificate: Certificate): Promise<TlsFront> {
  let target = 0;
  const handshakes = { done: 0, failed: 0 };
  const open = new Set<Socket>();
  const server = createServer(certificate, (near) => {
    handshakes.done += 1;
    const far = connect({ port: target, host: "127.0.0.1", noDelay: true });
    for (const [from, to] of [[near, far] as const, [far, near] as const]) {
      open.add(from);
      from.on("error", () => to.destroy());
      from.on("close", () => {
        open.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  });
  server.on("tlsClientError", () => (handshakes.failed += 1));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    leadTo: (next) => (target = next),
    show: (next) => server.setSecureContext(next),
    handshakes,
    close: () =>
      new Promise((resolve) => {
        for (const socket of open) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
