import { randomInt } from "node:crypto";
import { createServer, type ListenOptions } from "node:net";

/**
 * Below what systems hand out by themselves: whoever connects somewhere, or listens at any port, takes none of these
 * between our look and the moment its owner listens, nor while that one starts anew.
 */
const [FIRST, LAST] = [12_000, 32_000];

/** A port of loopback where nobody listens now, and that is given to nobody else while this process lives. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST, LAST);
    if (!(await claim(port))) continue;
    const probe = await listen({ port, host: "127.0.0.1" });
    if (probe === null) continue;
    await new Promise((resolve) => probe.close(resolve));
    return port;
  }
}

/** Two who look at the same time find two: a name of this kind goes with its process, and Linux alone has them. */
const claim = async (port: number): Promise<boolean> =>
  process.platform !== "linux" || (await listen({ path: `\0parley port ${port}` })) !== null;

/** Keeps no process alive; null where somebody listens already. */
const listen = (where: ListenOptions): Promise<ReturnType<typeof createServer> | null> =>
  new Promise((resolve) => {
    const server = createServer().unref();
    server.once("error", () => resolve(null));
    server.listen(where, () => resolve(server));
  });
