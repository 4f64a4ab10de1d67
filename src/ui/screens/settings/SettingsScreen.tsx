import { useState } from "react";
import { selectOpenAccount } from "#stores/account-store.ts";
import { MAX_DISPLAY_NAME_CHARACTERS } from "#stores/limits.ts";
import type { BridgeFailure } from "#stores/views.ts";
import { useStore, useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { RadioField, Switch } from "#ui/kit/Choices.tsx";
import { TextField } from "#ui/kit/Field.tsx";
import type { SettingsSection } from "#ui/routes.ts";
import { AgentsSection } from "#ui/screens/agents/AgentsSection.tsx";
import { InviteLink } from "#ui/screens/conversations/InviteLink.tsx";
import { FailureNote } from "#ui/screens/shell/FailureNote.tsx";
import { PaneHeader } from "#ui/screens/shell/PaneHeader.tsx";
import { ShortcutList } from "#ui/screens/shell/ShortcutsSheet.tsx";
import type { Layout } from "#ui/screens/shell/use-media.ts";
import { useText } from "#ui/text/text.tsx";
import { SecuritySection } from "./SecuritySection.tsx";
import styles from "./Settings.module.css";

type SettingsScreenProps = { section: SettingsSection; layout: Layout };

/** One part of the settings. */
export function SettingsScreen({ section, layout }: SettingsScreenProps) {
  const t = useText();
  return (
    <>
      <PaneHeader
        title={t(`settings.${section}`)}
        up={layout === "narrow" ? { screen: "settings", section: null } : undefined}
      />
      <div className={styles.scroll}>
        <div className={styles.column}>
          <Section section={section} />
        </div>
      </div>
    </>
  );
}

function Section({ section }: { section: SettingsSection }) {
  switch (section) {
    case "profile":
      return <ProfileSection />;
    case "security":
      return <SecuritySection />;
    case "agents":
      return <AgentsSection />;
    case "appearance":
      return <AppearanceSection />;
    case "writing":
      return <WritingSection />;
    case "about":
      return <AboutSection />;
    default:
      return section satisfies never;
  }
}

function ProfileSection() {
  const t = useText();
  const { account, notices } = useStores();
  const open = useStore("account", selectOpenAccount);
  const [typed, setTyped] = useState<string | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  const [failure, setFailure] = useState<BridgeFailure | null>(null);
  if (open === null) return null;
  const name = typed ?? open.displayName;
  const isChanged = name.trim() !== "" && name.trim() !== open.displayName;
  const save = async (): Promise<void> => {
    setIsBusy(true);
    const outcome = await account.getState().setDisplayName(name.trim());
    setIsBusy(false);
    setFailure(outcome.ok ? null : outcome.failure);
    if (!outcome.ok) return;
    setTyped(null);
    notices.showNote("name-saved");
  };
  return (
    <>
      <form
        className={styles.group}
        onSubmit={(event) => {
          event.preventDefault();
          if (isChanged) void save();
        }}
      >
        <TextField
          label={t("settings.name")}
          help={t("settings.nameHelp")}
          value={name}
          onChange={setTyped}
          maxLength={MAX_DISPLAY_NAME_CHARACTERS}
          autoComplete="nickname"
          dir="auto"
        />
        <FailureNote failure={failure} />
        <div>
          <Button type="submit" variant="primary" busy={isBusy} disabled={!isChanged}>
            {t("settings.save")}
          </Button>
        </div>
      </form>
      <section className={styles.group}>
        <h2 className={styles.title}>{t("settings.handle")}</h2>
        <p className={styles.value} translate="no">
          @{open.handle}
        </p>
      </section>
      <section className={styles.group}>
        <h2 className={styles.title}>{t("settings.inviteLink")}</h2>
        <InviteLink url={open.inviteUrl} />
      </section>
    </>
  );
}

function AppearanceSection() {
  const t = useText();
  const { settings } = useStores();
  const { theme, language } = useStore("settings", (state) => state);
  const { change } = settings.getState();
  return (
    <>
      <div className={styles.group}>
        <RadioField
          label={t("settings.theme")}
          value={theme}
          options={(["system", "light", "dark"] as const).map((value) => ({
            value,
            label: t(`settings.theme.${value}`),
          }))}
          onChange={(next) => change({ theme: next })}
        />
      </div>
      <div className={styles.group}>
        <RadioField
          label={t("settings.language")}
          value={language}
          options={[
            { value: "system", label: t("settings.language.system") },
            { value: "en", label: "English" },
            { value: "zh-Hans", label: "简体中文" },
          ]}
          onChange={(next) => change({ language: next })}
        />
      </div>
    </>
  );
}

function WritingSection() {
  const t = useText();
  const { settings } = useStores();
  const enterSends = useStore("settings", (state) => state.enterSends);
  return (
    <>
      <div className={styles.group}>
        <Switch
          label={t("settings.enterSends")}
          help={t("settings.enterSendsHelp")}
          checked={enterSends}
          onChange={(checked) => settings.getState().change({ enterSends: checked })}
        />
      </div>
      <section className={styles.group}>
        <h2 className={styles.title}>{t("settings.shortcuts")}</h2>
        <ShortcutList />
      </section>
    </>
  );
}

function AboutSection() {
  const t = useText();
  const account = useStore("account", selectOpenAccount);
  return (
    <>
      <p className={styles.text}>{t("settings.aboutText")}</p>
      {account !== null && (
        <section className={styles.group}>
          <h2 className={styles.title}>{t("settings.storage")}</h2>
          <p className={styles.text}>
            {account.storagePersisted ? t("settings.storageKept") : t("settings.storageNotKept")}
          </p>
        </section>
      )}
    </>
  );
}
