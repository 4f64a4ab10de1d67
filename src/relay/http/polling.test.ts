import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { silentLog } from "#base/log.ts";
import { systemRandom } from "#base/random.ts";
import type { AgentId, ConversationId } from "#protocol/ids.ts";
import { DATABASE_FILE } from "../data-folder.ts";
import {
  aLedger,
  aMessage,
  aWorld,
  onTestEnd,
  openSocket,
  text64,
  type Account,
  type Answer,
} from "../relay-world.contract.ts";
import { isOnAServer, runsFromNow } from "../log/statements.contract.ts";
import { codeOf, sendByRest } from "../rest-steps.contract.ts";
import { openStore, placeOf } from "../store/open-store.ts";

async function aPollingAgent() {
  const world = await aWorld({ rates: { rest: { perSecond: 1_000, burst: 1_000 } } });
  const ada = await world.person("ada");
  const made = await world.rest("POST", "/agents", ada.token, {
    display_name: "Poll",
    connection_mode: "polling",
  });
  const { agent_id, token } = made.body.data;
  const { code } = (await world.rest("POST", `/agents/${agent_id}/invites`, ada.token, {})).body
    .data;
  const conversation = await world.invite(ada, code);
  const agent: Account = { type: "agent", id: agent_id, deviceId: agent_id, token };
  const poll = (query = ""): Promise<Answer> =>
    world.rest("GET", `/agents/${agent_id}/messages/poll?${query}`, token);
  /** A poll that the relay holds: it may come second to the look whether it is there, and then starts over. */
  const aHeldPoll = async (query: string): Promise<{ readonly answer: Promise<Answer> }> => {
    for (;;) {
      const answer = poll(query);
      const state = { isOver: false };
      void answer.then(() => (state.isOver = true));
      while (!state.isOver) if (codeOf(await poll()) === "POLL_BUSY") return { answer };
    }
  };
  const say = () => sendByRest(world, ada, conversation);
  return { world, ada, agent, conversation, poll, aHeldPoll, say };
}

const seqs = ({ body }: Answer): readonly number[] =>
  body.data.map((frame: any) => frame.conversation_seq);

describe("a polling agent", () => {
  test("[P240] gets what it lacks until it hands the cursor back", async () => {
    const { poll, say, world } = await aPollingAgent();
    await say();

    const first = await poll();
    const again = await poll();
    await say();
    const after = await poll(`cursor=${first.body.next_cursor}`);
    await world.restart();

    expect([seqs(first), seqs(again), seqs(after)]).toEqual([[1, 2], [1, 2], [3]]);
    expect(seqs(await poll())).toEqual([3]);
    expect(await poll(`cursor=${after.body.next_cursor}`)).toMatchObject({
      status: 200,
      body: { data: [], next_cursor: null },
    });
  });

  test("[P240] never hears itself, and what it said needs no cursor", async () => {
    const { world, agent, conversation, poll, say } = await aPollingAgent();
    const first = await poll();
    const { type: _implied, ...body } = aMessage(conversation, agent);
    await world.rest("POST", `/agents/${agent.id}/messages`, agent.token, body);

    expect(seqs(await poll(`cursor=${first.body.next_cursor}`))).toEqual([]);
    await say();
    expect(seqs(await poll())).toEqual([3]);
  });

  test.skipIf(isOnAServer)(
    "[R64] all of an agent's conversations are looked at seldom, and what grew in between is given at once",
    async () => {
      const { world, poll, say } = await aPollingAgent();
      const runs = runsFromNow();
      const looks = () => runs.filter((text) => text.includes("row_number()")).length;
      let { next_cursor: cursor } = (await poll()).body;
      for (let seq = 2; seq < 7; seq++) {
        await say();
        const answer = await poll(`cursor=${cursor}`);
        expect(seqs(answer)).toEqual([seq]);
        cursor = answer.body.next_cursor;
      }
      expect(looks()).toBe(1);

      await world.clock.advance(30_000);
      await poll(`cursor=${cursor}`);
      expect(looks()).toBe(2);
    },
  );

  test("[P240] takes as many entries as it asks for", async () => {
    const { poll, say } = await aPollingAgent();
    for (let i = 0; i < 4; i++) await say();

    const first = await poll("limit=2");

    expect(seqs(first)).toEqual([1, 2]);
    expect(seqs(await poll(`limit=2&cursor=${first.body.next_cursor}`))).toEqual([3, 4]);
  });

  test("[P240] may wait for the first entry; a second poller is refused meanwhile", async () => {
    const { world, poll, aHeldPoll, say } = await aPollingAgent();
    const { next_cursor } = (await poll()).body;

    const { answer } = await aHeldPoll(`cursor=${next_cursor}&wait=25`);
    await say();
    expect(seqs(await answer)).toEqual([2]);

    const cursor = (await poll()).body.next_cursor;
    const vain = await aHeldPoll(`cursor=${cursor}&wait=9999`);
    const state = { isOver: false };
    void vain.answer.then(() => (state.isOver = true));
    // It may not have begun to wait yet, so time passes until it has waited enough: 25 s, whatever it asks for.
    for (let waits = 0; !state.isOver && waits < 100; waits++) {
      await world.clock.advance(25_000);
      await poll();
    }
    expect((await vain.answer).body).toEqual({ data: [], next_cursor: null });
  });

  test("[P240] gets each conversation in order, and acknowledges no more than it was given", async () => {
    const { world, ada, agent, conversation, poll, say } = await aPollingAgent();
    const { code } = (await world.rest("POST", `/agents/${agent.id}/invites`, ada.token, {})).body
      .data;
    const bob = await world.person("bob");
    const other = await world.invite(bob, code);
    for (let i = 0; i < 3; i++) {
      await say();
      await sendByRest(world, bob, other);
    }
    const placesOf = ({ body }: Answer, of: ConversationId): readonly number[] =>
      body.data
        .filter((frame: any) => frame.conversation_id === of)
        .map((frame: any) => frame.conversation_seq);

    const got = new Map<ConversationId, number[]>([
      [conversation, []],
      [other, []],
    ]);
    let query = "limit=3";
    for (;;) {
      const answer = await poll(query);
      for (const [id, places] of got) places.push(...placesOf(answer, id));
      expect(answer.body.data.length).toBeLessThanOrEqual(3);
      if (answer.body.next_cursor === null) break;
      query = `limit=3&cursor=${answer.body.next_cursor}`;
    }

    expect([...got.values()]).toEqual([
      [1, 2, 3, 4],
      [1, 2, 3, 4],
    ]);
  });

  // A kept connection ends by itself after 75 s; nothing else would end it, as the relay's clock stands still.
  test("[P240] [R10] is answered at once by a relay that stops, and its connection keeps the relay no longer", async () => {
    const { world, poll, aHeldPoll } = await aPollingAgent();
    const { next_cursor } = (await poll()).body;
    const { answer } = await aHeldPoll(`cursor=${next_cursor}&wait=25`);

    await world.stop();

    expect((await answer).body.data).toEqual([]);
  }, 60_000);

  test("[P240] with a cursor of nobody's making, or in another mode, is refused", async () => {
    const { world, ada, agent, poll } = await aPollingAgent();

    for (const cursor of ["!", "e30x", Buffer.from('{"x":1}').toString("base64url")])
      expect(codeOf(await poll(`cursor=${cursor}`)), cursor).toBe("BAD_REQUEST");
    await world.rest("PATCH", `/agents/${agent.id}`, ada.token, { connection_mode: "websocket" });
    expect(codeOf(await poll())).toBe("FORBIDDEN");
  });
});

describe("an agent's settings", () => {
  test("[P52] another way of being reached closes its sockets with 4012", async () => {
    const { world, ada, agent } = await aPollingAgent();
    const refused = await openSocket(`${world.url().replace("http", "ws")}/ws/agent`, null);
    refused.send({ type: "auth", token: agent.token });
    expect((await refused.next("auth.error")).reason).toBe("wrong_mode");
    const patch = (connection_mode: string) =>
      world.rest("PATCH", `/agents/${agent.id}`, ada.token, { connection_mode });

    await patch("websocket");
    const socket = await world.online(agent);
    const changed = await patch("polling");

    expect((await socket.closed()).code).toBe(4012);
    expect(changed.body.data).toMatchObject({ agent_id: agent.id, connection_mode: "polling" });
  });

  test("[P52] what is left out stays, addresses are shown to the creator only", async () => {
    const { world, ada, agent } = await aPollingAgent();
    const bob = await world.person("bob");
    const health_check_url = "https://agent.example/health";
    const webhook_url = "https://agent.example/hook";
    const kept = { health_check_url, webhook_url, description: "Kept", governance: "paused" };

    await world.rest("PATCH", `/agents/${agent.id}`, ada.token, kept);
    await world.rest("PATCH", `/agents/${agent.id}`, ada.token, { display_name: "Other" });

    const shown = await world.rest("GET", `/agents/${agent.id}`, ada.token);
    expect(shown.body.data).toMatchObject({ display_name: "Other", ...kept });
    const toOthers = await world.rest("GET", `/agents/${agent.id}`, bob.token);
    for (const address of ["health_check_url", "webhook_url"])
      expect(toOthers.body.data).not.toHaveProperty(address);
    const patch = { display_name: "Mine" };
    expect(codeOf(await world.rest("PATCH", `/agents/${agent.id}`, bob.token, patch))).toBe(
      "NOT_FOUND",
    );
  });

  test("[P52] a deleted agent's relations end, its sockets close with 4004, its token opens nothing", async () => {
    const { world, ada, agent, conversation } = await aPollingAgent();
    await world.rest("PATCH", `/agents/${agent.id}`, ada.token, { connection_mode: "websocket" });
    const socket = await world.online(agent);
    const person = await world.online(ada);

    expect((await world.rest("DELETE", `/agents/${agent.id}`, ada.token)).status).toBe(200);

    expect(await person.next("relation.revoked")).toMatchObject({ conversation_id: conversation });
    expect((await socket.closed()).code).toBe(4004);
    expect((await world.rest("GET", "/conversations", agent.token)).status).toBe(401);
    expect((await world.rest("GET", "/agents", ada.token)).body.data).toEqual([]);
  });

  test("[P52] are changed and ended by its creator alone; a deleted one's card and ledger stay", async () => {
    const { world, ada, agent } = await aPollingAgent();
    const bob = await world.person("bob");
    const card = text64(aLedger(0, agent.id, 1)[0] ?? new Uint8Array());
    const keys = {
      public_key: text64(randomBytes(32)),
      signing_public_key: text64(randomBytes(32)),
      prekeys: [],
      card,
    };
    await world.rest("POST", `/agents/${agent.id}/keys/register`, agent.token, keys);
    const path = `/agents/${agent.id}`;

    const paused = await world.rest("PATCH", path, ada.token, { governance: "paused" });
    expect(paused.body.data.governance).toBe("paused");
    for (const token of [bob.token, agent.token]) {
      const patch = { governance: "active" };
      expect((await world.rest("PATCH", path, token, patch)).status).toBeGreaterThanOrEqual(400);
      expect((await world.rest("DELETE", path, token)).status).toBeGreaterThanOrEqual(400);
    }
    expect((await world.rest("GET", path, bob.token)).body.data.governance).toBe("paused");
    await world.rest("DELETE", path, ada.token);

    const ledger = await world.rest("GET", `/keys/ledger/${agent.id}`, bob.token);
    expect(ledger.body.data).toMatchObject([{ entry: card }]);
    expect((await world.rest("GET", `/keys/agents/${agent.id}`, bob.token)).body.data).toEqual({
      agent_id: agent.id,
      ...keys,
    });
    const again = await world.rest("PATCH", path, ada.token, { display_name: "Again" });
    expect(codeOf(again)).toBe("NOT_FOUND");
  });

  test("[P52] a change that was on its way when the agent was shut out or deleted changes nothing", async () => {
    const { world, ada, agent } = await aPollingAgent();
    const store = await openStore(
      placeOf(world.database, join(world.folder, DATABASE_FILE), "here"),
      { clock: world.clock, random: systemRandom, log: silentLog },
    );
    onTestEnd(() => store.close());
    const agentId = agent.id as AgentId;
    // As the relay asks for it once it has seen that the agent is the creator's, and stands.
    const change = () =>
      store.writer.run("changeAgent", {
        agentId,
        displayName: "Late",
        description: "",
        connectionMode: "websocket",
        webhookUrl: null,
        healthCheckUrl: null,
        governance: "active",
      });
    const stands = () =>
      store.sql.get("SELECT display_name, governance FROM agents WHERE agent_id = ?", agentId);

    await store.writer.run("governAgent", { agentId, governance: "blocked" });
    expect(await change()).toMatchObject({ ok: false, failure: { code: "BLOCKED" } });
    expect(await stands()).toEqual({ display_name: "Poll", governance: "blocked" });
    const patch = { governance: "active" };
    const asked = await world.rest("PATCH", `/agents/${agentId}`, ada.token, patch);
    expect(codeOf(asked)).toBe("BLOCKED");
    await world.rest("DELETE", `/agents/${agentId}`, ada.token);
    expect(await change()).toMatchObject({ ok: false, failure: { code: "NOT_FOUND" } });
    expect(await stands()).toEqual({ display_name: "Poll", governance: "blocked" });
  });

  test("[P53] a token made anew ends the old one's sockets at once", async () => {
    const { world, ada, agent } = await aPollingAgent();
    await world.rest("PATCH", `/agents/${agent.id}`, ada.token, { connection_mode: "websocket" });
    const socket = await world.online(agent);

    const { token } = (await world.rest("POST", `/agents/${agent.id}/token`, ada.token)).body.data;

    expect((await socket.closed()).code).toBe(4002);
    await world.online({ ...agent, token });
  });
});

test.skipIf(isOnAServer)(
  "[R61] whom a message is news for is asked once, however many agents wait",
  async () => {
    const { world, ada, poll, aHeldPoll, say } = await aPollingAgent();
    const made = await world.rest("POST", "/agents", ada.token, {
      display_name: "Other",
      connection_mode: "polling",
    });
    const { agent_id, token } = made.body.data;
    const others = `/agents/${agent_id}/messages/poll`;
    const reads = runsFromNow();
    const readsOfOneMore = async (cursor: string): Promise<{ next: string; count: number }> => {
      const { answer } = await aHeldPoll(`cursor=${cursor}&wait=25`);
      reads.length = 0;
      await say();
      const next = (await answer).body.next_cursor;
      return {
        next,
        count: reads.filter((text) => /FROM member WHERE conv = \?/.test(text)).length,
      };
    };
    await say();
    const first = await readsOfOneMore((await poll()).body.next_cursor);
    const alone = await readsOfOneMore(first.next);
    const waiting = world.rest("GET", `${others}?wait=25`, token);
    while (codeOf(await world.rest("GET", others, token)) !== "POLL_BUSY");

    const beside = await readsOfOneMore(alone.next);

    expect(beside.count).toBe(alone.count);
    await world.stop();
    await waiting;
  },
);
