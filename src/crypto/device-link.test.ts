import { fc } from "#base/properties.contract.ts";
import { expect, test } from "vitest";

import type { Bytes } from "#base/bytes.ts";
import { systemRandom } from "#base/random.ts";
import { Secret } from "#base/secret.ts";
import type { AccountId, DeviceId } from "#protocol/ids.ts";

import type { BackupContent } from "./backup-content.ts";
import {
  compareCode,
  deriveLink,
  linkTranscript,
  openLinkAsk,
  openLinkGrant,
  openLinkOffer,
  openLinkShow,
  sealLinkAsk,
  sealLinkGrant,
  sealLinkOffer,
  sealLinkShow,
} from "./device-link.ts";
import { fingerprint, makeSigner } from "./identity.ts";
import { createPrimitives } from "./primitives.ts";
import { readRecoveryCode } from "./recovery-code.ts";
import { makeGoldenDevice, NEW_DEVICE } from "./vectors/golden-device.ts";
import { goldenBackupContent, goldenBytes } from "./vectors/golden-sealed.ts";
import { must } from "./vectors/people.ts";
import { readVectors } from "./vectors/published.ts";

const native = await createPrimitives({ random: systemRandom });
const noble = await createPrimitives({ random: systemRandom, force: "noble" });
const p = native;
const accountId = "01900000-0000-7000-8000-000000000001" as AccountId;
const oldDevice = "01900000-0000-7000-8000-000000000003" as DeviceId;
const identitySeed = new Secret(p.randomBytes(32));
const content: BackupContent = { identitySeed, pins: [], ledgerHeads: [] };
const BAD = { ok: false, failure: { kind: "crypto/bad-link" } };

/** A link with all of its notes, and what each end knows. */
async function aLink() {
  const keys = deriveLink(p, new Secret(p.randomBytes(16)));
  const identityKey = p.ed25519PublicKey(identitySeed.reveal());
  const offered = sealLinkOffer(p, keys, {
    accountId,
    deviceId: oldDevice,
    fingerprint: fingerprint(p, accountId, identityKey),
    createdAt: 1,
    handle: "ada",
    displayName: "Ada",
  });
  const { offer } = offered;
  const asked = await sealLinkAsk(p, keys, offer, {
    deviceId: NEW_DEVICE,
    signer: makeSigner(p, new Secret(p.randomBytes(32))),
    name: "Firefox",
  });
  const transcript = linkTranscript(p, keys, offer, asked.ask, offered.nonce);
  const show = sealLinkShow(p, keys, offered.nonce);
  const grant = must(await sealLinkGrant(p, keys, asked.ask, transcript, content));
  const self = { deviceId: NEW_DEVICE, kemSeed: asked.kemSeed };
  return { keys, offered, offer, asked, show, transcript, grant, self };
}
const link = await aLink();
/** Each note, and how the end that gets it opens it. */
const readers = (of: typeof link) =>
  [
    ["offer", of.offered.note, (note: Bytes) => openLinkOffer(p, of.keys, note)],
    ["ask", of.asked.note, (note: Bytes) => openLinkAsk(p, of.keys, of.offer, note)],
    ["show", of.show, (note: Bytes) => openLinkShow(p, of.keys, of.offer, note)],
    [
      "grant",
      of.grant,
      (note: Bytes) => openLinkGrant(p, of.keys, of.offer, of.self, of.transcript, note),
    ],
  ] as const;

test("[C56] both ends of a link see the same six digits, and the identity arrives", async () => {
  const { keys, offered, asked, show, grant, self } = link;

  const offer = must(openLinkOffer(p, keys, offered.note));
  const ask = must(await openLinkAsk(p, keys, offered.offer, asked.note));
  const nonce = must(openLinkShow(p, keys, offer, show));
  const there = linkTranscript(p, keys, offered.offer, ask, offered.nonce);
  const here = linkTranscript(p, keys, offer, asked.ask, nonce);
  const got = must(await openLinkGrant(p, keys, offer, self, here, grant));

  expect(offer).toEqual(offered.offer);
  expect(ask).toEqual(asked.ask);
  expect(compareCode(here)).toBe(compareCode(there));
  expect(compareCode(here)).toMatch(/^\d{6}$/);
  expect(got.identitySeed.reveal()).toEqual(identitySeed.reveal());
});

test.each(readers(link))(
  "[C56] a %s with any byte flipped is refused, with one failure",
  async (_name, note, open) => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(note.length - 1),
        fc.integer({ min: 1, max: 255 }),
        async (at, by) => {
          const flipped = Uint8Array.from(note, (byte, i) => (i === at ? byte ^ by : byte));
          expect(await open(flipped)).toEqual(BAD);
          expect(await open(note.slice(0, at))).toEqual(BAD);
        },
      ),
      { numRuns: 60 },
    );
  },
);

test("[C56] every single byte of the shorter notes counts", async () => {
  for (const [name, note, open] of readers(link)) {
    if (name !== "offer" && name !== "show") continue;
    for (let at = 0; at < note.length; at++) {
      const flipped = Uint8Array.from(note, (byte, i) => (i === at ? byte ^ 1 : byte));
      expect(await open(flipped)).toEqual(BAD);
    }
  }
});

test("[C56] a note opens in its own step and link only", async () => {
  const other = await aLink();

  for (const [name, , open] of readers(link))
    for (const [stepOf, note] of readers(link))
      if (name !== stepOf) expect(await open(note)).toEqual(BAD);
  for (const [i, [, , open]] of readers(link).entries())
    expect(await open(readers(other)[i]?.[1] ?? new Uint8Array())).toEqual(BAD);
});

test("[C57] who knows the link's secret too changes the digits, the nonce or the keys in vain", async () => {
  const { keys, offer, offered, asked } = link;
  const signer = makeSigner(p, new Secret(p.randomBytes(32)));
  const stranger = await sealLinkAsk(p, keys, offer, {
    deviceId: NEW_DEVICE,
    signer,
    name: "Firefox",
  });
  const seen = must(await openLinkAsk(p, keys, offer, stranger.note));

  const there = linkTranscript(p, keys, offer, seen, offered.nonce);
  const otherNonce = sealLinkShow(p, keys, new Secret(p.randomBytes(32)));
  const grant = must(await sealLinkGrant(p, keys, seen, there, content));

  expect(there).not.toEqual(link.transcript);
  const elsewhere = new Secret(p.randomBytes(32));
  expect(linkTranscript(p, keys, offer, asked.ask, elsewhere)).not.toEqual(link.transcript);
  expect(openLinkShow(p, keys, offer, otherNonce)).toEqual(BAD);
  const self = { deviceId: NEW_DEVICE, kemSeed: asked.kemSeed };
  expect(await openLinkGrant(p, keys, offer, self, link.transcript, grant)).toEqual(BAD);
});

test("[C57] an ask for another offer, or whose key did not sign it, is refused", async () => {
  const { keys, offer } = link;
  const signer = makeSigner(p, new Secret(p.randomBytes(32)));
  const forged = { publicKey: signer.publicKey, sign: async () => p.randomBytes(64) };
  const ask = (from: typeof offer, by: typeof signer) =>
    sealLinkAsk(p, keys, from, { deviceId: NEW_DEVICE, signer: by, name: "" });
  const elsewhere = { ...offer, record: p.randomBytes(100) };

  expect(await openLinkAsk(p, keys, offer, (await ask(offer, forged)).note)).toEqual(BAD);
  expect(await openLinkAsk(p, keys, offer, (await ask(elsewhere, signer)).note)).toEqual(BAD);
  const smallOrder = { ...signer, publicKey: Uint8Array.from([1, ...new Uint8Array(31)]) };
  expect(await openLinkAsk(p, keys, offer, (await ask(offer, smallOrder)).note)).toEqual(BAD);
});

test("[C58] a grant of another identity than the offer named is refused", async () => {
  const { keys, offer, asked, transcript, self } = link;
  const foreign = { ...content, identitySeed: new Secret(p.randomBytes(32)) };

  const grant = must(await sealLinkGrant(p, keys, asked.ask, transcript, foreign));

  expect(await openLinkGrant(p, keys, offer, self, transcript, grant)).toEqual(BAD);
});

test("[C58] a grant opens for the device and the key that asked, and for no other", async () => {
  const { keys, offer, self, transcript, grant } = link;
  const open = (change: Partial<typeof self>) =>
    openLinkGrant(p, keys, offer, { ...self, ...change }, transcript, grant);

  expect(must(await open({})).identitySeed.reveal()).toEqual(identitySeed.reveal());
  expect(await open({ kemSeed: new Secret(p.randomBytes(32)) })).toEqual(BAD);
  expect(await open({ deviceId: oldDevice })).toEqual(BAD);
});

test("[C58] a link's keys print as nothing", () => {
  const { keys, offered, asked } = link;

  const printed = JSON.stringify([keys, offered.nonce, asked.kemSeed]);

  expect(printed.match(/«secret»/g)).toHaveLength(3);
});

test.each([
  ["native", native],
  ["noble", noble],
] as const)("[C56] the frozen link opens on %s primitives", async (_name, primitives) => {
  const golden = readVectors("./golden/device-link.json") as Awaited<
    ReturnType<typeof makeGoldenDevice>
  >["device-link"];
  const secret = readRecoveryCode(primitives, golden.code);
  expect(secret?.reveal()).toEqual(goldenBytes(golden.secret));
  const keys = deriveLink(primitives, secret ?? new Secret(new Uint8Array(16)));

  const offer = must(openLinkOffer(primitives, keys, goldenBytes(golden.offer)));
  const ask = must(await openLinkAsk(primitives, keys, offer, goldenBytes(golden.ask)));
  const nonce = must(openLinkShow(primitives, keys, offer, goldenBytes(golden.show)));
  const transcript = linkTranscript(primitives, keys, offer, ask, nonce);
  const self = { deviceId: NEW_DEVICE, kemSeed: new Secret(goldenBytes(golden.kemSeed)) };
  const got = must(
    await openLinkGrant(primitives, keys, offer, self, transcript, goldenBytes(golden.grant)),
  );

  expect(keys.linkId).toEqual(goldenBytes(golden.linkId));
  expect(keys.key.reveal()).toEqual(goldenBytes(golden.linkKey));
  expect(offer).toMatchObject({ handle: "ada", displayName: "Ada Łukasiewicz" });
  expect(ask.name).toBe("Firefox · Linux");
  expect(transcript).toEqual(goldenBytes(golden.transcript));
  expect(compareCode(transcript)).toBe(golden.compareCode);
  expect(got.pins).toEqual(goldenBackupContent().pins);
});

test("[C56] golden links and slices are made again to the byte", async () => {
  for (const [name, made] of Object.entries(await makeGoldenDevice()))
    expect(JSON.parse(JSON.stringify(made))).toEqual(readVectors(`./golden/${name}.json`));
});
