import type { Clock } from "#base/clock.ts";
import { createPassingMark, type AccountMark } from "./account-mark.ts";
import { createAccountStore, type AccountStore } from "./account-store.ts";
import { createActivityStore, type ActivityStore } from "./activity-store.ts";
import { createAnnouncementsStore, type AnnouncementsStore } from "./announcements-store.ts";
import { createCardsStore, type CardsStore } from "./cards-store.ts";
import { createComposerStore, type ComposerStore } from "./composer-store.ts";
import { createConnectionStore, type ConnectionStore } from "./connection-store.ts";
import { createContactsStore, type ContactsStore } from "./contacts-store.ts";
import { createConversationsStore, type ConversationsStore } from "./conversations-store.ts";
import { createDevicesStore, type DevicesStore } from "./devices-store.ts";
import type { Engine } from "./engine.ts";
import { createFilesStore, type FilesStore } from "./files-store.ts";
import { createNotices, type Notices } from "./notices.ts";
import { createOnboardingStore, type OnboardingStore } from "./onboarding-store.ts";
import { createOwnAgentsStore, type OwnAgentsStore } from "./own-agents-store.ts";
import { createSearchStore, type SearchStore } from "./search-store.ts";
import { createSettingsStore, type SettingsStorage, type SettingsStore } from "./settings-store.ts";
import { createThreadStore, type ThreadStore } from "./thread-store.ts";
import { absentPasskeys, type PasskeyDevice } from "./passkey-device.ts";
import { createWaysStore, type WaysStore } from "./ways-store.ts";
import { createUpdateStore, type UpdateStore } from "./update-store.ts";

/** Everything the screens read and do. */
export type Stores = {
  /** Questions without state of their own: a reaction, a retry, the security sheet. */
  readonly calls: Engine["calls"];
  readonly clock: Clock;
  readonly account: AccountStore;
  readonly activity: ActivityStore;
  readonly announcements: AnnouncementsStore;
  readonly cards: CardsStore;
  readonly composer: ComposerStore;
  readonly connection: ConnectionStore;
  readonly contacts: ContactsStore;
  readonly conversations: ConversationsStore;
  readonly devices: DevicesStore;
  readonly files: FilesStore;
  readonly notices: Notices;
  readonly onboarding: OnboardingStore;
  readonly ownAgents: OwnAgentsStore;
  readonly search: SearchStore;
  readonly settings: SettingsStore;
  readonly thread: ThreadStore;
  readonly update: UpdateStore;
  readonly ways: WaysStore;
  /** Saves everything typed; for `pagehide` and for updates. Says whether all of it is kept. */
  saveDrafts(): Promise<boolean>;
};

/** Creates all stores over one worker. They load what they need when the account opens. */
export function createStores(
  engine: Engine,
  clock: Clock,
  storage: SettingsStorage,
  mark: AccountMark = createPassingMark(),
  passkeys: PasskeyDevice = absentPasskeys,
): Stores {
  const notices = createNotices();
  const { showFailure, showNote } = notices;
  const account = createAccountStore(engine, mark);
  const conversations = createConversationsStore(engine, showFailure);
  const files = createFilesStore(engine);
  const composer = createComposerStore(engine, clock, conversations, files, showFailure);
  const cards = createCardsStore(engine, clock);
  const thread = createThreadStore(engine);
  const contacts = createContactsStore(engine);
  const saveDrafts = async (): Promise<boolean> => {
    const kept = await Promise.all([composer.getState().flush(), cards.getState().flush()]);
    return kept.every(Boolean);
  };

  const loadAll = async (): Promise<void> => {
    await Promise.all([conversations.getState().load(), contacts.getState().load()]);
  };
  account.subscribe((state, before) => {
    const isOpen = state.account.status === "open";
    if (isOpen && before.account.status !== "open") void loadAll().then(saveDrafts);
    if (!isOpen && before.account.status === "open") {
      thread.getState().close();
      files.getState().clear();
    }
  });
  engine.onEvent((event) => {
    if (event.type === "engine-restarted") void restart();
    else if (event.type === "history-reset") showNote("history-reset");
    else if (event.type === "failed") showFailure({ kind: event.failure });
  });
  const restart = async (): Promise<void> => {
    await account.getState().load();
    if (account.getState().account.status !== "open") return;
    await loadAll();
    await thread.getState().reload();
  };

  return {
    calls: engine.calls,
    clock,
    account,
    activity: createActivityStore(engine),
    announcements: createAnnouncementsStore(engine, clock),
    cards,
    composer,
    connection: createConnectionStore(engine),
    contacts,
    conversations,
    devices: createDevicesStore(engine),
    files,
    notices,
    onboarding: createOnboardingStore(engine, account),
    ownAgents: createOwnAgentsStore(engine, clock),
    search: createSearchStore(engine, clock),
    settings: createSettingsStore(storage),
    thread,
    update: createUpdateStore(saveDrafts),
    ways: createWaysStore(engine, passkeys),
    saveDrafts,
  };
}
