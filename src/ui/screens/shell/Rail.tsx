import { selectOpenAccount } from "#stores/account-store.ts";
import { selectUnreadConversations } from "#stores/conversations-store.ts";
import { useRoute, useStore } from "#ui/StoresContext.tsx";
import { Avatar } from "#ui/kit/Avatar.tsx";
import { Icon, type IconName } from "#ui/kit/Icon.tsx";
import { Tooltip } from "#ui/kit/Tooltip.tsx";
import type { Route } from "#ui/routes.ts";
import { useText } from "#ui/text/text.tsx";
import { AppLink } from "./AppLink.tsx";
import styles from "./Rail.module.css";
import { SealMark } from "./SealMark.tsx";

/** The narrow column at the side of wide screens: where one is, and where there is news. */
export function Rail() {
  const t = useText();
  const { screen } = useRoute();
  const account = useStore("account", selectOpenAccount);
  const unread = useStore("conversations", selectUnreadConversations);
  const asked = useStore(
    "contacts",
    ({ requests }) => requests.filter(({ direction }) => direction === "in").length,
  );
  return (
    <nav className={styles.rail} aria-label={t("rail.label")}>
      <span className={styles.mark}>
        <SealMark size={28} />
      </span>
      <RailLink
        to={{ screen: "home" }}
        icon="message"
        label={t("rail.conversations")}
        count={unread}
        isCurrent={screen === "home" || screen === "thread"}
      />
      <RailLink
        to={{ screen: "contacts" }}
        icon="users"
        label={t("rail.contacts")}
        count={asked}
        isCurrent={screen === "contacts"}
      />
      <span className={styles.gap} />
      <RailLink
        to={{ screen: "settings", section: null }}
        icon="settings"
        label={t("rail.settings")}
        count={0}
        isCurrent={screen === "settings"}
      />
      {account !== null && (
        <AppLink
          to={{ screen: "settings", section: "profile" }}
          className={styles.account}
          aria-label={t("rail.account", { name: account.displayName })}
        >
          <Avatar id={account.userId} name={account.displayName} kind="human" size={32} />
        </AppLink>
      )}
    </nav>
  );
}

type RailLinkProps = {
  to: Route;
  icon: IconName;
  label: string;
  count: number;
  isCurrent: boolean;
};

function RailLink({ to, icon, label, count, isCurrent }: RailLinkProps) {
  return (
    <Tooltip text={label} side="inline-end">
      <AppLink
        to={to}
        className={styles.link}
        aria-label={count > 0 ? `${label} (${count})` : label}
        {...(isCurrent ? { "aria-current": "page" } : {})}
      >
        <Icon name={icon} size={20} />
        {count > 0 && (
          <span className={styles.count} aria-hidden>
            {count > 99 ? "99+" : count}
          </span>
        )}
      </AppLink>
    </Tooltip>
  );
}
