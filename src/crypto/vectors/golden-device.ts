// Makes the golden vectors of device links and history slices: fixed inputs, seeded randomness.
import { bytesToHex, utf8 } from "#base/bytes.ts";
import { Secret } from "#base/secret.ts";
import type { DeviceId } from "#protocol/ids.ts";

import {
  compareCode,
  deriveLink,
  linkTranscript,
  sealLinkAsk,
  sealLinkGrant,
  sealLinkOffer,
  sealLinkShow,
} from "../device-link.ts";
import { sealHistoryHead, sealHistoryPart, type HistorySlice } from "../history-slice.ts";
import { fingerprint, makeSigner } from "../identity.ts";
import { makePrekey, type OurPrekey } from "../prekeys.ts";
import { writeRecoveryCode } from "../recovery-code.ts";
import { goldenBackupContent, IDS, seededPrimitives } from "./golden-sealed.ts";
import { must, START } from "./people.ts";

/** The new device of all vectors here; the old one is `IDS.device`. */
export const NEW_DEVICE = "01900000-0000-7000-8000-000000000007" as DeviceId;

/** All golden files by name. */
export async function makeGoldenDevice() {
  return { "device-link": await makeLink(), history: await makeHistory() };
}

async function makeLink() {
  const p = await seededPrimitives(107);
  const secret = p.randomBytes(16);
  const keys = deriveLink(p, new Secret(secret));
  const content = goldenBackupContent();
  const identityKey = p.ed25519PublicKey(content.identitySeed.reveal());
  const deviceSeed = new Uint8Array(32).fill(0x44);
  const offered = sealLinkOffer(p, keys, {
    accountId: IDS.human,
    deviceId: IDS.device,
    fingerprint: fingerprint(p, IDS.human, identityKey),
    createdAt: START,
    handle: "ada",
    displayName: "Ada Łukasiewicz",
  });
  const asked = await sealLinkAsk(p, keys, offered.offer, {
    deviceId: NEW_DEVICE,
    signer: makeSigner(p, new Secret(deviceSeed)),
    name: "Firefox · Linux",
  });
  const show = sealLinkShow(p, keys, offered.nonce);
  const transcript = linkTranscript(p, keys, offered.offer, asked.ask, offered.nonce);
  const grant = must(await sealLinkGrant(p, keys, asked.ask, transcript, content));
  return {
    secret: bytesToHex(secret),
    code: writeRecoveryCode(p, new Secret(secret)),
    linkId: bytesToHex(keys.linkId),
    linkKey: bytesToHex(keys.key.reveal()),
    deviceSeed: bytesToHex(deviceSeed),
    kemSeed: bytesToHex(asked.kemSeed.reveal()),
    offer: bytesToHex(offered.note),
    ask: bytesToHex(asked.note),
    show: bytesToHex(show),
    transcript: bytesToHex(transcript),
    compareCode: compareCode(transcript),
    grant: bytesToHex(grant),
  };
}

/** The prekey a golden slice is sealed to. */
export const goldenPrekey = async (suite: 1 | 2): Promise<OurPrekey> => {
  const p = await seededPrimitives(108 + suite);
  const identityKey = p.ed25519PublicKey(new Uint8Array(32).fill(0x11));
  return makePrekey(p, {
    owner: IDS.human,
    device: NEW_DEVICE,
    signer: makeSigner(p, new Secret(new Uint8Array(32).fill(0x44))),
    fingerprint: fingerprint(p, IDS.human, identityKey),
    suite,
    mode: "session",
    suiteFloor: 1,
    notBefore: START,
    notAfter: START + 86_400_000,
  });
};

/** The seed of the device that signs golden slices. */
export const OLD_DEVICE_SEED = new Uint8Array(32).fill(0x33);

async function makeHistory() {
  const cases = [];
  for (const suite of [1, 2] as const) {
    const p = await seededPrimitives(111 + suite);
    const slice: HistorySlice = {
      accountId: IDS.human,
      fromDeviceId: IDS.device,
      toDeviceId: NEW_DEVICE,
      sliceId: p.randomBytes(16),
      since: START - 604_800_000,
      partCount: 2,
      createdAt: START,
    };
    const ours = await goldenPrekey(suite);
    const to = ours.prekey;
    const signer = makeSigner(p, new Secret(OLD_DEVICE_SEED));
    const { head, key } = must(await sealHistoryHead(p, slice, to, signer));
    const parts = [0, 1].map((index) =>
      bytesToHex(sealHistoryPart(p, slice, key, index, utf8(`part ${index}`))),
    );
    cases.push({
      suite,
      kid: bytesToHex(ours.kid),
      certificate: bytesToHex(ours.certificate),
      privateKey: bytesToHex(ours.privateKey.reveal()),
      fromDeviceSeed: bytesToHex(OLD_DEVICE_SEED),
      slice: { ...slice, sliceId: bytesToHex(slice.sliceId) },
      key: bytesToHex(key.reveal()),
      head: bytesToHex(head),
      parts,
    });
  }
  return { cases };
}
