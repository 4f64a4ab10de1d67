/** What the benches of the page mount: growing answers, a thread of many rows, and a log on disk. Driven by `window.bench`. */
import { createRoot, type Root } from "react-dom/client";
import { growAnswer } from "./growing.tsx";
import { readNewest, searchForNothing, storePlain, storeSealed } from "./storing.ts";
import { mountThread } from "./thread.tsx";

const root: Root = createRoot(document.getElementById("root") ?? document.body);

const bench = {
  growAnswer: (...of: Tail<Parameters<typeof growAnswer>>) => growAnswer(root, ...of),
  mountThread: (...of: Tail<Parameters<typeof mountThread>>) => mountThread(root, ...of),
  readNewest,
  searchForNothing,
  storePlain,
  storeSealed,
};

type Tail<List extends readonly unknown[]> = List extends readonly [unknown, ...infer Rest]
  ? Rest
  : never;
export type Bench = typeof bench;

(window as unknown as { bench: Bench }).bench = bench;
