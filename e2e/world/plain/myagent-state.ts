/** Exported states: signed, opaque, and refused in the words of the real server. */
import { createHash, createHmac } from "node:crypto";
import { isObject, type SessionState } from "./frames.ts";

const KEPT_EVENTS = 1_000;
export const REPLAYED_EVENTS = 200;
const MAX_AGE_S = 7 * 86_400;

const canonical = (value: unknown): string =>
  Array.isArray(value)
    ? `[${value.map(canonical).join(",")}]`
    : typeof value === "object" && value !== null
      ? `{${Object.entries(value)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`)
          .join(",")}}`
      : JSON.stringify(value);

type SignedState = {
  readonly state: SessionState;
  readonly timestamp: number;
  readonly signature: string;
  readonly version: string;
  readonly checksum: string;
};

export function signState(secret: string, state: SessionState): SignedState {
  const text = canonical(state);
  const timestamp = Math.floor(Date.now() / 1_000);
  return {
    state,
    timestamp,
    signature: createHmac("sha256", secret).update(`${text}:${timestamp}:1.0`).digest("hex"),
    version: "1.0",
    checksum: createHash("sha256").update(text).digest("hex"),
  };
}

/** The state, or why it is refused. */
export function readState(
  secret: string,
  given: unknown,
): { readonly state: SessionState } | { readonly refused: string } {
  if (!isObject(given)) return { refused: "Missing signed_state in reconnect request" };
  for (const field of ["state", "timestamp", "signature", "version", "checksum"])
    if (!(field in given)) return { refused: `Invalid state: Missing required field: ${field}` };
  // Its checksum is what says whether it is one.
  const signed = given as SignedState;
  const text = canonical(signed.state);
  if (createHash("sha256").update(text).digest("hex") !== signed.checksum)
    return { refused: "Invalid state: State checksum mismatch" };
  const proof = createHmac("sha256", secret)
    .update(`${text}:${signed.timestamp}:1.0`)
    .digest("hex");
  if (proof !== signed.signature) return { refused: "Invalid state: Invalid state signature" };
  const age = Math.floor(Date.now() / 1_000) - signed.timestamp;
  return age > MAX_AGE_S
    ? { refused: `Invalid state: State expired (age: ${age}s)` }
    : { state: signed.state };
}

/** The last events of a session, by original session id; gone when the server restarts. */
export class ReplayBuffer<Kept extends { readonly seq: number; readonly event_id: string }> {
  readonly #kept = new Map<string, Kept[]>();

  keep(sessionId: string, frame: Kept): void {
    const list = this.#kept.get(sessionId) ?? [];
    list.push(frame);
    if (list.length > KEPT_EVENTS) list.shift();
    this.#kept.set(sessionId, list);
  }

  /** Events after a position: of one connection by event id, by number alone, or all. */
  after(sessionId: string, lastEventId: unknown, lastSeq: unknown): readonly Kept[] {
    const list = this.#kept.get(sessionId) ?? [];
    const [, connection, seq] =
      typeof lastEventId === "string" ? (/^(.+)-(\d+)$/.exec(lastEventId) ?? []) : [];
    const wanted =
      connection !== undefined
        ? list.filter((one) => one.event_id.startsWith(connection) && one.seq > Number(seq))
        : typeof lastSeq === "number"
          ? list.filter((one) => one.seq > lastSeq)
          : list;
    return wanted.slice(-REPLAYED_EVENTS);
  }
}
