/** A program without a socket: takes deliveries over HTTP, or refuses them, and remembers each by its id. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export type Delivery = { readonly id: string; readonly seq: number };

export async function startReceiver() {
  const taken: Delivery[] = [];
  const refused: Delivery[] = [];
  let isTaking = true;
  const looks = new Set<() => void>();
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += String(chunk);
    const { metadata } = JSON.parse(text) as {
      readonly metadata: { readonly conversation_seq: number };
    };
    const id = String(request.headers["x-hashee-delivery-id"]);
    (isTaking ? taken : refused).push({ id, seq: metadata.conversation_seq });
    response.writeHead(isTaking ? 200 : 503).end();
    for (const look of looks) look();
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/hook`,
    /** In the order they came; one may come again, under the same id. */
    taken,
    refused,
    takes: (whether: boolean) => void (isTaking = whether),
    /** Resolves once it holds, looked at with each delivery. */
    until: (holds: () => boolean): Promise<void> =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!holds()) return;
          looks.delete(look);
          resolve();
        };
        looks.add(look);
        look();
      }),
    close: () => new Promise<void>((resolve) => void server.close(() => resolve())),
  };
}
