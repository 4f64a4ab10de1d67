/**
 * One conversation between a person and the server behind the bridge. Facts are told in the order they came; a
 * question is over when its turn has ended and all of it was told. SPEC G1–G10.
 */
import { systemClock } from "#base/clock.ts";
import { systemRandom } from "#base/random.ts";
import { bytesToHex } from "#base/bytes.ts";
import type {
  Channel,
  ChannelFact,
  PlanState,
  Prompt,
  TurnId,
  TurnOutcome,
} from "#peer/channel.ts";
import type { AgentMessage, HasheeAgent, ReplyStream } from "#sdk/index.ts";
import { approvalOf, progressCard, toolCallCard, toolResponseCard, workingCard } from "./cards.ts";
import type { Memory } from "./memory.ts";
import { languageOf, say, wordsOfFault, type Saying } from "./words.ts";

/** A plan changes many times a second; a card need not. */
const PROGRESS_EVERY_MS = 500;
/** A run that shows nothing to stop it by is given a card after this. */
const WORKING_AFTER_MS = 3_000;

const HAS_BEGUN: ReadonlySet<PlanState["phase"]> = new Set(["solving", "aggregating"]);

/** The agent takes no answers any more. */
const CLOSED = Symbol("closed");

export interface Conversation {
  /** Asks the server and tells all that comes of it. */
  ask(message: AgentMessage, text: string): Promise<void>;
  /** Leaves the server; resolves when what is remembered is written. */
  close(): Promise<void>;
}

type Turn = {
  readonly askerId: string;
  readonly end: () => void;
  stream: ReplyStream | null;
  text: string;
  answer: string | null;
  plan: PlanState | null;
  progressId: string | null;
  progressAt: number;
  /** Decisions a person has not made yet. */
  asksOpen: number;
  stopWatch: () => void;
  stopFirst: () => void;
  readonly tools: Map<string, { readonly name: string; readonly at: number; isTold: boolean }>;
};

/** Creates the conversation; its channel connects at once. */
export function createConversation(
  agent: HasheeAgent,
  conversationId: string,
  channel: Channel,
  memory: Memory,
): Conversation {
  let turn: Turn | null = null;
  let { language } = memory.known;
  /** Everything that is sent, one after the other. */
  let telling: Promise<unknown> = Promise.resolve();

  const inOrder = (task: () => Promise<unknown>): void => {
    // What cannot be sent is told by the agent's own error handler; the next fact may still go.
    telling = telling.then(task).catch(() => {});
  };
  const sendText = (text: string): Promise<unknown> =>
    agent.send(conversationId, { type: "text", text });
  const saying = (which: Saying): Promise<unknown> => sendText(say(which, language));

  /** A plan's progress, or that of a run whose card was opened because it took long; `outcome` null while it goes on. */
  const showProgress = async (of: Turn, outcome: TurnOutcome | null): Promise<void> => {
    if (of.progressId === null && outcome !== null && of.plan?.phase !== "done") return;
    const now = systemClock.now();
    const isSoon = of.progressId !== null && now - of.progressAt < PROGRESS_EVERY_MS;
    if (outcome === null && isSoon) return;
    of.progressAt = now;
    const { title, payload } =
      of.plan === null
        ? workingCard(say(outcome === null ? "working" : "worked", language), outcome)
        : progressCard(of.plan);
    if (of.progressId === null) {
      const artifact = { subtype: "progress", title, payload };
      of.progressId = (await agent.sendArtifact(conversationId, { artifact })).artifact_id;
      void stopWhenAsked(of, of.progressId);
      return;
    }
    const ref_artifact = of.progressId;
    await agent.updateArtifact(conversationId, { ref_artifact, artifact: { title, payload } });
  };

  const stopWhenAsked = async (of: Turn, artifactId: string): Promise<void> => {
    const asked = await agent
      .nextAnswer(conversationId, artifactId)
      .catch((): typeof CLOSED => CLOSED);
    if (asked === CLOSED || turn !== of) return;
    if (asked?.ref_action === "cancel") channel.run({ type: "stop" });
    // A wait ends by itself after a while, and runs may take longer.
    else void stopWhenAsked(of, artifactId);
  };

  /** The card of a plan comes after the question whether to carry it out, which follows the plan at once. */
  const showPlan = async (of: Turn): Promise<void> => {
    const isBegun = of.plan !== null && HAS_BEGUN.has(of.plan.phase);
    if (turn === of && isBegun && of.asksOpen === 0) await showProgress(of, null);
  };

  /** Streams and plans can be stopped by what they show; anything else that lasts gets a card to stop it by. */
  const showWorking = async (of: Turn): Promise<void> => {
    const isShown = of.stream !== null || of.progressId !== null || of.asksOpen > 0;
    if (turn === of && !isShown) await showProgress(of, null);
  };
  /** While a person is asked nobody works; the time counts from their answer. */
  const watchLength = (of: Turn): void => {
    of.stopWatch();
    of.stopWatch = systemClock.after(WORKING_AFTER_MS, () => inOrder(() => showWorking(of)));
  };

  const addPiece = async (
    of: Turn,
    fact: Extract<ChannelFact, { type: "text" }>,
  ): Promise<void> => {
    // Pieces with holes would be taken back by the whole answer: the sign of typing says enough.
    if (fact.isLossy || fact.offset !== of.text.length) return;
    if (of.stream === null) {
      const stream = agent.createStreamSession(conversationId);
      stream.signal.addEventListener("abort", () => channel.run({ type: "stop" }));
      of.stream = stream;
    }
    of.text += fact.text;
    await of.stream.delta(fact.text);
  };

  const decide = async (of: Turn, prompt: Prompt): Promise<void> => {
    const { promptId } = prompt;
    const answer = (isConfirmed: boolean): boolean =>
      channel.run({ type: "answer-prompt", promptId, isConfirmed, tasks: null }).ok;
    const request = approvalOf(prompt, of.askerId);
    if (request === null) {
      answer(false);
      return inOrder(() => saying("notShown"));
    }
    of.asksOpen += 1;
    // What led to the question stands above it.
    await telling;
    const decision = await agent.approve(conversationId, request).catch(() => null);
    of.asksOpen -= 1;
    watchLength(of);
    // Nobody decided, or the card could not be sent: that means no.
    if (!answer(decision?.approved === true) && decision !== null) inOrder(() => saying("tooLate"));
  };

  const finish = async (
    of: Turn,
    { outcome }: Extract<ChannelFact, { type: "turn-ended" }>,
  ): Promise<void> => {
    await showProgress(of, outcome);
    const whole = of.plan?.result?.text ?? of.answer;
    if (of.stream !== null && (whole === null || whole === of.text)) {
      await (of.text === "" ? of.stream.abort("empty") : of.stream.done({ markdown: true }));
    } else {
      await of.stream?.abort("replaced");
      if (whole !== null && whole !== "")
        await agent.send(conversationId, { type: "text", text: whole, markdown: true });
    }
    if (outcome === "stopped") await saying("stopped");
    if (outcome === "declined") await saying("declined");
  };

  const tell = (fact: ChannelFact): void => {
    const of = turn;
    switch (fact.type) {
      case "text":
        if (of !== null) inOrder(() => addPiece(of, fact));
        return;
      case "answer":
        if (of !== null) of.answer = fact.text;
        return;
      case "tool-call": {
        if (of === null || fact.isInternal || of.tools.has(fact.callId)) return;
        of.tools.set(fact.callId, { name: fact.name, at: systemClock.now(), isTold: false });
        return inOrder(() => agent.sendArtifact(conversationId, { artifact: toolCallCard(fact) }));
      }
      case "tool-result": {
        const tool = of?.tools.get(fact.callId);
        if (tool === undefined || tool.isTold) return;
        tool.isTold = true;
        const artifact = toolResponseCard(fact, tool.name, systemClock.now() - tool.at);
        return inOrder(() => agent.sendArtifact(conversationId, { artifact }));
      }
      case "prompt-opened":
        if (of !== null) void decide(of, fact.prompt);
        return;
      case "plan":
        if (of === null) return;
        of.plan = fact.plan;
        if (of.progressId !== null) return inOrder(() => showProgress(of, null));
        of.stopFirst();
        of.stopFirst = systemClock.after(PROGRESS_EVERY_MS, () => inOrder(() => showPlan(of)));
        return;
      case "fault": {
        const words = wordsOfFault(fact, language);
        if (words !== null) inOrder(() => sendText(words));
        return;
      }
      case "notice":
        if (fact.notice.kind === "memory-lost") inOrder(() => saying("memoryLost"));
        if (fact.notice.kind === "retry") inOrder(() => saying("retry"));
        return;
      case "turn-ended":
        if (of === null) return;
        turn = null;
        inOrder(() => finish(of, fact));
        return inOrder(async () => of.end());
      case "status":
      case "capabilities":
      case "agent-name":
      case "alive":
      case "turn-queued":
      case "turn-withdrawn":
      case "turn-started":
      case "prompt-answered":
      case "prompt-died":
      case "reasoning":
      case "summarizing":
      case "control":
      case "usage":
        return;
    }
  };
  channel.on(tell);
  channel.start();

  return {
    async ask(message, text) {
      if (language !== languageOf(text)) {
        language = languageOf(text);
        memory.keep({ language });
      }
      if (message.interrupted === true) {
        await saying("interrupted");
        return;
      }
      const id = `turn-${bytesToHex(systemRandom(8))}` as TurnId;
      await agent.typing(conversationId);
      const { ended, begun } = aTurn(message.sender_id);
      turn = begun;
      watchLength(begun);
      const taken = channel.run({ type: "send-text", turnId: id, text });
      if (!taken.ok) {
        turn = null;
        await saying(taken.failure.kind === "peer/too-large" ? "tooLong" : "refused");
      } else await ended;
      begun.stopWatch();
      begun.stopFirst();
      await agent.stopTyping(conversationId);
    },
    async close() {
      channel.close();
      await memory.settled();
    },
  };
}

function aTurn(askerId: string): { readonly begun: Turn; readonly ended: Promise<void> } {
  let end = (): void => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const begun: Turn = {
    askerId,
    end,
    stream: null,
    text: "",
    answer: null,
    plan: null,
    progressId: null,
    progressAt: 0,
    asksOpen: 0,
    stopWatch: () => {},
    stopFirst: () => {},
    tools: new Map(),
  };
  return { begun, ended };
}
