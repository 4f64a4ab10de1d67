/** The screens that are no part of the first load, and when each is fetched ahead. */
import { fetched, fetchWhenIdle } from "#ui/fetching/fetched.ts";
import { ToastRegion } from "#ui/kit/KitProvider.tsx";
import { LinkPrompt } from "#ui/markdown/MarkdownContext.tsx";
import type { Route } from "#ui/routes.ts";

// The doors.
export const PasswordStep = fetched(
  async () => (await import("./onboarding/PasswordStep.tsx")).PasswordStep,
);
export const FirstConversationStep = fetched(
  async () => (await import("./onboarding/FirstConversationStep.tsx")).FirstConversationStep,
);
export const LinkScreen = fetched(
  async () => (await import("./onboarding/LinkScreen.tsx")).LinkScreen,
);
export const LockedScreen = fetched(
  async () => (await import("./onboarding/LockedScreen.tsx")).LockedScreen,
);
export const LostScreen = fetched(
  async () => (await import("./onboarding/LostScreen.tsx")).LostScreen,
);
export const RestoreScreen = fetched(
  async () => (await import("./onboarding/RestoreScreen.tsx")).RestoreScreen,
);
export const SignInScreen = fetched(
  async () => (await import("./onboarding/SignInScreen.tsx")).SignInScreen,
);
export const OpenedLinkDialog = fetched(
  async () => (await import("./onboarding/OpenedLinkDialog.tsx")).OpenedLinkDialog,
);

// The open app.
export const MainScreen = fetched(async () => (await import("./shell/MainScreen.tsx")).MainScreen);
export const ThreadScreen = fetched(
  async () => (await import("./thread/ThreadScreen.tsx")).ThreadScreen,
);
export const SettingsNav = fetched(
  async () => (await import("./settings/SettingsNav.tsx")).SettingsNav,
);
export const SettingsScreen = fetched(
  async () => (await import("./settings/SettingsScreen.tsx")).SettingsScreen,
);
export const ContactsPane = fetched(
  async () => (await import("./contacts/ContactsPane.tsx")).ContactsPane,
);
export const ConnectPanel = fetched(
  async () => (await import("./contacts/ContactsPane.tsx")).ConnectPanel,
);
export const DetailsPanel = fetched(
  async () => (await import("./contact/DetailsPanel.tsx")).DetailsPanel,
);
export const SecuritySheet = fetched(
  async () => (await import("./contact/SecuritySheet.tsx")).SecuritySheet,
);
export const InviteSheet = fetched(
  async () => (await import("./conversations/InviteSheet.tsx")).InviteSheet,
);
export const NewConversationDialog = fetched(
  async () => (await import("./conversations/NewConversationDialog.tsx")).NewConversationDialog,
);
export const Palette = fetched(async () => (await import("./shell/Palette.tsx")).Palette);
export const ShortcutsSheet = fetched(
  async () => (await import("./shell/ShortcutsSheet.tsx")).ShortcutsSheet,
);

/** For who has been here before: what will be drawn is fetched while the worker still looks at the disk. */
export function fetchForRoute(route: Route): void {
  const screens = route.screen === "thread" ? [MainScreen, ThreadScreen] : [MainScreen];
  // What does not come is met again, and spoken about, when it is drawn.
  for (const screen of screens) screen.fetch().catch(() => undefined);
}

/** At the door: what the next steps draw, nearest first. */
export const fetchBehindDoor = (): void =>
  fetchWhenIdle([PasswordStep, FirstConversationStep, MainScreen, ThreadScreen, ToastRegion]);

/** In the open app: everything, what is wanted most first. */
export const fetchTheRest = (): void =>
  fetchWhenIdle([
    ThreadScreen,
    ToastRegion,
    NewConversationDialog,
    Palette,
    DetailsPanel,
    SecuritySheet,
    LinkPrompt,
    InviteSheet,
    ContactsPane,
    SettingsNav,
    SettingsScreen,
    ShortcutsSheet,
  ]);
