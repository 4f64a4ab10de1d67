/**
 * TPCLAW on a loopback port: the socket chat exactly as its manual shows it, the feed its framework sends, and chat
 * completions played from recordings, with what was seen of failures, bursts and ends.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { WebSocketServer, type WebSocket } from "ws";
import type { CompletionRequest, SocketFrame } from "./frames.ts";
import { linesOf, streamOf } from "./transcript.ts";

export type TpclawServerOptions = {
  /** What `/api/v1/ws` is: the documented chat, a feed that takes no chat, or silence. */
  readonly socket: "chat" | "feed" | "silent";
  /** Answer a chat in one message, in a stream, or in a stream whose text comes once more as a message. */
  readonly reply: "message" | "stream" | "stream-and-message";
  readonly pong: boolean;
  /** The recording a completion is played from. */
  readonly recording: string;
  /** `recorded`: with the times of the recording, at `speed`; `burst`: all at the end of them. */
  readonly pace: "recorded" | "burst";
  readonly speed: number;
  /** Instead of an answer: the model's error as text, with its end, twice. */
  readonly failsAsText: boolean;
  /** Ends the stream after so many frames, without an end. */
  readonly cutAfter: number | null;
  /** Instead of a recording: so many pieces of 1 KB at once; a reader 1,024 of them behind is cut off. */
  readonly flood: number;
  readonly apiKey: string | null;
  /** Whether pages of other origins are let in. */
  readonly cors: boolean;
  readonly models: readonly string[];
};

type CompletionHeard = { readonly body: CompletionRequest; readonly isAgui: boolean };

export interface TpclawServer {
  readonly url: string;
  readonly socketUrl: string;
  /** Bodies of completions so far, with the headers that matter. */
  readonly requests: readonly CompletionHeard[];
  /** Frames heard on sockets. */
  readonly heard: readonly SocketFrame[];
  /** Takes completions and says nothing to them, not even a head, until `release`. */
  hold(): void;
  release(): void;
  /** Resolves once a reader was cut off for being behind. */
  readonly hasCut: Promise<void>;
  /** Open sockets. */
  clients(): number;
  say(frame: unknown): void;
  raw(text: string | Buffer): void;
  /** Every open socket stays open and carries nothing any more. */
  freeze(): void;
  kill(): void;
  close(): Promise<void>;
}

export async function startTpclawServer(
  given: Partial<TpclawServerOptions> = {},
): Promise<TpclawServer> {
  const options: TpclawServerOptions = {
    socket: "chat",
    reply: "stream",
    pong: true,
    recording: "05-tool-agui",
    pace: "recorded",
    speed: 10,
    failsAsText: false,
    cutAfter: null,
    flood: 0,
    apiKey: null,
    cors: true,
    models: ["main"],
    ...given,
  };
  const requests: CompletionHeard[] = [];
  const heard: SocketFrame[] = [];
  const held: (() => void)[] = [];
  const cut = Promise.withResolvers<void>();
  let isHolding = false;
  const connections = new Set<Socket>();
  const clients = new Set<WebSocket>();
  const frozen = new Set<WebSocket>();
  const http = createServer((request, response) => {
    void readBody(request).then((text) => serve(request, response, text));
  });
  http.on("connection", (socket) => {
    connections.add(socket);
    socket.on("close", () => connections.delete(socket));
  });

  const serve = (request: IncomingMessage, response: ServerResponse, text: string): void => {
    const path = new URL(request.url ?? "/", "http://h").pathname;
    const isKnown = path.endsWith("/chat/completions") || path.endsWith("/models");
    if (!isKnown) {
      // Without cross-origin headers, so that a page of another origin sees a network error only.
      response.writeHead(404, { "content-type": "text/plain; charset=utf-8" });
      return void response.end("404 page not found\n");
    }
    if (options.cors) response.setHeader("access-control-allow-origin", "*");
    if (request.method === "OPTIONS") {
      if (options.cors) {
        response.setHeader("access-control-allow-headers", "*");
        response.setHeader("access-control-allow-methods", "*");
      }
      return void response.writeHead(options.cors ? 204 : 405).end();
    }
    if (options.apiKey !== null && request.headers.authorization !== `Bearer ${options.apiKey}`) {
      response.writeHead(401, { "content-type": "application/json" });
      return void response.end('{"error":"unauthorized"}');
    }
    if (path.endsWith("/models")) {
      response.writeHead(200, { "content-type": "application/json" });
      return void response.end(JSON.stringify({ data: options.models.map((id) => ({ id })) }));
    }
    complete(request, response, text);
  };

  const complete = (request: IncomingMessage, response: ServerResponse, text: string): void => {
    let body: CompletionRequest;
    try {
      body = JSON.parse(text) as CompletionRequest;
    } catch {
      response.writeHead(400, { "content-type": "text/plain; charset=utf-8" });
      return void response.end("invalid character 'n' looking for beginning of object key string");
    }
    const isAgui = request.headers["x-stream-protocol"] === "agui";
    requests.push({ body, isAgui });
    if (body.model === "refused") {
      const refusal = linesOf("tpclaw/11-llm-400-nonstream").find(
        ({ dir }) => dir === "recv",
      )?.rest;
      response.writeHead(400, { "content-type": "text/plain; charset=utf-8" });
      return void response.end(refusal);
    }
    if (isHolding) held.push(() => answer(response, isAgui));
    else answer(response, isAgui);
  };

  const answer = (response: ServerResponse, isAgui: boolean): void => {
    response.writeHead(200, {
      "content-type": "text/event-stream",
      "cache-control": "no-cache, no-transform",
    });
    if (options.failsAsText) return void failAsText(response);
    void (options.flood > 0 ? flood(response, options.flood, cut.resolve) : play(response, isAgui));
  };

  const play = async (response: ServerResponse, isAgui: boolean): Promise<void> => {
    // Without the header the tool phase is silent.
    const frames = streamOf(options.recording).filter(
      ({ frame }) => isAgui || !frame.includes('"tool_calls"'),
    );
    const from = performance.now();
    const last = frames.at(-1)?.t ?? 0;
    let sent = 0;
    for (const { t, frame } of frames) {
      const due = (options.pace === "burst" ? last : t) / options.speed;
      await new Promise((resolve) =>
        setTimeout(resolve, Math.max(0, from + due - performance.now())),
      );
      if (options.cutAfter === sent) return void response.destroy();
      // The id differs on every frame.
      response.write(`${frame.replace(/chatcmpl-\d+/, `chatcmpl-${sent}`)}\n\n`);
      sent += 1;
    }
    response.end();
  };

  const sockets = new WebSocketServer({ noServer: true });
  http.on("upgrade", (request, socket, head) => {
    sockets.handleUpgrade(request, socket, head, (client) => {
      clients.add(client);
      client.on("error", () => {});
      client.on("close", () => clients.delete(client));
      client.on("message", (data: Buffer) =>
        hear(client, JSON.parse(data.toString()) as SocketFrame),
      );
    });
  });

  const hear = (client: WebSocket, frame: SocketFrame): void => {
    if (frozen.has(client)) return;
    heard.push(frame);
    const say = (said: object): void => client.send(JSON.stringify(said));
    if (frame.type === "ping" && options.pong) say({ type: "pong" });
    if (frame.type !== "chat" || options.socket === "silent") return;
    if (options.socket === "feed") {
      for (const event of linesOf("tpclaw/30-agui-emitter-plain")) say(event);
      return;
    }
    const agentId = frame.agentId;
    if (frame.message === "fail")
      return say({ type: "error", agentId, error: { message: "no such agent" } });
    const words = `You said ${frame.message ?? ""}`;
    if (options.reply === "message")
      return say({ type: "message", agentId, content: words, done: false });
    for (const piece of words.match(/\S+\s*/g) ?? [])
      say({ type: "stream", agentId, content: piece, done: false });
    say({ type: "stream", agentId, content: "", done: true });
    if (options.reply === "stream-and-message")
      say({ type: "message", agentId, content: words, done: false });
  };

  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const { port } = http.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/api/v1`,
    socketUrl: `ws://127.0.0.1:${port}/api/v1/ws`,
    requests,
    heard,
    hasCut: cut.promise,
    hold() {
      isHolding = true;
    },
    release() {
      isHolding = false;
      for (const go of held.splice(0)) go();
    },
    clients: () => clients.size,
    say: (frame) => clients.forEach((client) => client.send(JSON.stringify(frame))),
    raw: (text) => clients.forEach((client) => client.send(text)),
    freeze: () => clients.forEach((client) => frozen.add(client)),
    kill: () => connections.forEach((socket) => socket.destroy()),
    close() {
      for (const socket of connections) socket.destroy();
      return new Promise((resolve) => http.close(() => resolve()));
    },
  };
}

/** An ordinary answer that is an error, then its end; all of it once more. */
function failAsText(response: ServerResponse): void {
  const chunk = (delta: object, finish: string | null): void =>
    void response.write(
      `data: ${JSON.stringify({ choices: [{ delta, finish_reason: finish, index: 0 }], model: "rulego-model" })}\n\n`,
    );
  for (const _ of [1, 2]) {
    chunk({ content: "[NodeRunError] error, status code: 401, message: no key" }, null);
    chunk({}, "stop");
    response.write("data: [DONE]\n\n");
  }
  response.end();
}

const PATIENCE_TURNS = 20_000;

/** Everything at once; whoever falls behind is told in the answer itself, and it ends well. */
async function flood(response: ServerResponse, pieces: number, tellCut: () => void): Promise<void> {
  const mostBytes = 1_024 * 1_100;
  /** Whoever reads at all takes something in so many turns, however busy the machine is. */
  const isBehind = async (): Promise<boolean> => {
    for (let turn = 0; turn < PATIENCE_TURNS; turn++) {
      if (response.writableLength <= mostBytes) return false;
      await new Promise((resolve) => setImmediate(resolve));
    }
    return true;
  };
  const chunk = (delta: object, finish: string | null): string =>
    `data: ${JSON.stringify({ choices: [{ delta, finish_reason: finish, index: 0 }] })}\n\n`;
  const piece = chunk({ content: "x".repeat(1_024) }, null);
  for (let sent = 0; sent < pieces; sent++) {
    if (await isBehind()) {
      response.write(chunk({ content: "[stream cut: the reader is too slow]" }, null));
      tellCut();
      break;
    }
    response.write(piece);
    if (sent % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  response.end(`${chunk({}, "stop")}data: [DONE]\n\n`);
}

async function readBody(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return text;
}
