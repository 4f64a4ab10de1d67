import type { NotePartView } from "#stores/views.ts";
import { Icon } from "#ui/kit/Icon.tsx";
import { HiddenText } from "#ui/markdown/HiddenText.tsx";
import { failureWords } from "#ui/text/failures.ts";
import type { TextKey } from "#ui/text/tables.ts";
import { useFormats } from "#ui/text/format.ts";
import { useText, type Say } from "#ui/text/text.tsx";
import styles from "./TurnPart.module.css";

type Note = NotePartView["note"];

/** Something that happened beside the answer: in our words, and in the server's own after them. */
export function TurnNote({ note }: { note: Note }) {
  const t = useText();
  const { sentences } = useFormats();
  const { title, advice } = wordsOf(note, t);
  return (
    <div className={styles.note} data-kind={note.kind}>
      <Icon name={note.kind === "fault" ? "circle-alert" : "info"} />
      <div>
        <p>
          <HiddenText text={advice === "" ? title : sentences(title, advice)} />
        </p>
        {note.kind === "fault" && note.words !== "" && (
          <p className={styles.words}>
            <HiddenText text={t("channel.words", { words: note.words })} />
          </p>
        )}
        {note.kind === "fault" && <Causes causes={note.params["causes"]} />}
      </div>
    </div>
  );
}

const CAUSES: readonly string[] = [
  "server-down",
  "wrong-path",
  "cross-origin-refused",
  "mixed-content",
  "private-network",
  "certificate",
  "page-policy",
];

function Causes({ causes }: { causes: string | number | undefined }) {
  const t = useText();
  const known = String(causes ?? "")
    .split(" ")
    .filter((cause) => CAUSES.includes(cause));
  if (known.length === 0) return null;
  return (
    <ul className={styles.causes}>
      {known.map((cause) => (
        <li key={cause}>{t(`channel.cause.${cause}` as TextKey)}</li>
      ))}
    </ul>
  );
}

function wordsOf(note: Note, t: Say): { readonly title: string; readonly advice: string } {
  if (note.kind === "fault") {
    const words = failureWords(note.failure);
    return { title: t(words.title), advice: t(words.advice) };
  }
  const { notice, params } = note;
  const text = (): string => {
    switch (notice) {
      case "retry":
        return t("notice.retry", {
          attempt: Number(params["attempt"] ?? 1) + 1,
          total: Number(params["totalAttempts"] ?? 0),
        });
      case "unreadable-frames":
        return t("notice.unreadable-frames", { count: Number(params["count"] ?? 1) });
      case "memory-lost":
      case "no-answer-yet":
      case "no-heartbeat":
      case "answer-limited":
        return t(`notice.${notice}`);
      default:
        return t("notice.server-event", {
          name: String(params["name"] ?? notice),
          text: String(params["text"] ?? ""),
        });
    }
  };
  return { title: text(), advice: "" };
}
