import { expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import type { PeerEndpoint } from "#peer/create-endpoint.ts";
import type { KnownPayload } from "#protocol/payload.ts";
import { createMetricsRecorder } from "../metrics.ts";
import { createSender } from "./sender.ts";

test("[K12] a payload that no type takes is refused at once, and the part at fault is named", async () => {
  const spoken: string[] = [];
  const sender = createSender({
    // Never there: nothing of this reaches a line or a disk.
    endpoint: new Promise<PeerEndpoint>(() => undefined),
    clock: createFakeClock(),
    metrics: createMetricsRecorder(),
    onSend: (id) => spoken.push(id),
  });
  const faultOf = (payload: unknown): Promise<unknown> =>
    sender.send(crypto.randomUUID(), payload as KnownPayload).catch((error: unknown) => error);

  expect(await faultOf({ type: "text" })).toMatchObject({
    code: "BAD_REQUEST",
    params: { path: "text" },
    message: "The payload's text is missing or not what its type takes.",
  });
  expect(await faultOf({ type: "text", text: "x".repeat(100_001) })).toMatchObject({
    params: { path: "text" },
  });
  expect(await faultOf({ type: "tekst", text: "x" })).toMatchObject({ params: { path: "type" } });
  expect(await faultOf("text")).toMatchObject({ params: { path: "payload" } });
  expect(await sender.send("here", { type: "text", text: "x" }).catch(String)).toContain("UUID");
  expect(spoken).toEqual([]);
});
