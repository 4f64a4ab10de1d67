/** What a card may show beside its own members: plain blocks in order. Shown, never answered. SPEC P232. */
import * as v from "valibot";
import { MAX_TITLE_CHARACTERS } from "./limits.ts";

const Words = v.pipe(v.string(), v.maxLength(10_000));
const Line = v.pipe(v.string(), v.maxLength(MAX_TITLE_CHARACTERS));
export const MAX_BLOCKS = 16;

const Known = v.variant("tag", [
  v.object({ tag: v.literal("text"), text: Words }),
  v.object({
    tag: v.literal("status"),
    text: Line,
    tone: v.optional(v.picklist(["neutral", "info", "success", "warning", "danger"]), "neutral"),
  }),
  v.object({
    tag: v.literal("table"),
    columns: v.pipe(v.array(Line), v.minLength(1), v.maxLength(12)),
    rows: v.pipe(v.array(v.pipe(v.array(Line), v.maxLength(12))), v.maxLength(100)),
  }),
  v.object({
    tag: v.literal("code"),
    code: Words,
    lang: v.optional(v.pipe(v.string(), v.maxLength(30))),
  }),
  /** Named, not fetched. */
  v.object({
    tag: v.literal("image"),
    alt: v.optional(Line, ""),
    url: v.optional(v.pipe(v.string(), v.maxLength(2_048))),
  }),
  v.object({ tag: v.literal("divider") }),
]);
/** A tag of another version: skipped, and said so. */
const Unknown = v.pipe(
  v.looseObject({ tag: v.pipe(v.string(), v.maxLength(64)) }),
  v.transform(({ tag }) => ({ tag: "unknown" as const, original_tag: tag })),
);

export const Block = v.union([Known, Unknown]);
export type Block = v.InferOutput<typeof Block>;

export const Blocks = v.pipe(v.array(Block), v.maxLength(MAX_BLOCKS));
