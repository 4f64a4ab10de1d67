/** What an open account does for its further devices: links, history out, history in. Ties the parts, decides nothing. */
import type { BackupContent } from "#crypto/backup-content.ts";
import { createStoreKeyVault } from "#peer/key-vault.ts";
import type { PeerEndpoint } from "#peer/create-endpoint.ts";
import type { Store } from "#peer/store.ts";
import { keysOf } from "./account-keys.ts";
import type { OpenAccount } from "./account-vault.ts";
import { trustContent } from "./account-trust.ts";
import type { Book } from "./conversations/book.ts";
import type { EngineDeps } from "./deps.ts";
import { createHistorySender, type HistorySender } from "./history-send.ts";
import { createHistoryTaker } from "./history-take.ts";
import { createLinkDesk, type LinkDesk } from "./link-desk.ts";
import type { People } from "./people.ts";
import type { SessionSinks } from "./session.ts";

type Around = {
  readonly account: () => OpenAccount;
  readonly people: People;
  readonly book: Book;
  readonly sinks: Pick<SessionSinks, "emit">;
  readonly sync: () => Promise<void>;
};

export type Handover = {
  /** The old device's end of a device link. */
  readonly links: LinkDesk;
  readonly history: HistorySender;
  /** Takes history that waits for this device. */
  take(): Promise<void>;
  close(): void;
};

export function openHandover(
  deps: EngineDeps,
  store: Store,
  endpoint: PeerEndpoint,
  { account, people, book, sinks, sync }: Around,
): Handover {
  const { emit } = sinks;
  const content = (): Promise<Omit<BackupContent, "identitySeed">> =>
    trustContent({ people, endpoint });
  const links = createLinkDesk({
    deps,
    rest: endpoint.rest,
    record: () => account().record,
    content,
    tell: (link) => emit({ type: "device-link", link }),
  });
  const history = createHistorySender({
    deps,
    store,
    endpoint,
    signer: keysOf(deps.primitives, account().record).device,
    conversations: () =>
      book
        .list()
        .filter((one) => book.view(one).channel === null)
        .map(({ id }) => id),
    tell: (view) => emit({ type: "history", history: view }),
  });
  const taker = createHistoryTaker({
    deps,
    endpoint,
    vault: createStoreKeyVault(store),
    tell: (view) => emit({ type: "history", history: view }),
    async onTaken(conversationIds) {
      // A conversation this device has not listed yet is listed before its words are counted.
      if (conversationIds.some((id) => book.get(id) === null)) await sync();
      for (const id of conversationIds) {
        await book.refold(id);
        emit({ type: "history-taken", conversationId: id });
      }
    },
  });
  return {
    links,
    history,
    take: () => taker.take(),
    close() {
      links.close();
      history.stop();
      taker.close();
    },
  };
}
