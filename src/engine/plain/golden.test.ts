import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { reduceActivity, type Activity } from "#channels/tpclaw/activity.ts";
import { createFeedReader } from "#channels/tpclaw/feed-frame.ts";
import { drawView } from "./draw.contract.ts";
import { linesOf, replayChat, replayMyAgent } from "./replay.contract.ts";

const VECTORS = new URL("../../channels/vectors/", import.meta.url);

const namesIn = (folder: string): readonly string[] =>
  readdirSync(new URL(folder, VECTORS))
    .filter((file) => file.endsWith(".jsonl"))
    .map((file) => file.slice(0, -".jsonl".length))
    .sort();

const golden = (name: string): string => new URL(`golden/${name}.txt`, VECTORS).pathname;

describe("[A40] what a person sees after a recorded conversation", () => {
  test.each(namesIn("myagent"))("with MyAgent: %s", async (name) => {
    const { view, sent, refusals, events } = await replayMyAgent(name);
    const pieces = events.filter(({ type }) => type === "text").length;
    const wire = sent.map(({ event }) => event).filter((event) => event !== "user.ack");

    await expect(
      [
        drawView(view),
        "",
        `text pieces ${pieces}`,
        `sent ${wire.join(" ")}`,
        ...refusals.map((refusal) => `refused ${refusal}`),
        "",
      ].join("\n"),
    ).toMatchFileSnapshot(golden(`myagent/${name}`));
  });

  test.each(namesIn("tpclaw").filter((name) => /^[012]/.test(name)))(
    "by chat completions: %s",
    async (name) => {
      const { view, events } = await replayChat(name);
      const pieces = events.filter(({ type }) => type === "text").length;

      await expect(
        [drawView(view), "", `text pieces ${pieces}`, ""].join("\n"),
      ).toMatchFileSnapshot(golden(`tpclaw/${name}`));
    },
  );

  test.each(namesIn("tpclaw").filter((name) => name.startsWith("30-")))(
    "in the activity feed: %s",
    async (name) => {
      const read = createFeedReader();
      let activity: Activity = [];
      for (const event of linesOf(`tpclaw/${name}`)) {
        const told = read(JSON.stringify(event));
        if (told !== null) activity = reduceActivity(activity, told, 0);
      }

      await expect(`${JSON.stringify(activity, null, 1)}\n`).toMatchFileSnapshot(
        golden(`tpclaw/${name}`),
      );
    },
  );
});
