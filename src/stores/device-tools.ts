/** Tools of this device, by name: an agent may ask for them, and nothing else runs. What they take is decided here. */
import * as v from "valibot";
import type { Clock } from "#base/clock.ts";

type Sensitivity = "low" | "medium" | "high";

/** What a tool gives and why it gave nothing, as an agent reads it. */
export type ToolOutcome =
  | { readonly status: "ok"; readonly result: unknown }
  | {
      readonly status: "error";
      readonly error: { readonly code: string; readonly message: string };
    };

export type DeviceTools = {
  /** How a call can be met: not at all, with other arguments, or with a sensitivity it has here at least. */
  look(
    name: string,
    args: unknown,
  ):
    | { readonly kind: "unknown-tool" }
    | { readonly kind: "invalid-arguments" }
    | { readonly kind: "ready"; readonly floor: Sensitivity };
  run(name: string, args: unknown): Promise<ToolOutcome>;
};

/** What tools touch; the page gives the real ones. */
export type DeviceReach = {
  readonly clock: Clock;
  readonly timeZone: () => string;
  readonly locale: () => string;
  readonly writeClipboard: (text: string) => Promise<void>;
};

type Tool = {
  readonly takes: v.GenericSchema<unknown>;
  readonly floor: Sensitivity;
  readonly run: (args: unknown) => Promise<unknown>;
};

const ClipboardText = v.strictObject({
  text: v.pipe(v.string(), v.minLength(1), v.maxLength(10_000)),
});

export function createDeviceTools(reach: DeviceReach): DeviceTools {
  const tools = new Map<string, Tool>([
    [
      "clock_read",
      {
        takes: v.strictObject({}),
        floor: "low",
        run: async () => ({
          now: new Date(reach.clock.now()).toISOString(),
          time_zone: reach.timeZone(),
          locale: reach.locale(),
        }),
      },
    ],
    [
      "clipboard_write",
      {
        takes: ClipboardText,
        // What stands on the clipboard is pasted elsewhere unread.
        floor: "high",
        run: async (args) => {
          const { text } = v.parse(ClipboardText, args);
          await reach.writeClipboard(text);
          return { characters: text.length };
        },
      },
    ],
  ]);
  return {
    look(name, args) {
      const tool = tools.get(name);
      if (tool === undefined) return { kind: "unknown-tool" };
      return v.is(tool.takes, args)
        ? { kind: "ready", floor: tool.floor }
        : { kind: "invalid-arguments" };
    },
    async run(name, args) {
      try {
        const result = await tools.get(name)?.run(args);
        return { status: "ok", result };
      } catch {
        return { status: "error", error: { code: "TOOL_FAILED", message: "" } };
      }
    },
  };
}

const ORDER: readonly Sensitivity[] = ["low", "medium", "high"];

/** Whether a call runs unasked: harmless, or allowed here within a day and not grave. The graver of the two counts. */
export function runsUnasked(
  floor: Sensitivity,
  ask: { readonly sensitivity: Sensitivity; readonly isAllowed: boolean },
): boolean {
  const grave = ORDER[Math.max(ORDER.indexOf(floor), ORDER.indexOf(ask.sensitivity))];
  return grave === "low" || (grave === "medium" && ask.isAllowed);
}
