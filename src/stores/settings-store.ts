import { createStore, type StoreApi } from "zustand/vanilla";

/** What a person chose for this browser. Nothing here is a secret, so the page may keep it. */
export type Settings = {
  readonly theme: "system" | "light" | "dark";
  readonly language: "system" | "en" | "zh-Hans";
  readonly enterSends: boolean;
  readonly listWidthPx: number;
  /** When the reminder to set a password was last put off; epoch ms, 0 for never. */
  readonly reminderPutOffAt: number;
};
export type SettingsState = Settings & { change(part: Partial<Settings>): void };
export type SettingsStore = StoreApi<SettingsState>;

/** Where the settings rest between visits. */
export interface SettingsStorage {
  load(): string | null;
  save(text: string): void;
}

export const MIN_LIST_WIDTH_PX = 260;
export const MAX_LIST_WIDTH_PX = 440;

const DEFAULTS: Settings = {
  theme: "system",
  language: "system",
  enterSends: true,
  listWidthPx: 320,
  reminderPutOffAt: 0,
};

/** Creates the store of page settings; each change is saved at once. */
export function createSettingsStore(storage: SettingsStorage): SettingsStore {
  return createStore<SettingsState>((set, get) => ({
    ...parseSettings(storage.load()),
    change(part) {
      set(part);
      const { change: _change, ...settings } = get();
      storage.save(JSON.stringify(settings));
    },
  }));
}

/** Settings of saved text; whatever is missing or not understood is the default. */
export function parseSettings(text: string | null): Settings {
  const saved = parseRecord(text);
  return {
    theme: oneOf(saved.theme, ["system", "light", "dark"], DEFAULTS.theme),
    language: oneOf(saved.language, ["system", "en", "zh-Hans"], DEFAULTS.language),
    enterSends: typeof saved.enterSends === "boolean" ? saved.enterSends : DEFAULTS.enterSends,
    listWidthPx: clampListWidth(numberOr(saved.listWidthPx, DEFAULTS.listWidthPx)),
    reminderPutOffAt: numberOr(saved.reminderPutOffAt, DEFAULTS.reminderPutOffAt),
  };
}

/** The nearest width the list may have. */
export const clampListWidth = (widthPx: number): number =>
  Math.min(MAX_LIST_WIDTH_PX, Math.max(MIN_LIST_WIDTH_PX, Math.round(widthPx)));

function parseRecord(text: string | null): Readonly<Record<string, unknown>> {
  try {
    const saved: unknown = JSON.parse(text ?? "{}");
    return typeof saved === "object" && saved !== null ? { ...saved } : {};
  } catch {
    return {};
  }
}

const oneOf = <Choice extends string>(
  value: unknown,
  choices: readonly Choice[],
  fallback: Choice,
): Choice => choices.find((choice) => choice === value) ?? fallback;

const numberOr = (value: unknown, fallback: number): number =>
  typeof value === "number" && Number.isFinite(value) ? value : fallback;
