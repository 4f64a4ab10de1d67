import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { AgentRelationChange } from "#bridge/own-agent-views.ts";
import type { EngineEvent } from "#bridge/events.ts";
import type { RelationId } from "#protocol/ids.ts";
import { must, startEngineWorld, type EngineWorld, type Seat } from "./engine-world.contract.ts";

const PLAIN = {
  name: "Scribe",
  description: "Writes down",
  mode: "websocket",
  webhookUrl: null,
  suggestions: [],
} as const;

describe("agents of one's own", () => {
  let world: EngineWorld;
  let ada: Seat;
  beforeEach(async () => {
    world = await startEngineWorld();
    ada = await world.person("Ada");
  });
  afterEach(() => world.close());

  /** An agent made by Ada, whose program has started once. */
  async function aStartedAgent() {
    const made = must(await ada.calls.createOwnAgent(PLAIN));
    const { id } = made.agent;
    const program = await world.relay.runAgent({ agent_id: id, token: made.token });
    return { agentId: id, made, program };
  }

  test("[N112] a token is told once, and a renewed one ends the one before", async () => {
    const made = must(await ada.calls.createOwnAgent(PLAIN));
    const { id: agentId } = made.agent;
    const renewed = must(await ada.calls.renewAgentToken({ agentId }));
    const register = (token: string) =>
      fetch(`${world.relay.url}/agents/${agentId}`, {
        headers: { authorization: `Bearer ${token}` },
      });

    expect(made).toEqual({
      agent: {
        id: agentId,
        name: "Scribe",
        description: "Writes down",
        mode: "websocket",
        webhookUrl: null,
        healthCheckUrl: null,
        suggestions: [],
        standing: "active",
        isOnline: false,
        hasKeys: false,
        fingerprintText: null,
        confirmation: "none",
      },
      token: expect.stringMatching(/^hsk_[0-9A-Za-z]{40}$/),
      webhookSecret: null,
      baseUrl: world.relay.url,
    });
    expect(must(await ada.calls.listOwnAgents())).toEqual([made.agent]);
    expect((await register(made.token)).status).toBe(401);
    expect((await register(renewed.token)).status).toBe(200);
  });

  test("[N112] an agent that is called has a webhook secret, told once and renewed", async () => {
    const made = must(
      await ada.calls.createOwnAgent({
        ...PLAIN,
        mode: "webhook",
        webhookUrl: "https://agent.example/hook",
      }),
    );
    const renewed = must(await ada.calls.renewWebhookSecret({ agentId: made.agent.id }));

    expect(made.webhookSecret).toMatch(/^[\w+/-]{43}=$/);
    expect(renewed.secret).toMatch(/^[\w+/-]{43}=$/);
    expect(renewed.secret).not.toBe(made.webhookSecret);
    expect(made.agent).toMatchObject({ mode: "webhook", webhookUrl: "https://agent.example/hook" });
  });

  test("[N113] words are cleaned and cut, and what a change leaves out stays", async () => {
    const made = must(
      await ada.calls.createOwnAgent({
        ...PLAIN,
        name: "  Scribe\n the   second ",
        suggestions: ["What did I say?", "", "  And   when? ", "x".repeat(500)],
      }),
    );
    const { id: agentId } = made.agent;
    expect(made.agent).toMatchObject({
      name: "Scribe the second",
      suggestions: ["What did I say?", "And when?", "x".repeat(120)],
    });

    const changed = must(
      await ada.calls.changeOwnAgent({ agentId, change: { suggestions: ["Why?"] } }),
    );
    expect(changed).toEqual({ ...made.agent, suggestions: ["Why?"] });
    expect(await ada.calls.changeOwnAgent({ agentId, change: { name: " \n" } })).toEqual({
      ok: false,
      failure: { kind: "engine/text-empty" },
    });
    const paused = must(
      await ada.calls.changeOwnAgent({ agentId, change: { name: "Clerk", isPaused: true } }),
    );
    expect(paused).toEqual({ ...changed, name: "Clerk", standing: "paused" });
  });

  test("[N157] the maker of an agent lets people in, pauses, restores and ends, and hears of whoever comes and goes", async () => {
    const { agentId } = await aStartedAgent();
    const made = await ada.calls.createAgentInvite({
      agentId,
      maxUses: null,
      days: null,
      asksApproval: true,
    });
    const [link] = must(made).invites;
    expect(link).toMatchObject({ asksApproval: true });
    const ben = await world.person("Ben");
    const list = async () => must(await ada.calls.listAgentRelations({ agentId }));
    const news = async () => {
      await ada.until(
        (event): event is EngineEvent =>
          event.type === "agent-relations" && event.agentId === agentId,
      );
      ada.listenAnew();
    };
    expect(await list()).toEqual([]);

    const conversationId = must(await ben.calls.acceptInvite({ url: link?.url ?? "" }));
    if (conversationId === null) throw new Error("no conversation");
    await news();
    const [waiting] = await list();
    expect(waiting).toMatchObject({ name: "Ben", status: "pending", since: expect.any(Number) });
    const relationId = waiting?.relationId as RelationId;
    const change = async (to: AgentRelationChange) => {
      must(await ada.calls.changeAgentRelation({ relationId, change: to }));
      await news();
      return (await list()).map(({ status }) => status);
    };

    expect(await change("approve")).toEqual(["established"]);
    expect(await change("suspend")).toEqual(["suspended"]);
    expect(await change("restore")).toEqual(["established"]);
    const stranger = await ben.calls.changeAgentRelation({ relationId, change: "suspend" });
    expect(stranger).toMatchObject({ failure: { kind: "peer/refused" } });
    must(await ben.calls.revokeRelation({ conversationId }));
    await news();
    expect(await list()).toEqual([]);
  });

  test("[N114] links wait for the agent's keys, carry its fingerprint, and can be taken back", async () => {
    const made = must(await ada.calls.createOwnAgent(PLAIN));
    const { id: agentId } = made.agent;
    const early = await ada.calls.createAgentInvite({
      agentId,
      maxUses: null,
      days: null,
      asksApproval: false,
    });
    expect(early.ok).toBe(false);

    await world.relay.runAgent({ agent_id: agentId, token: made.token });
    const once = must(
      await ada.calls.createAgentInvite({ agentId, maxUses: 1, days: 7, asksApproval: false }),
    );
    const view = must(
      await ada.calls.createAgentInvite({
        agentId,
        maxUses: null,
        days: null,
        asksApproval: false,
      }),
    );
    const [first] = once.invites;
    expect(first).toMatchObject({ uses: 0, maxUses: 1, expiresAt: expect.any(Number) });
    expect(view.invites).toHaveLength(2);

    // The link opens: its fingerprint is that of the keys the agent shows to anybody.
    const url = first?.url ?? "";
    const ben = await world.person("Ben");
    expect(must(await ben.calls.openInvite({ url }))).toMatchObject({
      kind: "agent",
      name: "Scribe",
      fingerprintText: view.fingerprintText,
    });
    must(await ben.calls.acceptInvite({ url }));
    const left = must(await ada.calls.listAgentInvites({ agentId }));
    expect(left.invites.map(({ maxUses }) => maxUses)).toEqual([null]);

    const [lasting] = left.invites;
    if (lasting === undefined) throw new Error("one is left");
    must(await ada.calls.removeAgentInvite({ agentId, inviteId: lasting.inviteId }));
    expect(must(await ada.calls.listAgentInvites({ agentId })).invites).toEqual([]);
  });

  test("[N115] a deleted agent is off the list and its conversation is over", async () => {
    const { agentId } = await aStartedAgent();
    const { invites } = must(
      await ada.calls.createAgentInvite({
        agentId,
        maxUses: null,
        days: null,
        asksApproval: false,
      }),
    );
    const id = must(await ada.calls.acceptInvite({ url: invites[0]?.url ?? "" }));

    must(await ada.calls.deleteOwnAgent({ agentId }));

    expect(must(await ada.calls.listOwnAgents())).toEqual([]);
    await expect
      .poll(async () => must(await ada.calls.listConversations()).find((one) => one.id === id))
      .toMatchObject({ relation: "revoked" });
  });
});
