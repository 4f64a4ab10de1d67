/**
 * A relay that lies: the real one behind it, and between the two somebody who opens no envelope and may do with
 * frames and answers whatever can be done to bytes. Who talks to it sees its address and no other.
 */
import { createServer, request as ask, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocket, WebSocketServer } from "ws";
import type { RelayFrame } from "../../src/protocol/relay-frame.ts";

export type Kind = "human" | "agent";
/** What a frame of the relay becomes on its way. */
export type Lie = (frame: RelayFrame) => readonly RelayFrame[];
/** What an answer to this path becomes, or a promise of it; the very same object for the truth. `path` is with its query. */
export type Answer = (path: string, truth: unknown) => unknown;

export interface HostileRelay {
  readonly url: string;
  readonly port: number;
  /** The real relay listens at this port of loopback from now on. */
  leadTo(port: number): void;
  /** From now on endpoints of one kind hear this; null: the truth. */
  tells(who: Kind, lie: Lie | null): void;
  /** From now on everybody is answered so over REST; null: the truth. */
  answers(answer: Answer | null): void;
  /** Breaks the lines of one kind; they come back by themselves. */
  cut(who: Kind): void;
  close(): Promise<void>;
}

/** Starts one that leads nowhere yet and tells the truth. */
export async function startHostileRelay(): Promise<HostileRelay> {
  let target = 0;
  let answer: Answer | null = null;
  const lies: Record<Kind, Lie | null> = { human: null, agent: null };
  const lines: Record<Kind, Set<WebSocket>> = { human: new Set(), agent: new Set() };

  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    const onward = ask(
      {
        port: target,
        host: "127.0.0.1",
        method: request.method,
        path: request.url,
        headers: request.headers,
      },
      (truth) => {
        const pieces: Buffer[] = [];
        truth.on("data", (piece: Buffer) => pieces.push(piece));
        truth.on("end", async () => {
          const said = Buffer.concat(pieces);
          const told =
            answer === null ? said : await retold(answer, request.url ?? "", truth, said);
          const { "transfer-encoding": _chunked, ...headers } = truth.headers;
          response.writeHead(truth.statusCode ?? 502, {
            ...headers,
            "content-length": told.length,
          });
          response.end(told);
        });
      },
    );
    onward.on("error", () => response.destroy());
    request.pipe(onward);
  };

  const sockets = new WebSocketServer({ noServer: true });
  const join = (near: WebSocket, request: IncomingMessage): void => {
    const who: Kind = request.url?.startsWith("/ws/agent") === true ? "agent" : "human";
    const { origin, cookie, host } = request.headers;
    const far = new WebSocket(`ws://127.0.0.1:${target}${request.url}`, {
      headers: {
        host: host ?? "",
        ...(origin === undefined ? {} : { origin }),
        ...(cookie === undefined ? {} : { cookie }),
      },
    });
    const early: string[] = [];
    lines[who].add(near);
    near.on("message", (text) =>
      far.readyState === WebSocket.OPEN ? far.send(String(text)) : early.push(String(text)),
    );
    far.on("open", () => {
      for (const text of early) far.send(text);
    });
    far.on("message", (text) => {
      const lie = lies[who];
      if (lie === null) return near.send(String(text));
      for (const frame of lie(JSON.parse(String(text)) as RelayFrame))
        near.send(JSON.stringify(frame));
    });
    near.on("close", () => {
      lines[who].delete(near);
      far.terminate();
    });
    far.on("close", (code, reason) => close(near, code, reason));
    for (const socket of [near, far]) socket.on("error", () => socket.terminate());
  };

  const server = createServer(serve);
  server.on("upgrade", (request, socket, head) =>
    sockets.handleUpgrade(request, socket, head, (near) => join(near, request)),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://localhost:${port}`,
    port,
    leadTo: (next) => (target = next),
    tells: (who, lie) => (lies[who] = lie),
    answers: (next) => (answer = next),
    cut(who) {
      for (const socket of lines[who]) socket.terminate();
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets.clients) socket.terminate();
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

async function retold(
  answer: Answer,
  path: string,
  { headers }: IncomingMessage,
  said: Buffer,
): Promise<Buffer> {
  if (headers["content-type"]?.includes("json") !== true) return said;
  const truth: unknown = JSON.parse(said.toString());
  const told = await answer(path, truth);
  return told === truth ? said : Buffer.from(JSON.stringify(told));
}

// 1005 and 1006 are said by no close frame.
function close(near: WebSocket, code: number, reason: Buffer): void {
  if (code === 1005 || code === 1006) near.terminate();
  else near.close(code, reason);
}
