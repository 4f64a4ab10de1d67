/** One answer as its chunks build it: which facts each tells, and how it ended. SPEC A63–A69. */
import type { ChannelFact, TurnId, TurnOutcome } from "#peer/channel.ts";
import type { ChannelFailure } from "#peer/channel-failure.ts";
import { argsOf, parseChunk, type Chunk, type ToolPiece } from "./chunk.ts";

export interface Answer {
  /** Takes the data of one event. */
  take(data: string): "more" | "enough";
  /** Tells the end: the stream is over, however it came about. */
  end(because: "ended" | "broke" | "too-large" | "enough", limit: number): TurnOutcome;
  /** What was said so far. */
  text(): string;
}

/** How a framework writes its own failures into the answer, and the model it names then. */
const ERROR_TEXT = /^\s*\[(NodeRunError|GraphRunError)\]/;
const ERROR_MODEL = "rulego-model";

/** Reasons to stop that are worth a word. */
const LIMITS: ReadonlySet<string> = new Set(["length", "content_filter"]);

/** Creates the answer of one turn. */
export function createAnswer(turnId: TurnId, tell: (fact: ChannelFact) => void): Answer {
  let text = "";
  let textChunks = 0;
  let reasoning = "";
  let reasoningParts = 0;
  let hasUsage = false;
  let model = "";
  let finish: string | null = null;
  let failure: { readonly failure: ChannelFailure; readonly words: string } | null = null;
  let unreadable = 0;
  const called = new Set<string>();
  const failed = new Map<string, string>();
  const standard = new Map<number, { callId: string; name: string; argsText: string }>();

  const addReasoning = (piece: string): void => {
    if (piece === "") return;
    if (reasoning === "") reasoningParts += 1;
    const partId = `${turnId}/reasoning-${reasoningParts}`;
    tell({ type: "reasoning", turnId, partId, offset: reasoning.length, text: piece });
    reasoning += piece;
  };

  const addText = (piece: string): void => {
    if (piece === "") return;
    reasoning = "";
    textChunks += 1;
    tell({ type: "text", turnId, offset: text.length, text: piece, isLossy: false });
    text += piece;
  };

  const callOnce = (callId: string, name: string, args: ReturnType<typeof argsOf>): void => {
    called.add(callId);
    tell({ type: "tool-call", turnId, callId, name, args, isInternal: false });
  };

  const addTool = (piece: ToolPiece): void => {
    reasoning = "";
    switch (piece.type) {
      case "server-call":
        return callOnce(`${turnId}/${piece.callId}`, piece.name, piece.args);
      case "server-result": {
        const callId = `${turnId}/${piece.callId}`;
        if (!called.has(callId)) callOnce(callId, piece.name, null);
        // A failure is told twice, the second time as if it were a result: the error stays, the text is kept.
        if (piece.isError) failed.set(callId, piece.text);
        const error = failed.get(callId);
        tell({
          type: "tool-result",
          turnId,
          callId,
          outcome: error === undefined ? "ok" : "failed",
          text: piece.isError ? "" : piece.text,
          error: error ?? "",
          extra: null,
          chart: null,
        });
        return;
      }
      case "standard": {
        const known = standard.get(piece.index);
        // A server that numbers every call 0 tells them apart by id.
        const isAnother =
          known !== undefined && piece.callId !== "" && piece.callId !== known.callId;
        const index = isAnother ? standard.size : piece.index;
        const before = isAnother ? undefined : known;
        const call = {
          callId: before?.callId || piece.callId || `call-${index}`,
          name: before?.name || piece.name,
          argsText: (before?.argsText ?? "") + piece.argsText,
        };
        standard.set(index, call);
        return callOnce(`${turnId}/${call.callId}`, call.name, argsOf(call.argsText));
      }
    }
  };

  const addUsage = (usage: NonNullable<Chunk["usage"]>): void => {
    hasUsage = true;
    tell({ type: "usage", turnId, usage: { calls: 1, ...usage, isShared: false } });
  };

  const outcomeOf = (because: Parameters<Answer["end"]>[0]): TurnOutcome => {
    if (failure !== null) return "failed";
    if (because === "broke") return "lost";
    return finish !== null || because === "enough" ? "done" : "cut-short";
  };

  return {
    text: () => text,
    take(data) {
      if (data.trim() === "[DONE]") return "enough";
      const chunk = parseChunk(data);
      if (chunk === null) {
        unreadable += 1;
        const notice = { kind: "unreadable-frames", count: unreadable } as const;
        tell({ type: "notice", turnId, notice });
        return "more";
      }
      if (chunk.error !== null) {
        failure = { failure: { kind: "peer/agent-failed" }, words: chunk.error };
        return "enough";
      }
      addReasoning(chunk.reasoning);
      chunk.tools.forEach(addTool);
      if (chunk.text !== "") model = chunk.model;
      addText(chunk.text);
      if (chunk.usage !== null) addUsage(chunk.usage);
      finish = chunk.finish ?? finish;
      return "more";
    },
    end(because, limit) {
      const isErrorText =
        textChunks === 1 && !hasUsage && model === ERROR_MODEL && ERROR_TEXT.test(text);
      if (isErrorText) failure = { failure: { kind: "peer/agent-failed" }, words: text };
      if (because === "too-large")
        failure = { failure: { kind: "peer/frame-too-large", limit }, words: "" };
      const outcome = outcomeOf(because);
      if (outcome === "lost")
        failure = { failure: { kind: "peer/line-lost", code: null }, words: "" };
      if (outcome === "cut-short") failure = { failure: { kind: "peer/cut-short" }, words: "" };
      if (failure !== null) tell({ type: "fault", turnId, ...failure });
      if (finish !== null && LIMITS.has(finish))
        tell({ type: "notice", turnId, notice: { kind: "answer-limited", because: finish } });
      if (outcome === "done" || isErrorText) tell({ type: "answer", turnId, text });
      return outcome;
    },
  };
}
