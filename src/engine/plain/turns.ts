/**
 * A conversation over a plain channel as far as it was heard: the fold of the channel's events. Pure, and every event
 * may come again: what has a key is replaced, never doubled. channels SPEC A41–A44.
 */
import type {
  ChannelView,
  NotePartView,
  PromptPartView,
  ToolPartView,
  TurnPartView,
  TurnView,
} from "#bridge/channel-views.ts";
import type { ChannelEvent, TurnId, TurnTrigger } from "#peer/channel.ts";

export const emptyChannelView: ChannelView = {
  status: { status: "idle" },
  capabilities: [],
  agentName: "",
  heardAt: null,
  turns: [],
  notes: [],
};

/** Notes outside turns that are kept: they say how the line is, and only the latest matter. */
const MAX_NOTES = 20;

/** The conversation after one event; parts that did not change are the same objects as before. */
export function reduceChannelView(before: ChannelView, event: ChannelEvent): ChannelView {
  switch (event.type) {
    case "status":
      return { ...before, status: event.status };
    case "capabilities":
      return { ...before, capabilities: event.capabilities };
    case "agent-name":
      return { ...before, agentName: event.name };
    case "alive":
      return { ...before, heardAt: event.at };
    case "turn-queued":
      return addTurn(before, newTurn(event.turnId, "message"));
    case "turn-withdrawn":
      return { ...before, turns: before.turns.filter((turn) => turn.turnId !== event.turnId) };
    case "turn-started":
      return startTurn(before, event);
    case "prompt-answered":
    case "prompt-died":
      return { ...before, turns: before.turns.map((turn) => settlePrompt(turn, event)) };
    case "notice":
    case "fault":
      return addNote(before, event);
    default:
      return changeTurn({ ...before, heardAt: event.at }, event.turnId, (turn) =>
        reduceTurn(heard(turn, event.at), event),
      );
  }
}

type TurnEvent = Exclude<
  ChannelEvent,
  {
    type:
      | "status"
      | "capabilities"
      | "agent-name"
      | "alive"
      | "turn-queued"
      | "turn-withdrawn"
      | "turn-started"
      | "prompt-answered"
      | "prompt-died"
      | "notice"
      | "fault";
  }
>;

function reduceTurn(turn: TurnView, event: TurnEvent): TurnView {
  switch (event.type) {
    case "reasoning":
      return addReasoning(turn, event);
    case "text": {
      // A piece beyond what is there has lost its beginning; what is there stays.
      if (event.offset > turn.text.length || turn.textState === "whole") return turn;
      const text = turn.text.slice(0, event.offset) + event.text;
      return { ...turn, text, textState: event.isLossy ? "lossy" : "streaming" };
    }
    case "answer":
      return { ...turn, text: event.text, textState: "whole" };
    case "summarizing":
      return { ...turn, isSummarizing: true };
    case "tool-call":
      return addToolCall(turn, event);
    case "tool-result":
      return addToolResult(turn, event);
    case "prompt-opened":
      return putPart(turn, {
        kind: "prompt",
        ...event.prompt,
        openedAt: event.at,
        state: "open",
        deadBecause: null,
      });
    case "plan":
      return { ...turn, plan: event.plan };
    case "control":
      return putPart(turn, { kind: "control", ...event.control });
    case "usage":
      return { ...turn, usage: event.usage };
    case "turn-ended":
      return {
        ...turn,
        status: "ended",
        outcome: event.outcome,
        endedAt: event.at,
        isSummarizing: false,
        parts: turn.parts.map((part) =>
          part.kind === "tool" && part.status === "running"
            ? { ...part, status: "unknown", endedAt: event.at }
            : part,
        ),
      };
  }
}

const newTurn = (turnId: TurnId, trigger: TurnTrigger): TurnView => ({
  turnId,
  trigger,
  status: "queued",
  outcome: null,
  startedAt: null,
  endedAt: null,
  heardAt: null,
  parts: [],
  text: "",
  textState: "none",
  isSummarizing: false,
  plan: null,
  usage: null,
});

const addTurn = (view: ChannelView, turn: TurnView): ChannelView =>
  view.turns.some(({ turnId }) => turnId === turn.turnId)
    ? view
    : { ...view, turns: [...view.turns, turn] };

function startTurn(
  before: ChannelView,
  { turnId, trigger, at }: Extract<ChannelEvent, { type: "turn-started" }>,
): ChannelView {
  const view = addTurn(before, newTurn(turnId, trigger));
  return changeTurn(view, turnId, (turn) =>
    turn.status === "queued" ? { ...turn, trigger, status: "running", startedAt: at } : turn,
  );
}

function changeTurn(
  view: ChannelView,
  turnId: string,
  change: (turn: TurnView) => TurnView,
): ChannelView {
  return {
    ...view,
    turns: view.turns.map((turn) => (turn.turnId === turnId ? change(turn) : turn)),
  };
}

const heard = (turn: TurnView, at: number): TurnView => ({ ...turn, heardAt: at });

const keyOf = (part: TurnPartView): string | null => {
  switch (part.kind) {
    case "reasoning":
      return `reasoning ${part.partId}`;
    case "tool":
      return `tool ${part.callId}`;
    case "prompt":
      return `prompt ${part.promptId}`;
    case "control":
      return `control ${part.controlId}`;
    case "note":
      return null;
  }
};

/** The turn with a part in the place of the one with its key, or at the end. */
function putPart(turn: TurnView, part: TurnPartView): TurnView {
  const key = keyOf(part);
  const at = key === null ? -1 : turn.parts.findIndex((one) => keyOf(one) === key);
  return { ...turn, parts: at === -1 ? [...turn.parts, part] : turn.parts.with(at, part) };
}

function addReasoning(
  turn: TurnView,
  { partId, offset, text }: Extract<ChannelEvent, { type: "reasoning" }>,
): TurnView {
  const known = turn.parts.find((part) => part.kind === "reasoning" && part.partId === partId);
  const before = known?.kind === "reasoning" ? known.text : "";
  if (offset > before.length) return turn;
  return putPart(turn, { kind: "reasoning", partId, text: before.slice(0, offset) + text });
}

const toolOf = (turn: TurnView, callId: string): ToolPartView | undefined =>
  turn.parts.find((part): part is ToolPartView => part.kind === "tool" && part.callId === callId);

function addToolCall(
  turn: TurnView,
  { callId, name, args, isInternal, at }: Extract<ChannelEvent, { type: "tool-call" }>,
): TurnView {
  const known = toolOf(turn, callId);
  if (known !== undefined) return putPart(turn, { ...known, name, args });
  return putPart(turn, {
    kind: "tool",
    callId,
    name,
    args,
    isInternal,
    status: "running",
    text: "",
    error: "",
    extra: null,
    chart: null,
    startedAt: at,
    endedAt: null,
  });
}

function addToolResult(
  turn: TurnView,
  event: Extract<ChannelEvent, { type: "tool-result" }>,
): TurnView {
  const known = toolOf(turn, event.callId);
  if (known === undefined) return turn;
  const { text, extra, chart, at } = event;
  // Some servers tell a failure twice, the second time as if it were a result: the error stays, the text is kept.
  const status = known.status === "failed" ? "failed" : event.outcome;
  const error = event.error === "" ? known.error : event.error;
  return putPart(turn, { ...known, status, text, error, extra, chart, endedAt: at });
}

function settlePrompt(
  turn: TurnView,
  event: Extract<ChannelEvent, { type: "prompt-answered" | "prompt-died" }>,
): TurnView {
  const prompt = turn.parts.find(
    (part): part is PromptPartView => part.kind === "prompt" && part.promptId === event.promptId,
  );
  if (prompt === undefined || prompt.state !== "open") return turn;
  return putPart(
    turn,
    event.type === "prompt-answered"
      ? { ...prompt, state: event.isConfirmed ? "confirmed" : "denied" }
      : { ...prompt, state: "dead", deadBecause: event.because },
  );
}

function addNote(
  view: ChannelView,
  event: Extract<ChannelEvent, { type: "notice" | "fault" }>,
): ChannelView {
  const note = noteOf(event);
  const { turnId } = event;
  if (turnId !== null && view.turns.some((turn) => turn.turnId === turnId))
    return changeTurn(view, turnId, (turn) => ({ ...turn, parts: withNote(turn.parts, note) }));
  return { ...view, notes: withNote(view.notes, note).slice(-MAX_NOTES) };
}

/** A count that grows takes the place of the one before. */
function withNote<Part extends TurnPartView>(
  before: readonly Part[],
  note: NotePartView,
): readonly (Part | NotePartView)[] {
  const kept = isCount(note) ? before.filter((part) => !isCount(part)) : before;
  return [...kept, note];
}

const isCount = (part: TurnPartView): boolean =>
  part.kind === "note" && part.note.kind === "notice" && part.note.notice === "unreadable-frames";

function noteOf(event: Extract<ChannelEvent, { type: "notice" | "fault" }>): NotePartView {
  const { at } = event;
  if (event.type === "fault") {
    const { kind, ...facts } = event.failure;
    const { words } = event;
    return {
      kind: "note",
      at,
      note: { kind: "fault", failure: kind, params: paramsOf(facts), words },
    };
  }
  const { kind, ...facts } = event.notice;
  return { kind: "note", at, note: { kind: "notice", notice: kind, params: paramsOf(facts) } };
}

function paramsOf(facts: object): Readonly<Record<string, string | number>> {
  const params: Record<string, string | number> = {};
  for (const [name, fact] of Object.entries(facts)) {
    if (typeof fact === "string" || typeof fact === "number") params[name] = fact;
    if (Array.isArray(fact)) params[name] = fact.join(" ");
  }
  return params;
}
