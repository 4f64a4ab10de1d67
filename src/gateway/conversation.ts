/**
 * One conversation between a person and the server behind the bridge. Facts are told in the order they came; a
 * question is over when its turn has ended and all of it was told. SPEC G1–G8.
 */
import { systemClock } from "#base/clock.ts";
import { systemRandom } from "#base/random.ts";
import { bytesToHex } from "#base/bytes.ts";
import type { Channel, ChannelFact, PlanState, Prompt, TurnId } from "#peer/channel.ts";
import type { AgentMessage, HasheeAgent, ReplyStream } from "#sdk/index.ts";
import { approvalOf, progressCard, toolCallCard, toolResponseCard } from "./cards.ts";
import { languageOf, say, wordsOfFault, type Saying } from "./words.ts";

/** A plan changes many times a second; a card need not. */
const PROGRESS_EVERY_MS = 500;

export interface Conversation {
  /** Asks the server and tells all that comes of it. */
  ask(message: AgentMessage, text: string): Promise<void>;
  close(): void;
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
  readonly tools: Map<string, { readonly name: string; readonly at: number; isTold: boolean }>;
};

/** Creates the conversation; its channel connects at once. */
export function createConversation(
  agent: HasheeAgent,
  conversationId: string,
  channel: Channel,
): Conversation {
  let turn: Turn | null = null;
  let language: "en" | "zh" = "en";
  /** Everything that is sent, one after the other. */
  let telling: Promise<unknown> = Promise.resolve();

  const inOrder = (task: () => Promise<unknown>): void => {
    // What cannot be sent is told by the agent's own error handler; the next fact may still go.
    telling = telling.then(task).catch(() => {});
  };
  const sendText = (text: string): Promise<unknown> =>
    agent.send(conversationId, { type: "text", text });
  const saying = (which: Saying): Promise<unknown> => sendText(say(which, language));

  const showProgress = async (of: Turn, isLast: boolean): Promise<void> => {
    if (of.plan === null) return;
    const now = systemClock.now();
    if (!isLast && of.progressId !== null && now - of.progressAt < PROGRESS_EVERY_MS) return;
    of.progressAt = now;
    const { title, payload } = progressCard(of.plan);
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
    const asked = await agent.nextAnswer(conversationId, artifactId).catch(() => null);
    if (asked?.ref_action === "cancel" && turn === of) channel.run({ type: "stop" });
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
    const decision = await agent.approve(conversationId, request).catch(() => null);
    // Nobody decided, or the card could not be sent: that means no.
    if (!answer(decision?.approved === true) && decision !== null) inOrder(() => saying("tooLate"));
  };

  const finish = async (
    of: Turn,
    { outcome }: Extract<ChannelFact, { type: "turn-ended" }>,
  ): Promise<void> => {
    await showProgress(of, true);
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
        return inOrder(() => showProgress(of, false));
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
      language = languageOf(text);
      if (message.interrupted === true) {
        await saying("interrupted");
        return;
      }
      const id = `turn-${bytesToHex(systemRandom(8))}` as TurnId;
      await agent.typing(conversationId);
      const ended = new Promise<void>((end) => {
        turn = {
          askerId: message.sender_id,
          end,
          stream: null,
          text: "",
          answer: null,
          plan: null,
          progressId: null,
          progressAt: 0,
          tools: new Map(),
        };
      });
      const taken = channel.run({ type: "send-text", turnId: id, text });
      if (!taken.ok) {
        turn = null;
        await saying(taken.failure.kind === "peer/too-large" ? "tooLong" : "refused");
      } else await ended;
      await agent.stopTyping(conversationId);
    },
    close: () => channel.close(),
  };
}
