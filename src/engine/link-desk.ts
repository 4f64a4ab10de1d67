/**
 * The old device's end of a device link: offers, shows who asks, and hands the identity over when its person says yes.
 * At most one link at a time. SPEC §devices.
 */
import { bytesToBase64 } from "#base/base64.ts";
import { bytesToHex, type Bytes } from "#base/bytes.ts";
import { err, ok, type Result } from "#base/result.ts";
import { Secret } from "#base/secret.ts";
import type { DeviceLinkView } from "#bridge/device-views.ts";
import type { BackupContent } from "#crypto/backup-content.ts";
import {
  compareCode,
  deriveLink,
  LINK_STEP,
  linkTranscript,
  openLinkAsk,
  sealLinkGrant,
  sealLinkOffer,
  sealLinkShow,
  type LinkAsk,
  type LinkKeys,
  type LinkOffer,
} from "#crypto/device-link.ts";
import { sealDeviceName } from "#crypto/device-name.ts";
import { fingerprint } from "#crypto/identity.ts";
import { appendAccount } from "#crypto/ledger/account.ts";
import { currentDevices } from "#crypto/ledger/account-state.ts";
import { writeRecoveryCode } from "#crypto/recovery-code.ts";
import { MAX_DEVICES_PER_HUMAN } from "#protocol/limits.ts";
import type { DeviceId } from "#protocol/ids.ts";
import { DeviceLinkCreated, Empty, UserKeys } from "#protocol/rest.ts";
import type { Rest } from "#peer/rest.ts";
import { keysOf, nameOwner, seedOf, type AccountRecord } from "./account-keys.ts";
import { appendOwn, fetchAccount } from "./account-ledger.ts";
import type { EngineDeps } from "./deps.ts";
import { translated, type EngineFailure } from "./failure.ts";
import { linkPath, pause, putNote, waitForNote } from "./link-notes.ts";
import { deviceLinkUrl } from "./link-text.ts";

type Answer<Value> = Promise<Result<Value, EngineFailure>>;

export interface LinkDesk {
  /** Fails with `engine/device-limit` and the line's kinds; then there is no link. */
  offer(): Answer<DeviceLinkView>;
  /**
   * Says yes to who asked; `onAdmitted` when the device is in the account's ledger.
   *
   * Fails with `engine/device-link-gone` when nobody is asking.
   */
  admit(onAdmitted: (deviceId: DeviceId) => void): Answer<null>;
  cancel(): Promise<void>;
  view(): DeviceLinkView | null;
  close(): void;
}

type Needs = {
  readonly deps: EngineDeps;
  readonly rest: Rest;
  readonly record: () => AccountRecord;
  readonly content: () => Promise<Omit<BackupContent, "identitySeed">>;
  readonly tell: (link: DeviceLinkView | null) => void;
};

/** One link, from its offer to its end. */
type Link = {
  readonly keys: LinkKeys;
  readonly offer: LinkOffer;
  readonly nonce: Secret<Bytes>;
  readonly expiresAt: number;
  asked: { readonly ask: LinkAsk; readonly transcript: Bytes } | null;
  isOver: boolean;
};

const LOOK_EVERY_MS = 1_000;
/** Races with other entries of the account that are worth another try. */
const MAX_TRIES = 4;
/** An admitted device makes its prekeys and enrols; a phone may take its time. */
const COMING_MS = 60_000;

export const createLinkDesk = (needs: Needs): LinkDesk => new Desk(needs);

class Desk implements LinkDesk {
  readonly #needs: Needs;
  #link: Link | null = null;
  #view: DeviceLinkView | null = null;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  view(): DeviceLinkView | null {
    return this.#view;
  }

  async offer(): Answer<DeviceLinkView> {
    await this.cancel();
    const { deps, rest } = this.#needs;
    const record = this.#needs.record();
    const ledger = await fetchAccount(deps, rest, record.userId);
    if (!ledger.ok) return ledger;
    if (currentDevices(ledger.value).length >= MAX_DEVICES_PER_HUMAN)
      return err({ kind: "engine/device-limit", limit: MAX_DEVICES_PER_HUMAN });
    const { primitives, clock, origin } = deps;
    const secret = new Secret(deps.random(16));
    const keys = deriveLink(primitives, secret);
    const { identity } = keysOf(primitives, record);
    const { note, offer, nonce } = sealLinkOffer(primitives, keys, {
      accountId: record.userId,
      deviceId: record.deviceId,
      fingerprint: fingerprint(primitives, record.userId, identity.publicKey),
      createdAt: clock.now(),
      handle: record.handle,
      displayName: record.displayName,
    });
    const made = await rest.call("POST", "/auth/device-links", DeviceLinkCreated, {
      link_id: bytesToHex(keys.linkId),
      sealed: bytesToBase64(note),
    });
    if (!made.ok) return err(translated(made.failure));
    const expiresAt = clock.now() + made.value.expires_in_seconds * 1_000;
    const link: Link = { keys, offer, nonce, expiresAt, asked: null, isOver: false };
    this.#link = link;
    const code = writeRecoveryCode(primitives, secret);
    const view = { status: "offered", url: deviceLinkUrl(origin, code), code, expiresAt } as const;
    this.#show(view);
    void this.#watch(link);
    return ok(view);
  }

  async admit(onAdmitted: (deviceId: DeviceId) => void): Answer<null> {
    const link = this.#link;
    if (link?.asked == null || this.#view?.status !== "asked")
      return err({ kind: "engine/device-link-gone" });
    const { deps, rest } = this.#needs;
    const { ask, transcript } = link.asked;
    this.#show({ status: "admitting", deviceName: ask.name });
    const identitySeed = seedOf(this.#needs.record().identitySeed);
    const content = { ...(await this.#needs.content()), identitySeed };
    const enrolled = await this.#enrol(ask);
    if (!enrolled.ok) {
      this.#end(link, enrolled.failure);
      return enrolled;
    }
    const grant = await sealLinkGrant(deps.primitives, link.keys, ask, transcript, content);
    const put = grant.ok ? await putNote(rest, link.keys, LINK_STEP.grant, grant.value) : grant;
    if (!put.ok) {
      await this.#putOut(ask);
      this.#end(link, put.failure);
      return put;
    }
    void this.#awaitDevice(link, ask, onAdmitted);
    return ok(null);
  }

  async cancel(): Promise<void> {
    const link = this.#link;
    const wasAdmitting = this.#view?.status === "admitting";
    if (this.#view !== null) this.#show(null);
    if (link === null || link.isOver) return;
    this.close();
    if (wasAdmitting && link.asked !== null) await this.#putOut(link.asked.ask);
    await this.#needs.rest.call("DELETE", linkPath(link.keys), Empty);
  }

  close(): void {
    if (this.#link !== null) this.#link.isOver = true;
    this.#link = null;
  }

  async #watch(link: Link): Promise<void> {
    const { deps, rest } = this.#needs;
    const { primitives, clock } = deps;
    const end = { expiresAt: link.expiresAt, isOver: () => link.isOver };
    const note = await waitForNote({ rest, clock }, link.keys, LINK_STEP.ask, end);
    if (link.isOver) return;
    if (!note.ok) return this.#end(link, note.failure);
    const ask = await openLinkAsk(primitives, link.keys, link.offer, note.value);
    if (!ask.ok) return this.#end(link, ask.failure);
    // From here on no other ask counts, so the nonce may be seen.
    const transcript = linkTranscript(primitives, link.keys, link.offer, ask.value, link.nonce);
    link.asked = { ask: ask.value, transcript };
    const show = sealLinkShow(primitives, link.keys, link.nonce);
    const shown = await putNote(rest, link.keys, LINK_STEP.show, show);
    if (link.isOver) return;
    if (!shown.ok) return this.#end(link, shown.failure);
    const { expiresAt } = link;
    const digits = compareCode(transcript);
    this.#show({ status: "asked", deviceName: ask.value.name, digits, expiresAt });
    await this.#expire(link);
  }

  /** A question that nobody answers ends with its link. */
  async #expire(link: Link): Promise<void> {
    await pause(this.#needs.deps.clock, link.expiresAt - this.#needs.deps.clock.now());
    if (!link.isOver && this.#view?.status === "asked")
      this.#end(link, { kind: "engine/device-link-gone" });
  }

  /** Makes exactly the key that asked one of the account's. */
  async #enrol({ deviceId, signingKey, name }: LinkAsk): Answer<null> {
    const { deps, rest } = this.#needs;
    const { primitives, clock } = deps;
    const record = this.#needs.record();
    const nameSealed = sealDeviceName(primitives, nameOwner(record, deviceId), name);
    for (let tries = 1; ; tries++) {
      const ledger = await fetchAccount(deps, rest, record.userId);
      if (!ledger.ok) return ledger;
      const added = await appendAccount(primitives, ledger.value, {
        actorDeviceId: null,
        signer: keysOf(primitives, record).identity,
        op: { type: "device-add", deviceId, signingKey },
        createdAt: clock.now(),
      });
      if (!added.ok) return added;
      const posted = await rest.call("POST", "/users/me/admissions", Empty, {
        device: {
          device_id: deviceId,
          signing_public_key: bytesToBase64(signingKey),
          certificate: bytesToBase64(added.value.entry),
          name_sealed: bytesToBase64(nameSealed),
        },
        ledger_seq: ledger.value.seq + 1,
        prev_hash: bytesToBase64(ledger.value.head),
      });
      if (posted.ok) return ok(null);
      const isRace =
        posted.failure.kind === "peer/refused" && posted.failure.code === "LEDGER_CONFLICT";
      if (!isRace || tries === MAX_TRIES) return err(translated(posted.failure));
    }
  }

  /** A device that was admitted and did not come is none of the account's. */
  async #putOut({ deviceId }: LinkAsk): Promise<void> {
    const { deps, rest } = this.#needs;
    await appendOwn(deps, rest, this.#needs.record(), (ledger) =>
      currentDevices(ledger).includes(deviceId) ? { type: "device-revoke", deviceId } : null,
    );
    await rest.call("DELETE", `/users/me/devices/${deviceId}`, Empty);
  }

  /** It is there once it has published keys of its own. */
  async #awaitDevice(
    link: Link,
    ask: LinkAsk,
    onAdmitted: (deviceId: DeviceId) => void,
  ): Promise<void> {
    const { deps, rest } = this.#needs;
    const until = deps.clock.now() + COMING_MS;
    const path = `/keys/users/${this.#needs.record().userId}/devices`;
    while (!link.isOver && deps.clock.now() < until) {
      const keys = await rest.call("GET", path, UserKeys);
      const device = keys.ok
        ? keys.value.devices.find(({ device_id }) => device_id === ask.deviceId)
        : undefined;
      if (device !== undefined && device.prekeys.length > 0) {
        if (link.isOver) return;
        this.close();
        this.#show({ status: "admitted", deviceName: ask.name, deviceId: ask.deviceId });
        onAdmitted(ask.deviceId);
        await rest.call("DELETE", linkPath(link.keys), Empty);
        return;
      }
      await pause(deps.clock, LOOK_EVERY_MS);
    }
    if (link.isOver) return;
    await this.#putOut(ask);
    this.#end(link, { kind: "engine/device-not-come" });
  }

  #end(link: Link, failure: EngineFailure): void {
    link.isOver = true;
    if (this.#link === link) this.#link = null;
    this.#show({ status: "over", failure: failure.kind });
    void this.#needs.rest.call("DELETE", linkPath(link.keys), Empty);
  }

  #show(view: DeviceLinkView | null): void {
    this.#view = view;
    this.#needs.tell(view);
  }
}
