/** A tool of the person's device, asked for by the agent: the person decides, the device runs it. */
import type { Clock } from "#base/clock.ts";
import type { RandomBytes } from "#base/random.ts";
import { parseShape } from "#protocol/parse.ts";
import { ToolResponseCard } from "#protocol/artifact.ts";
import { makeId, type ArtifactId } from "#protocol/ids.ts";
import type { ArtifactSender } from "./artifact-sender.ts";
import type { Questions } from "./questions.ts";

export type ToolCallInput = {
  /** `clock_read`, `clipboard_write`, or another tool that the person's client has. */
  readonly tool: string;
  readonly arguments?: Readonly<Record<string, unknown>>;
  /** A scope of the agent's manifest; one that is not in it counts as grave. */
  readonly scope: string;
  readonly title?: string;
  /** One minute by default; the person has thirty seconds of it to decide. */
  readonly timeoutMs?: number;
};

export type ToolCallResult = Pick<ToolResponseCard, "status" | "result" | "reason" | "error">;

const TIMEOUT_MS = 60_000;

/** Asks for a tool and waits; `denied` with `execution_timeout` when nothing came back in time. @throws {@link HasheeError} */
export async function callTool(
  parts: {
    readonly clock: Clock;
    readonly random: RandomBytes;
    readonly artifacts: ArtifactSender;
    readonly questions: Questions;
  },
  conversationId: string,
  input: ToolCallInput,
): Promise<ToolCallResult> {
  const { clock, random, artifacts, questions } = parts;
  const timeoutMs = input.timeoutMs ?? TIMEOUT_MS;
  const callId = makeId<ArtifactId>(clock.now(), random);
  await artifacts.send(conversationId, {
    artifact_id: callId,
    subtype: "tool_call",
    title: (input.title ?? input.tool).slice(0, 200),
    payload: {
      call_id: callId,
      tool_name: input.tool,
      arguments: input.arguments ?? {},
      permission_scope: input.scope,
      timeout_ms: timeoutMs,
    },
    expires_at: new Date(clock.now() + timeoutMs).toISOString(),
  });
  const answer = await questions.wait(conversationId, callId, timeoutMs);
  const response = answer === null ? null : parseShape(ToolResponseCard, answer.values);
  if (response?.ok !== true) return { status: "denied", reason: "execution_timeout" };
  const { status, result, reason, error } = response.value;
  return {
    status,
    ...(result === undefined ? {} : { result }),
    ...(reason === undefined ? {} : { reason }),
    ...(error === undefined ? {} : { error }),
  };
}
