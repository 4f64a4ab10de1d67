/** An OpenAI-compatible chat server whose words a test chooses; speaks real HTTP with server-sent events. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface ModelServer {
  readonly url: string;
  /** Bodies of the requests so far. */
  readonly requests: readonly {
    readonly model: string;
    readonly messages: readonly { readonly role: string; readonly content: string }[];
  }[];
  close(): Promise<void>;
}

/** Starts a server that answers every chat request with `pieces`, one event each. */
export async function startModelServer(pieces: readonly string[]): Promise<ModelServer> {
  const requests: { model: string; messages: { role: string; content: string }[] }[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      requests.push(JSON.parse(body) as (typeof requests)[number]);
      response.writeHead(200, { "content-type": "text/event-stream" });
      for (const content of pieces)
        response.write(`data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`);
      response.end("data: [DONE]\n\n");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
