import { describe, expect, test } from "vitest";
import { aWorld } from "../relay-world.contract.ts";
import { codeOf } from "../rest-steps.contract.ts";

async function aPersonWhoRepeats() {
  const world = await aWorld();
  const ada = await world.person("ada");
  const make = (key: string, display_name = "Helper", token = ada.token) =>
    world.rest("POST", "/agents", token, { display_name }, { "idempotency-key": key });
  const count = async () => (await world.rest("GET", "/agents", ada.token)).body.data.length;
  return { world, ada, make, count };
}

describe("a request with an Idempotency-Key", () => {
  test("[P12] is done once; its repeat gets the first answer, at once, together, or after a restart", async () => {
    const { world, make, count } = await aPersonWhoRepeats();

    const [first, together] = await Promise.all([make("k1"), make("k1")]);
    await world.restart();
    const later = await make("k1");

    expect(first.status).toBe(201);
    expect([together, later].map(({ status, body }) => [status, body])).toEqual([
      [201, first.body],
      [201, first.body],
    ]);
    expect(await count()).toBe(1);
  });

  test("[P12] is refused with another body, and is its caller's alone", async () => {
    const { world, make, count } = await aPersonWhoRepeats();
    const bob = await world.person("bob");
    const first = await make("k1");

    expect(codeOf(await make("k1", "Other"))).toBe("IDEMPOTENCY_MISMATCH");
    const others = await make("k1", "Helper", bob.token);
    expect(others.status).toBe(201);
    expect(others.body.data.agent_id).not.toBe(first.body.data.agent_id);
    expect(others.body.data.token).not.toBe(first.body.data.token);
    expect(codeOf(await make("x".repeat(65)))).toBe("BAD_REQUEST");
    expect(await count()).toBe(1);
  });

  test("[P12] that was refused may succeed the next time, and one of yesterday is another", async () => {
    const { world, ada, make, count } = await aPersonWhoRepeats();
    expect(codeOf(await make("k1", ""))).toBe("BAD_REQUEST");
    expect(codeOf(await make("k1"))).toBe(201);

    await world.clock.advance(3_600_000);
    const sameDay = await make("k1", "Helper", await world.renew(ada));
    expect(await count()).toBe(1);
    await world.clock.advance(86_400_000);
    const nextDay = await make("k1", "Helper", await world.renew(ada));

    expect(sameDay.body.data.agent_id).not.toBe(nextDay.body.data.agent_id);
    expect(await count()).toBe(2);
  });

  test("[P12] leaves nothing readable of an answer that is shown only once", async () => {
    const { world, make } = await aPersonWhoRepeats();
    const { token } = (await make("k1")).body.data;
    await world.stop();

    const held = await world.held();
    expect([held.includes("Helper"), held.includes(token)]).toEqual([true, false]);
  });

  test("[R6] has its answer kept sealed: the database alone does not give it away", async () => {
    const { world, make } = await aPersonWhoRepeats();
    const { token, agent_id } = (await make("k1")).body.data;
    await world.stop();

    const held = await world.held();

    expect(held.includes(agent_id)).toBe(true);
    expect(held.includes(token)).toBe(false);
    expect(await world.rows("SELECT scope FROM idempotency")).toHaveLength(1);
  });
});
