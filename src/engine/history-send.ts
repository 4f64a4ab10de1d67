/**
 * Hands stored messages to another device of the person, part by part and only when the person says so. Whatever
 * breaks is begun anew; the other device takes nothing twice. SPEC §history.
 */
import { base64ToBytes, bytesToBase64 } from "#base/base64.ts";
import { bytesToHex, type Bytes } from "#base/bytes.ts";
import { err, ok, type Result } from "#base/result.ts";
import type { HistoryPlanView, HistoryReach, HistoryView } from "#bridge/device-views.ts";
import { sealHistoryHead, sealHistoryPart, type HistorySlice } from "#crypto/history-slice.ts";
import { fingerprint, type Signer } from "#crypto/identity.ts";
import { verifyPrekey, type Prekey } from "#crypto/prekeys.ts";
import type { ConversationId, DeviceId } from "#protocol/ids.ts";
import { Empty, HistoryWaiting, UserKeys } from "#protocol/rest.ts";
import type { PeerEndpoint } from "#peer/create-endpoint.ts";
import { isPassing } from "#peer/failure.ts";
import type { Store } from "#peer/store.ts";
import type { EngineDeps } from "./deps.ts";
import { translated, type EngineFailure } from "./failure.ts";
import { planHistory, readHistoryPart, type HistoryPlan } from "./history-plan.ts";
import { pause } from "./link-notes.ts";

type Answer<Value> = Promise<Result<Value, EngineFailure>>;

export interface HistorySender {
  plan(days: HistoryReach): Promise<HistoryPlanView>;
  /** Starts to send. Fails with `engine/no-history`, `engine/device-away`; then nothing was sent. */
  send(deviceId: DeviceId, days: HistoryReach): Answer<null>;
  stop(): void;
}

type Needs = {
  readonly deps: EngineDeps;
  readonly store: Store;
  readonly endpoint: PeerEndpoint;
  readonly signer: Signer;
  /** Conversations whose messages are end-to-end encrypted. */
  readonly conversations: () => readonly ConversationId[];
  readonly tell: (history: HistoryView) => void;
};

export const LOOK_EVERY_MS = 1_000;
/** A device at which nothing moves for so long is not there. */
export const STALLED_MS = 120_000;
/** A device that was just added publishes its prekeys with its first line. */
const PREKEYS_MS = 60_000;

/** One sending, from its start to its end. */
type Run = { isOver: boolean; view: HistoryView; movedAt: number };
type Sealed = { readonly slice: HistorySlice; readonly head: Bytes };
type PartAt = (index: number) => Promise<Bytes>;

export const createHistorySender = (needs: Needs): HistorySender => new Sender(needs);

class Sender implements HistorySender {
  readonly #needs: Needs;
  #run: Run | null = null;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  async plan(days: HistoryReach): Promise<HistoryPlanView> {
    return (await this.#plan(days)).view;
  }

  async send(deviceId: DeviceId, days: HistoryReach): Answer<null> {
    this.stop();
    const plan = await this.#plan(days);
    const totalParts = plan.parts.length;
    if (totalParts === 0) return err({ kind: "engine/no-history" });
    const run: Run = {
      isOver: false,
      movedAt: this.#needs.deps.clock.now(),
      view: {
        role: "sending",
        deviceId,
        doneParts: 0,
        totalParts,
        status: "running",
        failure: null,
      },
    };
    this.#run = run;
    this.#show(run, {});
    const sealed = await this.#seal(run, plan);
    if (!sealed.ok) {
      this.#end(run, sealed.failure.kind);
      return sealed;
    }
    void this.#deliver(run, sealed.value.sealed, sealed.value.partAt);
    return ok(null);
  }

  stop(): void {
    if (this.#run !== null) this.#end(this.#run, null);
    this.#run = null;
  }

  #plan(days: HistoryReach): Promise<HistoryPlan> {
    const { store, conversations, deps } = this.#needs;
    return planHistory(store, conversations(), { days, now: deps.clock.now() });
  }

  async #seal(
    run: Run,
    { since, parts }: HistoryPlan,
  ): Answer<{ readonly sealed: Sealed; readonly partAt: PartAt }> {
    const { deps, endpoint, signer, store } = this.#needs;
    const { primitives } = deps;
    const prekey = await this.#prekeyOf(run);
    if (!prekey.ok) return prekey;
    const slice: HistorySlice = {
      accountId: endpoint.accountId,
      fromDeviceId: endpoint.deviceId,
      toDeviceId: run.view.deviceId,
      sliceId: deps.random(16),
      since,
      partCount: parts.length,
      createdAt: deps.clock.now(),
    };
    const made = await sealHistoryHead(primitives, slice, prekey.value, signer);
    if (!made.ok) return made;
    const { head, key } = made.value;
    const partAt: PartAt = async (index) => {
      const part = parts[index];
      const plain =
        part === undefined ? new Uint8Array() : await readHistoryPart(store, part, since);
      return sealHistoryPart(primitives, slice, key, index, plain);
    };
    return ok({ sealed: { slice, head }, partAt });
  }

  /** The strongest prekey of the device, by its certificate; a device just added is waited for. */
  async #prekeyOf(run: Run): Answer<Prekey> {
    const { clock } = this.#needs.deps;
    const until = clock.now() + PREKEYS_MS;
    while (!run.isOver && clock.now() < until) {
      const found = await currentPrekey(this.#needs, run.view.deviceId);
      if (!found.ok) return found;
      if (found.value !== null) return ok(found.value);
      await pause(clock, LOOK_EVERY_MS);
    }
    return err({ kind: "engine/device-away" });
  }

  async #deliver(run: Run, { slice, head }: Sealed, partAt: PartAt): Promise<void> {
    const { endpoint, deps } = this.#needs;
    const { rest } = endpoint;
    const box = `/users/me/devices/${slice.toDeviceId}/history`;
    const total = slice.partCount;
    const isStalled = (): boolean => deps.clock.now() - run.movedAt > STALLED_MS;
    for (let place = 0; place <= total; place++) {
      const sealed = bytesToBase64(place === 0 ? head : await partAt(place - 1));
      const path = `${box}/${bytesToHex(slice.sliceId)}/${place}`;
      for (;;) {
        if (run.isOver) return;
        const put = await rest.call("PUT", path, Empty, { sealed });
        const isThere =
          put.ok || (put.failure.kind === "peer/refused" && put.failure.code === "ID_TAKEN");
        if (isThere) break;
        if (!isPassing(put.failure) || isStalled()) return this.#end(run, "engine/device-away");
        await pause(deps.clock, LOOK_EVERY_MS);
      }
      run.movedAt = deps.clock.now();
    }
    // Taken out in their order, the head last of all.
    for (const place of [...Array(total).keys()].map((part) => part + 1).concat(0)) {
      for (;;) {
        if (run.isOver) return;
        const path = `${box}/${bytesToHex(slice.sliceId)}/${place}`;
        const left = await rest.call("GET", path, HistoryWaiting);
        if (left.ok && !left.value.waiting) break;
        if (isStalled()) return this.#end(run, "engine/device-away");
        await pause(deps.clock, LOOK_EVERY_MS);
      }
      run.movedAt = deps.clock.now();
      this.#show(run, { doneParts: place === 0 ? total : place });
    }
    this.#done(run);
  }

  #done(run: Run): void {
    if (run.isOver) return;
    run.isOver = true;
    this.#show(run, { doneParts: run.view.totalParts, status: "done" });
  }

  #end(run: Run, failure: string | null): void {
    if (run.isOver) return;
    run.isOver = true;
    this.#show(run, { status: "stopped", failure });
  }

  #show(run: Run, change: Partial<HistoryView>): void {
    run.view = { ...run.view, ...change };
    this.#needs.tell(run.view);
  }
}

async function currentPrekey(
  { deps, endpoint }: Pick<Needs, "deps" | "endpoint">,
  deviceId: DeviceId,
): Answer<Prekey | null> {
  const account = await endpoint.account(endpoint.accountId);
  if (!account.ok) return err(translated(account.failure));
  const { accountId, identityKey, mode, suiteFloor, devices } = account.value;
  const keys = await endpoint.rest.call("GET", `/keys/users/${accountId}/devices`, UserKeys);
  if (!keys.ok) return isPassing(keys.failure) ? ok(null) : err(translated(keys.failure));
  const wire = keys.value.devices.find(({ device_id }) => device_id === deviceId)?.prekeys ?? [];
  const device = devices.get(deviceId);
  if (device === undefined) return ok(null);
  for (const { certificate } of wire.toSorted((a, b) => b.suite - a.suite)) {
    const prekey = await verifyPrekey(
      deps.primitives,
      base64ToBytes(certificate) ?? new Uint8Array(),
      {
        owner: accountId,
        device: deviceId,
        signingKey: device.signingKey,
        fingerprint: fingerprint(deps.primitives, accountId, identityKey),
        mode,
        floor: suiteFloor,
        now: deps.clock.now(),
      },
    );
    if (prekey.ok) return ok(prekey.value);
  }
  return ok(null);
}
