/**
 * The writing side of a MyAgent connection: seq is given when a frame is made, pieces of answers then wait in a merge
 * slot in which the next one replaces them. Hence gaps, backward seqs and a last piece after the answer.
 */
import { randomUUID } from "node:crypto";
import type { WebSocket } from "ws";

const MERGE_MS = 75;
const MERGED: ReadonlySet<string> = new Set(["agent.partial_answer", "agent.llm_message"]);

export type Frame = {
  readonly event: string;
  readonly session_id?: string | undefined;
  readonly content?: unknown;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly step_id?: string | null | undefined;
  readonly show_content?: string | undefined;
};

export type SentFrame = Frame & {
  readonly seq: number;
  readonly event_id: string;
  readonly timestamp: string;
};

export class Wire {
  readonly id = randomUUID();
  readonly #socket: WebSocket;
  readonly #slots = new Map<string, { frame: SentFrame; timer: NodeJS.Timeout }>();
  #seq = 0;
  isFrozen = false;

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  get highestSeq(): number {
    return this.#seq;
  }

  /** Makes a frame and sends it, at once or by way of its slot. */
  send(frame: Frame, timestamp = naiveTime()): SentFrame {
    this.#seq += 1;
    const made: SentFrame = {
      ...frame,
      timestamp,
      metadata: { ...frame.metadata, connection_id: this.id },
      seq: this.#seq,
      event_id: `${this.id}-${this.#seq}`,
    };
    if (MERGED.has(frame.event)) this.#merge(made);
    else this.#write(made);
    return made;
  }

  /** Text as it is, for what no server should send. */
  raw(text: string | Buffer): void {
    this.#socket.send(text);
  }

  close(): void {
    for (const { timer } of this.#slots.values()) clearTimeout(timer);
    this.#slots.clear();
  }

  #merge(frame: SentFrame): void {
    const slot = `${frame.event} ${frame.session_id}`;
    const waiting = this.#slots.get(slot);
    if (waiting !== undefined) {
      waiting.frame = frame;
      return;
    }
    const timer = setTimeout(() => {
      const held = this.#slots.get(slot);
      this.#slots.delete(slot);
      if (held !== undefined) this.#write(held.frame);
    }, MERGE_MS);
    this.#slots.set(slot, { frame, timer });
  }

  #write(frame: SentFrame): void {
    if (!this.isFrozen && this.#socket.readyState === this.#socket.OPEN)
      this.#socket.send(JSON.stringify(frame));
  }
}

/** Local time without a zone, in microseconds. */
export const naiveTime = (): string => {
  const now = new Date();
  const local = new Date(now.getTime() - now.getTimezoneOffset() * 60_000);
  return `${local.toISOString().slice(0, -1)}${String(Math.floor(performance.now() * 1_000) % 1_000).padStart(3, "0")}`;
};
