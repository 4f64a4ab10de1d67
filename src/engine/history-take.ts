/**
 * Takes history that another device of the person sends: note after note, each kept before it is taken out of the
 * relay. The head is taken out last, so that a page that was closed in between goes on. SPEC §history.
 */
import { base64ToBytes } from "#base/base64.ts";
import { bytesToHex, equalBytes, type Bytes } from "#base/bytes.ts";
import type { Secret } from "#base/secret.ts";
import type { HistoryView } from "#bridge/device-views.ts";
import { openHistoryHead, openHistoryPart, type HistorySlice } from "#crypto/history-slice.ts";
import { currentDevices } from "#crypto/ledger/account-state.ts";
import { parsePrekey } from "#crypto/prekeys.ts";
import type { ConversationId, DeviceId } from "#protocol/ids.ts";
import { Empty, HistoryNote } from "#protocol/rest.ts";
import type { PeerEndpoint } from "#peer/create-endpoint.ts";
import { isPassing } from "#peer/failure.ts";
import type { KeyVault } from "#peer/key-vault.ts";
import type { EngineDeps } from "./deps.ts";
import { parseHistoryPart } from "./history-plan.ts";
import { LOOK_EVERY_MS, STALLED_MS } from "./history-send.ts";
import { pause } from "./link-notes.ts";

export interface HistoryTaker {
  /** Takes what waits for this device, until its slice is whole. */
  take(): Promise<void>;
  close(): void;
}

type Needs = {
  readonly deps: EngineDeps;
  readonly endpoint: PeerEndpoint;
  readonly vault: KeyVault;
  readonly tell: (history: HistoryView) => void;
  /** Messages of these conversations came. */
  readonly onTaken: (conversationIds: readonly ConversationId[]) => Promise<void>;
};

type Note = { readonly slice_id: string; readonly index: number; readonly sealed: string };
type Open = { readonly slice: HistorySlice; readonly key: Secret<Bytes>; readonly name: string };
/** What a note led to. */
type Step =
  | { readonly kind: "go-on"; readonly open: Open; readonly from: number }
  | { readonly kind: "whole"; readonly open: Open }
  | { readonly kind: "bad" }
  /** Another slice began: from its head. */
  | { readonly kind: "anew" };

export const createHistoryTaker = (needs: Needs): HistoryTaker => new Taker(needs);

class Taker implements HistoryTaker {
  readonly #needs: Needs;
  #running: Promise<void> | null = null;
  #isAskedAgain = false;
  #isClosed = false;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  async take(): Promise<void> {
    this.#isAskedAgain = this.#running !== null;
    this.#running ??= this.#takeAll().finally(() => (this.#running = null));
    await this.#running;
    if (this.#isAskedAgain && !this.#isClosed) await this.take();
  }

  close(): void {
    this.#isClosed = true;
  }

  async #takeAll(): Promise<void> {
    const { deps, endpoint, onTaken } = this.#needs;
    const touched = new Set<ConversationId>();
    let open: Open | null = null;
    let from = 0;
    let movedAt = deps.clock.now();
    while (!this.#isClosed) {
      const got = await endpoint.rest.page(`/users/me/history?from=${from}`, HistoryNote);
      if (!got.ok && !isPassing(got.failure)) break;
      const [note] = got.ok ? got.value.items : [];
      if (note === undefined) {
        if (open === null || deps.clock.now() - movedAt > STALLED_MS) break;
        await pause(deps.clock, LOOK_EVERY_MS);
        continue;
      }
      movedAt = deps.clock.now();
      const step: Step = await this.#takeNote(note, open, touched);
      open = step.kind === "go-on" ? step.open : null;
      from = step.kind === "go-on" ? step.from : 0;
      if (step.kind === "bad") await this.#throwAway(note);
      if (step.kind === "whole") await this.#finish(step.open);
    }
    if (open !== null) this.#show(open.slice, null, "engine/device-away");
    if (touched.size > 0 && !this.#isClosed) await onTaken([...touched]);
  }

  async #takeNote(
    { slice_id, index, sealed }: Note,
    open: Open | null,
    touched: Set<ConversationId>,
  ): Promise<Step> {
    const bytes = base64ToBytes(sealed) ?? new Uint8Array();
    if (index === 0) {
      const opened = await this.#openHead(bytes);
      if (opened === null || bytesToHex(opened.slice.sliceId) !== slice_id) return { kind: "bad" };
      this.#show(opened.slice, 0);
      return { kind: "go-on", open: { ...opened, name: slice_id }, from: 1 };
    }
    if (open?.name !== slice_id) return { kind: "anew" };
    const { deps, endpoint } = this.#needs;
    const plain = openHistoryPart(deps.primitives, open.slice, open.key, index - 1, bytes);
    const part = plain === null ? null : parseHistoryPart(plain);
    if (part === null) return { kind: "bad" };
    const kept = await endpoint.takeHistory(part.conversationId, part.entries);
    if (!kept.ok) return { kind: "bad" };
    touched.add(part.conversationId);
    await this.#takeOut(slice_id, index);
    this.#show(open.slice, index);
    return index === open.slice.partCount
      ? { kind: "whole", open }
      : { kind: "go-on", open, from: index + 1 };
  }

  async #openHead(head: Bytes): Promise<Pick<Open, "slice" | "key"> | null> {
    const { deps, endpoint, vault } = this.#needs;
    const account = await endpoint.account(endpoint.accountId);
    if (!account.ok) return null;
    const held = await vault.list();
    const counts = new Set<DeviceId>(currentDevices(account.value));
    const opened = await openHistoryHead(deps.primitives, head, {
      accountId: endpoint.accountId,
      deviceId: endpoint.deviceId,
      signingKeyOf: (id) =>
        counts.has(id) ? (account.value.devices.get(id)?.signingKey ?? null) : null,
      prekeyOf(kid) {
        const ours = held.find((one) => equalBytes(one.kid, kid));
        const prekey = ours === undefined ? null : parsePrekey(ours.certificate);
        return ours === undefined || prekey === null ? undefined : { ...ours, prekey };
      },
    });
    return opened.ok ? opened.value : null;
  }

  /** What cannot be read would be met again for ever. */
  async #throwAway({ slice_id, index }: Note): Promise<void> {
    await this.#takeOut(slice_id, index);
    await this.#takeOut(slice_id, 0);
    this.#needs.tell({
      role: "taking",
      deviceId: this.#needs.endpoint.deviceId,
      doneParts: 0,
      totalParts: 0,
      status: "stopped",
      failure: "crypto/bad-history",
    });
  }

  async #finish({ slice, name }: Open): Promise<void> {
    await this.#takeOut(name, 0);
    this.#show(slice, slice.partCount, null, "done");
  }

  async #takeOut(name: string, index: number): Promise<void> {
    await this.#needs.endpoint.rest.call("DELETE", `/users/me/history/${name}/${index}`, Empty);
  }

  #show(
    { fromDeviceId, partCount }: HistorySlice,
    doneParts: number | null,
    failure: string | null = null,
    status: HistoryView["status"] = failure === null ? "running" : "stopped",
  ): void {
    this.#needs.tell({
      role: "taking",
      deviceId: fromDeviceId,
      doneParts: doneParts ?? 0,
      totalParts: partCount,
      status,
      failure,
    });
  }
}
