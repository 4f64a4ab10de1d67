import { useEffect, useRef, useState, type KeyboardEvent, type RefObject } from "react";
import { filterConversations } from "#stores/conversations-store.ts";
import type { SearchHitView } from "#stores/views.ts";
import { useRouter, useStore, useStores } from "#ui/StoresContext.tsx";
import { Dialog } from "#ui/kit/Dialog.tsx";
import { Icon, type IconName } from "#ui/kit/Icon.tsx";
import { threadRoute } from "#ui/routes.ts";
import { Hit } from "#ui/screens/conversations/Hit.tsx";
import { useText } from "#ui/text/text.tsx";
import styles from "./Palette.module.css";

type PaletteProps = {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  onNew: () => void;
  onShortcuts: () => void;
};

/** Finds a conversation, an action or something that was said, from anywhere. */
export function Palette({ open, onOpenChange, onNew, onShortcuts }: PaletteProps) {
  const t = useText();
  const field = useRef<HTMLInputElement>(null);
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title={t("palette.title")}
      size="wide"
      initialFocus={field}
    >
      <Finder {...{ field, onNew, onShortcuts }} onDone={() => onOpenChange(false)} />
    </Dialog>
  );
}

type FinderProps = Pick<PaletteProps, "onNew" | "onShortcuts"> & {
  field: RefObject<HTMLInputElement | null>;
  onDone: () => void;
};

function Finder({ field, onDone, ...openers }: FinderProps) {
  const t = useText();
  const { search } = useStores();
  const [query, setQuery] = useState("");
  const [active, setActive] = useState(0);
  const list = useRef<HTMLUListElement>(null);
  const choices = useChoices(query, openers);
  const current = choices[Math.min(active, choices.length - 1)];
  useEffect(() => () => search.getState().clear(), [search]);
  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
  }, [active]);

  const run = (choice: Choice | undefined): void => {
    if (choice === undefined) return;
    onDone();
    choice.act();
  };
  const handleKey = (event: KeyboardEvent): void => {
    if (event.nativeEvent.isComposing || event.keyCode === 229) return;
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0 && choices.length > 0) {
      event.preventDefault();
      setActive((Math.min(active, choices.length - 1) + step + choices.length) % choices.length);
    } else if (event.key === "Enter") {
      event.preventDefault();
      run(current);
    }
  };
  return (
    <div className={styles.finder}>
      <input
        ref={field}
        className={styles.field}
        role="combobox"
        aria-label={t("palette.placeholder")}
        aria-expanded
        aria-controls="palette-results"
        aria-autocomplete="list"
        {...(current === undefined ? {} : { "aria-activedescendant": `palette-${current.id}` })}
        placeholder={t("palette.placeholder")}
        value={query}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => {
          setQuery(event.currentTarget.value);
          setActive(0);
          search.getState().search(event.currentTarget.value);
        }}
        onKeyDown={handleKey}
      />
      <ul
        ref={list}
        id="palette-results"
        role="listbox"
        aria-label={t("palette.results")}
        className={styles.results}
      >
        {choices.map((choice, index) => (
          <li
            key={choice.id}
            id={`palette-${choice.id}`}
            role="option"
            aria-selected={choice === current}
            className={styles.option}
            onPointerMove={() => setActive(index)}
            onClick={() => run(choice)}
          >
            <Icon name={choice.icon} />
            {choice.hit === undefined ? (
              <>
                <span className={styles.label}>
                  <bdi>{choice.label}</bdi>
                </span>
                <span className={styles.hint}>{choice.hint}</span>
              </>
            ) : (
              <Hit hit={choice.hit} />
            )}
          </li>
        ))}
      </ul>
      {choices.length === 0 && <p className={styles.nothing}>{t("palette.nothing")}</p>}
    </div>
  );
}

type Choice = {
  readonly id: string;
  readonly icon: IconName;
  readonly label: string;
  readonly hint: string;
  /** Where it is something that was said. */
  readonly hit?: SearchHitView;
  readonly act: () => void;
};

const MOST_CONVERSATIONS = 7;

/** Conversations first, then what can be done, then what was said. */
function useChoices(
  query: string,
  { onNew, onShortcuts }: Pick<PaletteProps, "onNew" | "onShortcuts">,
): readonly Choice[] {
  const t = useText();
  const router = useRouter();
  const { byId, order } = useStore("conversations", (state) => state);
  const hits = useStore("search", (state) => state.hits);
  const wanted = query.trim().toLocaleLowerCase();
  const conversations = filterConversations({ byId, order }, query)
    .slice(0, MOST_CONVERSATIONS)
    .flatMap((id): readonly Choice[] => {
      const view = byId[id];
      if (view === undefined) return [];
      const icon = view.kind === "group" ? "users" : view.kind === "h2a" ? "agent" : "user";
      const act = (): void => router.go(threadRoute(id));
      return [{ id, icon, label: view.title, hint: "", act }];
    });
  const actions = [
    { id: "new", icon: "plus", label: t("list.new"), act: onNew },
    {
      id: "contacts",
      icon: "users",
      label: t("contacts.title"),
      act: () => router.go({ screen: "contacts" }),
    },
    {
      id: "settings",
      icon: "settings",
      label: t("settings.title"),
      act: () => router.go({ screen: "settings", section: null }),
    },
    { id: "shortcuts", icon: "help", label: t("shortcuts.title"), act: onShortcuts },
  ] as const satisfies readonly Omit<Choice, "hint">[];
  const found = hits.map((hit): Choice => ({
    id: hit.messageId,
    icon: "search",
    label: hit.snippet,
    hint: hit.title,
    hit,
    act: () => router.go(threadRoute(hit.conversationId, hit.messageId)),
  }));
  return [
    ...conversations,
    ...actions
      .filter(({ label }) => label.toLocaleLowerCase().includes(wanted))
      .map((action): Choice => ({ ...action, hint: t("palette.actions") })),
    ...(wanted === "" ? [] : found),
  ];
}
