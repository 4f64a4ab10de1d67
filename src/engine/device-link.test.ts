import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock, type Clock } from "#base/clock.ts";
import type { DeviceLinkView, HistoryView } from "#bridge/device-views.ts";
import type { EngineEvent } from "#bridge/events.ts";
import type { AccountView, MessageView } from "#bridge/views.ts";
import type { ConversationId, DeviceId } from "#protocol/ids.ts";
import {
  must,
  startEngineWorld,
  words,
  type EngineWorld,
  type Seat,
} from "./engine-world.contract.ts";

let world: EngineWorld;
beforeAll(async () => {
  world = await startEngineWorld();
});
afterAll(() => world.close());

const open = (view: AccountView) => {
  if (view.status !== "open") throw new Error(view.status);
  return view;
};
type LinkOf<Status extends DeviceLinkView["status"]> = Extract<
  DeviceLinkView,
  { readonly status: Status }
>;
/** The link as this end shows it, told or to come. */
const link = async <Status extends DeviceLinkView["status"]>(
  seat: Seat,
  status: Status,
): Promise<LinkOf<Status>> => {
  const event = await seat.until(
    (one): one is Extract<EngineEvent, { type: "device-link" }> =>
      one.type === "device-link" && one.link?.status === status,
  );
  return event.link as LinkOf<Status>;
};
const history = (seat: Seat, wants: (view: HistoryView) => boolean) =>
  seat.until(
    (one): one is Extract<EngineEvent, { type: "history" }> =>
      one.type === "history" && wants(one.history),
  );
const offer = async (seat: Seat) => {
  const made = must(await seat.calls.offerDeviceLink());
  if (made.status !== "offered") throw new Error(made.status);
  return made;
};
const say = async (seat: Seat, conversationId: ConversationId, text: string) =>
  must(await seat.calls.sendText({ conversationId, text, mentions: [], replyToId: null }));
/** A person whose new device was added by a link. */
const twoByLink = async (
  days?: 7 | 30 | null,
  before?: (old: Seat) => Promise<void>,
  password: string | null = null,
) => {
  const old = await world.person("Ada", password);
  await before?.(old);
  const fresh = world.newcomer();
  const { url } = await offer(old);
  must(await fresh.calls.openDeviceLink({ code: url }));
  const here = await link(old, "asked");
  const there = await link(fresh, "comparing");
  must(await old.calls.admitDevice({ history: days === undefined ? null : { days } }));
  const { deviceId } = await link(old, "admitted");
  await fresh.online();
  return { old, fresh, here, there, deviceId };
};
const meetGuide = async (old: Seat) => {
  const guide = await world.agent();
  const conversationId = must(await old.calls.acceptInvite({ url: guide.link }));
  if (conversationId === null) throw new Error("no conversation");
  return { guide, conversationId };
};
const texts = async (seat: Seat, conversationId: ConversationId) => {
  const thread = await seat.openThread(conversationId);
  return {
    ...thread,
    said: thread.messages.flatMap((row) => (row.body.kind === "text" ? words(row) : [])),
  };
};
const knows = (seat: Seat, conversationId: ConversationId) =>
  seat.until(
    (event): event is EngineEvent =>
      event.type === "conversation" && event.conversation.id === conversationId,
  );

describe("a device link", () => {
  test("[N100] adds a device with keys of its own after both ends showed the same digits and the old one said yes", async () => {
    const { old, fresh, here, there, deviceId } = await twoByLink();

    expect(here.digits).toBe(there.digits);
    expect(here.deviceName).toBe(`Browser of ${fresh.profile}`);
    expect(there.displayName).toBe("Ada");
    const mine = open(must(await old.calls.loadAccount()));
    // The name comes from the relay, a moment after the keys.
    await fresh.until(
      (event): event is EngineEvent =>
        event.type === "account" &&
        event.account.status === "open" &&
        event.account.displayName === "Ada",
    );
    const account = open(must(await fresh.calls.loadAccount()));
    expect(account).toMatchObject({ userId: mine.userId, deviceId });
    const listed = must(await fresh.calls.listDevices());
    expect(listed.map(({ id }) => id).toSorted()).toEqual([mine.deviceId, deviceId].toSorted());
    expect(listed[0]?.fingerprintText).not.toBe(listed[1]?.fingerprintText);
  });

  test("[N108] leaves the new device without a lock until the password was entered there", async () => {
    const password = "correct horse battery";
    const { fresh } = await twoByLink(undefined, undefined, password);
    const account = async () => open(must(await fresh.calls.loadAccount()));
    const refused = { ok: false, failure: { kind: "engine/no-password" } };
    expect(await account()).toMatchObject({ hasPassword: true, canLock: false });
    expect(await fresh.calls.lock()).toEqual(refused);
    expect(await fresh.calls.setIdleLock({ minutes: 5 })).toEqual(refused);
    expect(await fresh.calls.enterPassword({ password: "another horse battery" })).toMatchObject({
      failure: { kind: "engine/wrong-password" },
    });
    expect(await account()).toMatchObject({ canLock: false });

    must(await fresh.calls.enterPassword({ password }));

    expect(await account()).toMatchObject({ hasPassword: true, canLock: true });
    expect(must(await fresh.calls.listWays())).toMatchObject({ canAddPasskey: true });
    must(await fresh.calls.setIdleLock({ minutes: 5 }));
    must(await fresh.calls.lock());
    expect(must(await fresh.calls.loadAccount()).status).toBe("locked");
    must(await fresh.calls.unlock({ password }));
    expect(await account()).toMatchObject({ canLock: true, lockAfterMinutes: 5 });
  });

  test("[N100] gives the new device what is said from then on, by others and by the old one", async () => {
    const { old, fresh } = await twoByLink();
    const { guide, conversationId } = await meetGuide(old);
    await knows(fresh, conversationId);
    await fresh.openThread(conversationId);

    await say(old, conversationId, "from the old one");
    await fresh.row((row) => words(row) === "from the old one" && row.isSelf);
    must(await guide.endpoint.send(conversationId, { type: "text", text: "to both" }));

    await fresh.row((row) => words(row) === "to both");
    await say(fresh, conversationId, "from the new one");
    const heard = await guide.text("from the new one");
    expect(heard.authorId).toBe(open(must(await old.calls.loadAccount())).userId);
  });

  test("[N101] is closed by its device, is used once, and knows a wrong code when it sees it", async () => {
    const old = await world.person("Ada");
    const [first, second] = [world.newcomer(), world.newcomer()];
    const openLink = async (seat: Seat, code: string) => {
      const answer = await seat.calls.openDeviceLink({ code });
      return answer.ok ? "open" : answer.failure.kind;
    };
    const closed = await offer(old);
    must(await old.calls.cancelDeviceLink());
    expect(await openLink(first, closed.url)).toBe("engine/device-link-gone");
    const { url, code } = await offer(old);

    expect(
      await openLink(
        first,
        url.replace(/.$/, (last) => (last === "0" ? "1" : "0")),
      ),
    ).toBe("engine/bad-device-link");
    expect(await openLink(first, url.replace(world.relay.url, "https://other.example"))).toBe(
      "engine/bad-device-link",
    );
    expect(await openLink(first, "hello")).toBe("engine/bad-device-link");
    expect(await openLink(first, code.toLowerCase())).toBe("open");
    await link(old, "asked");
    expect(await openLink(second, url)).toBe("engine/device-link-used");
    must(await old.calls.cancelDeviceLink());

    expect((await link(first, "over")).failure).toBe("engine/device-link-gone");
    expect(must(await first.calls.loadAccount()).status).toBe("none");
    expect(must(await old.calls.listDevices())).toHaveLength(1);
  });

  test("[N101] is taken by one of two who come at once, and admits once", async () => {
    const old = await world.person("Ada");
    const two = [world.newcomer(), world.newcomer()];
    const { url } = await offer(old);

    const opened = await Promise.all(two.map((seat) => seat.calls.openDeviceLink({ code: url })));
    await link(old, "asked");
    const admitted = await Promise.all([
      old.calls.admitDevice({ history: null }),
      old.calls.admitDevice({ history: null }),
    ]);
    await link(old, "admitted");

    const told = (answers: readonly (typeof opened)[number][]) =>
      answers.map((answer) => (answer.ok ? "yes" : answer.failure.kind)).toSorted();
    expect(told(opened)).toEqual(["engine/device-link-used", "yes"]);
    expect(told(admitted)).toEqual(["engine/device-link-gone", "yes"]);
    expect(must(await old.calls.listDevices())).toHaveLength(2);
  });

  test("[N101] is over after five minutes, also while somebody waits for a yes", async () => {
    const atItsEnd: (() => void)[] = [];
    const clock: Clock = {
      ...systemClock,
      after(delayMs, run) {
        if (delayMs > 280_000 && delayMs <= 300_000) atItsEnd.push(run);
        return systemClock.after(delayMs, run);
      },
    };
    const old = world.open("whose-link-ends", { isCut: false }, clock);
    must(await old.calls.createAccount({ displayName: "Ada", handle: null, password: null }));
    await old.online();
    const fresh = world.newcomer();
    const { url, expiresAt } = await offer(old);
    must(await fresh.calls.openDeviceLink({ code: url }));
    await link(old, "asked");
    const there = await link(fresh, "comparing");
    const latest = Date.now() + 300_000;
    expect([expiresAt <= latest, there.expiresAt <= latest]).toEqual([true, true]);

    for (const end of atItsEnd) end();

    expect((await link(old, "over")).failure).toBe("engine/device-link-gone");
    expect(await old.calls.admitDevice({ history: null })).toMatchObject({
      failure: { kind: "engine/device-link-gone" },
    });
    expect((await link(fresh, "over")).failure).toBe("engine/device-link-gone");
    expect(must(await old.calls.listDevices())).toHaveLength(1);
  });

  test("[N101] is not made for a sixth device, and not opened where there is an account", async () => {
    const old = await world.person("Ada", "correct horse battery");
    const { handle } = open(must(await old.calls.loadAccount()));
    for (let i = 0; i < 4; i++)
      must(await world.newcomer().calls.signIn({ handle, password: "correct horse battery" }));

    const refused = await old.calls.offerDeviceLink();
    const inside = await old.calls.openDeviceLink({ code: "0" });

    expect(refused).toMatchObject({
      failure: { kind: "engine/device-limit", params: { limit: 5 } },
    });
    expect(inside).toMatchObject({ failure: { kind: "engine/already-open" } });
  });

  test.each([
    ["an offer", 1, "fresh"],
    ["an ask", 2, "old"],
    ["a shown number", 3, "fresh"],
    ["a grant", 4, "fresh"],
  ] as const)(
    "[N102] ends when %s is changed on the way, and nothing was handed over",
    async (_name, step, at) => {
      const old = await world.person("Ada");
      const fresh = world.newcomer();
      // Notes are random bytes to whoever changes them.
      const forged = Buffer.alloc(200, step).toString("base64");
      const victim = at === "old" ? old : fresh;
      victim.line.lie = (address) =>
        address.includes("/auth/device-links/") && address.includes(`/${step}?`)
          ? { data: { sealed: forged } }
          : null;
      const { url } = await offer(old);

      const opened = await fresh.calls.openDeviceLink({ code: url });
      if (step === 2) {
        expect((await link(old, "over")).failure).toBe("crypto/bad-link");
        expect(opened.ok).toBe(false);
        return;
      }
      if (step === 1) {
        expect(opened).toMatchObject({ failure: { kind: "crypto/bad-link" } });
        return;
      }
      must(opened);
      if (step === 4) {
        await link(old, "asked");
        must(await old.calls.admitDevice({ history: null }));
      }

      expect((await link(victim, "over")).failure).toBe("crypto/bad-link");
      victim.line.lie = undefined;
      // One that was admitted and did not come is put out again.
      must(await old.calls.cancelDeviceLink());
      expect(must(await fresh.calls.loadAccount()).status).toBe("none");
      expect(must(await old.calls.listDevices())).toHaveLength(1);
    },
  );

  test("[N102] puts out again who was admitted and does not come within a minute", async () => {
    let aheadMs = 0;
    const clock: Clock = { ...systemClock, now: () => systemClock.now() + aheadMs };
    const old = world.open("who-waits-in-vain", { isCut: false }, clock);
    must(await old.calls.createAccount({ displayName: "Ada", handle: null, password: null }));
    await old.online();
    const fresh = world.newcomer();
    const sealed = Buffer.alloc(200, 4).toString("base64");
    fresh.line.lie = (address) =>
      address.includes("/auth/device-links/") && address.includes("/4?")
        ? { data: { sealed } }
        : null;
    must(await fresh.calls.openDeviceLink({ code: (await offer(old)).url }));
    await link(old, "asked");
    must(await old.calls.admitDevice({ history: null }));
    await link(fresh, "over");
    expect(must(await old.calls.listDevices())).toHaveLength(2);

    aheadMs = 61_000;

    expect((await link(old, "over")).failure).toBe("engine/device-not-come");
    expect(must(await old.calls.listDevices())).toHaveLength(1);
  });

  test("[N102] can be opened anew after one that failed", async () => {
    const old = await world.person("Ada");
    const fresh = world.newcomer();
    must(await fresh.calls.openDeviceLink({ code: (await offer(old)).url }));
    await link(old, "asked");
    must(await old.calls.cancelDeviceLink());
    await link(fresh, "over");
    old.listenAnew();
    fresh.listenAnew();

    must(await fresh.calls.openDeviceLink({ code: (await offer(old)).url }));
    await link(old, "asked");
    must(await old.calls.admitDevice({ history: null }));
    await link(old, "admitted");

    expect(open(must(await fresh.calls.loadAccount())).userId).toBe(
      open(must(await old.calls.loadAccount())).userId,
    );
  });
});

describe("history", () => {
  const talked = async (days?: 7 | 30 | null) => {
    let conversationId = "" as ConversationId;
    const two = await twoByLink(days, async (old) => {
      const met = await meetGuide(old);
      ({ conversationId } = met);
      await old.openThread(conversationId);
      await say(old, conversationId, "before");
      await met.guide.text("before");
      must(await met.guide.endpoint.send(conversationId, { type: "text", text: "an answer" }));
      await old.row((row) => words(row) === "an answer");
    });
    await knows(two.fresh, conversationId);
    // From then on, and not before, what is said is sealed for the new device.
    const announced = ({ body }: MessageView) =>
      body.kind === "system" && body.event === "member.device-add";
    if (!(await two.old.openThread(conversationId)).messages.some(announced))
      await two.old.row(announced);
    return { ...two, conversationId };
  };

  test("[N103] [E83] stays on the old device unless it is handed over, and the new one says that it is not here", async () => {
    const { old, fresh, conversationId } = await talked();
    await say(old, conversationId, "after");
    await fresh.until(
      (event): event is EngineEvent =>
        event.type === "conversation" && event.conversation.preview?.text === "after",
    );

    const thread = await texts(fresh, conversationId);

    expect(thread.said).toEqual(["after"]);
    expect(thread).toMatchObject({ isCut: true, hasBefore: false });
    expect(thread.messages.filter(({ body }) => body.kind === "unreadable")).toEqual([]);
    expect((await texts(old, conversationId)).isCut).toBe(false);
  });

  test("[N103] that was chosen with the link comes with it", async () => {
    const { fresh, conversationId } = await talked(null);

    await history(fresh, ({ role, status }) => role === "taking" && status === "done");
    await fresh.until(
      (event): event is EngineEvent =>
        event.type === "conversation" && event.conversation.preview?.text === "an answer",
    );

    expect(await texts(fresh, conversationId)).toMatchObject({
      said: ["before", "an answer"],
      isCut: false,
    });
  });

  test("[N104] can be handed over later, twice, and nothing stands there twice", async () => {
    const { old, fresh, conversationId, deviceId } = await talked();
    const plan = must(await old.calls.planHistory({ days: 7 }));
    expect(plan).toMatchObject({ conversationCount: 1, messageCount: 2 });
    const handOver = async (): Promise<void> => {
      for (const seat of [old, fresh]) seat.listenAnew();
      must(await old.calls.sendHistory({ deviceId, days: 7 }));
      await history(old, ({ role, status }) => role === "sending" && status === "done");
      await fresh.until(
        (event): event is EngineEvent =>
          event.type === "history-taken" && event.conversationId === conversationId,
      );
    };

    await handOver();
    await handOver();

    expect((await texts(fresh, conversationId)).said).toEqual(["before", "an answer"]);
  });

  test("[N104] waits for nobody who is not one's own, and is nothing where nothing was said", async () => {
    const { old, deviceId } = await twoByLink();
    const gone = await old.calls.sendHistory({ deviceId, days: null });

    expect(gone).toMatchObject({ failure: { kind: "engine/no-history" } });
  });

  test("[N105] that was changed on the way is thrown away, and what is here stays", async () => {
    const { old, fresh, conversationId, deviceId } = await talked();
    for (const seat of [old, fresh]) seat.listenAnew();
    let lies = 0;
    fresh.line.lie = (address) =>
      address.includes("/users/me/history?") && lies++ === 0
        ? {
            data: [{ slice_id: "aa".repeat(16), index: 0, sealed: "AAAA" }],
            next_cursor: null,
          }
        : null;

    must(await old.calls.sendHistory({ deviceId, days: 30 }));

    const { history: view } = await history(fresh, ({ status }) => status === "stopped");
    expect(view.failure).toBe("crypto/bad-history");
    // The true one is still there and is taken.
    await history(fresh, ({ status }) => status === "done");
    expect((await texts(fresh, conversationId)).said).toEqual(["before", "an answer"]);
  });
});

test("[N106] a device is renamed by any of its person's, and others read the new name", async () => {
  const { old, fresh, deviceId } = await twoByLink();
  const rename = (id: DeviceId, name: string) => old.calls.renameDevice({ deviceId: id, name });

  must(await rename(deviceId, "  Kitchen tablet "));

  const [own] = must(await fresh.calls.listDevices());
  expect(own).toMatchObject({ id: deviceId, name: "Kitchen tablet", isThis: true });
  expect(await rename(deviceId, "  ")).toMatchObject({ failure: { kind: "engine/text-empty" } });
  expect(await rename("00000000-0000-7000-8000-0000000000ff" as DeviceId, "x")).toMatchObject({
    failure: { kind: "peer/not-found" },
  });
});
