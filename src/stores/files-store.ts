import { createStore, type StoreApi } from "zustand/vanilla";
import type { Engine } from "./engine.ts";
import type {
  AttachedView,
  BridgeFailure,
  ConversationId,
  MessageId,
  OpenedFile,
  PictureView,
  TransferView,
} from "./views.ts";

/** A file beside a draft. */
export type TrayFile = {
  readonly fileId: string;
  readonly name: string;
  readonly sizeBytes: number;
  readonly status: "reading" | "ready" | "failed";
  readonly failure: BridgeFailure | null;
  /** Address of a small picture of it, in this page alone; null where there is none. */
  readonly url: string | null;
};
/** A picture of a message, as far as it was asked for. */
export type ShownPicture =
  | { readonly status: "loading" }
  | { readonly status: "shown"; readonly url: string; readonly picture: PictureView }
  /** It came and is none. */
  | { readonly status: "no-picture" }
  | { readonly status: "failed"; readonly failure: BridgeFailure };
export type FileRef = {
  readonly conversationId: ConversationId;
  readonly messageId: MessageId;
  readonly attachmentId: string;
};
export type FilesState = {
  readonly trayById: Readonly<Record<ConversationId, readonly TrayFile[]>>;
  readonly transferById: Readonly<Record<string, TransferView>>;
  readonly pictureById: Readonly<Record<string, ShownPicture>>;
  /** Files that are being fetched to be saved. */
  readonly savingById: Readonly<Record<string, "busy" | BridgeFailure>>;
  /** Takes up what waits beside a draft since before this page. */
  begin(conversationId: ConversationId): Promise<void>;
  attach(
    conversationId: ConversationId,
    files: readonly { readonly name: string; readonly bytes: Blob }[],
  ): Promise<void>;
  detach(conversationId: ConversationId, fileId: string): void;
  /** Takes the files that are ready out of the tray, to be sent. */
  take(conversationId: ConversationId): readonly TrayFile[];
  putBack(conversationId: ConversationId, files: readonly TrayFile[]): void;
  /** Those were sent: nobody looks at their small pictures any more. */
  settle(files: readonly TrayFile[]): void;
  show(ref: FileRef): Promise<void>;
  /** Somebody looks at a picture, until it is released as often; what nobody looks at is let go. */
  look(attachmentId: string): void;
  release(attachmentId: string): void;
  /** The file, to be saved; null when it failed or was called off. */
  fetch(ref: FileRef): Promise<OpenedFile | null>;
  /** Calls off what is being fetched. */
  cancel(attachmentId: string): void;
  /** Lets every picture and file go: the account is not open any more. */
  clear(): void;
};
export type FilesStore = StoreApi<FilesState>;

/** The tray of a conversation. */
export const selectTray =
  (conversationId: ConversationId) =>
  ({ trayById }: FilesState): readonly TrayFile[] =>
    trayById[conversationId] ?? NONE;
const NONE: readonly TrayFile[] = [];

/** Pictures kept for who scrolls back to them. */
const MAX_IDLE_PICTURES = 12;

/** Creates the store of files beside drafts, on their way and on screen. */
export function createFilesStore({ calls, onEvent }: Engine): FilesStore {
  const store = createStore<FilesState>((set, get) => {
    const tray = createTray(calls, set, get);
    const pictures = createPictures(calls, set, get);
    return {
      trayById: {},
      transferById: {},
      pictureById: {},
      savingById: {},
      ...tray,
      ...pictures.actions,
      clear() {
        for (const files of Object.values(get().trayById)) letGo(files);
        pictures.forgetAll();
        set({ trayById: {}, transferById: {}, savingById: {} });
      },
    };
  });
  onEvent((event) => {
    if (event.type !== "transfer") return;
    const { transfer } = event;
    store.setState(({ transferById }) => ({
      transferById:
        transfer.status === "ended"
          ? without(transferById, transfer.id)
          : { ...transferById, [transfer.id]: transfer },
    }));
  });
  return store;
}

type Set = FilesStore["setState"];
type Get = FilesStore["getState"];

function createTray(calls: Engine["calls"], set: Set, get: Get) {
  const put = (
    id: ConversationId,
    change: (files: readonly TrayFile[]) => readonly TrayFile[],
  ): void =>
    set(({ trayById }) => ({ trayById: { ...trayById, [id]: change(trayById[id] ?? NONE) } }));
  const replace = (id: ConversationId, fileId: string, part: Partial<TrayFile>): void =>
    put(id, (files) => files.map((file) => (file.fileId === fileId ? { ...file, ...part } : file)));
  const readIn = async (
    conversationId: ConversationId,
    fileId: string,
    { name, bytes }: { readonly name: string; readonly bytes: Blob },
  ): Promise<void> => {
    const answer = await calls.attachFile({ conversationId, fileId, name, bytes });
    const isThere = selectTray(conversationId)(get()).some((file) => file.fileId === fileId);
    if (!isThere) return;
    if (!answer.ok)
      return replace(conversationId, fileId, { status: "failed", failure: answer.failure });
    replace(conversationId, fileId, { status: "ready", url: urlOf(answer.value, bytes) });
  };
  return {
    async begin(conversationId: ConversationId) {
      const answer = await calls.listAttached({ conversationId });
      if (!answer.ok) return;
      put(conversationId, (files) => {
        const known = new Set(files.map(({ fileId }) => fileId));
        return [...answer.value.filter(({ fileId }) => !known.has(fileId)).map(trayOf), ...files];
      });
    },
    async attach(
      conversationId: ConversationId,
      files: readonly { readonly name: string; readonly bytes: Blob }[],
    ) {
      const coming = files.map((file) => ({ ...file, fileId: crypto.randomUUID() }));
      put(conversationId, (before) => [
        ...before,
        ...coming.map(({ fileId, name, bytes }) => ({
          fileId,
          name,
          sizeBytes: bytes.size,
          status: "reading" as const,
          failure: null,
          url: null,
        })),
      ]);
      // One after another: a disk that is full is full for the rest as well, and memory holds one piece.
      for (const { fileId, ...file } of coming) {
        const isWanted = selectTray(conversationId)(get()).some((one) => one.fileId === fileId);
        if (isWanted) await readIn(conversationId, fileId, file);
      }
    },
    detach(conversationId: ConversationId, fileId: string) {
      put(conversationId, (files) => {
        letGo(files.filter((file) => file.fileId === fileId));
        return files.filter((file) => file.fileId !== fileId);
      });
      void calls.detachFile({ conversationId, fileId });
    },
    take(conversationId: ConversationId) {
      const ready = selectTray(conversationId)(get()).filter(({ status }) => status === "ready");
      put(conversationId, (files) => files.filter((file) => !ready.includes(file)));
      return ready;
    },
    putBack(conversationId: ConversationId, back: readonly TrayFile[]) {
      put(conversationId, (files) => [...back, ...files]);
    },
    settle: letGo,
  };
}

function createPictures(calls: Engine["calls"], set: Set, get: Get) {
  const lookers = new Map<string, number>();
  const aborts = new Map<string, AbortController>();
  const picture = (id: string, shown: ShownPicture): void =>
    set(({ pictureById }) => ({ pictureById: { ...pictureById, [id]: shown } }));
  const forget = (ids: readonly string[]): void => {
    for (const id of ids) {
      const shown = get().pictureById[id];
      if (shown?.status === "shown") URL.revokeObjectURL(shown.url);
    }
    set(({ pictureById }) => ({ pictureById: without(pictureById, ...ids) }));
  };
  const open = async (ref: FileRef) => {
    const abort = new AbortController();
    aborts.set(ref.attachmentId, abort);
    const call = calls.openFile as (
      input: FileRef,
      options: { readonly signal: AbortSignal },
    ) => ReturnType<Engine["calls"]["openFile"]>;
    const answer = await call(ref, { signal: abort.signal });
    if (aborts.get(ref.attachmentId) === abort) aborts.delete(ref.attachmentId);
    return { answer, isCancelled: abort.signal.aborted };
  };
  const actions = {
    async show(ref: FileRef) {
      const id = ref.attachmentId;
      const now = get().pictureById[id];
      if (now !== undefined && now.status !== "failed") return;
      picture(id, { status: "loading" });
      const { answer, isCancelled } = await open(ref);
      if (get().pictureById[id] === undefined) return;
      if (isCancelled) return forget([id]);
      if (!answer.ok) return picture(id, { status: "failed", failure: answer.failure });
      const { bytes, picture: found } = answer.value;
      if (found === null) return picture(id, { status: "no-picture" });
      picture(id, { status: "shown", url: URL.createObjectURL(bytes), picture: found });
    },
    look(attachmentId: string) {
      lookers.set(attachmentId, (lookers.get(attachmentId) ?? 0) + 1);
    },
    release(attachmentId: string) {
      const left = (lookers.get(attachmentId) ?? 1) - 1;
      if (left > 0) return void lookers.set(attachmentId, left);
      lookers.delete(attachmentId);
      const idle = Object.entries(get().pictureById)
        .filter(([id, { status }]) => status === "shown" && !lookers.has(id))
        .map(([id]) => id);
      forget(idle.slice(0, Math.max(0, idle.length - MAX_IDLE_PICTURES)));
    },
    async fetch(ref: FileRef): Promise<OpenedFile | null> {
      const id = ref.attachmentId;
      if (get().savingById[id] === "busy") return null;
      set(({ savingById }) => ({ savingById: { ...savingById, [id]: "busy" } }));
      const { answer, isCancelled } = await open(ref);
      const isKept = !answer.ok && !isCancelled;
      set(({ savingById }) => ({
        savingById: isKept ? { ...savingById, [id]: answer.failure } : without(savingById, id),
      }));
      return answer.ok ? answer.value : null;
    },
    cancel(attachmentId: string) {
      aborts.get(attachmentId)?.abort();
    },
  };
  const forgetAll = (): void => {
    for (const abort of aborts.values()) abort.abort();
    lookers.clear();
    forget(Object.keys(get().pictureById));
  };
  return { actions, forgetAll };
}

const trayOf = ({ fileId, name, sizeBytes }: AttachedView): TrayFile => ({
  fileId,
  name,
  sizeBytes,
  status: "ready",
  failure: null,
  url: null,
});

/** Typed by its bytes, so that the address shows a picture or nothing. */
const urlOf = ({ picture }: AttachedView, bytes: Blob): string | null =>
  picture === null ? null : URL.createObjectURL(bytes.slice(0, bytes.size, picture.mime));

function letGo(files: readonly TrayFile[]): void {
  for (const { url } of files) if (url !== null) URL.revokeObjectURL(url);
}

const without = <Value>(
  byId: Readonly<Record<string, Value>>,
  ...ids: readonly string[]
): Record<string, Value> =>
  Object.fromEntries(Object.entries(byId).filter(([id]) => !ids.includes(id)));
