/** A payload in one line of plain words: for previews, quotes, search. Pure. */
import removeMarkdown from "remove-markdown";
import type { Entry } from "#peer/endpoint.ts";
import type { Artifact } from "#protocol/artifact.ts";
import type { Payload, TextPayload } from "#protocol/payload.ts";

const PREVIEW_CHARACTERS = 160;

/** All words of a payload that a person would search for; empty when it has none. */
export function searchableText(payload: Payload): string {
  switch (payload.type) {
    case "text":
      return [payload.text, ...fileNames(payload)].filter((text) => text !== "").join("\n");
    case "image":
      return [payload.alt ?? "", ...fileNames(payload)].filter((text) => text !== "").join("\n");
    case "audio":
      return payload.transcript ?? "";
    case "file":
      return payload.filename;
    case "link":
      return [payload.title, payload.description, payload.url]
        .filter((text) => text !== undefined && text !== "")
        .join("\n");
    case "contact":
      return payload.contact.display_name;
    case "artifact":
      return wordsOfCard(payload.artifact).join("\n");
    case "system":
      return payload.event.text ?? "";
    case "video":
    case "artifact_update":
    case "artifact_response":
    case "reaction":
    case "recall":
    case "stream":
    case "profile":
    case "unknown":
      return "";
  }
}

const fileNames = ({ attachments = [] }: Pick<TextPayload, "attachments">): string[] =>
  attachments.flatMap(({ filename }) => filename ?? []);

/** One short line of a payload. */
export function previewText(payload: Payload, authorKind: Entry["authorKind"]): string {
  const words =
    payload.type === "artifact" ? wordsOfCard(payload.artifact)[0] : searchableText(payload);
  // Cut first: the expressions that take marks out look at each character more than once.
  const text = (words ?? "").slice(0, 4 * PREVIEW_CHARACTERS);
  return oneLine(
    payload.type === "text" && isMarkdown(payload, authorKind) ? withoutMarks(text) : text,
  );
}

/** Short Markdown as it reads when it is drawn; mentions stay as they are written. */
export const withoutMarks = (text: string): string =>
  removeMarkdown(
    text
      .replaceAll(TABLE_RULE, "")
      .replaceAll(TABLE_ROW, (row) => row.replaceAll("|", " "))
      .replaceAll(TASK, "$1"),
    { htmlTagsToSkip: [MENTION_TAG] },
  );
const TABLE_RULE = /^[ \t]*\|[ \t:|-]+$/gm;
const TABLE_ROW = /^[ \t]*\|.*$/gm;
const TASK = /^([ \t]*[-*+][ \t]+)\[[ xX]\][ \t]/gm;

/** What a preview says that a payload is. */
export function previewKind({
  type,
}: Payload): "text" | "image" | "video" | "audio" | "contact" | "card" {
  switch (type) {
    case "artifact":
      return "card";
    case "image":
    case "video":
    case "audio":
    case "contact":
      return type;
    default:
      return "text";
  }
}

/** Whether a text is Markdown: as it says itself; else agents write it and people do not. */
export const isMarkdown = (
  { markdown }: { readonly markdown?: boolean | undefined },
  authorKind: Entry["authorKind"],
): boolean => markdown ?? authorKind === "agent";

/** What stands between the angle brackets of a mention: no HTML, though it looks like it. */
const MENTION_TAG = "U:[0-9a-f-]{36}";

/** Text on one line, cut at a character. */
export function oneLine(text: string): string {
  const line = text
    .slice(0, 4 * PREVIEW_CHARACTERS)
    .replaceAll(/\s+/g, " ")
    .trim();
  const characters = Array.from(line);
  return characters.length <= PREVIEW_CHARACTERS
    ? line
    : `${characters.slice(0, PREVIEW_CHARACTERS - 1).join("")}…`;
}

/** What a card says, its title first. */
const wordsOfCard = ({ title, summary, payload }: Artifact): string[] =>
  [title, summary ?? "", bodyOf(payload), ...captionsOf(payload)].filter((text) => text !== "");

const bodyOf = (payload: Readonly<Record<string, unknown>>): string => {
  const body =
    payload["body"] ?? payload["description"] ?? payload["message"] ?? payload["question"];
  return typeof body === "string" ? body : "";
};

/** What stands under the pictures of a media card, and what they show. */
const captionsOf = ({ items }: Readonly<Record<string, unknown>>): string[] =>
  (Array.isArray(items) ? items : []).flatMap((item: unknown) =>
    typeof item === "object" && item !== null
      ? Object.entries(item).flatMap(([name, text]) =>
          (name === "caption" || name === "alt") && typeof text === "string" ? [text] : [],
        )
      : [],
  );
