import { fc } from "#base/properties.contract.ts";
import { describe, expect, test } from "vitest";
import { utf8 } from "#base/bytes.ts";
import { checkPayload, encodePayload, parsePayload } from "./payload.ts";

const parse = (value: unknown) => parsePayload(utf8(JSON.stringify(value)));

describe("payloads", () => {
  test("[P173] shared members travel with any payload", () => {
    const payload = {
      type: "text",
      text: "hi",
      mentions: ["a"],
      reply_to: { message_id: "m", sender_id: "s", preview_text: "p" },
      hop_count: 3,
    };

    expect(parse(payload)).toEqual({ ok: true, value: payload });
  });

  test("[P173] too many mentions or forwards are refused with the member's path", () => {
    const mentions = Array.from({ length: 101 }, (_, i) => String(i));

    expect(parse({ type: "text", text: "", mentions })).toEqual({
      ok: false,
      failure: { kind: "protocol/bad-payload", path: "mentions" },
    });
    expect(parse({ type: "text", text: "", hop_count: 256 })).toEqual({
      ok: false,
      failure: { kind: "protocol/bad-payload", path: "hop_count" },
    });
  });

  test("[P174] a text holds a hundred thousand units and not one more", () => {
    expect(parse({ type: "text", text: "字".repeat(100_000) }).ok).toBe(true);
    expect(parse({ type: "text", text: "x".repeat(100_001) }).ok).toBe(false);
  });

  test("[P179] a link keeps its sender's preview, and an address that is too long is refused", () => {
    const link = { type: "link", url: "https://a.example/x", title: "A", description: "b" };

    expect(parse(link)).toEqual({ ok: true, value: link });
    expect(parse({ ...link, url: `https://a.example/${"x".repeat(2_048)}` })).toEqual({
      ok: false,
      failure: { kind: "protocol/bad-payload", path: "url" },
    });
  });

  test("[P180] a contact names somebody, and nothing that is no fingerprint passes for one", () => {
    const contact = {
      kind: "user",
      id: "u",
      display_name: "Ben",
      handle: "ben_1",
      fingerprint: "A".repeat(43),
    };

    expect(parse({ type: "contact", contact })).toEqual({
      ok: true,
      value: { type: "contact", contact },
    });
    expect(parse({ type: "contact", contact: { ...contact, fingerprint: "A" } })).toEqual({
      ok: false,
      failure: { kind: "protocol/bad-payload", path: "contact.fingerprint" },
    });
    expect(parse({ type: "contact", contact: { ...contact, kind: "crowd" } }).ok).toBe(false);
  });

  test("[P189] an unknown type is kept as it came", () => {
    expect(parse({ type: "hologram", depth: 3 })).toEqual({
      ok: true,
      value: { type: "unknown", original_type: "hologram", raw: { type: "hologram", depth: 3 } },
    });
  });

  test("[P193] older spellings become today's before they are checked", () => {
    expect(parse({ content_type: "text", content: "hi", quote_id: "m1", preview: "x" })).toEqual({
      ok: true,
      value: {
        type: "text",
        text: "hi",
        reply_to: { message_id: "m1", sender_id: "unknown", preview_text: "" },
      },
    });
    expect(
      parse({ type: "artifact_update", ref_artifact: "a", revision: 3, updates: { percent: 5 } }),
    ).toEqual({
      ok: true,
      value: {
        type: "artifact_update",
        ref_artifact: "a",
        based_on_revision: 2,
        artifact: { payload: { percent: 5 } },
      },
    });
  });

  test("what is written is what is read", () => {
    const written = encodePayload({ type: "text", text: "# 标题", markdown: true });

    expect(written.ok && parsePayload(written.value)).toEqual({
      ok: true,
      value: { type: "text", text: "# 标题", markdown: true },
    });
  });

  test("a payload over the size limit is refused before it is sealed", () => {
    const refused = encodePayload({ type: "text", text: "\u0001".repeat(100_000) });

    expect(refused).toEqual({ ok: false, failure: { kind: "protocol/too-large", limit: 524_288 } });
  });

  test("no bytes and no value make the reader throw", () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => typeof parsePayload(bytes).ok === "boolean"));
    fc.assert(fc.property(fc.jsonValue(), (value) => typeof checkPayload(value).ok === "boolean"));
  });
});
