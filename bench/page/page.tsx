/** What the benches of the page mount: growing answers, and a thread of many rows. Driven by `window.bench`. */
import { createRoot, type Root } from "react-dom/client";
import { growAnswer } from "./growing.tsx";
import { mountThread } from "./thread.tsx";

const root: Root = createRoot(document.getElementById("root") ?? document.body);

const bench = {
  growAnswer: (...of: Tail<Parameters<typeof growAnswer>>) => growAnswer(root, ...of),
  mountThread: (...of: Tail<Parameters<typeof mountThread>>) => mountThread(root, ...of),
};

type Tail<List extends readonly unknown[]> = List extends readonly [unknown, ...infer Rest]
  ? Rest
  : never;
export type Bench = typeof bench;

(window as unknown as { bench: Bench }).bench = bench;
