import type { ChannelHeadView, ConversationId, TurnPartView, TurnView } from "#stores/views.ts";
import { useStore } from "#ui/StoresContext.tsx";
import { Icon } from "#ui/kit/Icon.tsx";
import { HiddenText } from "#ui/markdown/HiddenText.tsx";
import { useFormats } from "#ui/text/format.ts";
import { useText, type Say } from "#ui/text/text.tsx";
import { PlanPart, type PlanControls } from "../plan/PlanPart.tsx";
import { TextPart } from "../TextPart.tsx";
import { useNow } from "../use-now.ts";
import { PromptPart } from "./PromptPart.tsx";
import { ToolRow } from "./ToolRow.tsx";
import { TurnNote } from "./TurnNote.tsx";
import styles from "./TurnPart.module.css";
import { useChannel } from "./use-channel.ts";

type TurnPartProps = {
  turn: TurnView;
  conversationId: ConversationId;
  authorName: string;
  mentionNameById: Readonly<Record<string, string>>;
};

/** What a plain agent server did and said for one question, in the order it came, the answer last. */
export function TurnPart({ turn, conversationId, authorName, mentionNameById }: TurnPartProps) {
  const t = useText();
  const isRunning = turn.status !== "ended";
  const text = turn.plan?.result?.text ?? turn.text;
  const ending =
    turn.outcome === null || turn.outcome === "done" ? null : t(`turn.outcome.${turn.outcome}`);
  return (
    <div className={styles.turn}>
      {turn.parts.map((part, at) => (
        <Part
          key={keyOf(part, at)}
          part={part}
          conversationId={conversationId}
          isRunning={isRunning}
        />
      ))}
      {turn.plan !== null && (
        <Plan plan={turn.plan} conversationId={conversationId} isRunning={isRunning} />
      )}
      {(text !== "" || isRunning || ending !== null) && (
        <TextPart
          text={text}
          isMarkdown
          seal="none"
          isArriving={isRunning}
          ending={ending}
          authorName={authorName}
          mentionNameById={mentionNameById}
        />
      )}
      <Foot turn={turn} conversationId={conversationId} isRunning={isRunning} />
    </div>
  );
}

const keyOf = (part: TurnPartView, at: number): string => {
  switch (part.kind) {
    case "reasoning":
      return part.partId;
    case "tool":
      return part.callId;
    case "prompt":
      return part.promptId;
    case "control":
      return part.controlId;
    case "note":
      return `note-${at}`;
    default:
      return part satisfies never;
  }
};

type PartProps = { part: TurnPartView; conversationId: ConversationId; isRunning: boolean };

function Part({ part, conversationId, isRunning }: PartProps) {
  const t = useText();
  const command = useChannel(conversationId);
  switch (part.kind) {
    case "reasoning":
      return (
        <details className={styles.thought}>
          <summary>
            <Icon name="chevron-end" size={14} />
            {t("turn.thinking")}
          </summary>
          <p dir="auto">
            <HiddenText text={part.text} />
          </p>
        </details>
      );
    case "tool":
      return part.isInternal ? null : <ToolRow tool={part} />;
    case "prompt":
      return <PromptPart prompt={part} onCommand={isRunning ? command : null} />;
    case "control":
      return (
        <p className={styles.control}>
          <HiddenText text={controlToWords(part, t)} />
        </p>
      );
    case "note":
      return <TurnNote note={part.note} />;
    default:
      return part satisfies never;
  }
}

/** What was asked, what the server said, and what then happened. */
function controlToWords(
  { action, taskId, said, outcome }: Extract<TurnPartView, { kind: "control" }>,
  t: Say,
): string {
  const asked =
    action === "cancel-task" || action === "restart-task"
      ? t(`control.action.${action}`, { task: taskId ?? "" })
      : t(`control.action.${action}`);
  return `${asked}: ${t(`control.said.${said ?? "nothing"}`)}; ${t(`control.outcome.${outcome}`)}.`;
}

type PlanProps = {
  plan: NonNullable<TurnView["plan"]>;
  conversationId: ConversationId;
  isRunning: boolean;
};

const NOTHING: readonly string[] = [];

function Plan({ plan, conversationId, isRunning }: PlanProps) {
  const command = useChannel(conversationId);
  const can = useStore(
    "conversations",
    ({ byId }) => byId[conversationId]?.channel?.capabilities ?? NOTHING,
  );
  const controls: PlanControls = {
    can,
    onCancelTask: (taskId) => void command({ type: "cancel-task", taskId }),
    onRestartTask: (taskId) => void command({ type: "restart-task", taskId }),
    onCancelPlan: () => void command({ type: "cancel-plan" }),
  };
  const replan = (question: string | null): void => void command({ type: "replan", question });
  return (
    <PlanPart
      plan={plan}
      controls={isRunning ? controls : null}
      onReplan={can.includes("replan") ? replan : null}
    />
  );
}

/** Whether the line of a run is gone: nobody works on it that we know of. A request of its own has no other line. */
const isGone = (head: ChannelHeadView | null | undefined): boolean => {
  const isRequest = head?.protocol === "chat" || head?.protocol === "tpclaw-chat";
  const status = head?.status.status ?? "online";
  return !isRequest && status !== "online";
};

/** What is counted second by second has no use for less. */
const wholeSeconds = (durationMs: number): number =>
  Math.max(1, Math.floor(durationMs / 1_000)) * 1_000;

type FootProps = { turn: TurnView; conversationId: ConversationId; isRunning: boolean };

/** How long it works, how long it has been silent, and what it cost. */
function Foot({ turn, conversationId, isRunning: isOpen }: FootProps) {
  const t = useText();
  const { duration } = useFormats();
  const isAway = useStore("conversations", ({ byId }) => isGone(byId[conversationId]?.channel));
  const isRunning = isOpen && !isAway;
  const now = useNow(1_000, isRunning);
  const silentMs = turn.heardAt === null ? 0 : now - turn.heardAt;
  return (
    <p className={styles.foot}>
      {isOpen && isAway && <span>{t("turn.away")}</span>}
      {isRunning && turn.startedAt !== null && (
        <span>{t("channel.running", { time: duration(wholeSeconds(now - turn.startedAt)) })}</span>
      )}
      {isRunning && silentMs > 10_000 && (
        <span>{t("channel.silent", { time: duration(wholeSeconds(silentMs)) })}</span>
      )}
      {isRunning && turn.textState === "lossy" && <span>{t("turn.lossy")}</span>}
      {turn.usage !== null && (
        <span>
          {t("turn.tokens", { input: turn.usage.inputTokens, output: turn.usage.outputTokens })}
          {turn.usage.isShared && ` · ${t("turn.tokensShared")}`}
        </span>
      )}
    </p>
  );
}
