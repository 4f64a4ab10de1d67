/**
 * The two directions of a socket: text in, a checked frame or a failure out, and back.
 * A frame of unknown type is a failure of its own kind, which callers ignore; unknown members are dropped.
 * SPEC §3.
 */
import type * as v from "valibot";
import { err, ok, type Result } from "#base/result.ts";
import { ENDPOINT_FRAMES, type EndpointFrame, type ParsedEndpointFrame } from "./endpoint-frame.ts";
import type { ProtocolFailure } from "./failure.ts";
import { parseJson, parseShape, tokenSchema } from "./parse.ts";
import { DURABLE_FRAMES, RELAY_FRAMES, type DurableFrame, type RelayFrame } from "./relay-frame.ts";

/** Text of a frame in either direction. */
export const encodeFrame = (frame: EndpointFrame | RelayFrame): string => JSON.stringify(frame);

/**
 * A frame an endpoint sent, with defaults filled in.
 *
 * Fails with `protocol/unknown-frame` (ignore it), `protocol/bad-shape` (answer `BAD_FRAME`), or one of the
 * failures of {@link parseJson} and `protocol/not-a-frame` (close the socket).
 */
export const parseEndpointFrame = (text: string): Result<ParsedEndpointFrame, ProtocolFailure> =>
  parseFrame<ParsedEndpointFrame>(ENDPOINT_FRAMES, text);

/** A frame the relay sent; fails as {@link parseEndpointFrame} does. */
export const parseRelayFrame = (text: string): Result<RelayFrame, ProtocolFailure> =>
  parseFrame<RelayFrame>(RELAY_FRAMES, text);

/** A frame of the relay that was already read as JSON; fails as {@link parseEndpointFrame} does. */
export const checkRelayFrame = (value: unknown): Result<RelayFrame, ProtocolFailure> =>
  checkFrame<RelayFrame>(RELAY_FRAMES, value);

/** A durable frame out of a page of history, already read as JSON. */
export function parseDurableFrame(value: unknown): Result<DurableFrame, ProtocolFailure> {
  const parsed = checkFrame<RelayFrame>(RELAY_FRAMES, value);
  if (!parsed.ok) return parsed;
  return isDurableFrame(parsed.value) ? ok(parsed.value) : err({ kind: "protocol/not-a-frame" });
}

/** Whether a frame is an entry of the log. (`message.ack` names a seq too, but is only an answer.) */
export function isDurableFrame(frame: RelayFrame): frame is DurableFrame {
  if (Object.hasOwn(DURABLE_FRAMES, frame.type)) return true;
  return (
    (frame.type === "stream.abort" || frame.type === "control") &&
    frame.conversation_seq !== undefined
  );
}

type Schemas = Readonly<Record<string, v.GenericSchema>>;

function parseFrame<Frame>(schemas: Schemas, text: string): Result<Frame, ProtocolFailure> {
  const json = parseJson(text);
  return json.ok ? checkFrame<Frame>(schemas, json.value) : json;
}

function checkFrame<Frame>(schemas: Schemas, value: unknown): Result<Frame, ProtocolFailure> {
  if (
    typeof value !== "object" ||
    value === null ||
    !("type" in value) ||
    typeof value.type !== "string"
  ) {
    return err({ kind: "protocol/not-a-frame" });
  }
  const schema = Object.hasOwn(schemas, value.type) ? schemas[value.type] : undefined;
  if (schema === undefined) return err({ kind: "protocol/unknown-frame" });
  const checked = parseShape(schema, value);
  // The table above each caller ties schema and frame type together; TypeScript cannot follow it by key.
  if (checked.ok) return ok(checked.value as Frame);
  const req = parseShape(tokenSchema, "req" in value ? value.req : undefined);
  return req.ok && checked.failure.kind === "protocol/bad-shape"
    ? err({ ...checked.failure, req: req.value })
    : checked;
}
