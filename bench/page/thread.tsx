/** A thread of very many rows: the app's own over a worker made of memory, and the same rows in react-virtuoso. */
import { useLayoutEffect, useRef, useState, type ReactNode } from "react";
import { flushSync } from "react-dom";
import type { Root } from "react-dom/client";
import { Virtuoso } from "react-virtuoso";
import { Virtualizer } from "virtua";
import { systemClock } from "#base/clock.ts";
import { createStores } from "#stores/create-stores.ts";
import { createFakeEngine } from "#stores/fake-engine.ts";
import { aConversation, aMessage, aStream, CONVERSATION, SELF } from "#stores/sample-views.ts";
import type { MessageView, StreamId } from "#stores/views.ts";
import { App } from "#ui/App.tsx";
import { createRouter } from "#ui/router.ts";
import { answerOf } from "./answer.ts";

/** The whole app; and two lists of the same bare rows, to compare what a list costs. */
export type ListWay = "app" | "virtua" | "virtuoso";

/** What the reader sees while `updates` pieces of a stream come, one a frame. */
export type Streamed = { readonly frames: number; readonly framesAtEnd: number };
/** How far the row in view moved in any painted frame after older rows came in front of it. */
export type Prepended = {
  readonly frames: number;
  readonly rows: number;
  readonly movedPx: number;
};

type Mounted = {
  stream(updates: number): Promise<Streamed>;
  prepend(): Promise<Prepended>;
};

const PIECE = 20;
const WATCHED_FRAMES = 60;
const frame = (): Promise<unknown> => new Promise((next) => requestAnimationFrame(next));

/** Rows of every length people write: a line, a paragraph. */
const rowsOf = (count: number): MessageView[] =>
  Array.from({ length: count }, (_, n) =>
    aMessage(n + 1, {
      body: {
        kind: "text",
        text: `${n + 1}. ${"So it went on. ".repeat((n * 7) % 23)}`,
        markdown: false,
      },
    }),
  );

let mounted: Mounted | null = null;

/** Mounts a thread; `window.bench` keeps it for the calls after. */
export async function mountThread(
  root: Root,
  way: ListWay,
  count: number,
  call: "mount" | "stream" | "prepend",
  updates = 0,
): Promise<Streamed | Prepended | null> {
  if (call === "mount") {
    mounted = way === "app" ? await mountApp(root, count) : mountBare(root, count, way);
    for (let i = 0; i < 30; i++) await frame();
    return null;
  }
  if (mounted === null) throw new Error("Nothing is mounted.");
  return call === "stream" ? mounted.stream(updates) : mounted.prepend();
}

async function mountApp(root: Root, count: number): Promise<Mounted> {
  const rows = rowsOf(count);
  const live = aStream(count + 1, "");
  let answerOlder = (): void => {};
  const isAsked = new Promise<void>((resolve) => (answerOlder = resolve));
  const fake = createFakeEngine({
    account: {
      status: "open",
      userId: SELF,
      deviceId: "00000000-0000-7000-8000-0000000000d1",
      handle: "ada",
      displayName: "Ada",
      hasPassword: true,
      mayReplacePassword: false,
      inviteUrl: null,
      lockAfterMinutes: null,
      storagePersisted: true,
    } as never,
    conversations: [aConversation()],
    messages: [...rows, live],
    // All but a hundred are there when the thread opens.
    windowRows: count - 99,
  });
  // Older rows come when the reader has come to rest, as they do over a worker.
  const engine: typeof fake = {
    ...fake,
    calls: {
      ...fake.calls,
      loadBefore: async (input) => {
        await isAsked;
        return fake.calls.loadBefore(input);
      },
    },
  };
  const stores = createStores(engine, systemClock, { load: () => null, save: () => {} });
  const router = createRouter(
    { location: { pathname: `/c/${CONVERSATION}`, search: "", hash: "" }, history, onMove() {} },
    () => {},
  );
  await stores.account.getState().load();
  flushSync(() => root.render(<App stores={stores} router={router} renderJobs={null} />));
  while (document.querySelector("[data-scroller]") === null) await frame();
  const scroller = () => document.querySelector<HTMLElement>("[data-scroller]") as HTMLElement;
  let text = "";
  const streamId = (live.body as { stream: { streamId: StreamId } }).stream.streamId;
  return {
    stream: (updates) =>
      watchEnd(scroller, updates, (n) => {
        const piece = answerOf(updates * PIECE).slice(n * PIECE, (n + 1) * PIECE);
        engine.emit({
          type: "stream-text",
          conversationId: CONVERSATION,
          messageId: live.id,
          streamId,
          offset: text.length,
          text: piece,
        });
        text += piece;
      }),
    prepend: async () => {
      engine.world.windowRows = 100;
      const before = stores.thread.getState().order.length;
      return watchAnchor(
        scroller,
        answerOlder,
        () => stores.thread.getState().order.length - before,
      );
    },
  };
}

function mountBare(root: Root, count: number, way: "virtua" | "virtuoso"): Mounted {
  const rows = [...rowsOf(count), null];
  let setLive: (text: string) => void = () => {};
  function Thread() {
    // A row without any height would not be drawn by react-virtuoso.
    const [text, setText] = useState("…");
    useLayoutEffect(() => {
      setLive = setText;
    }, []);
    const draw = (row: MessageView | null): ReactNode =>
      row === null ? (
        <p style={{ whiteSpace: "pre-wrap" }}>{text}</p>
      ) : (
        <p>{row.body.kind === "text" ? row.body.text : ""}</p>
      );
    return way === "virtua" ? (
      <ByVirtua rows={rows} draw={draw} text={text} />
    ) : (
      <Virtuoso
        style={{ height: "100vh" }}
        data={rows}
        initialTopMostItemIndex={count}
        followOutput
        alignToBottom
        itemContent={(_, row) => draw(row)}
      />
    );
  }
  flushSync(() => root.render(<Thread />));
  const scroller = () =>
    document.querySelector<HTMLElement>("[data-bare], [data-virtuoso-scroller]") as HTMLElement;
  return {
    stream: (updates) => watchEnd(scroller, updates, (n) => setLive(answerOf((n + 1) * PIECE))),
    prepend: () => Promise.reject(new Error("Only the app is asked.")),
  };
}

type ByVirtuaProps = {
  rows: readonly (MessageView | null)[];
  draw: (row: MessageView | null) => ReactNode;
  text: string;
};

function ByVirtua({ rows, draw, text }: ByVirtuaProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const toEnd = (): void => {
    const element = scroller.current;
    if (element !== null) element.scrollTop = element.scrollHeight;
  };
  useLayoutEffect(toEnd, [text]);
  return (
    <div ref={scroller} data-bare="" style={{ height: "100vh", overflowY: "auto" }}>
      <Virtualizer scrollRef={scroller} data={rows} onResize={toEnd}>
        {(row, at) => <div key={at}>{draw(row)}</div>}
      </Virtualizer>
    </div>
  );
}

/** One piece a frame. At the start of each frame the page stands as the one before was painted. */
async function watchEnd(
  scroller: () => HTMLElement,
  updates: number,
  update: (n: number) => void,
): Promise<Streamed> {
  let framesAtEnd = 0;
  for (let n = 0; n < updates; n++) {
    update(n);
    await frame();
    await frame();
    const { scrollHeight, scrollTop, clientHeight } = scroller();
    if (scrollHeight - scrollTop - clientHeight <= 1) framesAtEnd += 1;
  }
  if (!document.body.textContent.includes("What the log shows"))
    throw new Error("The list drew nothing.");
  return { frames: updates, framesAtEnd };
}

async function watchAnchor(
  scroller: () => HTMLElement,
  answerOlder: () => void,
  came: () => number,
): Promise<Prepended> {
  const element = scroller();
  // The reader's way to the top is over, and drawn, before anything is measured.
  while (element.scrollTop > 0) await frame();
  for (let n = 0; n < 20; n++) await frame();
  const edge = element.getBoundingClientRect().top;
  // Not the first one: the day and the name over it go when a row comes in front of it.
  const [, anchor] = [...element.querySelectorAll<HTMLElement>("[data-message-id]")].filter(
    (row) => row.getBoundingClientRect().top >= edge,
  );
  const id = anchor?.dataset["messageId"];
  const topOf = (): number | null =>
    element.querySelector(`[data-message-id="${id}"]`)?.getBoundingClientRect().top ?? null;
  const from = topOf() ?? 0;
  let movedPx = 0;
  answerOlder();
  for (let n = 0; n < WATCHED_FRAMES; n++) {
    await frame();
    const top = topOf();
    movedPx = Math.max(movedPx, top === null ? Infinity : Math.abs(top - from));
  }
  return { frames: WATCHED_FRAMES, rows: came(), movedPx };
}
