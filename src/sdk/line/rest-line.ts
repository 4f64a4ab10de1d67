/**
 * A line without a connection: to the endpoint it is a socket like any other, but what it sends goes out as single
 * REST calls, and what it hears is handed in, by a webhook for one. Streams, typing and presence need a real line.
 */
import { assert } from "#base/invariant.ts";
import type { EndpointFrame, ParsedEndpointFrame } from "#protocol/endpoint-frame.ts";
import { parseEndpointFrame } from "#protocol/frame.ts";
import type { AgentId } from "#protocol/ids.ts";
import type { DurableFrame, RelayFrame } from "#protocol/relay-frame.ts";
import type { OpenSocket, Socket } from "#peer/socket.ts";
import { HasheeError } from "../agent-error.ts";

export interface RestLine {
  readonly open: OpenSocket;
  /** Hands an entry in; resolves when the endpoint has acknowledged it. Call in order within a conversation. */
  deliver(frame: DurableFrame): Promise<void>;
  /** Hands in what no log holds; resolves when the endpoint has heard it. */
  tell(frame: RelayFrame): Promise<void>;
  /** The endpoint has put the conversation away: it would acknowledge a repeated entry once more. */
  forget(conversationId: string): void;
}

type Call = (method: "POST", path: string, body: unknown) => Promise<unknown>;

/** Creates the line. `call` rejects with {@link HasheeError}. */
export const createRestLine = (parts: {
  readonly agentId: AgentId;
  readonly call: Call;
}): RestLine => new CallingLine(parts.agentId, parts.call);

class CallingLine implements RestLine {
  readonly #agentId: AgentId;
  readonly #call: Call;
  readonly #ackedSeqs = new Map<string, number>();
  readonly #waiting = new Set<() => boolean>();
  #socket: Socket | null = null;
  readonly #opened = Promise.withResolvers<void>();

  constructor(agentId: AgentId, call: Call) {
    this.#agentId = agentId;
    this.#call = call;
  }

  readonly open: OpenSocket = () => {
    const socket: Socket = {
      onopen: null,
      onmessage: null,
      onclose: null,
      send: (text) => {
        const frame = parseEndpointFrame(text);
        assert(frame.ok, "the endpoint speaks the protocol");
        void this.#hear(socket, frame.value);
      },
      close: (code = 1000, reason = "") => {
        if (this.#socket === socket) this.#socket = null;
        queueMicrotask(() => socket.onclose?.({ code, reason }));
      },
    };
    queueMicrotask(() => socket.onopen?.(undefined as never));
    return socket;
  };

  async deliver(frame: DurableFrame): Promise<void> {
    await this.#opened.promise;
    const { conversation_id: conversationId, conversation_seq: seq } = frame;
    const isAcked = () => (this.#ackedSeqs.get(conversationId) ?? 0) >= seq;
    if (isAcked()) return;
    if (this.#socket === null) throw new HasheeError("CLOSED");
    say(this.#socket, frame);
    await new Promise<void>((resolve) => {
      const look = () => {
        if (isAcked()) resolve();
        return isAcked();
      };
      this.#waiting.add(look);
    });
  }

  async tell(frame: RelayFrame): Promise<void> {
    await this.#opened.promise;
    if (this.#socket === null) throw new HasheeError("CLOSED");
    say(this.#socket, frame);
  }

  forget(conversationId: string): void {
    this.#ackedSeqs.delete(conversationId);
  }

  async #hear(socket: Socket, frame: ParsedEndpointFrame): Promise<void> {
    switch (frame.type) {
      case "auth":
      case "auth.renew":
        this.#socket = socket;
        say(socket, { type: "auth.ok" });
        return this.#opened.resolve();
      case "ping":
        return say(socket, { type: "pong" });
      case "message.ack":
        return this.#acknowledged(frame.conversation_id, frame.seq);
      case "message.send":
      case "reaction.set": {
        const { type: _type, req, ...body } = frame;
        const path = `/agents/${this.#agentId}/messages`;
        return this.#answer(socket, req, "message.ack", path, body);
      }
      case "message.recall": {
        const { type: _type, req, conversation_id, message_id, ...body } = frame;
        const path = `/conversations/${conversation_id}/messages/${message_id}/recall`;
        return this.#answer(socket, req, "message.recalled", path, body);
      }
      case "control.send":
        // There is no call for it: how far a session came is said over sockets alone.
        if (frame.durable) say(socket, refusalFrame(frame.req, new HasheeError("NOT_ENABLED")));
        return;
      case "stream.start":
        return say(socket, refusalFrame(frame.req, new HasheeError("STREAM_DISABLED")));
      default:
      // Signs of the moment: nobody is there to see them.
    }
  }

  async #answer(
    socket: Socket,
    req: string | undefined,
    type: "message.ack" | "message.recalled",
    path: string,
    body: unknown,
  ): Promise<void> {
    try {
      const data = await this.#call("POST", path, body);
      say(socket, { ...(data as object), type, ...(req === undefined ? {} : { req }) });
    } catch (error) {
      say(
        socket,
        refusalFrame(req, error instanceof HasheeError ? error : new HasheeError("UNAVAILABLE")),
      );
    }
  }

  #acknowledged(conversationId: string, seq: number): void {
    this.#ackedSeqs.set(conversationId, seq);
    for (const look of [...this.#waiting]) if (look()) this.#waiting.delete(look);
  }
}

const say = (socket: Socket, frame: object): void =>
  socket.onmessage?.({ data: JSON.stringify(frame) });

const refusalFrame = (req: EndpointFrame["req"], error: HasheeError) => ({
  type: "error",
  code: error.code,
  message: "",
  i18n_key: "",
  params: error.params,
  ...(req === undefined ? {} : { req }),
  ...(error.retry_after_ms === undefined ? {} : { retry_after_ms: error.retry_after_ms }),
});
