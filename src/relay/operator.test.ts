import { describe, expect, test } from "vitest";
import { systemRandom } from "#base/random.ts";
import type { AgentId } from "#protocol/ids.ts";
import { createOperator } from "./operator.ts";
import { aMessage, anId, aWorld, type Account, type World } from "./relay-world.contract.ts";
import { aPersonWithAnAgent, codeOf } from "./rest-steps.contract.ts";

/** An operator at work beside the running relay. */
async function anOperator(world: World) {
  const operator = await createOperator(world.folder, world.clock, systemRandom, world.database);
  const idOf = (agent: Account): AgentId => agent.id as string as AgentId;
  return { operator, idOf, close: () => operator.close() };
}

describe("the operator, while the relay runs", () => {
  test("[R15] sees every agent with its maker, standing and limits", async () => {
    const { world, ada, echo } = await aPersonWithAnAgent(await aWorld());
    await world.clock.advance(1);
    await world.rest("POST", "/agents", ada.token, { display_name: "Helper" });
    const { operator, close } = await anOperator(world);

    const agents = await operator.agents();
    await close();

    expect(agents).toMatchObject([
      { agent_id: echo.id, name: "Echo", made_by: "operator", conversations: 1, has_keys: false },
      { name: "Helper", made_by: ada.id, governance: "active", messages_per_second: null },
    ]);
  });

  test("[R15] [P229] gives a new agent lines that one could ask first, and refuses too many", async () => {
    const { world, ada } = await aPersonWithAnAgent(await aWorld());
    const { operator, close } = await anOperator(world);

    const made = await operator.createAgent("Tutor", "", ["Hello", "What do you know?"]);
    const tooMany = await operator.createAgent("Talker", "", Array<string>(7).fill("Hello"));
    await close();
    if (!made.ok) throw new Error(made.failure.kind);
    const told = await world.rest("GET", `/agents/${made.value.agent_id}`, ada.token);

    expect(told).toMatchObject({
      body: { data: { capability_manifest: { suggestions: ["Hello", "What do you know?"] } } },
    });
    expect(tooMany).toMatchObject({ ok: false, failure: { code: "MANIFEST_INVALID" } });
  });

  test("[R65] shows an agent to newcomers by the fingerprint it told, until that is taken back or the agent is shut out", async () => {
    const { world, echo } = await aPersonWithAnAgent(await aWorld());
    const { operator, idOf, close } = await anOperator(world);
    const shown = async () => (await world.rest("GET", "/invites/offered")).body.data;
    const [first, second] = ["A", "b"].map((digit) => digit.repeat(43)) as [string, string];
    const before = await shown();

    const offered = await operator.offerAgent(idOf(echo), first);
    const once = await shown();
    const again = await operator.offerAgent(idOf(echo), second);
    const twice = await shown();
    const standing = (await operator.agents()).map((agent) => agent.offered);
    await operator.withdrawAgent(idOf(echo));
    const afterwards = await shown();
    await operator.offerAgent(idOf(echo), first);
    await operator.revokeAgent(idOf(echo));
    const shutOut = await shown();
    const nobody = await operator.offerAgent(anId<AgentId>(), first);
    const notThere = await operator.withdrawAgent(anId<AgentId>());
    await close();

    if (!offered.ok) throw new Error(offered.failure.code);
    const { code } = offered.value;
    expect(again).toEqual(offered);
    expect([before, once, twice, afterwards, shutOut]).toEqual([
      [],
      [{ url: `/i/${code}#fp=${first}` }],
      [{ url: `/i/${code}#fp=${second}` }],
      [],
      [],
    ]);
    expect(standing).toEqual([true]);
    expect(codeOf(await world.rest("GET", `/invites/${code}`))).not.toBe("NOT_FOUND");
    expect([nobody, notThere]).toMatchObject([
      { ok: false, failure: { code: "NOT_FOUND" } },
      { ok: false, failure: { code: "NOT_FOUND" } },
    ]);
  });

  test("[R65] makes a link for an agent whose invites are all for a few or for a time, and shows none that was deleted", async () => {
    const { world, ada } = await aPersonWithAnAgent(await aWorld());
    const made = await world.rest("POST", "/agents", ada.token, { display_name: "Helper" });
    const { agent_id } = made.body.data;
    await world.rest("POST", `/agents/${agent_id}/invites`, ada.token, { max_uses: 1 });
    const { operator, close } = await anOperator(world);

    const shown = async () => (await world.rest("GET", "/invites/offered")).body.data.length;

    const offered = await operator.offerAgent(agent_id, "A".repeat(43));
    await close();
    const invites = await world.rest("GET", `/agents/${agent_id}/invites`, ada.token);
    const before = await shown();
    await world.rest("DELETE", `/agents/${agent_id}`, ada.token);

    expect(invites.body.data).toMatchObject([
      { max_uses: 1 },
      { max_uses: null, code: offered.ok ? offered.value.code : "" },
    ]);
    expect([before, await shown()]).toEqual([1, 0]);
  });

  test("[R15] shuts an agent out: its sockets end within a second, its token opens nothing", async () => {
    const { world, echo } = await aPersonWithAnAgent(await aWorld());
    const socket = await world.online(echo);
    const { operator, idOf, close } = await anOperator(world);

    await operator.revokeAgent(idOf(echo));
    await close();
    await world.clock.advance(1_000);

    expect((await socket.closed()).code).toBe(4007);
    expect(codeOf(await world.rest("GET", "/conversations", echo.token))).toBe("UNAUTHENTICATED");
  });

  test("[R15] [P53] gives an agent another token; the old one ends with its sockets", async () => {
    const { world, echo } = await aPersonWithAnAgent(await aWorld());
    const socket = await world.online(echo);
    const { operator, idOf, close } = await anOperator(world);

    const changed = await operator.changeToken(idOf(echo));
    await close();
    await world.clock.advance(1_000);

    expect((await socket.closed()).code).toBe(4002);
    expect(codeOf(await world.rest("GET", "/conversations", echo.token))).toBe("UNAUTHENTICATED");
    const token = changed.ok ? changed.value.token : "";
    await world.online({ ...echo, token });
  });

  test("[R15] limits an agent's messages and files within a second, and takes the limits back", async () => {
    const { world, echo, conversation } = await aPersonWithAnAgent(await aWorld());
    const { operator, idOf, close } = await anOperator(world);
    const socket = await world.online(echo);
    const announce = async (size: number) =>
      codeOf(
        await world.rest("POST", `/agents/${echo.id}/files`, echo.token, {
          filename: "blob",
          content_type: "application/octet-stream",
          size,
          conversation_id: conversation,
        }),
      );

    await operator.limitAgent(idOf(echo), { messagesPerSecond: 0.25, dailyBytes: 1_000 });
    while (!socket.seen("error").some(({ code }) => code === "RATE_LIMITED")) {
      await world.clock.advance(1_000);
      for (let i = 0; i < 2; i++) socket.send(aMessage(conversation, echo));
      await world.rest("GET", "/health");
      await socket.settle();
    }

    expect([await announce(600), await announce(600)]).toEqual([201, "QUOTA_EXCEEDED"]);
    await operator.limitAgent(idOf(echo), { messagesPerSecond: null, dailyBytes: null });
    await close();
    expect(await announce(600)).toBe(201);
  });

  test("[R15] is told when there is no such agent", async () => {
    const world = await aWorld();
    const { operator, close } = await anOperator(world);
    const nobody = "0190fab2-5c1e-7abc-8def-0123456789ab" as AgentId;

    const outcomes = await Promise.all([
      operator.createInvite(nobody),
      operator.changeToken(nobody),
      operator.revokeAgent(nobody),
      operator.limitAgent(nobody, { messagesPerSecond: null, dailyBytes: null }),
    ]);
    await close();

    expect(outcomes).toMatchObject(
      Array.from({ length: 4 }, () => ({ failure: { code: "NOT_FOUND" } })),
    );
  });
});
