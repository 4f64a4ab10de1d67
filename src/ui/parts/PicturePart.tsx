import { useEffect, useState, type CSSProperties } from "react";
import type { AttachmentView, MessageView } from "#stores/views.ts";
import { useStore, useStores } from "#ui/StoresContext.tsx";
import { Dialog } from "#ui/kit/Dialog.tsx";
import { Icon } from "#ui/kit/Icon.tsx";
import { IconButton } from "#ui/kit/IconButton.tsx";
import { Spinner } from "#ui/kit/Spinner.tsx";
import { HiddenText } from "#ui/markdown/HiddenText.tsx";
import { failureWords } from "#ui/text/failures.ts";
import { useFormats } from "#ui/text/format.ts";
import { useText } from "#ui/text/text.tsx";
import styles from "./Files.module.css";
import { pictureFrame } from "./picture-frame.ts";
import { useSaveFile } from "./use-save-file.ts";

const SHOWN: ReadonlySet<string> = new Set([
  "image/png",
  "image/jpeg",
  "image/webp",
  "image/gif",
  "image/avif",
]);
const MAX_SHOWN_BYTES = 20_000_000;

/** Whether a frame is offered for it. What is drawn in it is decided by its bytes, not by what is said here. */
export const isShownPicture = ({ mime, size }: AttachmentView): boolean =>
  SHOWN.has(mime) && size <= MAX_SHOWN_BYTES;

type PicturePartProps = { message: MessageView; file: AttachmentView; alt: string };

/** A picture in a frame of fixed size. It comes when it is asked for; one that lies here already is asked for at once. */
export function PicturePart({ message, file, alt }: PicturePartProps) {
  const t = useText();
  const { files } = useStores();
  const [isLarge, setLarge] = useState(false);
  const { attachment_id: attachmentId, isHere } = file;
  const { conversationId, id: messageId } = message;
  const shown = useStore("files", ({ pictureById }) => pictureById[attachmentId]);
  const show = (): void => void files.getState().show({ conversationId, messageId, attachmentId });
  useEffect(() => {
    const { look, release } = files.getState();
    look(attachmentId);
    return () => release(attachmentId);
  }, [files, attachmentId]);
  useEffect(() => {
    if (isHere) void files.getState().show({ conversationId, messageId, attachmentId });
  }, [files, isHere, conversationId, messageId, attachmentId]);
  const name = file.filename ?? t("media.image");
  const words = alt === "" ? t("files.picture", { name }) : alt;
  const { widthPx, shape } = pictureFrame(file);
  return (
    <figure
      className={styles.figure}
      style={{ "--picture": `${widthPx}px`, "--shape": shape } as CSSProperties}
    >
      {shown?.status === "shown" ? (
        <button
          type="button"
          className={styles.frame}
          aria-label={t("files.enlarge", { name })}
          onClick={() => setLarge(true)}
        >
          <img src={shown.url} alt={words} draggable={false} />
        </button>
      ) : shown?.status === "loading" ? (
        <span className={styles.frame} role="status" aria-label={t("general.loading")}>
          <Spinner />
        </span>
      ) : (
        <NotShown shown={shown} name={name} sizeBytes={file.size} onShow={show} />
      )}
      <Caption message={message} file={file} name={name} />
      {shown?.status === "shown" && (
        <Dialog
          open={isLarge}
          onOpenChange={setLarge}
          title={<HiddenText text={name} />}
          size="wide"
        >
          <img className={styles.whole} src={shown.url} alt={words} />
        </Dialog>
      )}
    </figure>
  );
}

type Shown = ReturnType<ReturnType<typeof useStores>["files"]["getState"]>["pictureById"][string];

function NotShown({
  shown,
  name,
  sizeBytes,
  onShow,
}: {
  shown: Shown | undefined;
  name: string;
  sizeBytes: number;
  onShow: () => void;
}) {
  const t = useText();
  const { bytes } = useFormats();
  if (shown?.status === "no-picture")
    return (
      <span className={styles.frame} role="alert">
        <span className={styles.ask}>
          <Icon name="file" size={20} />
          {t("files.noPicture")}
        </span>
      </span>
    );
  const words = shown?.status === "failed" ? failureWords(shown.failure.kind) : null;
  return (
    <button
      type="button"
      className={styles.frame}
      aria-label={t("files.showNamed", { name })}
      onClick={onShow}
    >
      <span className={styles.ask}>
        <Icon name={words === null ? "image" : "circle-alert"} size={20} />
        {words !== null && (
          <span className={styles.problem} role="alert">
            {t(words.title)}
          </span>
        )}
        <span>
          {words === null ? t("files.show") : t("general.retry")} · {bytes(sizeBytes)}
        </span>
      </span>
    </button>
  );
}

function Caption({
  message,
  file,
  name,
}: {
  message: MessageView;
  file: AttachmentView;
  name: string;
}) {
  const t = useText();
  const attachmentId = file.attachment_id;
  const saving = useStore("files", ({ savingById }) => savingById[attachmentId]);
  const save = useSaveFile({ ...message, attachmentId });
  return (
    <figcaption className={styles.caption}>
      <bdi>
        <HiddenText text={name} />
      </bdi>
      {typeof saving === "object" && (
        <span className={styles.problem} role="alert">
          {t(failureWords(saving.kind).title)}
        </span>
      )}
      <IconButton
        icon="download"
        size="small"
        label={t("files.save", { name })}
        disabled={saving === "busy"}
        onClick={() => void save()}
      />
    </figcaption>
  );
}
