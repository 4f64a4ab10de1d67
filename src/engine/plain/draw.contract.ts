/** A conversation over a plain channel as lines of text, for golden views that a person can read. */
import type {
  ChannelView,
  NotePartView,
  PlanView,
  TurnPartView,
  TurnView,
} from "#bridge/channel-views.ts";

const LONG = 160;

const short = (value: unknown): string => {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const line = JSON.stringify(text);
  return line.length > LONG ? `${line.slice(0, LONG)}… (${text.length} characters)` : line;
};

/** The whole view. Times are left out: a golden view says what, not when. */
export function drawView(view: ChannelView): string {
  return [
    `status ${view.status.status}`,
    `agent ${short(view.agentName)}`,
    `can ${[...view.capabilities].sort().join(" ")}`,
    ...view.notes.map((note) => drawNote(note)),
    ...view.turns.flatMap((turn, at) => drawTurn(turn, at + 1)),
  ].join("\n");
}

function drawTurn(turn: TurnView, number: number): readonly string[] {
  return [
    "",
    `turn ${number} by ${turn.trigger}: ${turn.outcome ?? turn.status}`,
    ...turn.parts.map((part) => `  ${drawPart(part)}`),
    ...(turn.plan === null ? [] : drawPlan(turn.plan).map((line) => `  ${line}`)),
    ...(turn.usage === null
      ? []
      : [
          `  tokens ${turn.usage.inputTokens} in, ${turn.usage.outputTokens} out, ${turn.usage.calls} calls${turn.usage.isShared ? ", shared counters" : ""}`,
        ]),
    `  text (${turn.textState}) ${short(turn.text)}`,
  ];
}

function drawPart(part: TurnPartView): string {
  switch (part.kind) {
    case "reasoning":
      return `thinks ${short(part.text)}`;
    case "tool":
      return [
        `${part.isInternal ? "internal tool" : "tool"} ${part.name} ${short(part.args)} ${part.status}`,
        part.text === "" ? [] : short(part.text),
        part.error === "" ? [] : `error ${short(part.error)}`,
        part.chart === null ? [] : `chart ${part.chart.shape} ${short(part.chart.labels)}`,
        part.extra === null || part.chart !== null ? [] : `extra ${short(part.extra)}`,
      ]
        .flat()
        .join(" ");
    case "prompt":
      return `asks about ${part.about.subject} ${
        part.about.subject === "tool"
          ? `${part.about.name} ${short(part.about.args)}`
          : short(part.about.tasks.map((task) => task["id"] ?? null))
      }: ${part.state}${part.deadBecause === null ? "" : ` (${part.deadBecause})`}`;
    case "control":
      return `control ${part.action}${part.taskId === null ? "" : ` ${part.taskId}`}: server said ${part.said ?? "nothing"}, ${part.outcome}`;
    case "note":
      return drawNote(part);
  }
}

function drawNote({ note }: NotePartView): string {
  const params = Object.entries(note.params).map(([name, value]) => ` ${name}=${short(value)}`);
  return note.kind === "notice"
    ? `notice ${note.notice}${params.join("")}`
    : `fault ${note.failure}${params.join("")} ${short(note.words)}`;
}

function drawPlan(plan: PlanView): readonly string[] {
  return [
    `plan ${plan.phase}: question ${short(plan.question)}, summary ${short(plan.summary)}`,
    ...plan.tasks.map(
      (task) =>
        `  task ${task.taskId} ${short(task.title)} ${task.status}${task.agentName === "" ? "" : ` by ${task.agentName}`}${task.summary === "" ? "" : ` ${short(task.summary)}`}`,
    ),
    `  aggregate ${plan.aggregate}`,
    ...(plan.result === null
      ? []
      : [
          `  result ${plan.result.text === null ? `json ${short(plan.result.output)}` : short(plan.result.text)}`,
        ]),
  ];
}
