import { fingerprintText } from "#base/fingerprint-text.ts";
import { describe, expect, test } from "vitest";
import { contactLink, parseInviteLink, personLink } from "./invite-link.ts";

const origin = "https://parley.example";
const print = new Uint8Array(32).fill(7);
const fp = personLink(origin, "ada", print).split("#fp=")[1] ?? "";

describe("an invite link", () => {
  test("[N52] leads to an agent or a person and carries a fingerprint", () => {
    expect(parseInviteLink(`${origin}/i/abc-12_3#fp=${fp}`, origin)).toEqual({
      ok: true,
      value: { kind: "agent", code: "abc-12_3", fingerprint: print },
    });
    expect(parseInviteLink(` /p/@ada_l#fp=${fp} `, origin)).toEqual({
      ok: true,
      value: { kind: "human", handle: "ada_l", fingerprint: print },
    });
  });

  test.each([
    "",
    "not a link",
    `${origin}/i/abc`,
    `${origin}/i/abc#fp=short`,
    `${origin}/i/#fp=${fp}`,
    `${origin}/p/A#fp=${fp}`,
    `${origin}/x/abc#fp=${fp}`,
    `https://evil.example/i/abc#fp=${fp}`,
    `//evil.example/i/abc#fp=${fp}`,
    `javascript:alert(1)#fp=${fp}`,
  ])("[N52] is refused when it is %j", (text) => {
    expect(parseInviteLink(text, origin)).toEqual({
      ok: false,
      failure: { kind: "engine/bad-invite" },
    });
  });

  test("[N52] shows its fingerprint in sixteen groups", () => {
    expect(fingerprintText(print)).toBe(Array.from({ length: 16 }, () => "0707").join(" "));
  });
});

describe("a contact in a message", () => {
  const ben = { kind: "user", id: "b", display_name: "Ben" } as const;
  const other = personLink(origin, "ben", new Uint8Array(32).fill(9)).split("#fp=")[1] ?? "";

  test("[N80] leads on by its invite link, or by handle and fingerprint", () => {
    const url = `${origin}/i/abc#fp=${fp}`;

    expect(contactLink({ ...ben, kind: "agent", invite_url: url }, origin)).toBe(url);
    expect(contactLink({ ...ben, handle: "ben", fingerprint: fp }, origin)).toBe(
      `${origin}/p/ben#fp=${fp}`,
    );
  });

  test.each([
    ["nothing came with it", ben],
    ["there is no fingerprint", { ...ben, handle: "ben" }],
    ["it is a group", { ...ben, kind: "group", handle: "ben", fingerprint: fp }],
    ["its link is another server's", { ...ben, invite_url: `https://evil.example/p/ben#fp=${fp}` }],
    ["its link is of another kind", { ...ben, invite_url: `${origin}/i/abc#fp=${fp}` }],
    [
      "link and fingerprint disagree",
      { ...ben, invite_url: `${origin}/p/ben#fp=${fp}`, fingerprint: other },
    ],
  ] as const)("[N80] leads nowhere when %s", (_why, contact) => {
    expect(contactLink(contact, origin)).toBeNull();
  });
});
