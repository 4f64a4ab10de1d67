/** What a durable frame says by itself, before anything of it is opened. Believed for transport alone. */
import type { AccountId } from "#protocol/ids.ts";
import type { DurableFrame } from "#protocol/relay-frame.ts";
import type { Entry } from "./endpoint.ts";

/** An entry whose facts are all there is to it. */
export const other = (frame: DurableFrame): Entry["content"] => ({
  kind: "other",
  frameType: frame.type,
  facts: factsOf(frame),
});

/** The short members of a frame, as text. */
export function factsOf(
  members: Readonly<Record<string, unknown>>,
): Readonly<Record<string, string>> {
  const facts: Record<string, string> = {};
  for (const [name, value] of Object.entries(members)) {
    if (typeof value === "string" && value.length <= 256) facts[name] = value;
    else if (typeof value === "boolean" || typeof value === "number") facts[name] = String(value);
    else if (Array.isArray(value)) facts[name] = value.join(" ").slice(0, 4_096);
  }
  return facts;
}

/** Who an entry is by, as far as the frame says; nobody: the relay itself. */
export function authorOf(
  frame: DurableFrame,
  nobody: AccountId,
): Pick<Entry, "authorId" | "authorKind" | "authorDeviceId"> {
  const device = "sender_device_id" in frame ? (frame.sender_device_id ?? null) : null;
  if ("sender_type" in frame) {
    return { authorId: frame.sender_id, authorKind: frame.sender_type, authorDeviceId: device };
  }
  const authorId =
    frame.type === "message.recalled"
      ? frame.recalled_by
      : frame.type === "message.pinned"
        ? frame.pinned_by
        : frame.type === "control"
          ? frame.sender_id
          : nobody;
  return { authorId, authorKind: "system", authorDeviceId: device };
}
