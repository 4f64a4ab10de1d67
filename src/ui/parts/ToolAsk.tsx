import { useEffect, useRef } from "react";
import { runsUnasked, type DeviceTools } from "#stores/device-tools.ts";
import type { ArtifactView } from "#stores/views.ts";
import { Button } from "#ui/kit/Button.tsx";
import { useFormats } from "#ui/text/format.ts";
import { useText, type Say } from "#ui/text/text.tsx";
import styles from "./Card.module.css";
import { useNow } from "./use-now.ts";

/** What the person, or their silence, says to a call. `unasked`: nothing had to be asked. */
export type ToolWord = "allow" | "deny" | "timeout" | "unasked";

type ToolAskProps = {
  ask: NonNullable<ArtifactView["tool"]>;
  look: ReturnType<DeviceTools["look"]>;
  toolName: string;
  authorName: string;
  isBusy: boolean;
  onTool: (word: ToolWord) => void;
};

/** The question before a tool of this device runs. To deny comes first, and so does saying nothing. */
export function ToolAsk({ ask, look, toolName, authorName, isBusy, onTool }: ToolAskProps) {
  const t = useText();
  const { countdown } = useFormats();
  const deny = useRef<HTMLButtonElement>(null);
  const wasTold = useRef(false);
  const isUnasked = look.kind !== "ready" || runsUnasked(look.floor, ask);
  const leftMs = ask.decideUntil - useNow(1_000);
  const word: ToolWord | null = isUnasked ? "unasked" : leftMs <= 0 ? "timeout" : null;
  useEffect(() => {
    if (word === null || wasTold.current) return;
    wasTold.current = true;
    onTool(word);
  }, [word, onTool]);
  useEffect(() => {
    // What somebody is typing is not interrupted.
    if (document.activeElement === document.body) deny.current?.focus({ preventScroll: true });
  }, []);
  if (isUnasked || leftMs <= 0) return null;
  return (
    <div role="group" aria-label={t("tool.asks", { name: authorName })} className={styles.ask}>
      <p className={styles.summary}>{wordsOf(toolName, t)}</p>
      {ask.sensitivity === "medium" && <p className={styles.quiet}>{t("tool.allowDay")}</p>}
      <div className={styles.actions}>
        <Button ref={deny} size="small" disabled={isBusy} onClick={() => onTool("deny")}>
          {t("tool.deny")}
        </Button>
        <Button size="small" variant="primary" busy={isBusy} onClick={() => onTool("allow")}>
          {t("tool.allow")}
        </Button>
        <span className={styles.quiet} role="timer">
          {t("tool.decideIn", { time: countdown(leftMs) })}
        </span>
      </div>
    </div>
  );
}

/** What a tool of this device does, in our own words and not in the agent's. */
function wordsOf(toolName: string, t: Say): string {
  switch (toolName) {
    case "clock_read":
      return t("tool.known.clockRead");
    case "clipboard_write":
      return t("tool.known.clipboardWrite");
    default:
      return "";
  }
}
