/** A question of a form: what it asks and what may be answered. SPEC P212 to P217. */
import * as v from "valibot";
import { MAX_TITLE_CHARACTERS } from "./limits.ts";

const Line = v.pipe(v.string(), v.maxLength(MAX_TITLE_CHARACTERS));
const Paragraph = v.pipe(v.string(), v.maxLength(10_000));
const Whole = v.pipe(v.number(), v.integer(), v.minValue(0));

const FIELD_TYPES = [
  "text",
  "textarea",
  "number",
  "select",
  "radio",
  "checkbox",
  "date",
  "secret",
] as const;

export const Field = v.object({
  id: v.pipe(v.string(), v.regex(/^[a-z][a-z0-9_]{0,63}$/)),
  label: Line,
  type: v.picklist(FIELD_TYPES),
  required: v.optional(v.boolean()),
  help: v.optional(Paragraph),
  placeholder: v.optional(Line),
  default: v.optional(v.union([v.string(), v.number(), v.boolean(), v.array(v.string())])),
  options: v.optional(
    v.pipe(
      v.array(v.object({ value: v.pipe(v.string(), v.maxLength(200)), label: Line })),
      v.minLength(1),
      v.maxLength(200),
    ),
  ),
  multiple: v.optional(v.boolean()),
  min: v.optional(v.union([v.number(), v.string()])),
  max: v.optional(v.union([v.number(), v.string()])),
  step: v.optional(v.number()),
  min_length: v.optional(Whole),
  max_length: v.optional(Whole),
  format: v.optional(v.picklist(["email", "url", "uuid", "hostname", "ipv4", "phone"])),
});
export type Field = v.InferOutput<typeof Field>;
