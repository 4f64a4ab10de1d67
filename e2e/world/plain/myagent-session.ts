/** One session of the fake MyAgent server: chat runs out of recordings, with every habit of the real one. */
import { randomBytes, randomUUID } from "node:crypto";
import { contentOf, type ClientContent, type ClientFrame } from "./frames.ts";
import type { MyAgentServerOptions } from "./myagent-server.ts";
import { ReplayBuffer, signState } from "./myagent-state.ts";
import type { Frame, SentFrame, Wire } from "./myagent-wire.ts";
import { runPlan, solveAlone, type PlanControl } from "./myagent-plan.ts";
import type { ChatScript } from "./transcript.ts";

export class Cancelled extends Error {}

/** A run that can be cancelled wherever it waits. */
export class Run {
  isCancelled = false;
  readonly #wakers = new Set<() => void>();

  cancel(): void {
    this.isCancelled = true;
    for (const wake of [...this.#wakers]) wake();
  }

  pause(ms: number): Promise<void> {
    return this.until((done) => {
      const timer = setTimeout(done, ms);
      return () => clearTimeout(timer);
    });
  }

  until(start: (done: () => void) => () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      let stop: () => void = () => {};
      const wake = (): void => {
        this.#wakers.delete(wake);
        stop();
        if (this.isCancelled) reject(new Cancelled());
        else resolve();
      };
      this.#wakers.add(wake);
      stop = start(wake);
      if (this.isCancelled) wake();
    });
  }
}

export type Answer = { readonly confirmed: boolean; readonly tasks: unknown } | null;

export class ServerSession {
  readonly id = randomUUID();
  readonly wire: Wire;
  readonly options: MyAgentServerOptions;
  readonly #buffer: ReplayBuffer<SentFrame>;
  /** The first session of a chain of restores: replays are kept under its name. */
  readonly originalId: string;
  readonly #prompts = new Map<string, (answer: Answer) => void>();
  run: Run | null = null;
  plan: PlanControl | null = null;
  hasRun = false;
  /** A state exported in mid-run restores a session that believes it is running. */
  believesRunning = false;
  memory: { role: string; content: string }[] = [];

  constructor(
    wire: Wire,
    options: MyAgentServerOptions,
    buffer: ReplayBuffer<SentFrame>,
    originalId: string | null,
  ) {
    this.wire = wire;
    this.options = options;
    this.#buffer = buffer;
    this.originalId = originalId ?? this.id;
  }

  emit(event: string, rest: Omit<Frame, "event" | "session_id"> = {}): void {
    const namespace = this.options.namespace;
    const isPipeline = /^(plan|solver|aggregate|pipeline)\./.test(event);
    const name = isPipeline && namespace !== "" ? `${namespace}.${event}` : event;
    const frame = this.wire.send({
      event: name,
      session_id: this.id,
      ...rest,
      ...(isPipeline ? { step_id: null } : {}),
      show_content: isPipeline && namespace !== "" ? undefined : "请确认规划",
    });
    this.#buffer.keep(this.id, frame);
  }

  error(content: string): void {
    this.emit("agent.error", { content });
  }

  notice(content: string, metadata: Record<string, unknown>): void {
    this.emit("system.notice", { content, metadata });
  }

  hear(frame: ClientFrame): void {
    const { event, content } = frame;
    switch (event) {
      case "user.message":
        return this.#message(content);
      case "user.response":
        return this.#response(frame);
      case "user.cancel":
        return this.#cancel();
      case "user.solve_tasks":
        return void solveAlone(this, contentOf(content));
      case "user.cancel_task":
      case "user.restart_task":
      case "user.cancel_plan":
      case "user.replan":
        return this.#control(event.slice("user.".length), contentOf(content));
      case "user.request_state":
        return this.emit("agent.state_exported", {
          content: "Session state exported successfully",
          metadata: { signed_state: this.export(), state_size: 100, message_count: 0 },
        });
    }
  }

  /** Opens a run if there is none; the body ends it. */
  begin(body: (run: Run) => Promise<void>): void {
    if (this.run !== null || this.believesRunning)
      return this.error("Agent is currently running, please try again later");
    const run = new Run();
    this.run = run;
    this.hasRun = true;
    void body(run)
      .catch((error: unknown) => {
        if (!(error instanceof Cancelled)) throw error;
      })
      .finally(() => {
        if (this.run === run) this.run = null;
      });
  }

  /** Asks and waits; null when nobody answers in time, which reads as a no. */
  async confirm(run: Run, stepId: string, rest: Omit<Frame, "event">): Promise<Answer> {
    let answer: Answer = null;
    this.emit("agent.user_confirm", { ...rest, step_id: stepId });
    try {
      await run.until((done) => {
        const timer = setTimeout(done, this.options.confirmMs);
        this.#prompts.set(stepId, (given) => {
          answer = given;
          done();
        });
        return () => clearTimeout(timer);
      });
    } finally {
      this.#prompts.delete(stepId);
    }
    return answer;
  }

  export(): object {
    return signState(this.options.secret, {
      session_id: this.id,
      current_step: this.memory.length,
      agent_state: this.run === null ? "AgentState.IDLE" : "AgentState.RUNNING",
      memory_snapshot: "[]",
      metadata: { session_state: this.run === null ? "idle" : "running" },
    });
  }

  /** The connection is gone: nothing runs on and nothing is said. */
  end(): void {
    this.run?.cancel();
    this.plan?.dispose();
    this.#prompts.clear();
  }

  #message(content: unknown): void {
    if (typeof content === "object" && content !== null) return;
    if (typeof content !== "string" || content.trim() === "")
      return this.error("Message content cannot be empty");
    this.memory.push({ role: "user", content });
    if (this.options.kind === "plan") return this.begin((run) => runPlan(this, run, content));
    const script = this.options.scripts.find(({ question }) => question === content);
    this.begin((run) => this.#chat(run, script ?? (this.options.scripts[0] as ChatScript)));
  }

  #response(frame: ClientFrame): void {
    if (frame.step_id === undefined) return this.error("Missing step_id in user response");
    // A bare `true` is no object, and counts as no.
    const { confirmed, tasks } = contentOf(frame.content);
    const settle = this.#prompts.get(frame.step_id);
    this.#prompts.delete(frame.step_id);
    // Late and unknown answers are met with silence.
    settle?.({ confirmed: confirmed === true, tasks });
  }

  #cancel(): void {
    this.believesRunning = false;
    const { run } = this;
    this.run = null;
    run?.cancel();
    this.emit("agent.interrupted", { content: "Execution cancelled" });
  }

  #control(action: string, content: ClientContent): void {
    if (this.options.kind !== "plan") {
      const method =
        action === "cancel_task" || action === "restart_task"
          ? action.replace("_task", "_solver_task")
          : action;
      return this.error(`Agent does not support ${method}`);
    }
    if ((action === "cancel_task" || action === "restart_task") && content.task_id === undefined)
      return this.error(`Missing task_id for ${action}`);
    if (action === "replan" && this.run === null) {
      const question =
        content.question ?? this.memory.findLast(({ role }) => role === "user")?.content;
      if (question === undefined)
        return this.error("Replan requires a question when session is idle");
      this.notice("Replan requested", {
        action,
        mode: "restart",
        question: String(question).slice(0, 120),
      });
      return this.begin((run) => runPlan(this, run, question));
    }
    if (this.plan !== null) return this.plan.control(action, content);
    if (action === "cancel_plan" && !this.hasRun) {
      this.wire.send({
        event: "system.error",
        content:
          "Message handling error: 'PlanSolverSessionAgent' object has no attribute '_planning_task'",
      });
      return;
    }
    if (!this.hasRun)
      return this.error(
        `Failed to ${action}: 'PlanSolverSessionAgent' object has no attribute '_solving_started'`,
      );
    // After the end a restart is accepted, and nothing happens.
    this.notice(`${action} submitted`, {
      action,
      ok: action === "restart_task",
      task_id: content.task_id,
    });
  }

  async #chat(run: Run, script: ChatScript): Promise<void> {
    const { stepMs, deltaMs } = this.options;
    for (const step of script.steps) {
      await run.pause(stepMs);
      if (step.do === "think")
        this.emit("agent.thinking", { content: step.text, metadata: { step: step.step } });
      else if (step.do === "stream-fails") this.error(step.content);
      else await this.#tool(run, step);
    }
    await run.pause(stepMs);
    if (script.error !== null) return this.error(script.error);
    const isStreamed =
      script.steps.some((step) => step.do === "tool" && step.name === "terminate") &&
      !script.steps.some((step) => step.do === "stream-fails");
    if (isStreamed) {
      this.emit("agent.thinking", {
        content: "正在生成最终总结...",
        metadata: { streaming: true },
      });
      let words = 0;
      for (const delta of script.answer.match(/\S+\s*|\s+/g) ?? []) {
        await run.pause(deltaMs);
        words += 1;
        const metadata = { is_streaming: true, word_count: words, is_final: false };
        this.emit("agent.partial_answer", { content: delta, metadata });
      }
      const metadata = { is_streaming: true, is_final: true, total_length: script.answer.length };
      this.emit("agent.partial_answer", { content: "", metadata });
    }
    this.memory.push({ role: "assistant", content: script.answer });
    this.run = null;
    this.emit("agent.final_answer", { content: script.answer });
  }

  async #tool(run: Run, step: Extract<ChatScript["steps"][number], { do: "tool" }>): Promise<void> {
    const { stepId: step_id, name: tool, args } = step;
    this.emit("agent.tool_call", {
      content: `Calling tool: ${tool}`,
      metadata: { tool, args, status: "running" },
      step_id,
    });
    let result = step.result;
    if (step.asks) {
      const stepId = `confirm_${randomBytes(4).toString("hex")}_${tool}`;
      const answer = await this.confirm(run, stepId, {
        content: `Confirm tool execution: ${tool}`,
        metadata: {
          requires_confirmation: true,
          tool_name: tool,
          tool_description: `Runs ${tool}.`,
          tool_args: args,
        },
      });
      result =
        answer?.confirmed === true
          ? { content: "done", status: "success", error: null, extra: null }
          : {
              content: "None",
              status: "failed",
              error: "Tool execution cancelled by user",
              extra: null,
            };
    }
    // A tool that was still running when it was recorded runs until it is cancelled.
    await run.pause(result === null ? 600_000 : this.options.stepMs);
    if (result === null) return;
    this.emit("agent.tool_result", {
      content: result.content,
      metadata: {
        tool,
        status: result.status,
        error: result.error,
        ...(result.extra === null ? {} : { data: result.extra }),
      },
      step_id,
    });
  }
}
