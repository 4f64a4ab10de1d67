import type { DeviceTools } from "#stores/device-tools.ts";
import type { AnswerView, ArtifactView } from "#stores/views.ts";
import { Icon } from "#ui/kit/Icon.tsx";
import { Spinner } from "#ui/kit/Spinner.tsx";
import { CodeBlock } from "#ui/markdown/CodeBlock.tsx";
import { HiddenText } from "#ui/markdown/HiddenText.tsx";
import { useFormats } from "#ui/text/format.ts";
import { useText, type Say } from "#ui/text/text.tsx";
import { AnswerLine } from "./AnswerLine.tsx";
import styles from "./Card.module.css";
import { CardFrame } from "./CardFrame.tsx";
import type { ToolCallPayload, ToolResponsePayload } from "./card-types.ts";
import { ToolAsk, type ToolWord } from "./ToolAsk.tsx";

type ToolCallPartProps = {
  artifact: ArtifactView;
  payload: ToolCallPayload;
  /** Who asks. */
  authorName: string;
  isBusy: boolean;
  look: ReturnType<DeviceTools["look"]>;
  onTool: (word: ToolWord) => void;
};

/** A tool at work: its name, what it may do, and what it was given. */
export function ToolCallPart({
  artifact,
  payload,
  authorName,
  isBusy,
  look,
  onTool,
}: ToolCallPartProps) {
  const t = useText();
  const { answer, tool } = artifact;
  const isRunning = answer === null && !artifact.expired && (tool === null || isBusy);
  return (
    <CardFrame
      icon="tool"
      kind={t("card.toolCall")}
      title={artifact.title}
      state={
        isRunning ? (
          <>
            <Spinner />
            {t("tool.running")}
          </>
        ) : null
      }
    >
      <p className={styles.name}>
        <HiddenText text={payload.tool_name} />
      </p>
      {payload.permission_scope !== undefined && (
        <p className={styles.quiet}>{t("tool.scope", { scope: payload.permission_scope })}</p>
      )}
      <Folded label={t("tool.arguments")} value={payload.arguments} />
      {tool !== null && answer === null && (
        <ToolAsk
          {...{ authorName, isBusy, look, onTool }}
          ask={tool}
          toolName={payload.tool_name}
        />
      )}
      {answer !== null && <ToolAnswer answer={answer} />}
    </CardFrame>
  );
}

/** How a call ended, as it was told to the agent. */
function ToolAnswer({ answer }: { answer: AnswerView }) {
  const t = useText();
  const { status, reason, result } = answer.values;
  if (status !== "ok" && status !== "error" && status !== "denied") return null;
  return (
    <>
      <p className={styles.quiet}>
        {t(`tool.${status}`)}
        {typeof reason === "string" && <> · {reasonToWords(reason, t)}</>}
      </p>
      {result !== undefined && result !== null && (
        <Folded label={t("tool.result")} value={result} />
      )}
      <AnswerLine answer={answer} />
    </>
  );
}

/** What a tool gave back. */
export function ToolResponsePart({
  artifact,
  payload,
}: {
  artifact: ArtifactView;
  payload: ToolResponsePayload;
}) {
  const t = useText();
  const { duration } = useFormats();
  return (
    <CardFrame
      icon="tool"
      kind={t("card.toolResponse")}
      title={artifact.title}
      tone={payload.status === "ok" ? "proven" : payload.status === "error" ? "danger" : "neutral"}
      state={
        <span>
          {t(`tool.${payload.status}`)}
          {payload.duration_ms !== undefined && (
            <> · {t("tool.took", { time: duration(payload.duration_ms) })}</>
          )}
        </span>
      }
    >
      {payload.error !== undefined && (
        <p className={styles.summary} dir="auto">
          <HiddenText text={payload.error.message} />
        </p>
      )}
      {payload.reason !== undefined && (
        <p className={styles.quiet}>{reasonToWords(payload.reason, t)}</p>
      )}
      {payload.result !== undefined && payload.result !== null && (
        <Folded label={t("tool.result")} value={payload.result} />
      )}
    </CardFrame>
  );
}

/** A value that most readers skip: one line until it is opened. */
function Folded({ label, value }: { label: string; value: unknown }) {
  const code = typeof value === "string" ? value : (JSON.stringify(value, null, 2) ?? "");
  if (code === "" || code === "{}") return null;
  return (
    <details className={styles.details}>
      <summary>
        <Icon name="chevron-end" size={14} />
        {label}
      </summary>
      <CodeBlock language={typeof value === "string" ? "" : "json"} code={code} />
    </details>
  );
}

function reasonToWords(reason: string, t: Say): string {
  switch (reason) {
    case "user_denied":
      return t("tool.reason.userDenied");
    case "user_timeout":
      return t("tool.reason.userTimeout");
    case "scope_not_granted":
      return t("tool.reason.scopeNotGranted");
    case "unknown_tool":
      return t("tool.reason.unknownTool");
    case "invalid_arguments":
      return t("tool.reason.invalidArguments");
    case "execution_timeout":
      return t("tool.reason.executionTimeout");
    default:
      return reason;
  }
}
