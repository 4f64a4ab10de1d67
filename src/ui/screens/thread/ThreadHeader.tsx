import type { ConversationView, TrustView } from "#stores/views.ts";
import { useRouter } from "#ui/StoresContext.tsx";
import { IconButton } from "#ui/kit/IconButton.tsx";
import { ConversationAvatar } from "#ui/screens/conversations/ConversationRow.tsx";
import { useText, type Say } from "#ui/text/text.tsx";
import styles from "./ThreadHeader.module.css";

type ThreadHeaderProps = {
  view: ConversationView;
  isNarrow: boolean;
  isDrawerOpen: boolean;
  onSecurity: () => void;
  onDetails: () => void;
};

/** With whom one talks, whether they are there, and who else could read it. */
export function ThreadHeader(props: ThreadHeaderProps) {
  const { view, isNarrow, isDrawerOpen, onSecurity, onDetails } = props;
  const t = useText();
  const router = useRouter();
  const trust = trustOf(view);
  return (
    <header className={styles.header}>
      {isNarrow && (
        <IconButton
          icon="back"
          label={t("general.back")}
          tooltip={false}
          className={styles.back}
          onClick={() => router.back({ screen: "home" })}
        />
      )}
      <span className={styles.avatar}>
        <ConversationAvatar view={view} size={32} />
      </span>
      <div className={styles.text}>
        <h1 className={styles.title}>
          <bdi>{view.title}</bdi>
        </h1>
        <p className={styles.about}>{aboutOf(view, t)}</p>
      </div>
      <IconButton
        icon={view.channel !== null ? "lock-open" : trust === "changed" ? "shield-alert" : "lock"}
        label={t("thread.security")}
        className={trust === "changed" ? styles.changed : undefined}
        onClick={onSecurity}
      />
      <IconButton
        icon="info"
        label={t("thread.details")}
        pressed={isDrawerOpen || undefined}
        onClick={onDetails}
      />
    </header>
  );
}

/** The worst ring among the others counts for all. */
function trustOf({ members }: ConversationView): TrustView {
  const rings = members.filter(({ isSelf }) => !isSelf).map(({ trust }) => trust);
  if (rings.includes("changed")) return "changed";
  return rings.length > 0 && rings.every((ring) => ring === "verified") ? "verified" : "unverified";
}

function aboutOf({ kind, members, peer }: ConversationView, t: Say): string {
  if (kind === "group" || peer === null) {
    const count = t("thread.members", { count: members.length });
    return members.some(({ stateless }) => stateless)
      ? `${count} · ${t("thread.stateless")}`
      : count;
  }
  const facts = [
    peer.presence === "unknown" ? null : t(`presence.${peer.presence}`),
    peer.stateless ? t("thread.stateless") : null,
  ].filter((fact) => fact !== null);
  return facts.length === 0 ? t(`kind.${peer.kind}`) : facts.join(" · ");
}
