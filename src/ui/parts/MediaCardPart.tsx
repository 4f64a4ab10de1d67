import type { ArtifactView, MessageView } from "#stores/views.ts";
import { HiddenText } from "#ui/markdown/HiddenText.tsx";
import { useText } from "#ui/text/text.tsx";
import { CardFrame } from "./CardFrame.tsx";
import type { MediaPayload } from "./card-types.ts";
import { FileItem, NamedRow } from "./FileList.tsx";
import styles from "./MediaCardPart.module.css";

type MediaCardPartProps = {
  artifact: ArtifactView;
  payload: MediaPayload;
  /** Its files are the items'; an item without one says that it is missing. */
  message: MessageView;
};

/** Several pictures, films or sounds together, each with its caption. */
export function MediaCardPart({ artifact, payload, message }: MediaCardPartProps) {
  const t = useText();
  const layout = payload.layout ?? (payload.items.length > 1 ? "grid" : "list");
  return (
    <CardFrame
      icon="image"
      kind={t("card.media")}
      title={artifact.title === "" ? t("card.media") : artifact.title}
      state={t("media.count", { count: payload.items.length })}
    >
      {/* What scrolls sideways has to be reached by keys. */}
      <ul
        className={styles.items}
        data-layout={layout}
        {...(layout === "carousel" ? { tabIndex: 0, "aria-label": t("media.carousel") } : {})}
      >
        {payload.items.map((item, at) => {
          const attachment =
            message.attachments.find(({ attachment_id }) => attachment_id === item.attachment_id) ??
            null;
          return (
            <li key={`${at} ${item.attachment_id}`} className={styles.item}>
              <figure className={styles.figure}>
                {attachment === null ? (
                  <NamedRow
                    media={item.kind}
                    name={
                      item.alt === undefined || item.alt === "" ? t(`media.${item.kind}`) : item.alt
                    }
                  />
                ) : (
                  <FileItem
                    {...{ message, file: attachment, media: item.kind, alt: item.alt ?? "" }}
                  />
                )}
                {attachment === null && <p className={styles.missing}>{t("media.missing")}</p>}
                {item.caption !== undefined && item.caption !== "" && (
                  <figcaption className={styles.caption} dir="auto">
                    <HiddenText text={item.caption} />
                  </figcaption>
                )}
              </figure>
            </li>
          );
        })}
      </ul>
    </CardFrame>
  );
}
