import { useState, type ReactElement } from "react";
import type { MessageView } from "#stores/views.ts";
import { Popover } from "#ui/kit/Popover.tsx";
import { useText } from "#ui/text/text.tsx";
import styles from "./Reactions.module.css";

type ReactionsProps = {
  reactions: MessageView["reactions"];
  onToggle: (emoji: string, op: "add" | "remove") => void;
};

/** As many as fit on a line or two; the rest on request. */
const SHOWN_COUNT = 10;

/** What people answered a message with, most first; pressing adds or takes back one's own. */
export function Reactions({ reactions, onToggle }: ReactionsProps) {
  const t = useText();
  const [isWhole, setWhole] = useState(false);
  if (reactions.length === 0) return null;
  const shown = isWhole ? reactions : reactions.slice(0, SHOWN_COUNT);
  const hiddenCount = reactions.length - shown.length;
  return (
    <div className={styles.row}>
      {shown.map(({ emoji, by, mine }) => (
        <button
          key={emoji}
          type="button"
          className={styles.chip}
          aria-pressed={mine}
          aria-label={t(mine ? "reactions.labelMine" : "reactions.label", {
            emoji,
            count: by.length,
          })}
          onClick={() => onToggle(emoji, mine ? "remove" : "add")}
        >
          <bdi className={styles.emoji}>{emoji}</bdi>
          {by.length}
        </button>
      ))}
      {hiddenCount > 0 && (
        <button type="button" className={styles.chip} onClick={() => setWhole(true)}>
          {t("reactions.more", { count: hiddenCount })}
        </button>
      )}
    </div>
  );
}

const OFFERED = ["👍", "👎", "❤️", "😂", "😮", "😢", "🎉", "🙏", "👀", "✅", "❓", "🔥"] as const;

type ReactionPickerProps = {
  trigger: ReactElement<Record<string, unknown>>;
  onPick: (emoji: string) => void;
};

/** A dozen to choose from. */
export function ReactionPicker({ trigger, onPick }: ReactionPickerProps) {
  const t = useText();
  const [isOpen, setOpen] = useState(false);
  return (
    <Popover trigger={trigger} label={t("reactions.add")} open={isOpen} onOpenChange={setOpen}>
      <div className={styles.picker}>
        {OFFERED.map((emoji) => (
          <button
            key={emoji}
            type="button"
            className={styles.pick}
            onClick={() => {
              setOpen(false);
              onPick(emoji);
            }}
          >
            {emoji}
          </button>
        ))}
      </div>
    </Popover>
  );
}
