import { memo } from "react";
import type { ConversationView, TrustView } from "#stores/views.ts";
import { decodeMentions } from "#stores/mentions.ts";
import { useStore, useStores } from "#ui/StoresContext.tsx";
import { Avatar } from "#ui/kit/Avatar.tsx";
import { Icon } from "#ui/kit/Icon.tsx";
import { IconButton } from "#ui/kit/IconButton.tsx";
import { Menu, MenuItem } from "#ui/kit/Menu.tsx";
import { VisuallyHidden } from "#ui/kit/VisuallyHidden.tsx";
import { threadRoute } from "#ui/routes.ts";
import { AppLink } from "#ui/screens/shell/AppLink.tsx";
import { useFormats } from "#ui/text/format.ts";
import { useText } from "#ui/text/text.tsx";
import styles from "./ConversationRow.module.css";
import { GroupFace } from "./GroupFace.tsx";

type ConversationRowProps = { view: ConversationView; isCurrent: boolean };

/** One conversation in the list. */
export const ConversationRow = memo(function ConversationRow({
  view,
  isCurrent,
}: ConversationRowProps) {
  const { clock } = useStores();
  const formats = useFormats();
  const isUnread = view.unreadCount > 0;
  return (
    <div
      className={styles.row}
      data-current={isCurrent || undefined}
      data-unread={isUnread || undefined}
    >
      <AppLink
        to={threadRoute(view.id)}
        className={styles.link}
        data-row=""
        {...(isCurrent ? { "aria-current": "page" } : {})}
      >
        <ConversationAvatar view={view} />
        <span className={styles.text}>
          <span className={styles.head}>
            <bdi className={styles.title}>{view.title}</bdi>
            {view.pinned && <Icon name="pin" size={12} className={styles.mark} />}
            {view.muted && <Icon name="bell-off" size={12} className={styles.mark} />}
            {view.preview !== null && (
              <time className={styles.time} dateTime={new Date(view.preview.at).toISOString()}>
                {formats.short(view.preview.at, clock.now())}
              </time>
            )}
          </span>
          <span className={styles.foot}>
            <Preview view={view} isCurrent={isCurrent} />
            <Unread view={view} />
          </span>
        </span>
      </AppLink>
      <RowMenu view={view} />
    </div>
  );
});

/** Whom one talks with: the other's face with its ring, or a pair for a group. */
export function ConversationAvatar({
  view,
  size = 40,
}: {
  view: ConversationView;
  size?: 32 | 40;
}) {
  if (view.peer === null) return <GroupFace view={view} size={size} />;
  const { id, name, kind, presence } = view.peer;
  return <Avatar {...{ id, name, kind, size, presence }} trust={ringOf(view)} />;
}

/** A plain agent has no key to be sure of, so it has no ring. */
const ringOf = ({ channel, peer }: ConversationView): TrustView | undefined =>
  channel === null ? peer?.trust : undefined;

const choicesOf = (members: ConversationView["members"]) =>
  members.map(({ id, name }) => ({ accountId: id, label: name }));

function Preview({ view, isCurrent }: ConversationRowProps) {
  const t = useText();
  const typing = useStore("conversations", ({ typingById }) => typingById[view.id]);
  const typed = useStore("composer", ({ draftById }) => draftById[view.id]?.text);
  const draft = (typed ?? decodeMentions(view.draft, choicesOf(view.members))).trim();
  if (typing !== undefined && typing.length > 0) {
    const writer = view.members.find(({ id }) => id === typing[0])?.name ?? view.title;
    return (
      <span className={styles.preview} data-kind="typing">
        {typing.length === 1
          ? t("list.typing", { name: writer })
          : t("list.typingMany", { count: typing.length })}
      </span>
    );
  }
  if (draft !== "" && !isCurrent)
    return (
      <span className={styles.preview}>
        <span className={styles.draft}>{parted(t("list.draft"))}</span>
        <bdi>{draft}</bdi>
      </span>
    );
  return (
    <span className={styles.preview}>
      <bdi>
        <LastLine view={view} />
      </bdi>
    </span>
  );
}

/** A space behind what stands before other words, unless its mark brings the room along. */
const parted = (words: string): string => (words.endsWith("：") ? words : `${words} `);

function LastLine({ view }: { view: ConversationView }) {
  const t = useText();
  const { preview, members, peer, relation } = view;
  if (relation === "pending") return t("list.pending", { name: peer?.name ?? view.title });
  if (preview === null) return t("list.empty");
  const author = members.find(({ id }) => id === preview.authorId);
  const prefix =
    author?.isSelf === true
      ? parted(t("list.you"))
      : view.kind === "group" && author !== undefined
        ? parted(t("list.by", { name: author.name }))
        : "";
  switch (preview.kind) {
    case "draft":
      return `${parted(t("list.draft"))}${decodeMentions(preview.text, choicesOf(members))}`;
    case "text":
      return prefix + decodeMentions(preview.text, choicesOf(members));
    case "image":
      return prefix + (preview.text || t("preview.image"));
    case "video":
      return prefix + (preview.text || t("preview.video"));
    case "audio":
      return prefix + (preview.text || t("preview.audio"));
    case "contact":
      return prefix + t("preview.contact", { text: preview.text });
    case "card":
      return prefix + t("preview.card", { text: preview.text });
    case "recalled":
      return t("preview.recalled");
    case "unreadable":
      return t("preview.unreadable");
    default:
      return preview.kind satisfies never;
  }
}

function Unread({ view: { unreadCount, mentioned, muted } }: { view: ConversationView }) {
  const t = useText();
  if (unreadCount === 0) return null;
  return (
    <span className={styles.badge} data-quiet={(muted && !mentioned) || undefined}>
      <span aria-hidden>
        {mentioned && "@"}
        {unreadCount > 99 ? "99+" : unreadCount}
      </span>
      <VisuallyHidden>
        {t("list.unread", { count: unreadCount })}
        {mentioned && `, ${t("list.mentioned")}`}
      </VisuallyHidden>
    </span>
  );
}

function RowMenu({ view: { id, title, pinned, muted } }: { view: ConversationView }) {
  const t = useText();
  const { conversations } = useStores();
  const { setMuted, setPinned } = conversations.getState();
  return (
    <span className={styles.menu}>
      <Menu
        trigger={
          <IconButton
            icon="more"
            size="small"
            tooltip={false}
            label={t("list.actions", { title })}
          />
        }
      >
        <MenuItem icon={pinned ? "pin-off" : "pin"} onSelect={() => void setPinned(id, !pinned)}>
          {pinned ? t("list.unpin") : t("list.pin")}
        </MenuItem>
        <MenuItem icon={muted ? "bell" : "bell-off"} onSelect={() => void setMuted(id, !muted)}>
          {muted ? t("list.unmute") : t("list.mute")}
        </MenuItem>
      </Menu>
    </span>
  );
}
