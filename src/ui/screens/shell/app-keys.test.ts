import { expect, test } from "vitest";
import { appIntent, type AppKey } from "./app-keys.ts";

const aKey = (key: string, part: Partial<AppKey> = {}): AppKey => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  isComposing: false,
  isTyping: false,
  ...part,
});

test("[U76] Ctrl or Cmd with K finds from anywhere; a question mark being typed is only text", () => {
  expect(appIntent(aKey("k", { ctrlKey: true, isTyping: true }))).toBe("palette");
  expect(appIntent(aKey("K", { metaKey: true }))).toBe("palette");
  expect(appIntent(aKey("?"))).toBe("shortcuts");
  expect(appIntent(aKey("?", { isTyping: true }))).toBe("none");
  expect(appIntent(aKey("k", { ctrlKey: true, isComposing: true }))).toBe("none");
  expect(appIntent(aKey("k"))).toBe("none");
});
