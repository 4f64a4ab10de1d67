/** A socket whose other end is a test: what was sent is read from a list, what arrives is written by hand. */
import { parseEndpointFrame } from "#protocol/frame.ts";
import type { ParsedEndpointFrame } from "#protocol/endpoint-frame.ts";
import type { RelayFrame } from "#protocol/relay-frame.ts";
import type { OpenSocket, Socket } from "./socket.ts";

export interface ScriptedSocket {
  readonly url: string;
  /** Frames the endpoint sent, oldest first. */
  readonly sent: ParsedEndpointFrame[];
  /** Code of the endpoint's own close; null while it has not closed. */
  closedWith(): number | null;
  opens(): void;
  says(frame: RelayFrame): void;
  saysText(text: string): void;
  closes(code: number, reason?: string): void;
}

/** Sockets in the order they were opened. */
export function createScriptedSockets(): {
  readonly open: OpenSocket;
  readonly sockets: readonly ScriptedSocket[];
  last(): ScriptedSocket;
} {
  const sockets: ScriptedSocket[] = [];
  return {
    sockets,
    last() {
      const socket = sockets.at(-1);
      if (socket === undefined) throw new Error("no socket was opened");
      return socket;
    },
    open(url) {
      const sent: ParsedEndpointFrame[] = [];
      let closedWith: number | null = null;
      const socket: Socket = {
        onopen: null,
        onmessage: null,
        onclose: null,
        send(text) {
          const frame = parseEndpointFrame(text);
          if (frame.ok) sent.push(frame.value);
        },
        close(code = 1000) {
          closedWith = code;
        },
      };
      sockets.push({
        url,
        sent,
        closedWith: () => closedWith,
        opens: () => socket.onopen?.(undefined as never),
        says: (frame) => socket.onmessage?.({ data: JSON.stringify(frame) }),
        saysText: (text) => socket.onmessage?.({ data: text }),
        closes: (code, reason = "") => socket.onclose?.({ code, reason }),
      });
      return socket;
    },
  };
}
