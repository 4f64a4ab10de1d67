/**
 * Frames in and out over a line that comes and goes: questions find their answers, a new line resumes where the old
 * one stopped, everything else is passed on in the order it came. SPEC E10–E12.
 */
import { bytesToHex } from "#base/bytes.ts";
import type { Clock } from "#base/clock.ts";
import { createEmitter } from "#base/emitter.ts";
import type { RandomBytes } from "#base/random.ts";
import { err, ok, type Result } from "#base/result.ts";
import type { EndpointFrame } from "#protocol/endpoint-frame.ts";
import type { RelayFrame, RelayFrameOf } from "#protocol/relay-frame.ts";
import type { Connection } from "./connection.ts";
import { failureOfCode, type PeerFailure } from "./failure.ts";

export type ChannelEvent =
  /** Signed in and resumed; null from a relay that knows no resume. */
  | { readonly type: "ready"; readonly resumed: RelayFrameOf<"resume.ok"> | null }
  | { readonly type: "frame"; readonly frame: RelayFrame }
  | { readonly type: "lost" };

/** Where the endpoint stands, as `resume` says it. */
export type ResumePoint = {
  readonly logEpoch: string | null;
  readonly cursors: Readonly<Record<string, number>> | null;
  readonly streams: Readonly<Record<string, number>>;
};

export interface RelayChannel {
  on(listener: (event: ChannelEvent) => void): () => void;
  /** Whether durable frames may go out now. */
  isReady(): boolean;
  /** Sends what needs no answer; false while there is no line. */
  send(frame: EndpointFrame): boolean;
  /**
   * Sends and waits for the answer that names this request.
   *
   * Fails with `peer/offline` (no line, or it was lost before the answer), `peer/timed-out`, or the refusal's kind.
   */
  request(
    frame: Exclude<EndpointFrame, { type: "auth" }>,
  ): Promise<Result<RelayFrame, PeerFailure>>;
}

/** A relay that is alive but silent for so long is not going to answer. */
const ANSWER_WITHIN_MS = 45_000;

type Pending = {
  readonly clientMessageId: string | null;
  settle(result: Result<RelayFrame, PeerFailure>): void;
};

/** Creates the channel over a connection; the connection's life stays its owner's. */
export const createRelayChannel = (options: Needs): RelayChannel => new LineChannel(options);

type Needs = {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly connection: Connection;
  readonly resumePoint: () => Promise<ResumePoint>;
};

class LineChannel implements RelayChannel {
  readonly #options: Needs;
  readonly #clock: Needs["clock"];
  readonly #connection: Needs["connection"];
  readonly #events = createEmitter<ChannelEvent>();
  readonly #pending = new Map<string, Pending>();
  /** Answers to another process's questions, shown again, are none to ours. */
  readonly #ours: string;
  #nextRequest = 1;
  #isReady = false;
  /** Distinguishes this line from the one before while its resume point is read. */
  #line = 0;

  constructor(options: Needs) {
    this.#options = options;
    this.#clock = options.clock;
    this.#connection = options.connection;
    this.#ours = bytesToHex(options.random(6));
    this.#connection.on((event) => {
      if (event.type === "online") void this.#resume(event.auth);
      else if (event.type === "frame") this.#hear(event.frame);
      else if (event.type === "lost") this.#lose();
    });
  }

  on(listener: (event: ChannelEvent) => void): () => void {
    return this.#events.on(listener);
  }

  isReady(): boolean {
    return this.#isReady;
  }

  send(frame: EndpointFrame): boolean {
    return this.#connection.send(frame);
  }

  request(
    frame: Exclude<EndpointFrame, { type: "auth" }>,
  ): Promise<Result<RelayFrame, PeerFailure>> {
    const req = `${this.#ours}-${this.#nextRequest++}`;
    return new Promise((resolve) => {
      const settle = (result: Result<RelayFrame, PeerFailure>): void => {
        this.#pending.delete(req);
        stop();
        resolve(result);
      };
      const stop = this.#clock.after(ANSWER_WITHIN_MS, () =>
        settle(err({ kind: "peer/timed-out" })),
      );
      const id = "client_message_id" in frame ? (frame.client_message_id ?? null) : null;
      this.#pending.set(req, { clientMessageId: id, settle });
      if (!this.#connection.send({ ...frame, req })) settle(err({ kind: "peer/offline" }));
    });
  }

  #answerOf(frame: RelayFrame): Pending | undefined {
    if (frame.req !== undefined) {
      const asked = this.#pending.get(frame.req);
      return asked !== undefined && isAbout(asked, frame) ? asked : undefined;
    }
    // A relay that does not echo `req` still names the message.
    if (frame.type !== "message.ack" && frame.type !== "error") return undefined;
    const id = frame.client_message_id;
    return id === undefined
      ? undefined
      : [...this.#pending.values()].find((one) => one.clientMessageId === id);
  }

  #hear(frame: RelayFrame): void {
    const asked = this.#answerOf(frame);
    if (asked !== undefined) {
      return asked.settle(
        frame.type === "error"
          ? err(failureOfCode(frame.code, frame.params, frame.retry_after_ms))
          : ok(frame),
      );
    }
    if (frame.type === "resume.ok") {
      this.#isReady = true;
      this.#events.emit({ type: "ready", resumed: frame });
      return;
    }
    this.#events.emit({ type: "frame", frame });
  }

  async #resume(auth: RelayFrameOf<"auth.ok">): Promise<void> {
    const ours = ++this.#line;
    if (auth.connection_id === undefined) {
      this.#isReady = true;
      this.#events.emit({ type: "ready", resumed: null });
      return;
    }
    const point = await this.#options.resumePoint();
    if (ours !== this.#line) return;
    this.#connection.send({
      type: "resume",
      log_epoch: point.logEpoch,
      cursors: point.cursors,
      ...(Object.keys(point.streams).length === 0 ? {} : { streams: point.streams }),
    });
  }

  #lose(): void {
    this.#line += 1;
    this.#isReady = false;
    for (const one of this.#pending.values()) one.settle(err({ kind: "peer/offline" }));
    this.#events.emit({ type: "lost" });
  }
}

/** Whether what is acknowledged is what was sent: its place would be taken for that of another message. */
const isAbout = ({ clientMessageId }: Pending, frame: RelayFrame): boolean =>
  frame.type !== "message.ack" ||
  clientMessageId === null ||
  frame.client_message_id === clientMessageId;
