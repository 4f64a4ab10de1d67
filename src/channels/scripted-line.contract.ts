/** A socket of any text whose other end is a test. */
import type { OpenSocket, Socket } from "#peer/socket.ts";

export interface ScriptedLine {
  readonly url: string;
  /** Texts sent by our side, as JSON. */
  readonly sent: any[];
  isClosed(): boolean;
  opens(): void;
  says(frame: unknown): void;
  saysText(text: unknown): void;
  closes(code: number): void;
}

/** Lines in the order they were opened. */
export function createScriptedLines() {
  const lines: ScriptedLine[] = [];
  const open: OpenSocket = (url) => {
    const sent: any[] = [];
    let isClosed = false;
    const socket: Socket = {
      onopen: null,
      onmessage: null,
      onclose: null,
      send: (text) => sent.push(JSON.parse(text)),
      close: () => (isClosed = true),
    };
    const saysText = (data: unknown): void => socket.onmessage?.({ data });
    lines.push({
      url,
      sent,
      isClosed: () => isClosed,
      opens: () => socket.onopen?.(undefined as never),
      says: (frame) => saysText(JSON.stringify(frame)),
      saysText,
      closes: (code) => socket.onclose?.({ code, reason: "" }),
    });
    return socket;
  };
  return {
    open,
    lines,
    last(): ScriptedLine {
      const line = lines.at(-1);
      if (line === undefined) throw new Error("no line was opened");
      return line;
    },
  };
}
