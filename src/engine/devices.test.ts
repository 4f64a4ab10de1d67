import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EngineEvent } from "#bridge/events.ts";
import type { AccountView } from "#bridge/views.ts";
import { nameDevice } from "./device-name.ts";
import { must, startEngineWorld, words, type EngineWorld } from "./engine-world.contract.ts";

let world: EngineWorld;
beforeAll(async () => {
  world = await startEngineWorld();
});
afterAll(() => world.close());

const PASSWORD = "correct horse battery";
const open = (view: AccountView) => {
  if (view.status !== "open") throw new Error(view.status);
  return view;
};
/** One person at two browsers, both online. */
const twoDevices = async () => {
  const phone = await world.person("Ada", PASSWORD);
  const { handle, deviceId } = open(must(await phone.calls.loadAccount()));
  const laptop = world.newcomer();
  const there = open(must(await laptop.calls.signIn({ handle, password: PASSWORD })));
  await laptop.online();
  return { phone, laptop, phoneId: deviceId, laptopId: there.deviceId };
};

describe("a person's devices", () => {
  test("[N60] are listed with sealed names, this one first and marked", async () => {
    const { phone, laptop, phoneId, laptopId } = await twoDevices();

    const seen = must(await laptop.calls.listDevices());

    expect(seen).toMatchObject([
      { id: laptopId, name: `Browser of ${laptop.profile}`, isThis: true },
      { id: phoneId, name: `Browser of ${phone.profile}`, isThis: false },
    ]);
    const fromThere = must(await phone.calls.listDevices());
    expect(fromThere.map(({ id, isThis }) => [id, isThis])).toEqual([
      [phoneId, true],
      [laptopId, false],
    ]);
    for (const { addedAt, fingerprintText } of seen) {
      expect(addedAt).toBeGreaterThan(0);
      expect(fingerprintText).toMatch(/^([0-9A-F]{4} ){15}[0-9A-F]{4}$/);
    }
  });

  test("[N61] can be put out by another: its session ends, and whoever talks with the person sees it", async () => {
    const { phone, laptop, phoneId, laptopId } = await twoDevices();
    const guide = await world.agent();
    const conversationId = must(await phone.calls.acceptInvite({ url: guide.link }));
    if (conversationId === null) throw new Error("no conversation");
    await phone.openThread(conversationId);

    must(await phone.calls.revokeDevice({ deviceId: laptopId }));

    await laptop.until(
      (event): event is EngineEvent =>
        event.type === "connection" &&
        event.connection.status === "refused" &&
        event.connection.reason === "session-invalidated",
    );
    expect(must(await phone.calls.listDevices()).map(({ id }) => id)).toEqual([phoneId]);
    await phone.row(({ body }) => body.kind === "system" && body.event === "member.device-revoke");
    const { userId } = open(must(await phone.calls.loadAccount()));
    const heard = await guide.entry(
      ({ content }) => content.kind === "ledger" && content.op === "device-revoke",
    );
    expect(heard.authorId).toBeDefined();
    const known = must(await guide.endpoint.account(userId));
    expect(known.devices.get(laptopId)?.revokedSeq).not.toBeNull();
    must(
      await phone.calls.sendText({
        conversationId,
        text: "still here",
        mentions: [],
        replyToId: null,
      }),
    );
    await phone.row((row) => words(row) === "still here" && row.seq !== null);
  });

  test("[N61] are not put out at the relay before the account's ledger says so", async () => {
    const { phone, laptopId } = await twoDevices();
    const asked: string[] = [];
    phone.line.lie = (url) => {
      asked.push(url);
      return url.includes("/keys/ledger/") ? { data: [], next_cursor: null } : null;
    };

    const refused = await phone.calls.revokeDevice({ deviceId: laptopId });

    expect(refused).toMatchObject({ failure: { kind: "engine/bad-backup" } });
    expect(asked.filter((url) => url.includes(`/devices/${laptopId}`))).toEqual([]);
    phone.line.lie = undefined;
    expect(must(await phone.calls.listDevices())).toHaveLength(2);
  });

  test("[N107] that were put out take nothing to send, keep the draft, and say so also after a restart", async () => {
    const { phone, laptop, laptopId } = await twoDevices();
    const guide = await world.agent();
    const conversationId = must(await laptop.calls.acceptInvite({ url: guide.link }));
    if (conversationId === null) throw new Error("no conversation");
    must(await laptop.calls.saveDraft({ conversationId, text: "half a", replyToId: null }));
    const text = { conversationId, text: "more", mentions: [], replyToId: null };
    const isShut = (event: EngineEvent): event is EngineEvent =>
      event.type === "conversation" &&
      !event.conversation.sending.allowed &&
      event.conversation.sending.because === "device-removed";

    must(await phone.calls.revokeDevice({ deviceId: laptopId }));

    await laptop.until(isShut);
    expect(await laptop.calls.sendText(text)).toEqual({
      ok: false,
      failure: { kind: "engine/sending-blocked", params: { because: "device-removed" } },
    });
    await laptop.leave();
    const again = world.open(laptop.profile);
    await again.until(isShut);
    expect(must(await again.calls.listConversations())).toMatchObject([
      { id: conversationId, draft: "half a" },
    ]);
  });

  test("[N61] do not put out themselves", async () => {
    const ada = await world.person("Ada");
    const { deviceId } = open(must(await ada.calls.loadAccount()));

    expect(await ada.calls.revokeDevice({ deviceId })).toEqual({
      ok: false,
      failure: { kind: "engine/own-device" },
    });
  });

  test("[N62] leave the account's ledger when they are wiped", async () => {
    const { phone, laptop, phoneId } = await twoDevices();

    must(await laptop.calls.wipe());

    expect(must(await phone.calls.listDevices()).map(({ id }) => id)).toEqual([phoneId]);
  });
});

test("[N60] a browser is named by itself and its system", () => {
  const chrome =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36";
  const safari =
    "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1";

  expect(nameDevice(chrome)).toBe("Chrome · Linux");
  expect(nameDevice(safari)).toBe("Safari · iPhone");
  expect(nameDevice("")).toBe("");
});
