import { selectTray, type TrayFile } from "#stores/files-store.ts";
import type { ConversationId } from "#stores/views.ts";
import { useStore, useStores } from "#ui/StoresContext.tsx";
import { Icon } from "#ui/kit/Icon.tsx";
import { IconButton } from "#ui/kit/IconButton.tsx";
import { Spinner } from "#ui/kit/Spinner.tsx";
import { HiddenText } from "#ui/markdown/HiddenText.tsx";
import { failureWords } from "#ui/text/failures.ts";
import { useFormats } from "#ui/text/format.ts";
import { useText } from "#ui/text/text.tsx";
import styles from "./FileTray.module.css";

/** The files that go with the next message. */
export function FileTray({ conversationId }: { conversationId: ConversationId }) {
  const t = useText();
  const { files } = useStores();
  const tray = useStore("files", selectTray(conversationId));
  if (tray.length === 0) return null;
  return (
    <ul className={styles.tray} aria-label={t("files.tray")}>
      {tray.map((file) => (
        <TrayRow
          key={file.fileId}
          file={file}
          onRemove={() => files.getState().detach(conversationId, file.fileId)}
        />
      ))}
    </ul>
  );
}

function TrayRow({ file, onRemove }: { file: TrayFile; onRemove: () => void }) {
  const t = useText();
  const { bytes, sentences } = useFormats();
  const { failure, name, sizeBytes, status, url } = file;
  const words = failure === null ? null : failureWords(failure.kind);
  return (
    <li className={styles.file} data-failed={words === null ? undefined : ""}>
      {url === null ? (
        <span className={styles.icon}>
          {status === "reading" ? <Spinner /> : <Icon name="file" size={18} />}
        </span>
      ) : (
        <img className={styles.picture} src={url} alt="" />
      )}
      <span className={styles.text}>
        <bdi className={styles.name}>
          <HiddenText text={name} />
        </bdi>
        {words === null ? (
          <span className={styles.facts} role="status">
            {status === "reading" ? t("files.reading") : bytes(sizeBytes)}
          </span>
        ) : (
          <span className={styles.problem} role="alert">
            {sentences(t(words.title), t(words.advice))}
          </span>
        )}
      </span>
      <IconButton
        icon="close"
        size="small"
        label={t("files.remove", { name })}
        onClick={onRemove}
      />
    </li>
  );
}
