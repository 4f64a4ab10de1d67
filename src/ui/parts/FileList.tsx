import type { AttachmentView, MessageView, TransferView } from "#stores/views.ts";
import { useStore, useStores } from "#ui/StoresContext.tsx";
import { Icon, type IconName } from "#ui/kit/Icon.tsx";
import { IconButton } from "#ui/kit/IconButton.tsx";
import { HiddenText } from "#ui/markdown/HiddenText.tsx";
import { failureWords } from "#ui/text/failures.ts";
import { useFormats } from "#ui/text/format.ts";
import { useText } from "#ui/text/text.tsx";
import styles from "./Files.module.css";
import rowStyles from "./NamedRow.module.css";
import { isShownPicture, PicturePart } from "./PicturePart.tsx";
import { useSaveFile } from "./use-save-file.ts";

type Media = "image" | "video" | "audio" | "file";

const ICONS: Readonly<Record<Media, IconName>> = {
  image: "image",
  video: "video",
  audio: "mic",
  file: "file",
};

/** The files of a message: pictures in a frame, all else by name and size. Nothing is fetched until somebody asks. */
export function FileList({ message }: { message: MessageView }) {
  const t = useText();
  const { attachments, body } = message;
  const transfer = useStore("files", ({ transferById }) => transferById[message.id]);
  const media = body.kind === "media" ? body.media : null;
  const alt = body.kind === "media" && body.media === "image" ? body.alt : "";
  return (
    <div className={styles.list} role="group" aria-label={t("files.label")}>
      {attachments.map((file) => (
        <FileItem
          key={file.attachment_id}
          message={message}
          file={file}
          media={media ?? mediaOf(file.mime)}
          alt={alt}
        />
      ))}
      {attachments.length === 0 && body.kind === "media" && (
        <NamedRow media={body.media} name={body.alt === "" ? t(`media.${body.media}`) : body.alt} />
      )}
      {transfer !== undefined && message.seq === null && (
        <SendingLine transfer={transfer} message={message} />
      )}
    </div>
  );
}

/** One file, by what it says it is. */
export function FileItem({ alt, ...props }: FileRowProps & { alt: string }) {
  return isShownPicture(props.file) ? (
    <PicturePart message={props.message} file={props.file} alt={alt} />
  ) : (
    <FileRow {...props} />
  );
}

type FileRowProps = { message: MessageView; file: AttachmentView; media: Media };

function FileRow({ message, file, media }: FileRowProps) {
  const t = useText();
  const { bytes, countdown, sentences } = useFormats();
  const { files } = useStores();
  const { attachment_id: id, size, duration_s: seconds } = file;
  const saving = useStore("files", ({ savingById }) => savingById[id]);
  const transfer = useStore("files", ({ transferById }) => transferById[id]);
  const save = useSaveFile({ ...message, attachmentId: id });
  const name = file.filename ?? t(`media.${media}`);
  const facts = [
    transfer === undefined
      ? bytes(size)
      : t("files.share", { done: bytes(transfer.doneBytes), total: bytes(transfer.totalBytes) }),
    seconds === undefined ? null : countdown(seconds * 1_000),
    t("media.encrypted"),
  ].filter((fact) => fact !== null);
  return (
    <div className={styles.row}>
      <span className={rowStyles.icon}>
        <Icon name={ICONS[media]} size={20} />
      </span>
      <span className={rowStyles.text}>
        <bdi className={rowStyles.name}>
          <HiddenText text={name} />
        </bdi>
        <span className={styles.facts}>{facts.join(" · ")}</span>
        {typeof saving === "object" && (
          <span className={styles.problem} role="alert">
            {sentences(t(failureWords(saving.kind).title), t(failureWords(saving.kind).advice))}
          </span>
        )}
      </span>
      {saving === "busy" ? (
        <IconButton
          icon="close"
          label={t("files.stop", { name })}
          onClick={() => files.getState().cancel(id)}
        />
      ) : (
        <IconButton icon="download" label={t("files.save", { name })} onClick={() => void save()} />
      )}
    </div>
  );
}

/** A file whose message says nothing that would open it. */
export function NamedRow({ media, name }: { media: Media; name: string }) {
  return (
    <div className={styles.row}>
      <span className={rowStyles.icon}>
        <Icon name={ICONS[media]} size={20} />
      </span>
      <bdi className={rowStyles.name}>
        <HiddenText text={name} />
      </bdi>
    </div>
  );
}

/** How far the message's files are on their way, and the way out. */
function SendingLine({ transfer, message }: { transfer: TransferView; message: MessageView }) {
  const t = useText();
  const { bytes } = useFormats();
  const { calls, notices } = useStores();
  const { conversationId, id: messageId } = message;
  const share = { done: bytes(transfer.doneBytes), total: bytes(transfer.totalBytes) };
  const stop = async (): Promise<void> => {
    const answer = await calls.discardFailed({ conversationId, messageId });
    if (!answer.ok) notices.showFailure(answer.failure);
  };
  return (
    <div className={styles.sending}>
      <span>
        {transfer.status === "paused" ? t("files.paused", share) : t("files.share", share)}
      </span>
      <IconButton
        icon="close"
        size="small"
        label={t("files.stopSending")}
        onClick={() => void stop()}
      />
      <progress
        className={styles.bar}
        aria-label={t("files.sending")}
        max={Math.max(1, transfer.totalBytes)}
        value={transfer.doneBytes}
      />
    </div>
  );
}

function mediaOf(mime: string): Media {
  const [kind] = mime.split("/");
  return kind === "image" || kind === "video" || kind === "audio" ? kind : "file";
}
