import { fc } from "#base/properties.contract.ts";
import { expect, test } from "vitest";

import { utf8, type Bytes } from "#base/bytes.ts";
import { systemRandom } from "#base/random.ts";
import { Secret } from "#base/secret.ts";

import {
  openHistoryHead,
  openHistoryPart,
  sealHistoryHead,
  sealHistoryPart,
  type HistorySlice,
} from "./history-slice.ts";
import { makeSigner } from "./identity.ts";
import { createPrimitives } from "./primitives.ts";
import {
  goldenPrekey,
  NEW_DEVICE,
  OLD_DEVICE_SEED,
  type makeGoldenDevice,
} from "./vectors/golden-device.ts";
import { goldenBytes, IDS } from "./vectors/golden-sealed.ts";
import { must } from "./vectors/people.ts";
import { readVectors } from "./vectors/published.ts";

const p = await createPrimitives({ random: systemRandom });
const noble = await createPrimitives({ random: systemRandom, force: "noble" });
const signer = makeSigner(p, new Secret(OLD_DEVICE_SEED));
const prekey = await goldenPrekey(2);
const BAD = { ok: false, failure: { kind: "crypto/bad-history" } };
const reader = {
  accountId: IDS.human,
  deviceId: NEW_DEVICE,
  signingKeyOf: (id: string) => (id === IDS.device ? signer.publicKey : null),
  prekeyOf: () => prekey as typeof prekey | undefined,
};
const aSlice = (): HistorySlice => ({
  accountId: IDS.human,
  fromDeviceId: IDS.device,
  toDeviceId: NEW_DEVICE,
  sliceId: p.randomBytes(16),
  since: 5,
  partCount: 3,
  createdAt: 9,
});
const slice = aSlice();
const { head, key } = must(await sealHistoryHead(p, slice, prekey.prekey, signer));

test("[C59] a slice opens for the device it was sealed for, part by part", async () => {
  const opened = must(await openHistoryHead(p, head, reader));
  const sealed = sealHistoryPart(p, slice, key, 1, utf8("words"));

  expect(opened.slice).toEqual(slice);
  expect(openHistoryPart(p, opened.slice, opened.key, 1, sealed)).toEqual(utf8("words"));
});

test("[C59] a head with any byte flipped is refused, with one failure", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(head.length - 1), fc.integer({ min: 1, max: 255 }), async (at, by) => {
      const flipped = Uint8Array.from(head, (byte, i) => (i === at ? byte ^ by : byte));
      expect(await openHistoryHead(p, flipped, reader)).toEqual(BAD);
      expect(await openHistoryHead(p, head.slice(0, at), reader)).toEqual(BAD);
    }),
  );
});

test("[C59] a head for another device or account, by a device that does not count, or for a key that is gone, is refused", async () => {
  const open = (change: Partial<typeof reader>) =>
    openHistoryHead(p, head, { ...reader, ...change });

  expect(await open({ deviceId: IDS.device })).toEqual(BAD);
  expect(await open({ accountId: IDS.agent })).toEqual(BAD);
  expect(await open({ signingKeyOf: () => null })).toEqual(BAD);
  expect(await open({ prekeyOf: () => undefined })).toEqual(BAD);
});

test("[C59] a part opens at its place of its slice only, and not with a byte changed", () => {
  const sealed = sealHistoryPart(p, slice, key, 1, utf8("words"));
  const open = (of: HistorySlice, index: number, bytes: Bytes = sealed) =>
    openHistoryPart(p, of, key, index, bytes);

  expect(open(slice, 0)).toBeNull();
  expect(open({ ...slice, sliceId: p.randomBytes(16) }, 1)).toBeNull();
  expect(open({ ...slice, partCount: 2 }, 1)).toBeNull();
  expect(open({ ...slice, partCount: 1 }, 1)).toBeNull();
  const behind = sealHistoryPart(p, slice, key, slice.partCount, utf8("one too many"));
  expect(open(slice, slice.partCount, behind)).toBeNull();
  for (let at = 0; at < sealed.length; at++) {
    const flipped = Uint8Array.from(sealed, (byte, i) => (i === at ? byte ^ 1 : byte));
    expect(open(slice, 1, flipped)).toBeNull();
  }
});

test.each([
  ["native", p],
  ["noble", noble],
] as const)("[C59] the frozen slices open on %s primitives", async (_name, primitives) => {
  const { cases } = readVectors("./golden/history.json") as Awaited<
    ReturnType<typeof makeGoldenDevice>
  >["history"];

  for (const golden of cases) {
    const ours = await goldenPrekey(golden.suite);
    const opened = must(
      await openHistoryHead(primitives, goldenBytes(golden.head), {
        ...reader,
        prekeyOf: () => ours,
      }),
    );
    const { sliceId } = golden.slice;
    expect(opened.slice).toEqual({ ...golden.slice, sliceId: goldenBytes(sliceId) });
    expect(opened.key.reveal()).toEqual(goldenBytes(golden.key));
    for (const [index, part] of golden.parts.entries())
      expect(
        openHistoryPart(primitives, opened.slice, opened.key, index, goldenBytes(part)),
      ).toEqual(utf8(`part ${index}`));
  }
});
