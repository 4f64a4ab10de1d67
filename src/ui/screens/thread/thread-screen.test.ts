import { fc } from "#base/properties.contract.ts";
import { describe, expect, test } from "vitest";
import { aMessage, memberId } from "#stores/sample-views.ts";
import type { MessageId } from "#stores/views.ts";
import { composerIntent, type ComposerKey, type ComposerSituation } from "./composer-keys.ts";
import { compareEnds, makeLines } from "./thread-lines.ts";

const aKey = (key: string, part: Partial<ComposerKey> = {}): ComposerKey => ({
  key,
  keyCode: 0,
  isComposing: false,
  shiftKey: false,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  ...part,
});
const QUIET: ComposerSituation = {
  enterSends: true,
  isEmpty: false,
  isMentioning: false,
  isReplying: false,
  isStreaming: false,
};

describe("keys in the composer", () => {
  test("[U72] no key means anything while an input method composes", () => {
    const keys = fc.constantFrom("Enter", "Escape", "ArrowUp", "ArrowDown", "Tab");
    const situation = fc.record({
      enterSends: fc.boolean(),
      isEmpty: fc.boolean(),
      isMentioning: fc.boolean(),
      isReplying: fc.boolean(),
      isStreaming: fc.boolean(),
    });
    fc.assert(
      fc.property(keys, situation, (key, now) => {
        expect(composerIntent(aKey(key, { isComposing: true }), now)).toBe("none");
        expect(composerIntent(aKey(key, { keyCode: 229 }), now)).toBe("none");
      }),
    );
  });

  test("Enter sends, Shift and Enter begin a line", () => {
    expect(composerIntent(aKey("Enter"), QUIET)).toBe("send");
    expect(composerIntent(aKey("Enter", { shiftKey: true }), QUIET)).toBe("none");
  });

  test("where Enter begins a line, Ctrl or Cmd with it sends", () => {
    const lines = { ...QUIET, enterSends: false };

    expect(composerIntent(aKey("Enter"), lines)).toBe("none");
    expect(composerIntent(aKey("Enter", { metaKey: true }), lines)).toBe("send");
    expect(composerIntent(aKey("Enter", { ctrlKey: true }), lines)).toBe("send");
  });

  test("[U73] Escape does one thing: it closes the list, or the reply, or stops the answer", () => {
    const all = { ...QUIET, isMentioning: true, isReplying: true, isStreaming: true };
    const escape = aKey("Escape");

    expect(composerIntent(escape, all)).toBe("mention-close");
    expect(composerIntent(escape, { ...all, isMentioning: false })).toBe("cancel-reply");
    expect(composerIntent(escape, { ...QUIET, isStreaming: true })).toBe("stop");
    expect(composerIntent(escape, QUIET)).toBe("none");
  });

  test("while names are offered, Enter picks and does not send", () => {
    expect(composerIntent(aKey("Enter"), { ...QUIET, isMentioning: true })).toBe("mention-pick");
    expect(composerIntent(aKey("Tab"), { ...QUIET, isMentioning: true })).toBe("mention-pick");
  });

  test("up leaves the field for the messages only when it is empty", () => {
    expect(composerIntent(aKey("ArrowUp"), { ...QUIET, isEmpty: true })).toBe("to-messages");
    expect(composerIntent(aKey("ArrowUp"), QUIET)).toBe("none");
  });
});

describe("lines of a thread", () => {
  const MINUTE = 60_000;
  const noon = Date.UTC(2026, 0, 1, 12);
  const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10);
  const linesOf = (messages: ReturnType<typeof aMessage>[], unread: MessageId | null = null) =>
    makeLines(
      {
        order: messages.map(({ id }) => id),
        messageById: new Map(messages.map((message) => [message.id, message])),
      },
      unread,
      dayOf,
    );

  test("[U74] rows of one author within five minutes are headed once", () => {
    const lines = linesOf([
      aMessage(1, { at: noon }),
      aMessage(2, { at: noon + 4 * MINUTE }),
      aMessage(3, { at: noon + 10 * MINUTE }),
      aMessage(4, { at: noon + 10 * MINUTE, authorId: memberId(9) }),
    ]);

    expect(lines.map(({ startsRun }) => startsRun)).toEqual([true, false, true, true]);
    expect(lines.map(({ endsRun }) => endsRun)).toEqual([false, true, true, true]);
  });

  test("a new day and the first unread row begin a run of their own", () => {
    const messages = [
      aMessage(1, { at: noon }),
      aMessage(2, { at: noon + 1 }),
      aMessage(3, { at: noon + 86_400_000 }),
    ];

    const lines = linesOf(messages, aMessage(2).id);

    expect(lines).toEqual([
      { id: "m-00001", startsDay: true, startsUnread: false, startsRun: true, endsRun: true },
      { id: "m-00002", startsDay: false, startsUnread: true, startsRun: true, endsRun: true },
      { id: "m-00003", startsDay: true, startsUnread: false, startsRun: true, endsRun: true },
    ]);
  });
});

test("[U75] what came in front and what came behind are told apart for any windows of one thread", () => {
  const window = fc
    .tuple(fc.nat(40), fc.nat(40), fc.nat(40))
    .map((n) => n.toSorted((a, b) => a - b));
  const ids = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => aMessage(from + i).id);
  fc.assert(
    fc.property(window, fc.nat(10), ([from = 0, start = 0, end = 0], more) => {
      fc.pre(start < end);
      const before = ids(start, end);
      const after = ids(from, end + more);

      expect(compareEnds(before, after)).toEqual({
        inFront: start - from,
        behind: ids(end, end + more),
      });
    }),
  );
});
