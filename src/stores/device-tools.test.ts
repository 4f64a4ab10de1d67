import { describe, expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { createDeviceTools, runsUnasked } from "./device-tools.ts";

function setupTools(isRefused = false) {
  const written: string[] = [];
  const tools = createDeviceTools({
    clock: createFakeClock(Date.UTC(2026, 0, 1)),
    timeZone: () => "Europe/Berlin",
    locale: () => "de",
    writeClipboard: async (text) => {
      if (isRefused) throw new Error("not now");
      written.push(text);
    },
  });
  return { tools, written };
}

describe("a device's tools", () => {
  test("[U124] take their own arguments and no others, whatever an agent's schema says", () => {
    const { tools } = setupTools();

    expect(tools.look("clock_read", {})).toEqual({ kind: "ready", floor: "low" });
    expect(tools.look("clock_read", { zone: "UTC" })).toEqual({ kind: "invalid-arguments" });
    expect(tools.look("clipboard_write", { text: "a" })).toEqual({ kind: "ready", floor: "high" });
    expect(tools.look("clipboard_write", { text: 7 })).toEqual({ kind: "invalid-arguments" });
    expect(tools.look("shell", { command: "ls" })).toEqual({ kind: "unknown-tool" });
    expect(tools.look("constructor", {})).toEqual({ kind: "unknown-tool" });
  });

  test("[U124] give their result, or that they failed and no more", async () => {
    const { tools, written } = setupTools();

    expect(await tools.run("clock_read", {})).toEqual({
      status: "ok",
      result: { now: "2026-01-01T00:00:00.000Z", time_zone: "Europe/Berlin", locale: "de" },
    });
    expect(await tools.run("clipboard_write", { text: "abc" })).toEqual({
      status: "ok",
      result: { characters: 3 },
    });
    expect(written).toEqual(["abc"]);
    expect(await setupTools(true).tools.run("clipboard_write", { text: "abc" })).toEqual({
      status: "error",
      error: { code: "TOOL_FAILED", message: "" },
    });
  });

  test("[U124] run unasked when harmless, or allowed within a day and not grave", () => {
    const ask = (sensitivity: "low" | "medium" | "high", isAllowed = false) => ({
      sensitivity,
      isAllowed,
    });

    expect(runsUnasked("low", ask("low"))).toBe(true);
    expect(runsUnasked("low", ask("medium"))).toBe(false);
    expect(runsUnasked("low", ask("medium", true))).toBe(true);
    expect(runsUnasked("low", ask("high", true))).toBe(false);
    expect(runsUnasked("high", ask("low", true))).toBe(false);
  });
});
