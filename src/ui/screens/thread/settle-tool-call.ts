import type { Clock } from "#base/clock.ts";
import type { DeviceTools } from "#stores/device-tools.ts";
import type { ToolCallPayload, Values } from "#ui/parts/card-types.ts";
import type { ToolWord } from "#ui/parts/ToolAsk.tsx";

/** The action of an answer that brings a tool's result. */
export const TOOL_RESULT_ACTION = "tool_result";

/** What is told to the agent: the result of a tool that may run, or why it did not. */
export async function settleToolCall(
  tools: DeviceTools,
  clock: Clock,
  { call_id, tool_name, arguments: args }: ToolCallPayload,
  word: ToolWord,
): Promise<Values> {
  const { kind } = tools.look(tool_name, args);
  const denied = (reason: string): Values => ({ call_id, status: "denied", reason });
  if (kind === "unknown-tool") return denied("unknown_tool");
  if (kind === "invalid-arguments") return denied("invalid_arguments");
  if (word === "deny") return denied("user_denied");
  if (word === "timeout") return denied("user_timeout");
  const startedAt = clock.now();
  const outcome = await tools.run(tool_name, args);
  return { call_id, ...outcome, duration_ms: clock.now() - startedAt };
}
