import { useEffect, useState, type ReactNode } from "react";
import type { Stores } from "#stores/create-stores.ts";
import { StoresProvider, useStore, useStores } from "./StoresContext.tsx";
import { Button } from "./kit/Button.tsx";
import { FetchedOverlay } from "./fetching/FetchedOverlay.tsx";
import { Fetching } from "./fetching/Fetching.tsx";
import { KitProvider } from "./kit/KitProvider.tsx";
import { Skeleton } from "./kit/Spinner.tsx";
import { showToast } from "./kit/show-toast.ts";
import { MarkdownProvider } from "./markdown/MarkdownContext.tsx";
import type { RenderJobs } from "./markdown/render-jobs.ts";
import type { Router } from "./router.ts";
import { DoorFrame } from "./screens/onboarding/DoorFrame.tsx";
import {
  fetchBehindDoor,
  LinkScreen,
  LockedScreen,
  LostScreen,
  MainScreen,
  OpenedLinkDialog,
  RestoreScreen,
  SignInScreen,
} from "./screens/fetched-screens.ts";
import { OnboardingScreen } from "./screens/onboarding/OnboardingScreen.tsx";
import { FailureNote } from "./screens/shell/FailureNote.tsx";
import { FaultBoundary } from "./screens/shell/FaultBoundary.tsx";
import styles from "./screens/shell/Starting.module.css";
import { failureWords } from "./text/failures.ts";
import { pickLocale } from "./text/tables.ts";
import { loadText, TextProvider, useText, type Text } from "./text/text.tsx";

type AppProps = {
  stores: Stores;
  router: Router;
  /** Null where no worker may be started for large texts. */
  renderJobs: RenderJobs | null;
};

/** The whole page: what everything stands on, and the door that is open. */
export function App({ stores, router, renderJobs }: AppProps) {
  return (
    <StoresProvider stores={stores} router={router}>
      <Theme />
      <Language>
        <KitProvider>
          <MarkdownProvider jobs={renderJobs}>
            <Notices />
            <FaultBoundary>
              <Fetching place="door">
                <Door />
              </Fetching>
              <OpenedLink />
            </FaultBoundary>
          </MarkdownProvider>
        </KitProvider>
      </Language>
    </StoresProvider>
  );
}

/** Which screen the account's state leads to. */
function Door() {
  const account = useStore("account", (state) => state.account);
  const isLost = useStore("account", (state) => state.isLost);
  const step = useStore("onboarding", (state) => state.step);
  const opened = useStore("devices", (state) => state.opened);
  const [way, setWay] = useState<"new" | "sign-in" | "restore" | "link">("new");
  const link = (): void => setWay("link");
  useEffect(() => {
    if (account.status === "none") fetchBehindDoor();
  }, [account.status]);
  useOpenedLink(account.status, opened, link);
  const signIn = (): void => setWay("sign-in");
  const restore = (): void => setWay("restore");
  switch (account.status) {
    case "loading":
      return <Starting />;
    case "none":
      if (way === "link") return <LinkScreen onBack={() => setWay("new")} />;
      if (way === "sign-in")
        return <SignInScreen onNew={() => setWay("new")} onRestore={restore} />;
      if (way === "restore") return <RestoreScreen onBack={() => setWay("new")} />;
      return isLost ? (
        <LostScreen onSignIn={signIn} onRestore={restore} onLink={link} />
      ) : (
        <OnboardingScreen onSignIn={signIn} onLink={link} />
      );
    case "locked":
      return (
        <LockedScreen
          displayName={account.displayName}
          handle={account.handle}
          passkeyIds={account.passkeyIds}
        />
      );
    case "open":
      return step === "first-conversation" ? (
        <OnboardingScreen onSignIn={signIn} onLink={link} />
      ) : (
        <MainScreen />
      );
    default:
      return account satisfies never;
  }
}

/** A device link leads to its screen where there is no account. */
function useOpenedLink(status: string, opened: string | null, onLink: () => void): void {
  useEffect(() => {
    if (opened !== null && status === "none") onLink();
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [status, opened]);
}

function OpenedLink() {
  const opened = useStore("devices", (state) => state.opened);
  return (
    <FetchedOverlay open={opened !== null}>
      <OpenedLinkDialog />
    </FetchedOverlay>
  );
}

function Starting() {
  const t = useText();
  const { account } = useStores();
  const failure = useStore("account", (state) => state.loadFailure);
  if (failure === null)
    return (
      <main className={styles.page}>
        <Skeleton lines={3} label={t("app.starting")} />
      </main>
    );
  return (
    <DoorFrame title={t("app.startFailed")}>
      <FailureNote failure={failure} />
      <div>
        <Button variant="primary" onClick={() => void account.getState().load()}>
          {t("general.retry")}
        </Button>
      </div>
    </DoorFrame>
  );
}

/** Speaks the chosen language; nothing is drawn before its words are here. */
function Language({ children }: { children: ReactNode }) {
  const { calls } = useStores();
  const choice = useStore("settings", (state) => state.language);
  const [text, setText] = useState<Text | null>(null);
  useEffect(() => {
    let isWanted = true;
    const locale = choice === "system" ? pickLocale(navigator.languages) : choice;
    void calls.hint({ type: "locale", locale });
    void loadText(locale).then((loaded) => {
      if (!isWanted) return;
      document.documentElement.lang = locale;
      setText(loaded);
    });
    return () => {
      isWanted = false;
    };
  }, [calls, choice]);
  return text === null ? null : <TextProvider text={text}>{children}</TextProvider>;
}

function Theme() {
  const theme = useStore("settings", (state) => state.theme);
  useEffect(() => {
    if (theme === "system") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = theme;
  }, [theme]);
  return null;
}

/** Shows what stores say in passing. */
function Notices() {
  const t = useText();
  const { notices } = useStores();
  useEffect(
    () =>
      notices.on((notice) => {
        if (notice.kind === "failure") {
          const words = failureWords(notice.failure.kind);
          showToast({ kind: "failure", title: t(words.title), advice: t(words.advice) });
          return;
        }
        const words = {
          copied: t("note.copied"),
          "request-sent": t("note.requestSent"),
          "keys-renewed": t("note.keysRenewed"),
          "name-saved": t("settings.saved"),
          "agent-saved": t("settings.saved"),
          "recovery-made": t("recovery.saved"),
          "recovery-withdrawn": t("recovery.withdrawn"),
          "passkey-added": t("passkey.added"),
          "passkey-removed": t("passkey.removed"),
          "password-saved": t("settings.passwordSaved"),
          "code-same": t("security.scanSame"),
          "history-reset": t("note.historyReset"),
        } as const;
        showToast({ kind: "done", title: words[notice.note] });
      }),
    [notices, t],
  );
  return null;
}
