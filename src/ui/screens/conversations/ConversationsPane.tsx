import { useRef, useState, type KeyboardEvent, type Ref } from "react";
import { VList } from "virtua";
import { filterConversations } from "#stores/conversations-store.ts";
import { useRoute, useStore, useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { Icon } from "#ui/kit/Icon.tsx";
import { IconButton } from "#ui/kit/IconButton.tsx";
import { Skeleton } from "#ui/kit/Spinner.tsx";
import { AppLink } from "#ui/screens/shell/AppLink.tsx";
import { FailureNote } from "#ui/screens/shell/FailureNote.tsx";
import { PaneHeader } from "#ui/screens/shell/PaneHeader.tsx";
import { PasswordReminder } from "#ui/screens/shell/PasswordReminder.tsx";
import type { Layout } from "#ui/screens/shell/use-media.ts";
import { useText } from "#ui/text/text.tsx";
import { ConversationRow } from "./ConversationRow.tsx";
import styles from "./ConversationsPane.module.css";
import { EmptyList } from "./EmptyList.tsx";
import { SearchHits } from "./SearchHits.tsx";

type ConversationsPaneProps = { layout: Layout; onNew: () => void };

/** Everything one talks about, the newest on top. */
export function ConversationsPane({ layout, onNew }: ConversationsPaneProps) {
  const t = useText();
  const { search } = useStores();
  // Who comes back from a hit finds the others again.
  const [query, setQuery] = useState(() => search.getState().query);
  const rows = useRef<HTMLElement>(null);
  const change = (next: string): void => {
    setQuery(next);
    search.getState().search(next);
  };
  return (
    <>
      <PaneHeader title={t("list.title")}>
        {layout !== "wide" && <FoldedRail />}
        <IconButton icon="plus" label={t("list.new")} onClick={onNew} />
      </PaneHeader>
      <div className={styles.search}>
        <Icon name="search" size={16} className={styles.searchIcon} />
        <input
          type="search"
          className={styles.searchField}
          aria-label={t("list.filter")}
          placeholder={t("list.filter")}
          value={query}
          onChange={(event) => change(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Escape" && query !== "") {
              event.stopPropagation();
              change("");
            }
            if (event.key === "ArrowDown" && !event.nativeEvent.isComposing) {
              event.preventDefault();
              rows.current?.querySelector<HTMLAnchorElement>("a[data-row]")?.focus();
            }
          }}
        />
      </div>
      <RequestsLink />
      <ConversationList ref={rows} query={query} onNew={onNew} />
      <PasswordReminder />
    </>
  );
}

function FoldedRail() {
  const t = useText();
  return (
    <>
      <AppLink
        to={{ screen: "contacts" }}
        className={styles.tool}
        aria-label={t("rail.contacts")}
        title={t("rail.contacts")}
      >
        <Icon name="users" size={18} />
      </AppLink>
      <AppLink
        to={{ screen: "settings", section: null }}
        className={styles.tool}
        aria-label={t("rail.settings")}
        title={t("rail.settings")}
      >
        <Icon name="settings" size={18} />
      </AppLink>
    </>
  );
}

function RequestsLink() {
  const t = useText();
  const count = useStore(
    "contacts",
    ({ requests }) => requests.filter(({ direction }) => direction === "in").length,
  );
  if (count === 0) return null;
  return (
    <AppLink to={{ screen: "contacts" }} className={styles.requests}>
      <Icon name="user-add" size={16} />
      <span>{t("list.requests", { count })}</span>
      <Icon name="chevron-end" size={16} />
    </AppLink>
  );
}

type ConversationListProps = { ref: Ref<HTMLElement>; query: string; onNew: () => void };

function ConversationList({ ref, query, onNew }: ConversationListProps) {
  const t = useText();
  const { conversations } = useStores();
  const { status, failure, byId, order } = useStore("conversations", (state) => state);
  const route = useRoute();
  if (status === "loading")
    return (
      <div className={styles.loading}>
        <Skeleton lines={8} label={t("general.loading")} />
      </div>
    );
  if (status === "failed")
    return (
      <div className={styles.loading}>
        <FailureNote failure={failure} />
        <Button size="small" onClick={() => void conversations.getState().load()}>
          {t("general.retry")}
        </Button>
      </div>
    );
  if (order.length === 0) return <EmptyList onNew={onNew} />;
  const shown = filterConversations({ byId, order }, query);
  const isSearching = query.trim() !== "";
  const rows = shown.flatMap((id) => byId[id] ?? []);
  const currentId = route.screen === "thread" ? route.conversationId : null;
  return (
    <nav ref={ref} className={styles.list} aria-label={t("list.title")} onKeyDown={walkRows}>
      {rows.length === 0 && (
        <p className={styles.nothing}>{t("list.nothingFound", { query: query.trim() })}</p>
      )}
      {isSearching ? (
        <div className={styles.found}>
          {rows.map((view) => (
            <ConversationRow key={view.id} view={view} isCurrent={view.id === currentId} />
          ))}
          <SearchHits />
        </div>
      ) : (
        <VList data={rows} bufferSize={400} className={styles.rows}>
          {(view) => (
            <ConversationRow key={view.id} view={view} isCurrent={view.id === currentId} />
          )}
        </VList>
      )}
    </nav>
  );
}

/** Up and down walk from row to row. */
function walkRows(event: KeyboardEvent<HTMLElement>): void {
  const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
  if (step === 0 || !(event.target instanceof HTMLAnchorElement)) return;
  const rows = [...event.currentTarget.querySelectorAll<HTMLAnchorElement>("a[data-row]")];
  const next = rows[rows.indexOf(event.target) + step];
  if (next === undefined) return;
  event.preventDefault();
  next.focus();
}
