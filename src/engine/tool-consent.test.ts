import { describe, expect, test } from "vitest";
import { hexToBytes } from "#base/bytes.ts";
import { ok } from "#base/result.ts";
import { createFakeClock } from "#base/fake-clock.ts";
import { createMemoryStore } from "#peer/memory-store.ts";
import type { AccountId, ConversationId } from "#protocol/ids.ts";
import { loadRecords, TABLE } from "./records.ts";
import type { Session } from "./session.ts";
import { allowScope, DECIDE_WITHIN_MS, signedScopes, toolAsk } from "./tool-consent.ts";

const C = "01900000-0000-7000-8000-0000000000c1" as ConversationId;
const bot = "01900000-0000-7000-8000-0000000000b1" as AccountId;
const call = {
  call_id: "c",
  tool_name: "clock_read",
  arguments: {},
  permission_scope: "device:clock",
};

function setupSession(kind: "h2a" | "group" = "h2a") {
  const clock = createFakeClock();
  const store = createMemoryStore();
  const session = {
    deps: { clock },
    store,
    toolConsents: new Map(),
    book: { get: () => ({ kind, peerId: kind === "h2a" ? bot : null }) },
    people: { get: () => ({ signedScopes: { "device:clock": "medium" } }) },
  } as unknown as Session;
  return { clock, store, session, at: clock.now() };
}

describe("a tool of this device", () => {
  test("[N120] [P230] is asked for in a conversation of two, by its agent, while the call is fresh", async () => {
    const { clock, session, at } = setupSession();

    expect(toolAsk(session, C, call, { authorId: bot, at })).toEqual({
      sensitivity: "medium",
      isAllowed: false,
      decideUntil: at + 30_000,
    });
    expect(toolAsk(session, C, call, { authorId: "x" as AccountId, at })).toBeNull();
    expect(toolAsk(setupSession("group").session, C, call, { authorId: bot, at })).toBeNull();
    await clock.advance(DECIDE_WITHIN_MS);
    expect(toolAsk(session, C, call, { authorId: bot, at })).toBeNull();
  });

  test("[N120] [P230] counts as grave under a scope that the signed manifest does not name", () => {
    const { session, at } = setupSession();
    const scopes = { manifestHash: "ab".repeat(32), sensitivityByScope: { "a:b": "low" } } as const;

    const ask = toolAsk(session, C, { ...call, permission_scope: "a:b" }, { authorId: bot, at });
    expect(ask?.sensitivity).toBe("high");
    expect(signedScopes(scopes, hexToBytes("ab".repeat(32)))).toEqual({ "a:b": "low" });
    expect(signedScopes(scopes, hexToBytes("cd".repeat(32)))).toEqual({});
    expect(signedScopes(scopes, null)).toEqual({});
  });

  test("[N120] [P230] stays allowed for a day, kept on this device for this conversation", async () => {
    const { clock, store, session } = setupSession();
    const isAllowed = (id: ConversationId) =>
      toolAsk(session, id, call, { authorId: bot, at: clock.now() })?.isAllowed;

    expect(await allowScope(session, { conversationId: C, scope: "device:clock" })).toEqual(
      ok(null),
    );

    expect([isAllowed(C), isAllowed("other" as ConversationId)]).toEqual([true, false]);
    expect([...(await loadRecords(store, TABLE.toolConsents)).keys()]).toEqual([
      `${C}/device:clock`,
    ]);
    await clock.advance(86_400_000);
    expect(isAllowed(C)).toBe(false);
  });
});
