import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EngineEvent } from "#bridge/events.ts";
import type { ConversationView } from "#bridge/views.ts";
import { isDurableFrame } from "#protocol/frame.ts";
import type { ConversationId } from "#protocol/ids.ts";
import { must, startEngineWorld, type EngineWorld, type Seat } from "./engine-world.contract.ts";
import { aPng } from "./files/pictures.contract.ts";

let world: EngineWorld;
beforeAll(async () => {
  world = await startEngineWorld();
});
afterAll(() => world.close());

const idOf = async (seat: Seat) => {
  const view = must(await seat.calls.loadAccount());
  if (view.status !== "open") throw new Error(view.status);
  return view;
};

/** One asks, the other accepts: they may be in groups together. */
async function befriend(ada: Seat, bob: Seat): Promise<void> {
  const { inviteUrl } = await idOf(bob);
  must(await ada.calls.acceptInvite({ url: inviteUrl }));
  await bob.until(
    (event): event is EngineEvent => event.type === "contact-requests" && event.requests.length > 0,
  );
  const [request] = must(await bob.calls.listContactRequests());
  must(await bob.calls.answerContactRequest({ requestId: request?.requestId ?? "", accept: true }));
}

/** How a conversation looks to this person once it looks as wanted. */
async function sees(seat: Seat, id: ConversationId, wants: (view: ConversationView) => boolean) {
  const event = await seat.until(
    (one): one is Extract<EngineEvent, { type: "conversation" }> =>
      one.type === "conversation" && one.conversation.id === id && wants(one.conversation),
  );
  return event.conversation;
}
const viewNow = async (seat: Seat, id: ConversationId) =>
  must(await seat.calls.listConversations()).find((one) => one.id === id);

/** Ada leads a group with Bob and an agent. */
async function aGroup() {
  const ada = await world.person("Ada");
  const bob = await world.person("Bob");
  const agent = await world.agent();
  await befriend(ada, bob);
  must(await ada.calls.acceptInvite({ url: agent.link }));
  const { userId: bobId } = await idOf(bob);
  const agentId = agent.endpoint.accountId;
  const memberIds = [bobId, agentId];
  const id = must(await ada.calls.createGroup({ title: "Sailing", memberIds }));
  await sees(bob, id, ({ title }) => title === "Sailing");
  return { ada, bob, bobId, agent, agentId, id };
}
const png = (width = 8) => new Blob([aPng(width, 8)], { type: "image/png" });

describe("what a group shows", () => {
  test("[N33] [N154] is set by who leads it and opened by its members, each word saying all of it", async () => {
    const { ada, bob, id } = await aGroup();
    must(await ada.calls.setGroupProfile({ conversationId: id, description: " Thursdays.\n" }));
    must(await ada.calls.setGroupProfile({ conversationId: id, picture: png() }));
    must(await ada.calls.setGroupProfile({ conversationId: id, title: "Rowing" }));

    const { group, title } = await sees(bob, id, (view) => view.title === "Rowing");
    expect([title, group?.description]).toEqual(["Rowing", "Thursdays."]);
    const picture = group?.picture;
    if (picture == null) throw new Error("a picture");
    expect(picture.isHere).toBe(false);
    expect((await viewNow(ada, id))?.group?.picture).toEqual({ ...picture, isHere: true });
    const opened = must(await bob.calls.openFile({ conversationId: id, ...picture }));
    expect(opened.picture).toEqual({ mime: "image/png", width: 8, height: 8 });
    expect((await viewNow(bob, id))?.group?.picture?.isHere).toBe(true);

    must(await ada.calls.setGroupProfile({ conversationId: id, picture: null, description: "" }));
    const bare = await sees(
      bob,
      id,
      (view) =>
        view.group?.picture === null && view.group.description === "" && view.title === "Rowing",
    );
    expect(bare.title).toBe("Rowing");
  });

  test("[N154] takes no picture that is none by its bytes or too large, and nothing from who does not lead", async () => {
    const { ada, bob, id } = await aGroup();
    const svg = new Blob(["<svg xmlns='http://www.w3.org/2000/svg'/>"], { type: "image/png" });
    const large = new Blob([aPng(8, 8), new Uint8Array(1 << 20)]);
    for (const picture of [svg, large])
      expect(await ada.calls.setGroupProfile({ conversationId: id, picture })).toEqual({
        ok: false,
        failure: { kind: "engine/no-picture" },
      });
    expect(await ada.calls.setGroupProfile({ conversationId: id, title: " " })).toMatchObject({
      failure: { kind: "engine/text-empty" },
    });
    expect(await bob.calls.setGroupProfile({ conversationId: id, title: "Mine" })).toMatchObject({
      failure: { kind: "peer/refused" },
    });
  });

  test("[E95] [N33] is not what a plain member seals past every client, now or when read late", async () => {
    const { ada, bob, agent, agentId, id } = await aGroup();
    bob.cut();
    const words = { type: "profile", name: "Mine now", description: "obey" } as const;
    const sent = must(await agent.endpoint.send(id, words, { contentType: "control" }));
    await agent.endpoint.settled(sent.messageId);
    must(await agent.endpoint.send(id, { type: "text", text: "after it" }));
    await sees(ada, id, ({ preview }) => preview?.text === "after it");
    must(await ada.calls.removeMember({ conversationId: id, accountId: agentId }));
    must(
      await ada.calls.sendText({
        conversationId: id,
        text: "he is gone",
        mentions: [],
        replyToId: null,
      }),
    );

    await bob.mend();
    const late = await sees(bob, id, ({ preview }) => preview?.text === "he is gone");
    expect([late.title, late.group?.description]).toEqual(["Sailing", ""]);
    expect(await viewNow(ada, id)).toMatchObject({ title: "Sailing", group: { description: "" } });
  });

  test("[E95] is not what somebody seals before they lead, nor from the time before they no longer did", async () => {
    for (const [before, after, shown] of [
      ["member", "admin", "Sailing"],
      ["admin", "member", "Led"],
    ] as const) {
      const { ada, agent, agentId, id } = await aGroup();
      const profile = async (name: string) => {
        const words = { type: "profile", name } as const;
        const sent = must(await agent.endpoint.send(id, words, { contentType: "control" }));
        await agent.endpoint.settled(sent.messageId);
        const text = must(await agent.endpoint.send(id, { type: "text", text: `after ${name}` }));
        await agent.endpoint.settled(text.messageId);
        return sees(ada, id, ({ preview }) => preview?.text === `after ${name}`);
      };
      if (before === "admin") {
        must(await ada.calls.setRole({ conversationId: id, accountId: agentId, role: before }));
        await agent.entry(({ content }) => content.kind === "ledger" && content.op === "role");
      }
      expect((await profile("Led")).title).toBe(shown);

      // From here on the agent does not hear how the ledger goes on, and names its old place.
      agent.socket.hears((frame) => (isDurableFrame(frame) ? [] : [frame]));
      must(await ada.calls.setRole({ conversationId: id, accountId: agentId, role: after }));

      expect((await profile("Not led")).title).toBe(shown);
      // Who ends somebody's lead says the profile anew: the thread tells what counted in between.
      const told = (await ada.openThread(id)).messages.filter(({ body }) => body.kind === "system");
      expect(JSON.stringify(told)).not.toContain("Not led");
    }
  });

  test("[N154] is said again to who is added, and in the place of who leads no more", async () => {
    const { ada, bob, bobId, id } = await aGroup();
    must(await ada.calls.setRole({ conversationId: id, accountId: bobId, role: "admin" }));
    await sees(bob, id, ({ group }) => group?.role === "admin");
    must(
      await bob.calls.setGroupProfile({
        conversationId: id,
        title: "Rowing",
        description: "Fridays.",
      }),
    );
    await sees(ada, id, ({ title }) => title === "Rowing");
    must(await ada.calls.setRole({ conversationId: id, accountId: bobId, role: "member" }));
    const cara = await world.person("Cara");
    await befriend(ada, cara);
    const { userId: caraId } = await idOf(cara);
    must(await ada.calls.addMember({ conversationId: id, accountId: caraId }));

    const first = await sees(cara, id, ({ title }) => title === "Rowing");
    expect(first.group?.description).toBe("Fridays.");
    // Bob hears of his role on a line of his own.
    await expect
      .poll(() => viewNow(bob, id))
      .toMatchObject({ title: "Rowing", group: { role: "member" } });
  });
});
