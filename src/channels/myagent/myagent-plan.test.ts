import { describe, expect, test } from "vitest";
import { aMyAgent } from "./myagent-bench.contract.ts";

const tasks = [
  { id: 1, title: "One", hints: ["kept"] },
  { id: 2, title: "Two" },
];
const planCalls = (at: string) => [
  { id: 1, agent: "plan", timestamp: "2026-11-21T09:00:00.000000", input_tokens: 999 },
  { id: 2, agent: "plan", timestamp: at, input_tokens: 10, output_tokens: 4 },
];

async function aPlan() {
  const bench = aMyAgent();
  await bench.ready();
  bench.ask("a", "write it");
  bench.says("x.plan.start", { content: { question: "write it" } });
  bench.says("x.plan.completed", {
    content: { tasks, plan_summary: "two parts" },
    metadata: { statistics: planCalls("2026-11-21T10:00:59.000000") },
  });
  const plan = () => bench.told("plan").at(-1)?.plan;
  return {
    ...bench,
    plan,
    statuses: () => plan()?.tasks.map(({ status }) => status),
    prompts: (): void =>
      bench.says("agent.user_confirm", {
        step_id: "confirm_plan_1",
        metadata: { scope: "plan", plan_summary: "two parts", tasks },
      }),
    controls: () => [
      ...new Map(bench.told("control").map(({ control }) => [control.controlId, control])).values(),
    ],
    completes: (task: object): void =>
      bench.says("solver.completed", { content: { task, result: { summary: "ok" } } }),
  };
}

describe("a confirmation", () => {
  test("[A20] is answered as its server reads it, tasks untouched but for what was changed, and once", async () => {
    const bench = await aPlan();
    bench.prompts();
    const edited = [{ ...tasks[0], title: "First" }];
    const answer = {
      type: "answer-prompt",
      promptId: "confirm_plan_1",
      isConfirmed: true,
      tasks: edited,
    } as const;

    const first = bench.channel.run(answer as never);
    const second = bench.channel.run({ ...answer, isConfirmed: false } as never);

    expect(first.ok).toBe(true);
    expect(second).toEqual({ ok: false, failure: { kind: "peer/unknown-prompt" } });
    expect(bench.asked("user.response")).toEqual([
      {
        event: "user.response",
        session_id: "s1",
        step_id: "confirm_plan_1",
        content: { confirmed: true, tasks: [{ id: 1, title: "First", hints: ["kept"] }] },
      },
    ]);
    expect(bench.plan()?.tasks.map(({ title }) => title)).toEqual(["First"]);
  });

  test("[A20] of a tool that ran out of time dies when the tool goes on without it", async () => {
    const bench = aMyAgent();
    await bench.ready();
    bench.ask("a", "delete");
    bench.says("agent.tool_call", { step_id: "step_0_rm", metadata: { tool: "rm", args: {} } });
    bench.says("agent.user_confirm", { step_id: "confirm_1", metadata: { tool_name: "rm" } });

    bench.says("agent.tool_result", {
      step_id: "step_0_rm",
      content: "None",
      metadata: { tool: "rm", status: "failed", error: "Tool execution cancelled by user" },
    });

    expect(bench.told("prompt-died")).toMatchObject([{ because: "timed-out" }]);
    expect(bench.told("tool-result")).toMatchObject([
      { outcome: "failed", text: "", error: "Tool execution cancelled by user" },
    ]);
  });

  test("[A21] of a plan: cancelling the plan declines it, planning again asks and declines", async () => {
    const cancelled = await aPlan();
    cancelled.prompts();
    cancelled.channel.run({ type: "cancel-plan" });
    cancelled.says("agent.final_answer", { content: "Plan was declined by user." });
    const replanned = await aPlan();
    replanned.prompts();
    replanned.channel.run({ type: "replan", turnId: "b" as never, question: "anew" });
    replanned.says("system.notice", { metadata: { action: "replan", ok: true, mode: "in_run" } });
    replanned.says("plan.start", { content: { question: "anew" } });

    expect(cancelled.asked("user.cancel_plan")).toEqual([]);
    expect(cancelled.asked("user.response")).toMatchObject([{ content: { confirmed: false } }]);
    expect(cancelled.ends()).toEqual(["a declined"]);
    expect(replanned.asked("user.replan")).toMatchObject([{ content: { question: "anew" } }]);
    expect(replanned.controls()).toMatchObject([{ said: "accepted", outcome: "happened" }]);
  });
});

describe("a running plan", () => {
  test("[A22] what the server says to a control and what then happens are told apart", async () => {
    const bench = await aPlan();
    bench.says("solver.start", { content: { task: tasks[0] } });
    bench.channel.run({ type: "restart-task", taskId: "1" });
    bench.channel.run({ type: "cancel-task", taskId: "2" });
    bench.says("system.notice", {
      metadata: { action: "restart_task", ok: true, task_id: "1" },
    });
    bench.says("system.notice", {
      metadata: { action: "cancel_task", ok: true, task_id: 2 },
    });
    bench.says("solver.cancelled", { content: { task: tasks[1] } });
    bench.completes(tasks[0] as object);
    bench.says("agent.final_answer", { content: "two parts" });

    expect(bench.asked("user.cancel_task")).toMatchObject([{ content: { task_id: 2 } }]);
    expect(bench.controls()).toMatchObject([
      { action: "restart-task", taskId: "1", said: "accepted", outcome: "nothing" },
      { action: "cancel-task", taskId: "2", said: "accepted", outcome: "happened" },
    ]);
  });

  test("[A23] tasks without an end have failed when the aggregate begins", async () => {
    const bench = await aPlan();
    bench.says("solver.start", { content: { task: tasks[0] } });
    bench.says("solver.start", { content: { task: tasks[1] } });
    bench.completes(tasks[1] as object);

    bench.says("aggregate.start", { content: {} });
    bench.says("aggregate.completed", { content: { output: { report: { content: "# R" } } } });

    expect(bench.statuses()).toEqual(["failed", "done"]);
    expect(bench.plan()).toMatchObject({ aggregate: "done", result: { text: "# R" } });
  });

  test("[A23] work of a cancelled run that arrives in the next is not its own", async () => {
    const bench = await aPlan();
    bench.completes(tasks[0] as object);
    expect(bench.statuses()).toEqual(["planned", "planned"]);

    bench.says("solver.start", { content: { task: tasks[0] } });
    bench.completes({ id: 1, title: "One of the run before" });

    expect(bench.statuses()).toEqual(["running", "planned"]);
  });

  test("[A24] counts the calls since it began, each once, and says that others may be in them", async () => {
    const bench = await aPlan();

    bench.says("pipeline.completed", {
      content: { aggregate_output: "done" },
      metadata: { statistics: planCalls("2026-11-21T10:00:59.000000") },
    });

    expect(bench.told("usage").map(({ usage }) => usage)).toEqual([
      { calls: 1, inputTokens: 10, outputTokens: 4, isShared: true },
    ]);
  });
});
