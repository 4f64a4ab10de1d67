import { useRoute } from "#ui/StoresContext.tsx";
import { Icon, type IconName } from "#ui/kit/Icon.tsx";
import { SETTINGS_SECTIONS, type SettingsSection } from "#ui/routes.ts";
import { AppLink } from "#ui/screens/shell/AppLink.tsx";
import { PaneHeader } from "#ui/screens/shell/PaneHeader.tsx";
import type { Layout } from "#ui/screens/shell/use-media.ts";
import { useText } from "#ui/text/text.tsx";
import styles from "./Settings.module.css";

const ICONS: Readonly<Record<SettingsSection, IconName>> = {
  profile: "user",
  security: "shield",
  agents: "agent",
  appearance: "sun",
  writing: "edit",
  about: "info",
};

/** The parts of the settings. */
export function SettingsNav({ layout }: { layout: Layout }) {
  const t = useText();
  const route = useRoute();
  const shown = route.screen === "settings" ? route.section : null;
  const current = layout === "narrow" ? shown : (shown ?? "profile");
  return (
    <>
      <PaneHeader
        title={t("settings.title")}
        up={layout === "wide" ? undefined : { screen: "home" }}
      />
      <nav className={styles.nav} aria-label={t("settings.title")}>
        {SETTINGS_SECTIONS.map((section) => (
          <AppLink
            key={section}
            to={{ screen: "settings", section }}
            className={styles.navLink}
            {...(section === current ? { "aria-current": "page" } : {})}
          >
            <Icon name={ICONS[section]} size={18} />
            <span>{t(`settings.${section}`)}</span>
          </AppLink>
        ))}
      </nav>
    </>
  );
}
