import { useEffect, useState, type CSSProperties } from "react";
import { useRoute, useStore } from "#ui/StoresContext.tsx";
import type { Route } from "#ui/routes.ts";
import { ConversationsPane } from "#ui/screens/conversations/ConversationsPane.tsx";
import { FetchedOverlay } from "#ui/fetching/FetchedOverlay.tsx";
import { Fetching } from "#ui/fetching/Fetching.tsx";
import { TooltipGroup } from "#ui/kit/Tooltip.tsx";
import {
  ConnectPanel,
  ContactsPane,
  fetchTheRest,
  InviteSheet,
  NewConversationDialog,
  Palette,
  SettingsNav,
  SettingsScreen,
  ShortcutsSheet,
  ThreadScreen,
} from "#ui/screens/fetched-screens.ts";
import { useText } from "#ui/text/text.tsx";
import { appIntent, takesText } from "./app-keys.ts";
import { ListResizer } from "./ListResizer.tsx";
import { LiveRegion } from "./LiveRegion.tsx";
import styles from "./MainScreen.module.css";
import { Rail } from "./Rail.tsx";
import { SealMark } from "./SealMark.tsx";
import { commandKey } from "./command-key.ts";
import { StatusBars } from "./StatusBars.tsx";
import { useLayout, type Layout } from "./use-media.ts";

type Overlay = "none" | "new" | "palette" | "shortcuts";

/** The open app: rail, list and thread beside each other, or one of them at a time. */
export function MainScreen() {
  const layout = useLayout();
  const route = useRoute();
  const listWidthPx = useStore("settings", (state) => state.listWidthPx);
  const [overlay, setOverlay] = useState<Overlay>("none");
  useAppKeys(setOverlay);
  useEffect(fetchTheRest, []);
  const panes = panesOf(route, layout);
  const toggle =
    (name: Overlay) =>
    (open: boolean): void =>
      setOverlay(open ? name : "none");
  return (
    <TooltipGroup>
      <div
        className={styles.app}
        data-layout={layout}
        style={{ "--list": `${listWidthPx}px` } as CSSProperties}
      >
        <StatusBars />
        <div className={styles.panes}>
          {layout === "wide" && <Rail />}
          {panes.list && (
            <div className={styles.list}>
              <Fetching>
                <ListPane route={route} layout={layout} onNew={() => setOverlay("new")} />
              </Fetching>
            </div>
          )}
          {panes.list && panes.main && <ListResizer />}
          {panes.main && (
            <main className={styles.main}>
              <Fetching lines={6}>
                <MainPane route={route} layout={layout} />
              </Fetching>
            </main>
          )}
        </div>
        <LiveRegion />
        <Invite />
        <FetchedOverlay open={overlay === "new"}>
          <NewConversationDialog open={overlay === "new"} onOpenChange={toggle("new")} />
        </FetchedOverlay>
        <FetchedOverlay open={overlay === "palette"}>
          <Palette
            open={overlay === "palette"}
            onOpenChange={toggle("palette")}
            onNew={() => setOverlay("new")}
            onShortcuts={() => setOverlay("shortcuts")}
          />
        </FetchedOverlay>
        <FetchedOverlay open={overlay === "shortcuts"}>
          <ShortcutsSheet open={overlay === "shortcuts"} onOpenChange={toggle("shortcuts")} />
        </FetchedOverlay>
      </div>
    </TooltipGroup>
  );
}

function Invite() {
  const isOpen = useStore("contacts", ({ invite }) => invite.status !== "none");
  return (
    <FetchedOverlay open={isOpen}>
      <InviteSheet />
    </FetchedOverlay>
  );
}

/** Narrow screens show the one pane that the address names. */
function panesOf(route: Route, layout: Layout): { readonly list: boolean; readonly main: boolean } {
  if (layout !== "narrow") return { list: true, main: true };
  const isDeep =
    route.screen === "thread" || (route.screen === "settings" && route.section !== null);
  return { list: !isDeep, main: isDeep };
}

type PaneProps = { route: Route; layout: Layout };

function ListPane({ route, layout, onNew }: PaneProps & { onNew: () => void }) {
  switch (route.screen) {
    case "settings":
      return <SettingsNav layout={layout} />;
    case "contacts":
      return <ContactsPane layout={layout} />;
    case "home":
    case "thread":
      return <ConversationsPane layout={layout} onNew={onNew} />;
    default:
      return route satisfies never;
  }
}

function MainPane({ route, layout }: PaneProps) {
  switch (route.screen) {
    case "thread":
      return (
        <ThreadScreen
          conversationId={route.conversationId}
          messageId={route.messageId}
          layout={layout}
        />
      );
    case "settings":
      return (
        <SettingsScreen key={route.section} section={route.section ?? "profile"} layout={layout} />
      );
    case "contacts":
      return (
        <div className={styles.connect}>
          <ConnectPanel />
        </div>
      );
    case "home":
      return <PickOne />;
    default:
      return route satisfies never;
  }
}

function PickOne() {
  const t = useText();
  return (
    <div className={styles.pick}>
      <SealMark size={36} />
      <p>{t("thread.pick")}</p>
      <p className={styles.pickHelp}>{t("thread.pickHelp", { keys: `${commandKey()} K` })}</p>
    </div>
  );
}

function useAppKeys(open: (overlay: Overlay) => void): void {
  useEffect(() => {
    const handleKey = (event: KeyboardEvent): void => {
      const { key, ctrlKey, metaKey, altKey, isComposing } = event;
      const isTyping = takesText(document.activeElement);
      const intent = appIntent({ key, ctrlKey, metaKey, altKey, isComposing, isTyping });
      if (intent === "none") return;
      event.preventDefault();
      open(intent);
    };
    window.addEventListener("keydown", handleKey);
    return () => window.removeEventListener("keydown", handleKey);
  }, [open]);
}
