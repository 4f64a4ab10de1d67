import { describe, expect, test } from "vitest";
import type { AccountId, ConversationId } from "#protocol/ids.ts";
import { anId } from "../relay-world.contract.ts";
import { makeConnection, makeFeed, type Link } from "./connection.ts";
import { createRoster } from "./roster.ts";

const link: Link = {
  bufferedBytes: () => 0,
  send: () => undefined,
  onSignedIn: () => undefined,
  ping: () => undefined,
  close: () => undefined,
};

function anAgentWithThreeSockets() {
  const roster = createRoster();
  const agentId = anId<AccountId>();
  const sockets = [anId(), anId(), anId()].map((id) => {
    const connection = makeConnection(id, link, "agent", 0, 1);
    connection.principal = {
      type: "agent",
      accountId: agentId,
      endpointId: agentId as never,
      messagesPerSecond: null,
    };
    connection.phase = "live";
    roster.add(connection);
    return connection;
  });
  const conversations = Array.from({ length: 300 }, () => anId<ConversationId>());
  const holders = () => conversations.map((id) => roster.holder(agentId, id)?.id);
  return { roster, agentId, sockets, conversations, holders };
}

describe("an agent's conversations", () => {
  test("[P97] spread evenly over its sockets", () => {
    const { sockets, holders } = anAgentWithThreeSockets();

    const held = holders();

    for (const { id } of sockets) {
      const share = held.filter((holder) => holder === id).length;
      // Ids are drawn anew: six standard deviations to either side of a third.
      expect(share).toBeGreaterThan(50);
      expect(share).toBeLessThan(150);
    }
  });

  test("[P97] move only when their own socket goes", () => {
    const { roster, sockets, holders } = anAgentWithThreeSockets();
    const before = holders();
    const [gone] = sockets;
    if (gone === undefined) throw new Error("three sockets");

    roster.remove(gone);

    const moved = holders().filter((holder, i) => holder !== before[i]).length;
    expect(moved).toBe(before.filter((holder) => holder === gone.id).length);
  });

  test("[P97] stay where something is unacknowledged, whatever the hash says", () => {
    const { roster, agentId, sockets, conversations } = anAgentWithThreeSockets();
    const [conversationId = anId<ConversationId>()] = conversations;
    const chosen = roster.holder(agentId, conversationId);
    const busy = sockets.find((socket) => socket !== chosen);

    busy?.feeds.set(conversationId, makeFeed(3, 4));

    expect(roster.holder(agentId, conversationId)).toBe(busy);
  });
});
