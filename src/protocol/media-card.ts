/** Several pictures, films or sounds as one message; the files are the message's attachments. SPEC P208. */
import * as v from "valibot";

const Id = v.pipe(v.string(), v.minLength(1), v.maxLength(64));
const Words = v.pipe(v.string(), v.maxLength(1_000));

export const MediaCard = v.object({
  items: v.pipe(
    v.array(
      v.object({
        /** Names one of the message's attachments: its key is there. */
        attachment_id: Id,
        kind: v.picklist(["image", "video", "audio"]),
        alt: v.optional(Words),
        caption: v.optional(Words),
        thumbnail: v.optional(v.pipe(v.string(), v.maxLength(100))),
        duration_s: v.optional(v.pipe(v.number(), v.minValue(0))),
      }),
    ),
    v.minLength(1),
    v.maxLength(20),
  ),
  layout: v.optional(v.picklist(["grid", "carousel", "list"])),
});
export type MediaCard = v.InferOutput<typeof MediaCard>;
