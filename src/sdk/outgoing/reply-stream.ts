/** An answer that appears while it is made. Opened by its first piece; whole and signed with {@link ReplyStream.done}. */
import type { OutgoingMessage, StreamWriter } from "#peer/endpoint.ts";
import type { PeerFailure } from "#peer/failure.ts";
import type { Result } from "#base/result.ts";
import type { KnownPayload, TextPayload } from "#protocol/payload.ts";
import { HasheeError } from "../agent-error.ts";
import { errorOfFailure } from "../error-of-failure.ts";

/** What a sent message is known by. */
export type SendReceipt = {
  readonly message_id: string;
  readonly client_message_id: string;
  readonly conversation_seq: number;
  /** ISO 8601, the relay's clock. */
  readonly created_at: string;
};

/** More that the finished message may carry. */
export type StreamExtra = Pick<
  Partial<TextPayload>,
  "markdown" | "mentions" | "mention_all" | "reply_to" | "attachments"
>;

export interface ReplyStream {
  /** Null until the first piece. */
  readonly stream_id: string | null;
  /** Aborts when a person asks to stop. Pieces given after that are dropped; `done` then keeps what was said so far. */
  readonly signal: AbortSignal;
  /** Adds a piece of any length. @throws {@link HasheeError} once the stream has ended */
  delta(text: string): Promise<void>;
  /** Sends the whole text as the message that stays. @throws {@link HasheeError} */
  done(extra?: StreamExtra): Promise<SendReceipt>;
  /** Takes back what was shown; nothing stays. After the end it does nothing. */
  abort(reason?: string): Promise<void>;
}

/** Creates a stream. `sendWhole` is the way where a conversation takes no streams. */
export function createReplyStream(parts: {
  readonly open: () => Promise<Result<StreamWriter, PeerFailure>>;
  readonly sendWhole: (payload: TextPayload) => Promise<SendReceipt>;
  readonly onFirstDelta: () => void;
  readonly onDone: (message: OutgoingMessage) => Promise<SendReceipt>;
}): ReplyStream {
  const stop = new AbortController();
  let text = "";
  let state:
    | { readonly status: "unopened" | "collecting" | "ended" }
    | { readonly status: "live"; readonly writer: StreamWriter } = { status: "unopened" };
  // Calls run in order even when nobody awaits them.
  let tail: Promise<unknown> = Promise.resolve();
  const inOrder = <Value>(task: () => Promise<Value>): Promise<Value> => {
    const result = tail.then(task, task);
    tail = result.catch(() => undefined);
    return result;
  };

  const assertRuns = (): void => {
    if (state.status === "ended") throw new HasheeError("STREAM_UNKNOWN", ENDED);
  };

  const ensureOpen = async (): Promise<void> => {
    assertRuns();
    if (state.status !== "unopened") return;
    parts.onFirstDelta();
    const opened = await parts.open();
    if (opened.ok) {
      const writer = opened.value;
      state = { status: "live", writer };
      if (writer.signal.aborted) stop.abort();
      else writer.signal.addEventListener("abort", () => stop.abort(), { once: true });
    } else if (isStreamless(opened.failure)) state = { status: "collecting" };
    else throw errorOfFailure(opened.failure);
  };

  const orCollect = (failure: PeerFailure): void => {
    if (!isStreamless(failure)) throw errorOfFailure(failure);
    state = { status: "collecting" };
  };

  const finish = async (extra: StreamExtra): Promise<SendReceipt> => {
    await ensureOpen();
    if (state.status === "live") {
      const done = await state.writer.done(extra as Partial<KnownPayload>);
      if (done.ok) {
        state = { status: "ended" };
        return parts.onDone(done.value);
      }
      orCollect(done.failure);
    }
    state = { status: "ended" };
    return parts.sendWhole({ type: "text", text, ...extra });
  };

  return {
    get stream_id() {
      return state.status === "live" ? state.writer.streamId : null;
    },
    signal: stop.signal,
    delta: (piece) =>
      inOrder(async () => {
        assertRuns();
        if (piece === "" || stop.signal.aborted) return;
        await ensureOpen();
        if (state.status === "live") {
          const sent = await state.writer.delta(piece);
          if (!sent.ok) orCollect(sent.failure);
        }
        text += piece;
      }),
    done: (extra = {}) => inOrder(() => finish(extra)),
    abort: (reason) =>
      inOrder(async () => {
        if (state.status === "live") await state.writer.abort(reason);
        state = { status: "ended" };
      }),
  };
}

const ENDED = { message: "The stream has ended." };

const isStreamless = (failure: PeerFailure): boolean =>
  (failure.kind === "peer/refused" && failure.code === "STREAM_DISABLED") ||
  (failure.kind === "peer/stream-ended" && failure.reason === "disabled");
