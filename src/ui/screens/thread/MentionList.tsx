import type { MentionChoice } from "#stores/mentions.ts";
import { Avatar } from "#ui/kit/Avatar.tsx";
import { useText } from "#ui/text/text.tsx";
import styles from "./MentionList.module.css";

type MentionListProps = {
  choices: readonly MentionChoice[];
  active: number;
  onPick: (index: number) => void;
};

export const optionId = ({ accountId }: MentionChoice): string => `mention-${accountId}`;

/** The names that fit, over the composer. The focus stays in the text. */
export function MentionList({ choices, active, onPick }: MentionListProps) {
  const t = useText();
  if (choices.length === 0) return null;
  return (
    <ul
      id="composer-mentions"
      role="listbox"
      aria-label={t("composer.mentions")}
      className={styles.list}
    >
      {choices.map((choice, index) => (
        <li
          key={choice.accountId}
          id={optionId(choice)}
          role="option"
          aria-selected={index === active}
          className={styles.option}
          // The text keeps the focus while a finger or mouse picks.
          onPointerDown={(event) => event.preventDefault()}
          onClick={() => onPick(index)}
        >
          <Avatar
            id={choice.accountId}
            name={choice.remark ?? choice.label}
            kind={choice.kind}
            size={24}
          />
          <span className={styles.label}>
            <bdi>{choice.remark ?? choice.label}</bdi>
            {choice.remark !== undefined && (
              <>
                {" "}
                <bdi className={styles.kind}>@{choice.label}</bdi>
              </>
            )}
          </span>
          <span className={styles.kind}>{t(`kind.${choice.kind}`)}</span>
        </li>
      ))}
    </ul>
  );
}
