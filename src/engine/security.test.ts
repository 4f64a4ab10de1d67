import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { randomBytes } from "node:crypto";
import type { EngineEvent } from "#bridge/events.ts";
import type { AccountView, SecurityView } from "#bridge/views.ts";
import type { ConversationId } from "#protocol/ids.ts";
import {
  fingerprintIn,
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

const PASSWORD = "correct horse battery";
const open = (view: AccountView) => {
  if (view.status !== "open") throw new Error(view.status);
  return view;
};

/** Ada and Bob in one conversation. */
const twoWhoMet = async () => {
  const ada = await world.person("Ada");
  const bob = await world.person("Bob", PASSWORD);
  const { inviteUrl, userId, handle } = open(must(await bob.calls.loadAccount()));
  must(await ada.calls.acceptInvite({ url: inviteUrl }));
  await bob.until(
    (event): event is EngineEvent => event.type === "contact-requests" && event.requests.length > 0,
  );
  const [request] = must(await bob.calls.listContactRequests());
  const id = must(
    await bob.calls.answerContactRequest({ requestId: request?.requestId ?? "", accept: true }),
  );
  if (id === null) throw new Error("no conversation");
  await untilView(ada, id, ({ members }) => members.length === 2);
  /** Ada says that she compared Bob's keys, by what she was shown of them. */
  const compare = (fingerprintText = fingerprintIn(inviteUrl)) =>
    ada.calls.setVerified({ accountId: userId, verified: true, fingerprintText });
  return { ada, compare, bob, bobId: userId, handle, inviteUrl, id };
};
type Conversation = Extract<EngineEvent, { type: "conversation" }>["conversation"];
const untilView = (seat: Seat, id: ConversationId, wants: (view: Conversation) => boolean) =>
  seat.until(
    (event): event is Extract<EngineEvent, { type: "conversation" }> =>
      event.type === "conversation" && event.conversation.id === id && wants(event.conversation),
  );
const other = async (seat: Seat, conversationId: ConversationId) => {
  const { readers } = must(await seat.calls.describeSecurity({ conversationId }));
  return readers.find(({ isSelf }) => !isSelf) as SecurityView["readers"][number];
};

describe("the keys of others", () => {
  test("[N65] are shown as digits, as the same code on both sides, and device by device", async () => {
    const { ada, bob, id } = await twoWhoMet();

    const seenByAda = await other(ada, id);
    const seenByBob = await other(bob, id);

    expect(seenByAda.safetyCode).toHaveLength(65);
    expect(seenByAda.safetyCode).toEqual(seenByBob.safetyCode);
    expect(seenByAda.devices).toHaveLength(1);
    expect(seenByAda.devices[0]?.fingerprintText).not.toBe(seenByAda.fingerprintText);
    expect(must(await bob.calls.listDevices())[0]?.fingerprintText).toBe(
      seenByAda.devices[0]?.fingerprintText,
    );
  });

  test("[N159] count as compared until the person takes that back", async () => {
    const { ada, compare, bobId, id } = await twoWhoMet();
    const trust = async (verified: boolean) => {
      must(
        verified
          ? await compare()
          : await ada.calls.setVerified({ accountId: bobId, verified: false }),
      );
      return (await other(ada, id)).trust;
    };

    expect([await trust(true), await trust(false), await trust(true)]).toEqual([
      "verified",
      "unverified",
      "verified",
    ]);
  });

  test("[N66] stop sending when they change, until the person goes on knowingly", async () => {
    const { ada, compare, bobId, handle, id } = await twoWhoMet();
    must(await compare());
    await ada.openThread(id);
    const forged = {
      ledger_seq: 3,
      prev_hash: randomBytes(32).toString("base64"),
      entry: randomBytes(200).toString("base64"),
    };
    ada.line.lie = (url) =>
      url.includes(`/keys/ledger/${bobId}`) ? { data: [forged], next_cursor: null } : null;
    const say = (text: string) =>
      ada.calls.sendText({ conversationId: id, text, mentions: [], replyToId: null });

    must(await world.newcomer().calls.signIn({ handle, password: PASSWORD }));
    await untilView(
      ada,
      id,
      ({ sending, peer }) =>
        !sending.allowed && sending.because === "key-changed" && peer?.trust === "changed",
    );
    expect(await say("unseen")).toMatchObject({
      failure: { kind: "engine/sending-blocked", params: { because: "key-changed" } },
    });

    ada.line.lie = undefined;
    ada.listenAnew();
    must(await ada.calls.acceptKey({ accountId: bobId }));

    await untilView(
      ada,
      id,
      ({ sending, peer }) => sending.allowed && peer?.trust === "unverified",
    );
    must(await say("on my own risk"));
    await ada.row((row) => words(row) === "on my own risk" && row.seq !== null);
  });

  test("[N65] count as compared only when they are the ones whose number was shown", async () => {
    const { ada, compare, id } = await twoWhoMet();
    const [shown, later] = [(await other(ada, id)).fingerprintText, "0000 ".repeat(16).trim()];

    const another = await compare(later);
    const before = (await other(ada, id)).trust;
    must(await compare(shown));

    expect(another).toMatchObject({ ok: false, failure: { kind: "peer/key-changed" } });
    expect([before, (await other(ada, id)).trust]).toEqual(["unverified", "verified"]);
  });

  test("[N66] are settled by comparing the ones that changed, and by no word that they were not compared", async () => {
    const { ada, compare, bobId, handle, id } = await twoWhoMet();
    ada.line.lie = (url) =>
      url.includes(`/keys/ledger/${bobId}`) ? { data: [], next_cursor: null } : null;
    must(await world.newcomer().calls.signIn({ handle, password: PASSWORD }));
    await untilView(ada, id, ({ peer }) => peer?.trust === "changed");
    ada.line.lie = undefined;

    must(await ada.calls.setVerified({ accountId: bobId, verified: false }));
    expect(await compare("0000 ".repeat(16).trim())).toMatchObject({ ok: false });
    expect((await other(ada, id)).trust).toBe("changed");
    must(await compare());

    expect((await other(ada, id)).trust).toBe("verified");
    const text = { conversationId: id, text: "compared", mentions: [], replyToId: null };
    await ada.openThread(id);
    must(await ada.calls.sendText(text));
    await ada.row((row) => words(row) === "compared" && row.seq !== null);
  });

  test("[N66] are not accepted by answering a request", async () => {
    const { ada, bob, bobId, handle, id } = await twoWhoMet();
    ada.line.lie = (url) =>
      url.includes(`/keys/ledger/${bobId}`) ? { data: [], next_cursor: null } : null;
    must(await world.newcomer().calls.signIn({ handle, password: PASSWORD }));
    await untilView(ada, id, ({ peer }) => peer?.trust === "changed");
    ada.line.lie = undefined;
    must(await ada.calls.revokeRelation({ conversationId: id }));
    must(
      await bob.calls.acceptInvite({ url: open(must(await ada.calls.loadAccount())).inviteUrl }),
    );
    const requests = must(await ada.calls.listContactRequests());
    const requestId = requests.find(({ userId }) => userId === bobId)?.requestId ?? "";
    const accept = () => ada.calls.answerContactRequest({ requestId, accept: true });

    expect(await accept()).toMatchObject({ failure: { kind: "peer/key-changed" } });
    must(await ada.calls.acceptKey({ accountId: bobId }));
    expect(must(await accept())).not.toBeNull();
  });

  test("[N66] count as unverified when their person is met anew by a link, and not compared", async () => {
    const { ada, compare, bobId, handle, inviteUrl, id } = await twoWhoMet();
    must(await compare());
    ada.line.lie = (url) =>
      url.includes(`/keys/ledger/${bobId}`) ? { data: [], next_cursor: null } : null;
    must(await world.newcomer().calls.signIn({ handle, password: PASSWORD }));
    await untilView(ada, id, ({ peer }) => peer?.trust === "changed");
    ada.line.lie = undefined;
    must(await ada.calls.revokeRelation({ conversationId: id }));

    must(await ada.calls.acceptInvite({ url: inviteUrl }));

    expect((await other(ada, id)).trust).toBe("unverified");
  });
});

test("[N67] an agent without sessions is named as such on every device, by its signed card", async () => {
  const ada = await world.person("Ada", PASSWORD);
  const { handle } = open(must(await ada.calls.loadAccount()));
  const hook = await world.agent("envelope");
  const id = must(await ada.calls.acceptInvite({ url: hook.link }));
  if (id === null) throw new Error("no conversation");
  const laptop = world.newcomer();

  must(await laptop.calls.signIn({ handle, password: PASSWORD }));

  for (const seat of [ada, laptop]) {
    await untilView(seat, id, ({ peer }) => peer?.stateless === true);
    expect(must(await seat.calls.describeSecurity({ conversationId: id }))).toMatchObject({
      encryption: "envelope",
      reduced: true,
    });
    expect((await other(seat, id)).isStateless).toBe(true);
  }
});
