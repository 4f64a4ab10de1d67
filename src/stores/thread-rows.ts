/** The rows of one open thread and how facts change them; pure. */
import type { MessageId, MessageView, ThreadView } from "./views.ts";

/**
 * Rows by id, their order, and the text that live streams gained since their row was last told whole.
 * Live text is kept apart so that a delta touches one small record and not the rows.
 */
export type ThreadRows = {
  readonly messageById: ReadonlyMap<MessageId, MessageView>;
  readonly order: readonly MessageId[];
  readonly liveTextById: Readonly<Record<MessageId, string>>;
  readonly hasBefore: boolean;
  /** What is older was never for this device. */
  readonly isCut: boolean;
  readonly hasAfter: boolean;
};

export const NO_ROWS: ThreadRows = {
  messageById: new Map(),
  order: [],
  liveTextById: {},
  hasBefore: false,
  isCut: false,
  hasAfter: false,
};

/** The rows of a window told whole. */
export const makeRows = (view: ThreadView): ThreadRows => ({
  ...withMessages(NO_ROWS, view.messages),
  hasBefore: view.hasBefore,
  isCut: view.isCut,
  hasAfter: view.hasAfter,
});

/** The rows with an older window in front of them. */
export const prependRows = (rows: ThreadRows, view: ThreadView): ThreadRows => ({
  ...withMessages(rows, view.messages),
  hasBefore: view.hasBefore,
  isCut: view.isCut,
});

/** The rows with a newer window behind them. */
export const appendRows = (rows: ThreadRows, view: ThreadView): ThreadRows => ({
  ...withMessages(rows, view.messages),
  hasAfter: view.hasAfter,
});

/** The rows with a window told anew that overlaps them: nothing that is here leaves. */
export function mendRows(rows: ThreadRows, view: ThreadView): ThreadRows {
  const mended = withMessages(rows, view.messages);
  const isFirst = mended.order[0] === view.messages[0]?.id;
  const isLast = mended.order.at(-1) === view.messages.at(-1)?.id;
  return {
    ...mended,
    hasBefore: isFirst ? view.hasBefore : rows.hasBefore,
    hasAfter: isLast ? view.hasAfter : rows.hasAfter,
  };
}

/**
 * The rows after messages came or changed. While newer rows are not loaded, rows that are not
 * here yet stay away: they would stand beside a hole.
 */
export function reduceMessages(rows: ThreadRows, messages: readonly MessageView[]): ThreadRows {
  const welcome = rows.hasAfter
    ? messages.filter((message) => rows.messageById.has(message.id))
    : messages;
  return withMessages(rows, welcome);
}

export function reduceRemoval(rows: ThreadRows, messageIds: readonly MessageId[]): ThreadRows {
  const gone = new Set(messageIds);
  const messageById = new Map([...rows.messageById].filter(([id]) => !gone.has(id)));
  return { ...rows, messageById, order: rows.order.filter((id) => !gone.has(id)) };
}

/** The rows with a piece of live text; null when a piece before it is missing. */
export function reduceStreamText(
  rows: ThreadRows,
  piece: { readonly messageId: MessageId; readonly offset: number; readonly text: string },
): ThreadRows | null {
  const message = rows.messageById.get(piece.messageId);
  if (message === undefined || message.body.kind !== "stream") return rows;
  const before = rows.liveTextById[piece.messageId] ?? message.body.stream.text;
  if (piece.offset > before.length) return null;
  const text = before.slice(0, piece.offset) + piece.text;
  return { ...rows, liveTextById: { ...rows.liveTextById, [piece.messageId]: text } };
}

/** A row as it is drawn: with the live text it gained. */
export function withLiveText(message: MessageView, liveText: string | undefined): MessageView {
  if (liveText === undefined || message.body.kind !== "stream") return message;
  const stream = { ...message.body.stream, text: liveText };
  return { ...message, body: { kind: "stream", stream } };
}

function withMessages(rows: ThreadRows, messages: readonly MessageView[]): ThreadRows {
  if (messages.length === 0) return rows;
  const messageById = new Map(rows.messageById);
  const liveTextById = { ...rows.liveTextById };
  let isOrderKept = true;
  for (const message of messages) {
    const before = messageById.get(message.id);
    isOrderKept &&= before !== undefined && before.seq === message.seq && before.at === message.at;
    messageById.set(message.id, message);
    delete liveTextById[message.id];
  }
  return {
    ...rows,
    messageById,
    liveTextById,
    order: isOrderKept ? rows.order : sortedIds(messageById),
  };
}

/** Ascending by the relay's number; what has none yet stands last, by time. */
function sortedIds(messageById: ReadonlyMap<MessageId, MessageView>): readonly MessageId[] {
  return [...messageById.values()]
    .toSorted((a, b) => {
      if (a.seq !== null && b.seq !== null) return a.seq - b.seq;
      if (a.seq !== null) return -1;
      if (b.seq !== null) return 1;
      return a.at - b.at || a.id.localeCompare(b.id);
    })
    .map((message) => message.id);
}
