import { fc } from "#base/properties.contract.ts";
import { describe, expect, test } from "vitest";
import {
  decodeMentions,
  encodeMentions,
  findMentionQuery,
  makeMentionChoices,
  matchMentions,
  pickMention,
  type MentionChoice,
} from "./mentions.ts";
import { aMember, memberId, SELF } from "./sample-views.ts";

const choice = (n: number, label: string): MentionChoice => ({
  accountId: memberId(n),
  label,
  kind: "human",
});
const ADA = choice(3, "Ada");
const ADA_LOVELACE = choice(4, "Ada Lovelace");
const GRACE = choice(5, "Grace Hopper");
const ALL = [ADA, ADA_LOVELACE, GRACE];

describe("the mention at the caret", () => {
  test("begins at an @ that starts a word", () => {
    expect(findMentionQuery("hello @gra", 10)).toEqual({ start: 6, query: "gra" });
    expect(findMentionQuery("@", 1)).toEqual({ start: 0, query: "" });
    expect(findMentionQuery("(@gr", 4)).toEqual({ start: 1, query: "gr" });
  });

  test("an address or a finished line is no mention", () => {
    expect(findMentionQuery("ada@example", 11)).toBeNull();
    expect(findMentionQuery("@ada\nnext", 9)).toBeNull();
    expect(findMentionQuery("no at all", 4)).toBeNull();
    expect(findMentionQuery("@ ada", 5)).toBeNull();
  });

  test("may hold one space, as names do", () => {
    expect(findMentionQuery("@Ada Lo", 7)).toEqual({ start: 0, query: "Ada Lo" });
    expect(findMentionQuery("@Ada  Lo", 8)).toBeNull();
  });
});

test("names that begin with the typed text come before names that hold it", () => {
  const found = matchMentions([choice(6, "Zoe Grant"), GRACE, ADA], "gra");

  expect(found.map(({ label }) => label)).toEqual(["Grace Hopper", "Zoe Grant"]);
});

test("picking puts the whole name and one space, and the caret after it", () => {
  expect(pickMention("hi @gr there", { start: 3, query: "gr" }, GRACE)).toEqual({
    text: "hi @Grace Hopper there",
    caret: 17,
  });
});

test("oneself is not offered, and members of one name are told apart", () => {
  const labels = makeMentionChoices([
    aMember({ id: SELF, isSelf: true, name: "Ada" }),
    aMember({ id: memberId(0xabcd), name: "Kim" }),
    aMember({ id: memberId(0x1234), name: "Kim" }),
  ]).map(({ label }) => label);

  expect(labels).toEqual(["Kim abcd", "Kim 1234"]);
});

test("[U151] a name given here finds a member and shows, and what is written is the member's own name", () => {
  const named = aMember({ id: memberId(0x77), name: "Boss", ownName: "Grace Hopper" });
  const choices = makeMentionChoices([named]);

  expect(choices).toMatchObject([{ label: "Grace Hopper", remark: "Boss" }]);
  expect(matchMentions(choices, "bos")).toEqual(choices);
  expect(matchMentions(choices, "hop")).toEqual(choices);
  expect(choices.map((one) => pickMention("@bo", { start: 0, query: "bo" }, one).text)).toEqual([
    "@Grace Hopper ",
  ]);
  expect(encodeMentions("@Grace Hopper and @Boss", choices).text).toBe(
    `@<U:${named.id}> and @Boss`,
  );
});

describe("what is sent", () => {
  test("[U56] the longest name wins and each person is named once", () => {
    const sent = encodeMentions("@Ada Lovelace, @Ada and @Ada", ALL);

    expect(sent.text).toBe(
      `@<U:${ADA_LOVELACE.accountId}>, @<U:${ADA.accountId}> and @<U:${ADA.accountId}>`,
    );
    expect(sent.mentions).toEqual([ADA_LOVELACE.accountId, ADA.accountId]);
  });

  test("a longer word that begins like a name and an address are left alone", () => {
    const sent = encodeMentions("@Adaptive me@Ada", ALL);

    expect(sent).toEqual({ text: "@Adaptive me@Ada", mentions: [] });
  });

  test("a name full of pattern signs is only a name", () => {
    const odd = choice(7, "C++ (a|b)*");

    expect(encodeMentions("@C++ (a|b)* hi", [odd]).mentions).toEqual([odd.accountId]);
  });

  test("what was sent reads again as it was typed", () => {
    const words = fc.constantFrom("hello", "@Ada", "@Ada Lovelace", "@Grace Hopper", "a@b", "\n");
    fc.assert(
      fc.property(fc.array(words), (parts) => {
        const text = parts.join(" ");

        expect(decodeMentions(encodeMentions(text, ALL).text, ALL)).toBe(text);
      }),
    );
  });

  test("a placeholder of somebody unknown stays as it is", () => {
    const text = `@<U:${memberId(99)}> hi`;

    expect(decodeMentions(text, ALL)).toBe(text);
  });
});
