import { describe, expect, test } from "vitest";
import { MAX_WAITING_HISTORY_NOTES } from "#protocol/limits.ts";
import { aLedger, aLedgerEntry, aRegistration, text64 } from "../hand-made.contract.ts";
import { hashOf } from "../ledger-head.ts";
import { aWorld, passTimeUntil, type Answer } from "../relay-world.contract.ts";

const LINK = "00112233445566778899aabbccddeeff";
const path = (step: number, id = LINK) => `/auth/device-links/${id}/${step}`;

describe("a device link", () => {
  const aLink = async () => {
    const world = await aWorld();
    const ada = await world.person("ada");
    const put = async (step: number, token: string | null, sealed: string) =>
      (await world.rest("PUT", path(step), token, { sealed })).status;
    const read = async (step: number) => (await world.rest("GET", path(step))).body.data?.sealed;
    const made = await world.rest("POST", "/auth/device-links", ada.token, {
      link_id: LINK,
      sealed: "AAAA",
    });
    expect(made.body.data).toEqual({ expires_in_seconds: 300 });
    return { world, ada, put, read };
  };

  test("[P28] carries four notes, each put once by the one it is for", async () => {
    const { world, ada, put, read } = await aLink();
    const bob = await world.person("bob");

    expect(await read(1)).toBe("AAAA");
    expect(await read(2)).toBeNull();
    expect(await put(2, null, "BBBB")).toBe(200);
    expect(await put(2, null, "CCCC")).toBe(409);
    expect(await put(3, null, "CCCC")).toBe(401);
    expect(await put(3, bob.token, "CCCC")).toBe(404);
    expect(await put(3, ada.token, "CCCC")).toBe(200);
    expect(await put(3, ada.token, "DDDD")).toBe(409);
    expect(await put(4, ada.token, "DDDD")).toBe(200);
    expect(await put(5, ada.token, "EEEE")).toBe(404);
    expect(await put(1, ada.token, "EEEE")).toBe(404);

    expect([await read(2), await read(3), await read(4)]).toEqual(["BBBB", "CCCC", "DDDD"]);
  });

  test("[P28] shows its offer to nobody once somebody has asked", async () => {
    const { world, put } = await aLink();

    await put(2, null, "BBBB");

    const second = await world.rest("GET", path(1));
    expect([second.status, second.body.error.code]).toEqual([410, "INVITE_EXPIRED"]);
  });

  test("[P28] is over after five minutes, when it is closed, and when its device makes another", async () => {
    const { world, ada, put } = await aLink();
    const other = "ffeeddccbbaa99887766554433221100";
    const make = (link_id: string) =>
      world.rest("POST", "/auth/device-links", ada.token, { link_id, sealed: "AAAA" });
    const status = async (id: string) => (await world.rest("GET", path(1, id))).status;

    await make(other);
    expect([await status(LINK), await status(other)]).toEqual([404, 200]);
    const bob = await world.person("bob");
    const close = async (token: string) =>
      (await world.rest("DELETE", `/auth/device-links/${other}`, token)).status;
    expect([await close(bob.token), await close(ada.token)]).toEqual([404, 200]);
    expect(await status(other)).toBe(404);
    await make(LINK);
    await world.clock.advance(300_000);
    expect(await status(LINK)).toBe(404);
    expect(await put(2, null, "BBBB")).toBe(404);
  });

  test("[P28] answers who waits when the note is there, and at the end of the wait", async () => {
    const { world, ada, put } = await aLink();
    const wait = (step: number) => world.rest("GET", `${path(step)}?wait=20`);
    /** Lets time pass until the request has waited enough; it may not have begun to wait yet. */
    const answered = async (waiting: Promise<Answer>) =>
      (await passTimeUntil(world, waiting, 500)).body.data;

    const held = wait(3);
    await put(3, ada.token, "CCCC");
    expect(await answered(held)).toEqual({ sealed: "CCCC" });
    expect(await answered(wait(4))).toEqual({ sealed: null });
  });
});

describe("history between devices", () => {
  const SLICE = "aa".repeat(16);
  const aBox = async () => {
    const world = await aWorld();
    const ada = await world.person("ada");
    const box = `/users/me/devices/${ada.deviceId}/history`;
    const put = (index: number, slice = SLICE) =>
      world.rest("PUT", `${box}/${slice}/${index}`, ada.token, { sealed: "AAAA" });
    const waiting = async (index: number): Promise<boolean> =>
      (await world.rest("GET", `${box}/${SLICE}/${index}`, ada.token)).body.data.waiting;
    const list = async (from = 0) =>
      (await world.rest("GET", `/users/me/history?from=${from}`, ada.token)).body.data;
    const take = (index: number, slice = SLICE) =>
      world.rest("DELETE", `/users/me/history/${slice}/${index}`, ada.token);
    return { world, ada, put, waiting, list, take };
  };

  test("[P293] waits for its device, is announced, and is taken out one by one", async () => {
    const { world, ada, put, waiting, list, take } = await aBox();
    const socket = await world.online(ada);

    await put(0);
    await put(1);
    await put(2);

    expect(await socket.next("history.waiting")).toEqual({
      type: "history.waiting",
      device_id: ada.deviceId,
    });
    expect(await list()).toEqual([{ slice_id: SLICE, index: 0, sealed: "AAAA" }]);
    expect(await list(1)).toEqual([{ slice_id: SLICE, index: 1, sealed: "AAAA" }]);
    await take(1);
    expect(await list(1)).toEqual([{ slice_id: SLICE, index: 2, sealed: "AAAA" }]);
    expect([await waiting(0), await waiting(1), await waiting(2)]).toEqual([true, false, true]);
    // Put again because its answer was lost: it was taken, and does not come back.
    expect((await put(1)).status).toBe(200);
    expect(await waiting(1)).toBe(false);
  });

  test("[P293] waits in small numbers, ten minutes, and only for an own device", async () => {
    const { world, ada, put, waiting, take } = await aBox();
    const bob = await world.person("bob");

    const last = MAX_WAITING_HISTORY_NOTES + 1;
    for (let index = 0; index < last; index++) await put(index);
    expect((await put(last)).body.error.code).toBe("TOO_MANY_IN_FLIGHT");
    await take(1);
    expect((await put(last)).status).toBe(200);
    const foreign = await world.rest(
      "PUT",
      `/users/me/devices/${ada.deviceId}/history/${SLICE}/0`,
      bob.token,
      { sealed: "AAAA" },
    );
    expect(foreign.status).toBe(404);
    await world.clock.advance(600_000);
    await world.renew(ada);
    expect(await waiting(0)).toBe(false);
  });

  test("[P293] of another slice takes the place of what waits; parts without a head are refused", async () => {
    const { put, list, take } = await aBox();
    const next = "bb".repeat(16);

    await put(0);
    expect((await put(1, next)).status).toBe(404);
    await put(0, next);

    expect(await list()).toEqual([{ slice_id: next, index: 0, sealed: "AAAA" }]);
    expect((await take(0)).status).toBe(404);
    expect((await take(0, next)).status).toBe(200);
  });
});

describe("an admission", () => {
  /** Ada, a device that is new to her account, and the entry her other device made for it. */
  const aNewDevice = async () => {
    const world = await aWorld();
    const ada = await world.person("ada");
    const head = aLedger(0, ada.id, 2)[1] ?? null;
    const entry = aLedgerEntry(0, ada.id, 2, head);
    const { request, deviceKey } = aRegistration("new");
    const { device_id, signing_public_key } = request.device;
    const admit = async (token: string | null, ledger_seq = 2) => {
      const answer = await world.rest("POST", "/users/me/admissions", token, {
        device: { device_id, signing_public_key, certificate: text64(entry) },
        ledger_seq,
        prev_hash: text64(hashOf(head ?? new Uint8Array())),
      });
      return { status: answer.status, data: answer.body.data };
    };
    const devicesOf = async (token: string): Promise<readonly string[]> =>
      (await world.rest("GET", "/users/me/devices", token)).body.data.map(
        (device: { device_id: string }) => device.device_id,
      );
    return { world, ada, fresh: { ...ada, deviceId: device_id, deviceKey }, admit, devicesOf };
  };

  test("[P295] by a device of the account gives it nothing, and the new one signs in by its own key", async () => {
    const { world, ada, fresh, admit, devicesOf } = await aNewDevice();

    expect(await admit(ada.token)).toEqual({ status: 200, data: {} });

    expect((await devicesOf(ada.token)).toSorted()).toEqual(
      [ada.deviceId, fresh.deviceId].toSorted(),
    );
    const ledger = await world.rest("GET", `/keys/ledger/${ada.id}`, ada.token);
    expect(ledger.body.data).toHaveLength(3);
    const token = await world.renew(fresh);
    const me = await world.rest("GET", "/auth/me", token);
    expect(me.body.data).toMatchObject({ user_id: ada.id, device_id: fresh.deviceId });
    // The key of another device is not its key.
    const thief = { ...fresh, deviceKey: ada.deviceKey };
    expect(await world.renew(thief).catch(() => "refused")).toBe("refused");
  });

  test("[P295] comes from nobody else, stands at the ledger's next place, and counts once", async () => {
    const { world, ada, fresh, admit, devicesOf } = await aNewDevice();
    const bob = await world.person("bob");

    expect((await admit(null)).status).toBe(401);
    expect((await admit(bob.token)).status).toBeGreaterThanOrEqual(400);
    expect((await admit(ada.token, 3)).status).toBeGreaterThanOrEqual(400);
    expect(await devicesOf(ada.token)).toEqual([ada.deviceId]);
    expect(await devicesOf(bob.token)).toEqual([bob.deviceId]);

    expect((await admit(ada.token)).status).toBe(200);
    expect((await admit(ada.token)).status).toBeGreaterThanOrEqual(400);
    expect(await devicesOf(ada.token)).toHaveLength(2);
    expect(await devicesOf(await world.renew(fresh))).toHaveLength(2);
  });
});

test("[P294] a device is renamed by its account and by nobody else", async () => {
  const world = await aWorld();
  const ada = await world.person("ada");
  const bob = await world.person("bob");
  const rename = async (token: string) =>
    (
      await world.rest("PATCH", `/users/me/devices/${ada.deviceId}`, token, {
        name_sealed: "AAAA",
      })
    ).status;

  expect([await rename(bob.token), await rename(ada.token)]).toEqual([404, 200]);

  const [device] = (await world.rest("GET", "/users/me/devices", ada.token)).body.data;
  expect(device.name_sealed).toBe("AAAA");
});
