/**
 * Plan & solve of the fake server: the plan summary as the answer, tasks that fail in silence, tasks that outlive a
 * cancelled run, statistics that never start again, and controls that are accepted without effect.
 */
import { randomBytes } from "node:crypto";
import type { Clock } from "../../../src/base/clock.ts";
import type { ClientContent, Task } from "./frames.ts";
import type { Run, ServerSession } from "./myagent-session.ts";

export interface PlanControl {
  control(action: string, content: ClientContent): void;
  dispose(): void;
}

type Work = {
  readonly task: Task;
  state: "queued" | "running" | "done" | "cancelled" | "failed";
  stop: () => void;
  restart: boolean;
};

/** Calls of the whole server process, whoever they were for. */
const calls: object[] = [];
const count = (origin: string, agent: string): object => {
  const call = {
    id: calls.length + 1,
    call_type: "ask",
    timestamp: new Date().toISOString().slice(0, -1) + "000",
    input_tokens: 40,
    output_tokens: 12,
    total_tokens: 52,
    origin,
    agent,
    model: "fake",
  };
  calls.push(call);
  return call;
};

export async function runPlan(session: ServerSession, run: Run, question: string): Promise<void> {
  const { clock, plan, planMs } = session.options;
  let asked = question;
  for (;;) {
    const planning = planControl(session, asked);
    session.plan = plan.asks ? planning.control : autoControl(session);
    session.emit("plan.start", { content: { question: asked } });
    const fate = await planning.wait(run, clock, planMs);
    if (fate === "cancelled") {
      session.emit("plan.cancelled", { content: { reason: "cancelled" } });
      return finish(session, "Plan was cancelled");
    }
    if (fate === "replanned") {
      session.emit("plan.cancelled", { content: { reason: "cancelled" } });
      asked = planning.question();
      continue;
    }
    count("plan", "planner");
    session.emit("plan.completed", {
      content: { tasks: plan.tasks, plan_summary: plan.summary },
      metadata: { statistics: [...calls], metrics: {} },
    });
    let tasks: readonly Task[] = plan.tasks;
    if (plan.asks) {
      const stepId = `confirm_plan_${randomBytes(4).toString("hex")}`;
      const answer = await session.confirm(run, stepId, {
        content: "Confirm plan before solving",
        metadata: {
          requires_confirmation: true,
          scope: "plan",
          plan_summary: plan.summary,
          tasks: plan.tasks,
        },
      });
      if (planning.isReplanned()) {
        asked = planning.question();
        continue;
      }
      if (answer?.confirmed !== true) return finish(session, "Plan was declined by user.");
      if (Array.isArray(answer.tasks)) {
        const edited = answer.tasks as readonly (Task | null)[];
        const bad = edited.find((task) => task?.id === undefined);
        if (bad !== undefined) {
          const error = `Invalid task payload: ${JSON.stringify(bad)}`;
          session.emit("plan.coercion_error", { content: { message: "bad tasks", error } });
          return finish(session, `Plan confirmation contained invalid tasks: ${error}`);
        }
        tasks = edited as readonly Task[];
      }
    }
    const results = await solve(session, run, tasks);
    const context = { name: "demo", question: asked, tasks, plan_summary: plan.summary };
    session.emit("aggregate.start", { content: { context, solver_results: results } });
    const output = results
      .map(({ task, output: text }) => `## ${task.title}\n\n${text}`)
      .join("\n\n");
    session.emit("aggregate.completed", { content: { context, solver_results: results, output } });
    session.emit("pipeline.completed", {
      content: { context, solver_results: results, aggregate_output: output },
      metadata: { statistics: [...calls], metrics: {} },
    });
    return finish(session, plan.summary);
  }
}

/** `solve_tasks`: solver events only, no end of its own. */
export async function solveAlone(session: ServerSession, content: ClientContent): Promise<void> {
  if (session.options.kind !== "plan")
    return session.error("Agent does not support direct task solving");
  const given = content.tasks;
  if (given === undefined) return session.error("Missing tasks in user.solve_tasks content");
  const tasks = (Array.isArray(given) ? given : [given]) as readonly (Task | null)[];
  session.begin(async (run) => {
    const bad = tasks.find((task) => task?.id === undefined);
    if (bad !== undefined) {
      const error = `Invalid task payload: ${JSON.stringify(bad)}`;
      session.emit("plan.coercion_error", { content: { message: "bad tasks", error } });
      return session.error(`Execution error: ${error}`);
    }
    if (tasks.length === 0)
      return session.error("Execution error: solve_tasks requires at least one task");
    await solve(session, run, tasks as readonly Task[]);
    session.plan = null;
  });
}

function finish(session: ServerSession, content: string): void {
  session.plan = null;
  session.run = null;
  session.emit("agent.final_answer", { content });
}

/** What can be asked while planning and at the prompt. */
function planControl(session: ServerSession, question: string) {
  let fate: "cancelled" | "replanned" | null = null;
  let next = question;
  let isPlanning = true;
  let wake: () => void = () => {};
  const control: PlanControl = {
    control(action, content) {
      if (action === "cancel_plan") {
        // At the prompt there is no planning to cancel.
        session.notice(isPlanning ? "Plan cancellation requested" : "No planning in progress", {
          action,
          ok: isPlanning,
        });
        if (isPlanning) fate = "cancelled";
      } else if (action === "replan") {
        session.notice("Replan requested", { action, ok: true, mode: "in_run" });
        next = content.question ?? next;
        fate = "replanned";
      } else {
        session.notice("No running task", { action, ok: false, task_id: content.task_id });
      }
      if (isPlanning && fate !== null) wake();
    },
    dispose() {},
  };
  return {
    control,
    question: () => next,
    isReplanned: () => fate === "replanned",
    async wait(run: Run, clock: Clock, ms: number): Promise<"planned" | "cancelled" | "replanned"> {
      await run.until((done) => {
        wake = done;
        return clock.after(ms, done);
      });
      isPlanning = false;
      return fate ?? "planned";
    },
  };
}

/** On a server that asks for no confirmation: accepted or refused, and never done. */
const autoControl = (session: ServerSession): PlanControl => ({
  control(action, content) {
    const ok = action === "replan";
    session.notice(ok ? "Replan requested" : `${action} submitted`, {
      action,
      ok,
      ...(ok ? { mode: "in_run" } : {}),
      ...(content.task_id === undefined ? {} : { task_id: content.task_id }),
    });
  },
  dispose() {},
});

type Result = { readonly task: Task; readonly output: string };

async function solve(
  session: ServerSession,
  run: Run,
  tasks: readonly Task[],
): Promise<readonly Result[]> {
  const { clock, plan, taskMs } = session.options;
  const works: Work[] = tasks.map((task) => ({
    task,
    state: "queued",
    stop: () => {},
    restart: false,
  }));
  const results: Result[] = [];
  /** A cancelled run's tasks go on unseen; what they say lands in the run that is open then. */
  const say: ServerSession["emit"] = (event, rest) => {
    if (!run.isCancelled || (event === "solver.completed" && session.run !== null))
      session.emit(event, rest);
  };
  let wake: () => void = () => {};
  const isOver = (): boolean =>
    works.every(({ state, restart }) => !restart && state !== "queued" && state !== "running");

  const fill = (): void => {
    for (const work of works) {
      const running = works.filter(({ state }) => state === "running").length;
      const isNext = work.state === "queued" || (work.restart && work.state !== "running");
      if (!isNext || running >= plan.concurrency) continue;
      if (work.restart) say("solver.restarted", { content: { task: work.task } });
      work.restart = false;
      begin(work);
    }
    if (isOver()) wake();
  };
  const begin = (work: Work): void => {
    work.state = "running";
    say("solver.start", { content: { task: work.task } });
    work.stop = clock.after(taskMs, () => end(work));
  };
  const end = (work: Work): void => {
    const { task } = work;
    if (plan.failingTaskIds.includes(String(task.id))) {
      // A task that raises says nothing at all.
      work.state = "failed";
      return fill();
    }
    work.state = "done";
    const output = `Draft for quick: ${task.objective ?? task.title ?? ""}`;
    const agent = `demo_solver_${task.id}`;
    results.push({ task, output });
    const statistics = [count("solver", agent)];
    say("solver.completed", {
      content: { task, result: { output, summary: output, agent_name: agent } },
      metadata: { statistics },
    });
    fill();
  };
  if (plan.asks || session.plan === null)
    session.plan = {
      control(action, content) {
        const work = works.find(({ task }) => String(task.id) === String(content.task_id));
        const notice = (text: string, ok: boolean): void =>
          session.notice(text, { action, ok, task_id: content.task_id });
        if (action === "cancel_task") {
          const isLive = work?.state === "running" || work?.state === "queued";
          notice(isLive ? "Task cancellation submitted" : "No running task", isLive);
          if (work === undefined || !isLive) return;
          work.stop();
          work.state = "cancelled";
          // The freed slot may be filled before the end is told.
          fill();
          say("solver.cancelled", { content: { task: work.task } });
        } else if (action === "restart_task") {
          notice("Task restart submitted", true);
          if (work === undefined) return;
          work.restart = true;
          if (work.state !== "running") return;
          work.stop();
          work.state = "cancelled";
          say("solver.cancelled", { content: { task: work.task } });
          fill();
        } else {
          session.notice("Not while solving", { action, ok: false });
        }
      },
      dispose() {
        for (const work of works) work.stop();
      },
    };
  await run.until((done) => {
    wake = done;
    fill();
    return () => {};
  });
  return results;
}
