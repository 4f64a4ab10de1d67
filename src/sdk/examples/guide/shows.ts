/** The acts of the tour, one function each. An act ends early when its signal aborts; what it sent stays true. */
import { setTimeout as wait } from "node:timers/promises";
import {
  shownAnswer,
  type AgentMessage,
  type ArtifactResponseEvent,
  type HasheeAgent,
  type ProgressCard,
} from "#sdk/index.ts";
import { sendFiles } from "./files.ts";
import { chordWav, DAWN, DUSK, NOON, skyPng } from "./pictures.ts";
import { firstPrimes } from "./primes.ts";
import type { Topic } from "./topics.ts";
import type { GuideWords } from "./words.ts";

export type Stage = {
  readonly agent: HasheeAgent;
  readonly conversationId: string;
  /** Who asked, and what was quoted; null when a button was pressed. */
  readonly asked: Pick<AgentMessage, "message_id" | "sender_id"> & { readonly text: string };
  readonly words: GuideWords;
  /** Aborts when the person asks for something else. */
  readonly signal: AbortSignal;
};

/** Runs one act to its end. */
export function runShow(topic: Topic, stage: Stage): Promise<void> {
  return SHOWS[topic](stage);
}

/** Says hello and what there is to see. */
export async function greet(
  agent: HasheeAgent,
  conversationId: string,
  words: GuideWords,
  name: string,
): Promise<void> {
  await agent.send(conversationId, { type: "text", text: words.greeting(name) });
  await agent.sendArtifact(conversationId, {
    artifact: {
      subtype: "reply",
      title: words.menu.title,
      payload: { body: words.menu.body, suggestions: words.menu.suggestions },
      respond: "many",
    },
  });
}

const SHOWS: Readonly<Record<Topic, (stage: Stage) => Promise<void>>> = {
  menu: ({ agent, conversationId, words }) => greet(agent, conversationId, words, ""),
  markdown: (stage) => say(stage, stage.words.markdown),
  stream: showStream,
  stop: showStop,
  cutoff: showCutoff,
  progress: showProgress,
  form: showForm,
  approval: showApproval,
  vote: showVote,
  gallery: showGallery,
  tools: showTools,
  cards: showCards,
  mention: showMention,
  recall: showRecall,
  typing: showTyping,
  long: showLong,
  files: ({ agent, conversationId, words }) => sendFiles(agent, conversationId, words),
};

async function say({ agent, conversationId }: Stage, text: string): Promise<void> {
  await agent.send(conversationId, { type: "text", text });
}

// Rejecting on abort would make every act a try: here an ended wait is just a shorter one.
const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  wait(ms, undefined, { signal }).catch(() => undefined);

async function showStream(stage: Stage): Promise<void> {
  const { agent, conversationId, words, signal } = stage;
  const stream = agent.createStreamSession(conversationId);
  const ended = AbortSignal.any([signal, stream.signal]);
  for (const piece of words.stream.match(/[\s\S]{1,9}/gu) ?? []) {
    if (ended.aborted) break;
    await stream.delta(piece);
    await pause(35, ended);
  }
  await stream.done();
}

async function showStop(stage: Stage): Promise<void> {
  const { agent, conversationId, words, signal } = stage;
  const stream = agent.createStreamSession(conversationId);
  const ended = AbortSignal.any([signal, stream.signal]);
  await stream.delta(words.stop.before);
  let counted = 0;
  while (counted < 120 && !ended.aborted) {
    counted += 1;
    await stream.delta(words.stop.count(counted));
    await pause(500, ended);
  }
  await stream.done();
  if (signal.aborted) return;
  await say(stage, stream.signal.aborted ? words.stop.stopped(counted) : words.stop.finished);
}

async function showCutoff(stage: Stage): Promise<void> {
  const { agent, conversationId, words, signal } = stage;
  const stream = agent.createStreamSession(conversationId);
  for (const piece of words.cutoff.partial.match(/[\s\S]{1,6}/gu) ?? []) {
    await stream.delta(piece);
    await pause(40, signal);
  }
  await pause(800, signal);
  await stream.abort("demonstration");
  await say(stage, words.cutoff.after);
}

async function showProgress(stage: Stage): Promise<void> {
  const { agent, conversationId, words, signal } = stage;
  const { steps, title, working, done, cancelled } = words.progress;
  const cardAt = (finished: number): ProgressCard => ({
    percent: Math.round((100 * finished) / steps.length),
    status: finished === steps.length ? "done" : "running",
    message: finished === steps.length ? done : working,
    cancellable: finished < steps.length,
    steps: steps.map((step, i) => ({
      ...step,
      status: i < finished ? "done" : i === finished ? "running" : "pending",
    })),
  });
  const card = await agent.sendArtifact(conversationId, {
    artifact: { subtype: "progress", title, payload: cardAt(0) },
  });
  const cancel = new AbortController();
  const answer = agent.nextAnswer(conversationId, card.artifact_id, { timeoutMs: 60_000 });
  void answer.then((event) => event?.ref_action === "cancel" && cancel.abort());
  const ended = AbortSignal.any([signal, cancel.signal]);
  for (let finished = 1; finished <= steps.length; finished++) {
    await pause(1_600, ended);
    const payload: ProgressCard = ended.aborted
      ? { ...cardAt(finished - 1), status: "cancelled", message: cancelled, cancellable: false }
      : cardAt(finished);
    await agent.updateArtifact(conversationId, {
      ref_artifact: card.artifact_id,
      artifact: () => ({ payload }),
    });
    if (ended.aborted) return;
  }
}

async function showForm(stage: Stage): Promise<void> {
  const { agent, conversationId, words } = stage;
  const { title, card, thanks, shown, cancelled, none } = words.form;
  const answer = await agent.ask(conversationId, { title, ...card }, { timeoutMs: 30 * 60_000 });
  if (answer === null) return say(stage, none);
  if (answer.ref_action === "cancel") return say(stage, cancelled);
  await say(stage, thanks);
  await agent.sendArtifact(conversationId, { artifact: shownAnswer(answer, shown) });
}

async function showApproval(stage: Stage): Promise<void> {
  const { agent, conversationId, words } = stage;
  const { title, summary, details, approve, deny, approved, denied, none } = words.approval;
  const decision = await agent.approve(conversationId, {
    title,
    summary,
    action: "publish",
    request: { version: "2.0.0", channel: "stable" },
    details: [...details],
    risk: "medium",
    options: [
      { id: "deny", label: deny, decision: "deny" },
      { id: "approve", label: approve, decision: "approve" },
    ],
  });
  if (decision === null) await say(stage, none);
  else await say(stage, decision.approved ? approved : denied(decision.reason ?? ""));
}

async function showVote(stage: Stage): Promise<void> {
  const { agent, conversationId, asked, words, signal } = stage;
  const { question, options, result, none } = words.vote;
  const talk = (await agent.conversations()).find((one) => one.conversation_id === conversationId);
  const counted = await agent.vote(conversationId, {
    question,
    options,
    closesInMs: 5 * 60_000,
    signal,
    // Between two there is nobody else to wait for.
    ...(talk?.type === "h2a" ? { responders: [asked.sender_id] } : {}),
  });
  const votes = Object.keys(counted.choices).length;
  const most = Math.max(...counted.options.map((option) => option.votes));
  const leaders = counted.options.filter((option) => option.votes === most);
  const labels = leaders.map(({ label }) => label);
  await say(stage, votes === 0 ? none : result(labels, votes));
}

async function showGallery({ agent, conversationId, words }: Stage): Promise<void> {
  const { title, dawn, noon, dusk, chord } = words.gallery;
  const [width, height] = [480, 320];
  const skies = [
    ["dawn", DAWN, dawn],
    ["noon", NOON, noon],
    ["dusk", DUSK, dusk],
  ] as const;
  await agent.sendMedia(conversationId, {
    title,
    layout: "grid",
    items: [
      ...skies.map(([name, sky, said]) => ({
        kind: "image" as const,
        filename: `${name}.png`,
        mime: "image/png",
        data: skyPng(width, height, sky),
        width,
        height,
        ...said,
      })),
      {
        kind: "audio" as const,
        filename: "bell.wav",
        mime: "audio/wav",
        data: chordWav(2, [392, 493.9, 587.3]),
        duration_s: 2,
        caption: chord,
      },
    ],
  });
}

async function showTools(stage: Stage): Promise<void> {
  const { agent, conversationId, words } = stage;
  const { title, told, denied, failed } = words.tools;
  const { status, result, reason } = await agent.callTool(conversationId, {
    tool: "clock_read",
    scope: "device:clock",
    title,
  });
  const { now, time_zone } = Object(result) as { now?: unknown; time_zone?: unknown };
  if (status === "ok" && typeof now === "string" && typeof time_zone === "string")
    return say(stage, told(localTime(now, time_zone), time_zone));
  const isNo = reason === "user_denied" || reason === "user_timeout";
  return say(stage, isNo || reason === "execution_timeout" ? denied : failed);
}

/** Hours and minutes in a zone that somebody else named; in UTC where there is no such zone. */
function localTime(now: string, timeZone: string): string {
  const at = new Date(now);
  if (Number.isNaN(at.getTime())) return "?";
  const shown = { hour: "2-digit", minute: "2-digit" } as const;
  try {
    return at.toLocaleTimeString("en-GB", { ...shown, timeZone });
  } catch {
    return at.toLocaleTimeString("en-GB", { ...shown, timeZone: "UTC" });
  }
}

async function showCards({ agent, conversationId, words }: Stage): Promise<void> {
  const { title, card } = words.cards.info;
  await agent.sendArtifact(conversationId, {
    artifact: { subtype: "info", title, payload: { ...card } },
  });
  await agent.send(conversationId, { type: "link", ...words.cards.link });
  const { agentId: id, fingerprint } = agent;
  await agent.send(conversationId, {
    type: "contact",
    contact: { kind: "agent", id, display_name: words.cards.self, fingerprint },
  });
}

/** What a pressed button of the facts card is answered with; null for a button of another card. */
export function pressedText(words: GuideWords, event: ArtifactResponseEvent): string | null {
  const actions = words.cards.info.card.actions ?? [];
  const pressed = actions.find(({ id }) => id === event.ref_action);
  return event.artifact.subtype === "info" && pressed !== undefined
    ? words.cards.pressed(pressed.label)
    : null;
}

async function showMention({ agent, conversationId, asked, words }: Stage): Promise<void> {
  await agent.send(conversationId, {
    type: "text",
    text: words.mention(asked.sender_id),
    mentions: [asked.sender_id],
    reply_to: {
      message_id: asked.message_id,
      sender_id: asked.sender_id,
      preview_text: asked.text.slice(0, 80),
    },
  });
}

async function showRecall(stage: Stage): Promise<void> {
  const { agent, conversationId, words, signal } = stage;
  const sent = await agent.send(conversationId, { type: "text", text: words.recall.before });
  await pause(4_000, signal);
  await agent.recallMessage(conversationId, sent.message_id);
  await say(stage, words.recall.after);
}

async function showTyping(stage: Stage): Promise<void> {
  await stage.agent.typing(stage.conversationId);
  await pause(6_000, stage.signal);
  await say(stage, stage.words.typing);
}

async function showLong(stage: Stage): Promise<void> {
  const { title, intro, section, end } = stage.words.long;
  const primes = firstPrimes(1_000);
  const sections = Array.from({ length: 20 }, (_, i) => {
    const numbers = primes.slice(i * 50, (i + 1) * 50).join(", ");
    return `### ${section(i * 50 + 1, (i + 1) * 50)}\n\n${numbers}`;
  });
  await say(stage, [`## ${title}`, intro, ...sections, end].join("\n\n"));
}
