import type { AttachmentView } from "#stores/views.ts";
import { Icon, type IconName } from "#ui/kit/Icon.tsx";
import { IconButton } from "#ui/kit/IconButton.tsx";
import { HiddenText } from "#ui/markdown/HiddenText.tsx";
import { useFormats } from "#ui/text/format.ts";
import { useText } from "#ui/text/text.tsx";
import styles from "./Card.module.css";

type Media = "image" | "video" | "audio" | "file";

type MediaPartProps = {
  media: Media;
  alt: string;
  attachment: AttachmentView | null;
  /** Fetches and opens it; left out where that is not possible. */
  onOpen?: ((attachmentId: AttachmentView["attachment_id"]) => void) | undefined;
};

const ICONS: Readonly<Record<Media, IconName>> = {
  image: "image",
  video: "video",
  audio: "mic",
  file: "file",
};

/** A file by its name and size; nothing is fetched until somebody asks. */
export function MediaPart({ media, alt, attachment, onOpen }: MediaPartProps) {
  const t = useText();
  const { bytes, countdown } = useFormats();
  const name = attachment?.filename ?? (alt === "" ? t(`media.${media}`) : alt);
  const facts = [
    attachment === null ? t(`media.${media}`) : bytes(attachment.size),
    attachment?.duration_s === undefined ? null : countdown(attachment.duration_s * 1_000),
    t("media.encrypted"),
  ].filter((fact) => fact !== null);
  return (
    <div className={styles.media}>
      <div className={styles.file}>
        <span className={styles.fileIcon}>
          <Icon name={ICONS[media]} size={20} />
        </span>
        <span className={styles.fileText}>
          <bdi className={styles.fileName}>
            <HiddenText text={name} />
          </bdi>
          <span className={styles.quiet}>{facts.join(" · ")}</span>
        </span>
        {attachment !== null && onOpen !== undefined && (
          <IconButton
            icon="download"
            label={t("message.download")}
            onClick={() => onOpen(attachment.attachment_id)}
          />
        )}
      </div>
    </div>
  );
}
