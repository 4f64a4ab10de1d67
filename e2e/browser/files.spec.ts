import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Locator } from "playwright/test";
import { createSeededRandom } from "../../src/base/seeded-random.ts";
import { aPng } from "../../src/engine/files/pictures.contract.ts";
import { expect, test } from "./journey.ts";
import type { Person } from "./person.ts";

const PICTURE = { name: "lake.png", mimeType: "image/png", buffer: Buffer.from(aPng(640, 400)) };
const aFile = (name: string, sizeBytes: number) => ({
  name,
  mimeType: "application/octet-stream",
  buffer: Buffer.alloc(sizeBytes, createSeededRandom(7)(997)),
});
const choose = (person: Person, files: Parameters<Locator["setInputFiles"]>[0]) =>
  person.page.locator('input[type="file"]').setInputFiles(files);
const tray = ({ page }: Person) =>
  page.getByRole("list", { name: "Files that go with the message" });

/** Where it is in its row, and how high that is: a scroll moves neither. Whole px. */
const placeInRow = (piece: Locator) =>
  piece.evaluate((element) => {
    const row = element.closest("article")?.getBoundingClientRect();
    const { left, top, width, height } = element.getBoundingClientRect();
    const within = { left: left - (row?.left ?? 0), top: top - (row?.top ?? 0) };
    const sizes = { ...within, width, height, rowHeight: row?.height ?? 0 };
    return Object.entries(sizes).map(([name, px]) => `${name} ${Math.round(px)}`);
  });

async function saved(person: Person, row: Locator, name: string): Promise<Buffer> {
  const download = person.page.waitForEvent("download");
  await row.getByRole("button", { name: `Save ${name}` }).click();
  expect((await download).suggestedFilename()).toBe(name);
  return readFile(await (await download).path());
}

test("[U140] [U141] files wait beside the draft over a reload, go to an agent, and are saved as they were sent", async ({
  join,
}) => {
  const ada = await join({ name: "Ada" });
  await ada.startWith("Echo");
  const file = aFile("data.bin", 300_000);
  await choose(ada, [PICTURE, aFile("unwanted.bin", 10), file]);
  await tray(ada).getByRole("button", { name: "Remove unwanted.bin" }).click();
  await expect(tray(ada).getByRole("img")).toHaveCount(0);

  await ada.page.reload();
  await expect(tray(ada).getByRole("listitem")).toHaveText([/lake\.png/, /data\.bin/]);
  await ada.say("two files");

  await expect(tray(ada)).toHaveCount(0);
  await ada.expectMessage(/lake\.png \(image\/png, \d+ bytes\)/);
  const row = ada.row("two files").first();
  await expect(row.getByRole("img", { name: "Picture lake.png" })).toBeVisible();
  expect((await saved(ada, row, "data.bin")).equals(file.buffer)).toBe(true);
});

test("[U141] [U142] an upload whose line is cut goes on where it was, and a picture of an agent comes when it is asked for", async ({
  join,
  world,
}) => {
  const ada = await join({ name: "Ada" });
  await ada.startWith("Guide");
  await ada.expectMessage("I am the guide");
  const file = aFile("five.bin", 5_000_000);
  const moved: string[] = [];
  await ada.context.route(/\/files\//, async (route) => {
    moved.push(route.request().method());
    const isThird = moved.filter((method) => method === "PUT").length === 3;
    if (!isThird || moved.at(-1) !== "PUT") return route.continue();
    await world.stopRelay("kill");
    return route.abort();
  });

  await choose(ada, [file]);
  await expect(tray(ada).getByText("5 MB")).toBeVisible();
  await ada.page.getByRole("button", { name: "Send", exact: true }).click();
  const row = ada.row("five.bin").first();
  await expect(row.getByText(/of 5 MB. Goes on when you are back online/)).toBeVisible();
  await world.startRelay();

  const hash = createHash("sha256").update(file.buffer).digest("hex");
  await expect(ada.row(hash)).toBeVisible();
  // Five pieces, and the one that was cut once more.
  expect(moved.filter((method) => method === "PUT")).toHaveLength(6);

  await ada.say("send me files");
  await ada.expectMessage("note.txt");
  const before = moved.length;
  const frame = ada.page.getByRole("button", { name: "Show dusk.png" });
  const place = await placeInRow(frame);
  await frame.click();
  const picture = ada.page.getByRole("img", { name: "The sun low in an evening sky" });
  await expect(picture).toBeVisible();
  await expect
    .poll(() => picture.evaluate((image) => (image as HTMLImageElement).naturalWidth))
    .toBe(640);
  const shown = ada.page.getByRole("button", { name: "Enlarge dusk.png" });
  expect(await placeInRow(shown)).toEqual(place);
  expect(moved.slice(before)).toEqual(["GET"]);
  const note = await saved(ada, ada.row("note.txt").last(), "note.txt");
  expect(note.toString()).toContain("sealed by the guide");
  // A missing relay is a failed fetch to the browser.
  ada.complaints.splice(0);
});

test("[U140] files are dropped on the thread and pasted, and what is no file is said to be none", async ({
  join,
}) => {
  const ada = await join({ name: "Ada" });
  await ada.startWith("Echo");
  const bytes = [...PICTURE.buffer];

  const dropped = await ada.page.evaluateHandle((content) => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(content)], "dropped.png", { type: "image/png" }));
    return data;
  }, bytes);
  await ada.composer.dispatchEvent("dragenter", { dataTransfer: dropped });
  await expect(ada.page.getByText("Let go to attach")).toBeVisible();
  await ada.composer.dispatchEvent("drop", { dataTransfer: dropped });
  await ada.composer.evaluate(
    (field, content) => {
      const clipboardData = new DataTransfer();
      const file = new File([new Uint8Array(content)], "pasted.svg", { type: "image/svg+xml" });
      clipboardData.items.add(file);
      field.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
    },
    [...Buffer.from("<svg xmlns='http://www.w3.org/2000/svg'/>")],
  );

  await expect(tray(ada).getByRole("listitem")).toHaveText([/dropped\.png/, /pasted\.svg/]);
  // Only what is a picture by its bytes is drawn.
  await expect(tray(ada).locator("img")).toHaveCount(1);
  await ada.composer.press("Enter");
  const row = ada.row("pasted.svg").first();
  await expect(row.getByRole("img", { name: "Picture dropped.png" })).toBeVisible();
  await expect(row.getByRole("img")).toHaveCount(1);
});
