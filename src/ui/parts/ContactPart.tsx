import type { ContactView, ConversationId } from "#stores/views.ts";
import { Avatar } from "#ui/kit/Avatar.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { HiddenText } from "#ui/markdown/HiddenText.tsx";
import { useText } from "#ui/text/text.tsx";
import styles from "./Card.module.css";
import { CardFrame } from "./CardFrame.tsx";
import rowStyles from "./NamedRow.module.css";

type ContactPartProps = {
  contact: ContactView;
  authorName: string;
  /** Left out where there is nowhere to go. */
  onInvite?: ((url: string) => void) | undefined;
  onConversation?: ((conversationId: ConversationId) => void) | undefined;
};

/** Somebody whom the author names, and the way to a conversation with them. The name is the author's word until then. */
export function ContactPart({ contact, authorName, onInvite, onConversation }: ContactPartProps) {
  const t = useText();
  const { kind, id, name, handle, inviteUrl, conversationId } = contact;
  return (
    <CardFrame
      icon={kind === "agent" ? "agent" : "user"}
      kind={t("card.contact")}
      title={t("contact.shared", { name: authorName })}
    >
      <div className={rowStyles.row}>
        <Avatar id={id} name={name} kind={kind === "agent" ? "agent" : "human"} size={40} />
        <span className={rowStyles.text}>
          <bdi className={rowStyles.name}>
            <HiddenText text={name} />
          </bdi>
          <span className={styles.quiet}>
            {t(`contact.kind.${kind}`)}
            {handle !== null && ` · @${handle}`}
          </span>
        </span>
      </div>
      {conversationId !== null ? (
        <div className={styles.actions}>
          <Button icon="message" onClick={() => onConversation?.(conversationId)}>
            {t("contact.open")}
          </Button>
        </div>
      ) : inviteUrl !== null ? (
        <div className={styles.actions}>
          <Button variant="primary" icon="user-add" onClick={() => onInvite?.(inviteUrl)}>
            {t("contact.start")}
          </Button>
        </div>
      ) : (
        <p className={styles.quiet}>
          {kind === "group" ? t("contact.askGroup") : t("contact.askInvite")}
        </p>
      )}
    </CardFrame>
  );
}
