/**
 * The new device's end of a device link: asks, shows the digits, and moves in when the old device has said yes.
 * Nothing is kept here before that. SPEC §devices.
 */
import { err, ok, type Result } from "#base/result.ts";
import { Secret } from "#base/secret.ts";
import type { DeviceLinkView } from "#bridge/device-views.ts";
import {
  compareCode,
  deriveLink,
  LINK_STEP,
  linkTranscript,
  openLinkGrant,
  openLinkOffer,
  openLinkShow,
  sealLinkAsk,
} from "#crypto/device-link.ts";
import { makeSigner } from "#crypto/identity.ts";
import { readRecoveryCode } from "#crypto/recovery-code.ts";
import { makeId, type DeviceId, type UserId } from "#protocol/ids.ts";
import { createRest } from "#peer/rest.ts";
import { moveIn } from "./account-calls.ts";
import type { EngineFailure } from "./failure.ts";
import type { House } from "./house.ts";
import { joinAccount, type Joining } from "./join-account.ts";
import { pause, putNote, waitForNote } from "./link-notes.ts";
import { codeOfDeviceLink } from "./link-text.ts";

/** As the relay gives a link; the old device's clock is not ours. */
const LINK_LIFETIME_MS = 300_000;
const MAX_TRIES = 10;
const RETRY_MS = 2_000;

export interface LinkJoin {
  /** Resolves when the old device was asked. Fails as the door does, and with `engine/bad-device-link`. */
  open(input: { readonly code: string }): Promise<Result<null, EngineFailure>>;
  cancel(): void;
  view(): DeviceLinkView | null;
}

/** Creates the new device's end; at most one link at a time. */
export function createLinkJoin(house: House): LinkJoin {
  let view: DeviceLinkView | null = null;
  let current: { isOver: boolean } | null = null;
  const show = (next: DeviceLinkView | null): void => {
    view = next;
    house.sinks.emit({ type: "device-link", link: next });
  };
  const cancel = (): void => {
    if (current !== null) current.isOver = true;
    current = null;
    if (view !== null) show(null);
  };

  return {
    view: () => view,
    cancel,
    async open({ code }) {
      const started = await house.started();
      if (!started.ok) return started;
      if (house.state().status !== "none") return err({ kind: "engine/already-open" });
      const { primitives, origin } = house.deps;
      const typed = codeOfDeviceLink(origin, code);
      const secret = typed === null ? null : readRecoveryCode(primitives, typed);
      if (secret === null) return err({ kind: "engine/bad-device-link" });
      cancel();
      const run = { isOver: false };
      current = run;
      show({ status: "asking" });
      const told = (next: DeviceLinkView): void => {
        if (!run.isOver) show(next);
      };
      const asked = await ask(house, secret, () => run.isOver);
      if (!asked.ok) {
        if (!run.isOver) cancel();
        return asked;
      }
      void asked.value(told).then((end) => {
        if (run.isOver) return;
        current = null;
        show(end.ok ? null : { status: "over", failure: end.failure.kind });
      });
      return ok(null);
    },
  };
}

type Tell = (view: DeviceLinkView) => void;

/** Reads the offer and asks; what comes back is the wait for the answer. */
async function ask(
  house: House,
  secret: Parameters<typeof deriveLink>[1],
  isOver: () => boolean,
): Promise<Result<(tell: Tell) => Promise<Result<null, EngineFailure>>, EngineFailure>> {
  const { deps } = house;
  const { primitives, clock } = deps;
  const keys = deriveLink(primitives, secret);
  const line = { rest: createRest({ ...deps, baseUrl: deps.origin, tokens: null }), clock };
  const end = { expiresAt: clock.now() + LINK_LIFETIME_MS, isOver };
  const note = await waitForNote(line, keys, LINK_STEP.offer, end);
  if (!note.ok) return note;
  const offer = openLinkOffer(primitives, keys, note.value);
  if (!offer.ok) return offer;
  const device = {
    deviceId: makeId<DeviceId>(clock.now(), deps.random),
    seed: new Secret(deps.random(32)),
  };
  const asked = await sealLinkAsk(primitives, keys, offer.value, {
    deviceId: device.deviceId,
    signer: makeSigner(primitives, device.seed),
    name: deps.deviceName,
  });
  const put = await putNote(line.rest, keys, LINK_STEP.ask, asked.note);
  if (!put.ok) return put;
  return ok(async (tell) => {
    const shown = await waitForNote(line, keys, LINK_STEP.show, end);
    if (!shown.ok) return shown;
    const nonce = openLinkShow(primitives, keys, offer.value, shown.value);
    if (!nonce.ok) return nonce;
    const transcript = linkTranscript(primitives, keys, offer.value, asked.ask, nonce.value);
    const { displayName, handle } = offer.value;
    const digits = compareCode(transcript);
    tell({ status: "comparing", digits, displayName, handle, expiresAt: end.expiresAt });
    const granted = await waitForNote(line, keys, LINK_STEP.grant, end);
    if (!granted.ok) return granted;
    if (isOver()) return err({ kind: "engine/device-link-gone" });
    tell({ status: "joining", displayName });
    const self = { deviceId: device.deviceId, kemSeed: asked.kemSeed };
    const content = await openLinkGrant(
      primitives,
      keys,
      offer.value,
      self,
      transcript,
      granted.value,
    );
    if (!content.ok) return content;
    const userId = offer.value.accountId as string as UserId;
    return comeIn(house, { ...device, userId, handle, displayName, content: content.value });
  });
}

/** The link is used up: a line that is down for a moment must not cost it. */
async function comeIn(house: House, joining: Joining): Promise<Result<null, EngineFailure>> {
  for (let tries = 1; ; tries++) {
    const joined = await moveIn(house, (database) => joinAccount(house.deps, database, joining));
    if (joined.ok) return ok(null);
    if (tries === MAX_TRIES || joined.failure.kind !== "peer/offline") return joined;
    await pause(house.deps.clock, RETRY_MS);
  }
}
