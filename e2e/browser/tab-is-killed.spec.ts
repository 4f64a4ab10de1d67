import { expect, test, type Worker } from "playwright/test";
import { rounds } from "../world/profile.ts";
import { answerRead, KEPT, startFaultyWorld } from "./faulty-world.ts";
import { Person } from "./person.ts";

/**
 * Where a message stands when its tab dies: in one of the transactions on its way to the disk; sealed, and no byte of it on
 * the line; with the relay, its acknowledgement not heard; heard, and not yet on disk.
 */
type Moment =
  | { readonly at: "write"; readonly nth: number }
  | { readonly at: "sealed" | "sent" | "acked" };

const MOMENTS: readonly Moment[] = [
  { at: "sealed" },
  { at: "sent" },
  { at: "acked" },
  { at: "write", nth: 1 },
  { at: "write", nth: 2 },
  { at: "write", nth: 4 },
  { at: "write", nth: 3 },
  { at: "write", nth: 6 },
];

const ROUNDS = rounds(5, 100);

/** Runs in the worker: from now on the next message gets as far as the moment and no further. */
function holdAt(moment: Moment): void {
  const scope = globalThis as typeof globalThis & { reached?: Promise<void> };
  scope.reached = new Promise((resolve) => {
    if (moment.at === "write") {
      /** What this transaction writes is not on disk as long as it is asked more. */
      const keepOpen = (store: IDBObjectStore): void => {
        store.count().addEventListener("success", () => keepOpen(store));
      };
      const { put } = IDBObjectStore.prototype;
      let writes = 0;
      IDBObjectStore.prototype.put = function (...given) {
        writes += 1;
        if (writes === moment.nth) {
          resolve();
          keepOpen(this);
        }
        return put.apply(this, given);
      };
      return;
    }
    const { send } = WebSocket.prototype;
    WebSocket.prototype.send = function (said) {
      if (!String(said).includes('"message.send"')) return send.call(this, said);
      if (moment.at === "sealed") return resolve();
      const { onmessage } = this;
      this.onmessage = (event) => {
        const isAck = String(event.data).includes('"message.ack"');
        if (moment.at === "acked") onmessage?.call(this, event);
        if (isAck) resolve();
      };
      send.call(this, said);
    };
  });
}
const reached = (worker: Worker): Promise<void> =>
  worker.evaluate(() => (globalThis as { reached?: Promise<void> }).reached);

test("[E62] a tab that is killed at any moment of a message loses nothing, repeats nothing and uses no place twice", async ({
  browser,
}) => {
  test.setTimeout(600_000 + ROUNDS * 20_000);
  const place = await startFaultyWorld();
  const ada = await Person.join(browser, place.url, { name: "Ada" });
  await place.meet(ada);
  const url = ada.page.url();
  const answers: string[] = [];
  let writtenAgain = 0;
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const moment = MOMENTS[round % MOMENTS.length] as Moment;
      const text = place.words(`round ${round}`);
      const worker = await ada.engineWorker();
      await ada.composer.fill(text);
      await ada.draftKept(text);
      await worker.evaluate(holdAt, moment);
      const isThere = reached(worker);
      await ada.composer.press("Enter");
      await isThere;
      await ada.killTab();
      await ada.comeBack(url);

      // Either it was still being written, or it is a message; never both and never neither.
      await expect(async () => {
        const isDraft = (await ada.composer.inputValue()) === text;
        expect(isDraft || (await ada.row(text).count()) > 0).toBe(true);
      }).toPass();
      if ((await ada.composer.inputValue()) === text) {
        writtenAgain += 1;
        await expect(ada.row(text)).toHaveCount(0);
        await ada.composer.press("Enter");
      }
      answers.push(await answerRead(ada, text));
      await expect(ada.composer).toHaveValue("");
    }
    console.log(`${ROUNDS} tabs killed, ${writtenAgain} texts were drafts again`);

    expect(await place.curtain("tab killed", answers)).toEqual(KEPT);
    // A tab that died and a relay that ended are what the browser may complain about.
    ada.complaints.splice(0);
    await ada.leave();
  } finally {
    await place.end();
  }
});
