// The pieces of a streamed message: each bound to the stream, its position and everything before it. SPEC §8.
import { type Bytes, concat, equalBytes, utf8, utf8ToText } from "#base/bytes.ts";
import { assert } from "#base/invariant.ts";
import { err, ok, type Result } from "#base/result.ts";
import { Secret } from "#base/secret.ts";
import { enc, parseEnc, u32, u64, u8 } from "#protocol/encoding.ts";
import { type ConversationId, type StreamId, uuidToBytes } from "#protocol/ids.ts";
import { MAX_STREAM_DELTAS } from "#protocol/limits.ts";
import type { CryptoFailure } from "./failure.ts";
import { LABEL } from "./labels.ts";
import { DELTA_BUCKET_BYTES, MAX_STREAM_TEXT_BYTES } from "./limits.ts";
import { cannotRead } from "./message-open.ts";
import type { Primitives } from "./primitives.ts";

/** Bytes of a delta's plaintext record beside its text and padding. */
export const DELTA_OVERHEAD_BYTES = 34;

const TAG_SIZE_BYTES = 16;

/** What a delta does to the text so far. */
export type DeltaOp = "append";

/** A stream at one position, the same for its writer and its readers. A value; each delta gives a new one. */
export type StreamSealState = {
  readonly conversationId: ConversationId;
  readonly streamId: StreamId;
  readonly key: Secret<Bytes>;
  /** Deltas so far; also the index of the next one. */
  readonly count: number;
  /** Hash over the start and every delta so far, 32 bytes. */
  readonly runningHash: Bytes;
  /** Running hash before each delta so far: a repeat can be told from another delta. */
  readonly hashes: readonly Bytes[];
  /** Text so far, as bytes it takes in the closing message. */
  readonly textSizeBytes: number;
};

/** A stream's random key, which travels in the payload of its start. */
export const startStream = (primitives: Primitives): { readonly streamKey: Bytes } => ({
  streamKey: primitives.randomBytes(32),
});

/** A stream before its first delta. Shapes: `startHash` is the message hash of the stream's start. */
export function streamSealer(
  primitives: Primitives,
  stream: {
    readonly streamKey: Bytes;
    readonly conversationId: ConversationId;
    readonly streamId: StreamId;
    readonly startHash: Bytes;
  },
): StreamSealState {
  const { conversationId, streamId } = stream;
  const info = enc(LABEL.deltaKey, uuidToBytes(conversationId), uuidToBytes(streamId));
  return {
    conversationId,
    streamId,
    key: new Secret(primitives.hkdfExpand(stream.streamKey, info, 32)),
    count: 0,
    runningHash: stream.startHash,
    hashes: [],
    textSizeBytes: 0,
  };
}

/**
 * Seals the next piece and gives the stream after it.
 *
 * Shapes: `text` well-formed, cut between code points.
 * Fails with `crypto/stream-limit`: the stream must end.
 * Source: SPEC C33.
 */
export function sealDelta(
  primitives: Primitives,
  state: StreamSealState,
  text: string,
  op: DeltaOp = "append",
): Result<
  { readonly index: number; readonly delta: Bytes; readonly state: StreamSealState },
  CryptoFailure
> {
  assert(text.isWellFormed(), "a delta is cut between code points");
  const textSizeBytes = state.textSizeBytes + escapedSizeBytes(text);
  if (state.count >= MAX_STREAM_DELTAS || textSizeBytes > MAX_STREAM_TEXT_BYTES) {
    return err({ kind: "crypto/stream-limit" });
  }
  const plaintext = padDelta(op, text);
  const aad = deltaAad(state, plaintext.length);
  const nonce = deltaNonce(state.count);
  const delta = primitives.xchachaSeal(state.key.reveal(), nonce, aad, plaintext);
  const after = advance(primitives, state, delta, textSizeBytes);
  return ok({ index: state.count, delta, state: after });
}

/**
 * Opens the next piece and gives the stream after it.
 *
 * Fails with `crypto/stream-gap` (ask for `expectedIndex` again), `crypto/stream-repeat` (nothing to do),
 * `crypto/stream-forked` and `crypto/stream-limit` (the stream ends), `crypto/cannot-read`.
 * On failure the stream passed in is still the right one to keep.
 * Source: SPEC C33.
 */
export function openDelta(
  primitives: Primitives,
  state: StreamSealState,
  index: number,
  delta: Bytes,
): Result<
  { readonly text: string; readonly op: DeltaOp; readonly state: StreamSealState },
  CryptoFailure
> {
  if (index > state.count) return err({ kind: "crypto/stream-gap", expectedIndex: state.count });
  if (index < state.count) return judgeRepeat(primitives, state, index, delta);
  if (index >= MAX_STREAM_DELTAS) return err({ kind: "crypto/stream-limit" });
  const sizeBytes = delta.length - TAG_SIZE_BYTES;
  if (sizeBytes < DELTA_BUCKET_BYTES || sizeBytes > MAX_DELTA_BYTES) return cannotRead("malformed");
  const aad = deltaAad(state, sizeBytes);
  const plaintext = primitives.xchachaOpen(state.key.reveal(), deltaNonce(index), aad, delta);
  if (plaintext === null) return cannotRead("tag");
  const text = parseDelta(plaintext);
  if (text === null) return cannotRead("padding");
  const textSizeBytes = state.textSizeBytes + escapedSizeBytes(text);
  if (textSizeBytes > MAX_STREAM_TEXT_BYTES) return err({ kind: "crypto/stream-limit" });
  return ok({ text, op: "append", state: advance(primitives, state, delta, textSizeBytes) });
}

/** Whether a signed closing message speaks of exactly these deltas. Source: SPEC C34. */
export const isStreamProven = (
  state: StreamSealState,
  done: { readonly count: number; readonly hash: Bytes },
): boolean => done.count === state.count && equalBytes(done.hash, state.runningHash);

/** A text that holds the whole stream's limit still fits one record. */
const MAX_DELTA_BYTES =
  Math.ceil((MAX_STREAM_TEXT_BYTES + DELTA_OVERHEAD_BYTES) / DELTA_BUCKET_BYTES) *
  DELTA_BUCKET_BYTES;

function judgeRepeat(
  primitives: Primitives,
  state: StreamSealState,
  index: number,
  delta: Bytes,
): { readonly ok: false; readonly failure: CryptoFailure } {
  const before = state.hashes[index] ?? new Uint8Array();
  const after = state.hashes[index + 1] ?? state.runningHash;
  const isSame = equalBytes(primitives.sha256(concat(before, delta)), after);
  return err({ kind: isSame ? "crypto/stream-repeat" : "crypto/stream-forked" });
}

const advance = (
  primitives: Primitives,
  state: StreamSealState,
  delta: Bytes,
  textSizeBytes: number,
): StreamSealState => ({
  ...state,
  count: state.count + 1,
  runningHash: primitives.sha256(concat(state.runningHash, delta)),
  hashes: [...state.hashes, state.runningHash],
  textSizeBytes,
});

// The key serves one writer and one stream, so a counted nonce cannot repeat.
const deltaNonce = (index: number): Bytes => concat(new Uint8Array(16), u64(index));

const deltaAad = (state: StreamSealState, plaintextSizeBytes: number): Bytes =>
  enc(
    LABEL.delta,
    uuidToBytes(state.conversationId),
    uuidToBytes(state.streamId),
    u64(state.count),
    state.runningHash,
    u32(plaintextSizeBytes),
  );

const OP_CODES = { append: 0 } as const satisfies Record<DeltaOp, number>;

function padDelta(op: DeltaOp, text: string): Bytes {
  const bytes = utf8(text);
  const bare = bytes.length + DELTA_OVERHEAD_BYTES;
  const padded = Math.ceil(bare / DELTA_BUCKET_BYTES) * DELTA_BUCKET_BYTES;
  return enc(LABEL.deltaPlaintext, u8(OP_CODES[op]), bytes, new Uint8Array(padded - bare));
}

function parseDelta(plaintext: Bytes): string | null {
  const fields = parseEnc(LABEL.deltaPlaintext, plaintext, [
    1,
    { max: MAX_STREAM_TEXT_BYTES },
    { max: DELTA_BUCKET_BYTES - 1 },
  ]);
  if (fields === null || fields[0][0] !== OP_CODES.append) return null;
  const isPadded =
    plaintext.length % DELTA_BUCKET_BYTES === 0 && fields[2].every((byte) => byte === 0);
  return isPadded ? utf8ToText(fields[1]) : null;
}

/** Bytes a text takes in JSON, without its quotes. */
const escapedSizeBytes = (text: string): number => utf8(JSON.stringify(text)).length - 2;
