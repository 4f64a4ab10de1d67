import { afterAll, beforeAll, expect, test } from "vitest";
import type { EngineEvent } from "#bridge/events.ts";
import type { ConversationView } from "#bridge/views.ts";
import type { AccountId } from "#protocol/ids.ts";
import { must, startEngineWorld, type EngineWorld, type Seat } from "./engine-world.contract.ts";

let world: EngineWorld;
beforeAll(async () => {
  world = await startEngineWorld();
});
afterAll(() => world.close());

/** A person in conversation with agents. */
const withAgents = async (count: number) => {
  const ada = await world.person("Ada");
  const contacts: AccountId[] = [];
  for (let i = 0; i < count; i++) {
    const agent = await world.agent();
    must(await ada.calls.acceptInvite({ url: agent.link }));
    contacts.push(agent.endpoint.accountId);
  }
  return { ada, contacts: contacts as [AccountId, ...AccountId[]] };
};
const deviceLink = (seat: Seat, status: string) =>
  seat.until(
    (event): event is EngineEvent => event.type === "device-link" && event.link?.status === status,
  );
/** A further device of the same person. */
const linked = async (old: Seat): Promise<Seat> => {
  const fresh = world.newcomer();
  const offered = must(await old.calls.offerDeviceLink());
  if (offered.status !== "offered") throw new Error(offered.status);
  must(await fresh.calls.openDeviceLink({ code: offered.url }));
  await Promise.all([deviceLink(old, "asked"), deviceLink(fresh, "comparing")]);
  must(await old.calls.admitDevice({ history: null }));
  await fresh.online();
  return fresh;
};
/** The conversation with this contact once it shows this title, told or to come. */
const titled = async (
  seat: Seat,
  contactId: AccountId,
  title: string,
): Promise<ConversationView> => {
  const isIt = (view: ConversationView) => view.peer?.id === contactId && view.title === title;
  const now = must(await seat.calls.listConversations()).find(isIt);
  if (now !== undefined) return now;
  const event = await seat.until(
    (one): one is Extract<EngineEvent, { type: "conversation" }> =>
      one.type === "conversation" && isIt(one.conversation),
  );
  return event.conversation;
};
/** What a device tells the relay about contacts, sealed as it goes. */
const overhear = (seat: Seat) => {
  const all: string[] = [];
  const waiting = new Set<() => void>();
  seat.line.lie = (url, { body }) => {
    if (!/\/users\/contacts\/./.test(url) || typeof body !== "string") return null;
    all.push((JSON.parse(body) as { remark_sealed: string }).remark_sealed);
    for (const look of waiting) look();
    return null;
  };
  const next = (count: number) =>
    new Promise<void>((resolve) => {
      const look = (): void => {
        if (all.length >= count) resolve();
      };
      waiting.add(look);
      look();
    });
  return { all, next };
};
const titleOf = async (seat: Seat, contactId: AccountId) =>
  must(await seat.calls.listConversations()).find(({ peer }) => peer?.id === contactId)?.title;

test("[N155] a contact goes by the name it was given on every device of the person, and by its own again when that is taken back", async () => {
  const { ada, contacts } = await withAgents(1);
  const [echo] = contacts;
  const tablet = await linked(ada);
  const own = (await titleOf(ada, echo)) ?? "";

  must(await ada.calls.setRemark({ accountId: echo, name: "  Kitchen \n bot " }));

  expect(await titled(ada, echo, "Kitchen bot")).toMatchObject({
    peer: { name: "Kitchen bot", ownName: own },
    members: expect.arrayContaining([expect.objectContaining({ name: "Kitchen bot" })]) as unknown,
  });
  await titled(tablet, echo, "Kitchen bot");
  for (const seat of [ada, tablet]) seat.listenAnew();
  must(await tablet.calls.setRemark({ accountId: echo, name: "\u200b " }));
  expect(await titled(ada, echo, own)).not.toHaveProperty("peer.ownName");
  expect(await ada.calls.setRemark({ accountId: "x" as AccountId, name: "x" })).toMatchObject({
    failure: { kind: "peer/not-found" },
  });
});

test("[N155] a name given without a line holds at once and reaches the other devices with the next", async () => {
  const { ada, contacts } = await withAgents(1);
  const [echo] = contacts;
  const tablet = await linked(ada);
  ada.cut();

  must(await ada.calls.setRemark({ accountId: echo, name: "Kitchen bot" }));
  expect(await titleOf(ada, echo)).toBe("Kitchen bot");
  await ada.leave();
  const again = world.open(ada.profile);

  await titled(tablet, echo, "Kitchen bot");
  expect(await titleOf(again, echo)).toBe("Kitchen bot");
});

test("[N156] names that a relay swaps are not taken", async () => {
  const { ada, contacts } = await withAgents(2);
  const [echo, guide] = contacts as [AccountId, AccountId];
  const [tablet, said] = [await linked(ada), overhear(ada)];
  const own = (await titleOf(ada, guide)) ?? "";
  await titled(tablet, guide, own);
  tablet.cut();
  must(await ada.calls.setRemark({ accountId: echo, name: "Kitchen bot" }));
  await said.next(1);

  const lied = new Promise<void>((resolve) => {
    tablet.line.lie = (url) => {
      if (!url.endsWith("/users/contacts")) return null;
      resolve();
      return { data: [{ contact_id: guide, remark_sealed: said.all[0] }], next_cursor: null };
    };
  });
  await tablet.mend();
  await lied;
  tablet.line.lie = undefined;
  must(await ada.calls.setRemark({ accountId: echo, name: "Cook" }));

  await titled(tablet, echo, "Cook");
  expect(await titleOf(tablet, guide)).toBe(own);
});

test("[N156] a name that a relay rolls back is held by who knows a newer one, and said anew", async () => {
  const { ada, contacts } = await withAgents(1);
  const [echo] = contacts;
  const said = overhear(ada);
  must(await ada.calls.setRemark({ accountId: echo, name: "First" }));
  await said.next(1);
  must(await ada.calls.setRemark({ accountId: echo, name: "Second" }));
  await said.next(2);
  await ada.leave();

  const again = world.open(ada.profile);
  const [old, anew] = [said.all[0], overhear(again)];
  const hear = again.line.lie;
  again.line.lie = (url, request) =>
    hear?.(url, request) ??
    (url.endsWith("/users/contacts")
      ? { data: [{ contact_id: echo, remark_sealed: old }], next_cursor: null }
      : null);

  await anew.next(1);
  expect(await titleOf(again, echo)).toBe("Second");
  again.line.lie = undefined;
  const tablet = await linked(again);
  await titled(tablet, echo, "Second");
});
