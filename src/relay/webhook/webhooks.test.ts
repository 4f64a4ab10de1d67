import { createHmac } from "node:crypto";
import dns from "node:dns/promises";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { syncBuiltinESMExports } from "node:module";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test, vi } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { Secret } from "#base/secret.ts";
import type { AgentId, ConversationId } from "#protocol/ids.ts";
import { createAtRest } from "../at-rest.ts";
import { DATABASE_FILE } from "../data-folder.ts";
import { createOutbound, type OutboundRequest } from "../outbound.ts";
import {
  aMessage,
  aWorld,
  onTestEnd,
  passTimeUntil,
  type Account,
} from "../relay-world.contract.ts";
import { isOnAServer, runsFromNow } from "../log/statements.contract.ts";
import { codeOf, sendByRest } from "../rest-steps.contract.ts";
import { deliveryIdOf, retryDelayMs } from "./delivery.ts";

type Posted = { readonly headers: IncomingHttpHeaders; readonly text: string; readonly body: any };

/** A real HTTP server whose answers the test chooses; what was posted can be awaited. */
async function aReceiver() {
  const posted: Posted[] = [];
  const wanted: ((posted: Posted) => void)[] = [];
  const state = { status: 200, headers: {} as Record<string, string>, isWell: true };
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += String(chunk);
    if (request.method === "GET") {
      response.writeHead(state.isWell ? 204 : 500).end();
      return;
    }
    response.writeHead(state.status, state.headers).end();
    const one = { headers: request.headers, text, body: JSON.parse(text) };
    const next = wanted.shift();
    if (next === undefined) posted.push(one);
    else next(one);
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  onTestEnd(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return {
    state,
    posted,
    url: `http://127.0.0.1:${port}`,
    next: () =>
      new Promise<Posted>((resolve) => {
        const one = posted.shift();
        if (one === undefined) wanted.push(resolve);
        else resolve(one);
      }),
  };
}

async function aWebhookAgent(options: { readonly health?: boolean } = {}) {
  const receiver = await aReceiver();
  const rates = { register: { perSecond: 1, burst: 20 } };
  const world = await aWorld({ allowsPrivateTargets: true, rates });
  const ada = await world.person("ada");
  const bob = await world.person("bob");
  const made = await world.rest("POST", "/agents", ada.token, {
    display_name: "Hook",
    connection_mode: "webhook",
    webhook_url: `${receiver.url}/hook`,
    ...(options.health === true ? { health_check_url: `${receiver.url}/health` } : {}),
  });
  const { agent_id, token, webhook_secret } = made.body.data;
  const { code } = (await world.rest("POST", `/agents/${agent_id}/invites`, ada.token, {})).body
    .data;
  const agent: Account = { type: "agent", id: agent_id, deviceId: agent_id, token };
  const governance = async () =>
    (await world.rest("GET", `/agents/${agent_id}`, ada.token)).body.data.governance;
  const meet = (person = bob): Promise<ConversationId> => world.invite(person, code);
  const say = (conversation: ConversationId) => sendByRest(world, bob, conversation);
  return { receiver, world, ada, bob, agent, meet, say, secret: webhook_secret, governance };
}

describe("a webhook", () => {
  test("[P233] [P234] gets what its agent is told, signed over the bytes it receives", async () => {
    const { receiver, world, agent, bob, meet, say, secret } = await aWebhookAgent();
    const conversation = await meet();
    await say(conversation);

    const established = await receiver.next();
    const message = await receiver.next();

    const { headers, text, body } = message;
    const timestamp = String(headers["x-hashee-timestamp"]);
    const signed = `${timestamp}.${String(headers["x-hashee-delivery-id"])}.${text}`;
    const key = Buffer.from(secret, "base64");
    expect(key.length).toBe(32);
    expect(headers).toMatchObject({
      "x-hashee-agent-id": agent.id,
      "x-hashee-signature": createHmac("sha256", key).update(signed).digest("hex"),
    });
    expect(Number(timestamp)).toBe(Math.floor(world.clock.now() / 1_000));
    expect(established.body).toMatchObject({
      type: "relation.established",
      version: "v1",
      payload: { user_id: bob.id },
      metadata: { conversation_id: conversation, conversation_seq: 1 },
    });
    expect(body).toMatchObject({
      type: "message.new",
      version: "v1",
      wire_envelope: expect.any(String),
      metadata: { conversation_id: conversation, sender_id: bob.id, conversation_seq: 2 },
    });
  });

  test("[P235] is told of messages and relations, never of its agent's own words", async () => {
    const { receiver, world, bob, agent, meet, say } = await aWebhookAgent();
    const conversation = await meet();
    await receiver.next();
    const own = aMessage(conversation, agent);
    const { type: _implied, ...body } = own;
    await world.rest("POST", `/agents/${agent.id}/messages`, agent.token, body);
    const person = await world.online(bob);
    person.send({ ...aMessage(conversation, bob), type: "reaction.set" });
    await person.next("message.ack");

    await say(conversation);

    expect((await receiver.next()).body.metadata.conversation_seq).toBe(4);
  });

  test("[P235] is told of each thing that happens to a relation, but not of what its agent did to it", async () => {
    const { receiver, world, ada, bob, agent, meet } = await aWebhookAgent();
    await meet();
    const relationOf = async (person: Account) =>
      (await world.rest("GET", "/relations", person.token)).body.data[0].relation_id;
    const change = async (by: Account, whose: Account, verb: string) =>
      world.rest("POST", `/relations/${await relationOf(whose)}/${verb}`, by.token);
    const told = async () => (await receiver.next()).body.type;

    const types = [await told()];
    for (const [by, verb] of [
      [ada, "suspend"],
      [ada, "restore"],
      [bob, "revoke"],
    ] as const) {
      await change(by, bob, verb);
      types.push(await told());
    }
    expect(types).toEqual([
      "relation.established",
      "relation.suspended",
      "relation.restored",
      "relation.revoked",
    ]);

    await meet(ada);
    expect(await told()).toBe("relation.established");
    expect((await change(agent, ada, "revoke")).status).toBe(200);
    const eve = await world.person("eve");
    const last = await meet(eve);

    expect((await receiver.next()).body.metadata.conversation_id).toBe(last);
  });

  test("[P235] is not told what was recalled before it could be", async () => {
    const { receiver, world, bob, meet, say } = await aWebhookAgent();
    const conversation = await meet();
    await receiver.next();
    receiver.state.status = 503;
    const { message_id } = (await say(conversation)).body.data;
    expect((await receiver.next()).body.metadata.conversation_seq).toBe(2);
    const path = `/conversations/${conversation}/messages/${message_id}/recall`;
    expect((await world.rest("POST", path, bob.token, {})).status).toBe(200);
    await say(conversation);
    receiver.state.status = 200;

    const next = await passTimeUntil(world, receiver.next(), 1_000);

    expect(next.body.metadata.conversation_seq).toBe(4);
  });

  test("[P235] is told what a person granted, again while it fails, and in no conversation", async () => {
    const { receiver, world, ada, bob, agent, meet } = await aWebhookAgent();
    const conversation = await meet();
    await receiver.next();
    await world.rest("PATCH", `/agents/${agent.id}`, ada.token, {
      capability_manifest: {
        schema_version: "1.0",
        agent_version: "1",
        tools: [],
        permission_scopes: [
          { id: "calendar:read", label_i18n_key: "calendar", sensitivity: "low" },
        ],
      },
    });
    const relations = await world.rest("GET", "/relations", bob.token);
    const { relation_id } = relations.body.data[0];
    receiver.state.status = 503;
    const body = { capability_manifest_version: 1, granted_scopes: ["calendar:read"] };
    const granted = await world.rest("PUT", `/relations/${relation_id}/scopes`, bob.token, body);
    const first = await receiver.next();
    receiver.state.status = 200;

    const again = await passTimeUntil(world, receiver.next(), 1_000);

    expect(granted.status).toBe(200);
    expect(again.body).toEqual({
      type: "agent.capability_changed",
      version: "v1",
      payload: {
        user_id: bob.id,
        relation_id,
        capability_manifest_version: 1,
        accepted: true,
        granted_scopes: ["calendar:read"],
      },
      metadata: {
        conversation_id: conversation,
        sender_id: bob.id,
        created_at: expect.any(String) as string,
      },
    });
    expect([again.text, again.headers["x-hashee-delivery-id"]]).toEqual([
      first.text,
      first.headers["x-hashee-delivery-id"],
    ]);
    const log = await world.rest("GET", `/conversations/${conversation}/messages`, bob.token);
    expect(log.body.data).toHaveLength(1);
  });

  test("[P236] [P237] that fails gets the same delivery again, later, and what follows waits", async () => {
    const { receiver, world, meet, say } = await aWebhookAgent();
    const conversation = await meet();
    await receiver.next();
    receiver.state.status = 503;
    await say(conversation);
    const first = await receiver.next();
    await say(conversation);
    receiver.state.status = 200;

    const again = await passTimeUntil(world, receiver.next(), 1_000);
    const follower = await receiver.next();

    expect(again.headers["x-hashee-delivery-id"]).toBe(first.headers["x-hashee-delivery-id"]);
    expect(again.text).toBe(first.text);
    expect(again.headers["x-hashee-timestamp"]).not.toBe(first.headers["x-hashee-timestamp"]);
    expect(follower.body.metadata.conversation_seq).toBe(3);
  });

  test("[P237] tries again after 5 s to 8 h, a fifth more or less, and no sooner than asked", () => {
    const least = (size: number) => new Uint8Array(size);
    const most = (size: number) => new Uint8Array(size).fill(255);
    const tries = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

    expect(tries.map((n) => retryDelayMs(n, null, least))).toEqual([
      4_000,
      24_000,
      96_000,
      480_000,
      1_440_000,
      2_880_000,
      5_760_000,
      11_520_000,
      23_040_000,
      null,
    ]);
    expect(retryDelayMs(1, null, most)).toBe(6_000);
    expect(retryDelayMs(1, 60_000, least)).toBe(60_000);
    expect(retryDelayMs(1, 999_000_000, least)).toBe(3_600_000);
  });

  test("[P237] that is gone is asked once, however often there may be something for it", async () => {
    const { receiver, world, ada, agent, meet, say } = await aWebhookAgent();
    const conversation = await meet();
    await receiver.next();
    receiver.state.status = 410;
    const wake = () =>
      world.rest("PATCH", `/agents/${agent.id}`, ada.token, { display_name: "Hook" });

    await say(conversation);
    const woken = Array.from({ length: 60 }, wake);
    const first = await receiver.next();
    await Promise.all([...woken, ...Array.from({ length: 60 }, wake), say(conversation)]);

    expect(first.body.metadata.conversation_seq).toBe(2);
    expect(receiver.posted).toEqual([]);
  });

  test("[P237] that is gone pauses its agent; back in work, it lacks nothing", async () => {
    const { receiver, world, ada, agent, meet, say, governance } = await aWebhookAgent();
    const creator = await world.online(ada);
    const conversation = await meet();
    await receiver.next();
    receiver.state.status = 410;
    await say(conversation);
    await receiver.next();

    expect(await creator.next("agent.governance")).toMatchObject({ status: "paused" });
    await say(conversation);
    expect([await governance(), receiver.posted]).toEqual(["paused", []]);
    receiver.state.status = 200;
    await world.rest("PATCH", `/agents/${agent.id}`, ada.token, { governance: "active" });

    const seqs = [await receiver.next(), await receiver.next()].map(
      ({ body }) => body.metadata.conversation_seq as number,
    );
    expect(seqs).toEqual([2, 3]);
  });

  test("[P238] that fails ten times in a row is unreachable until its health answers", async () => {
    const { receiver, world, ada, meet, governance } = await aWebhookAgent({ health: true });
    const creator = await world.online(ada);
    receiver.state.status = 500;
    receiver.state.isWell = false;
    const met: ConversationId[] = [];
    for (let i = 0; i < 10; i++) met.push(await meet(await world.person(`person_${i}`)));

    expect(await creator.next("agent.governance")).toMatchObject({
      status: "unreachable",
      reason: "webhook_failed",
    });
    expect(await governance()).toBe("unreachable");
    receiver.posted.splice(0);
    receiver.state.status = 200;
    await world.clock.advance(60_000);
    await world.rest("GET", "/health");
    expect(receiver.posted).toEqual([]);
    receiver.state.isWell = true;

    const delivered = new Set<string>();
    while (delivered.size < 10) {
      const { body } = await passTimeUntil(world, receiver.next(), 1_000);
      delivered.add(body.metadata.conversation_id);
    }
    expect([...delivered].toSorted()).toEqual(met.toSorted());
    expect(await governance()).toBe("active");
  });

  test("[P238] is delivered from its cursor on after a restart of the relay", async () => {
    const { receiver, world, meet, say } = await aWebhookAgent();
    const conversation = await meet();
    await receiver.next();
    receiver.state.status = 500;
    await say(conversation);
    const before = await receiver.next();
    receiver.state.status = 200;

    await world.restart();

    const after = await receiver.next();
    expect(after.headers["x-hashee-delivery-id"]).toBe(before.headers["x-hashee-delivery-id"]);
  });

  test("[P238] loses nothing to a database that could not be read for a moment", async () => {
    const { receiver, world, meet, say } = await aWebhookAgent();
    const conversation = await meet();
    await receiver.next();
    receiver.state.status = 500;
    await say(conversation);
    await receiver.next();
    receiver.state.status = 200;

    const alter = async (text: string): Promise<void> => {
      if (world.database !== null) return void (await world.rows(text));
      const db = new DatabaseSync(join(world.folder, DATABASE_FILE), { timeout: 60_000 });
      db.exec(text);
      db.close();
    };
    await alter("ALTER TABLE entry RENAME TO entry_away");
    const hasFailed = () => world.lines.some((line) => line.startsWith("webhook.failed"));
    await passTimeUntil(world, expect.poll(hasFailed).toBe(true), 1_000);
    await alter("ALTER TABLE entry_away RENAME TO entry");

    const again = await passTimeUntil(world, receiver.next(), 1_000);
    expect(again.body.metadata).toMatchObject({ conversation_seq: 2 });
  });

  test("[R6] has a secret that the database alone does not give away", async () => {
    const { world, secret } = await aWebhookAgent();
    await world.stop();

    const held = await world.held();

    expect(held.includes("Hook")).toBe(true);
    expect(held.includes(secret)).toBe(false);
    expect(held.includes(Buffer.from(secret, "base64"))).toBe(false);
    const sealed = createAtRest(new Secret(new Uint8Array(32))).seal("a", new Uint8Array([1, 2]));
    const other = createAtRest(new Secret(new Uint8Array(32).fill(1)));
    expect(createAtRest(new Secret(new Uint8Array(32))).open("a", sealed)).toEqual(
      new Uint8Array([1, 2]),
    );
    expect(other.open("a", sealed)).toBeNull();
    expect(createAtRest(new Secret(new Uint8Array(32))).open("b", sealed)).toBeNull();
  });

  test("[P53] signs with its new secret from the moment it is made; nobody else makes one", async () => {
    const { receiver, world, ada, bob, agent, meet, secret } = await aWebhookAgent();
    const path = `/agents/${agent.id}/webhook-secret`;
    expect(codeOf(await world.rest("POST", path, bob.token))).toBe("NOT_FOUND");

    const next = (await world.rest("POST", path, ada.token)).body.data.webhook_secret;
    await meet();

    const { headers, text } = await receiver.next();
    const signed = `${String(headers["x-hashee-timestamp"])}.${String(headers["x-hashee-delivery-id"])}.${text}`;
    const key = Buffer.from(next, "base64");
    expect(next).not.toBe(secret);
    expect(headers["x-hashee-signature"]).toBe(
      createHmac("sha256", key).update(signed).digest("hex"),
    );
  });
});

describe("where a webhook may be", () => {
  const post = (url: string): OutboundRequest => ({
    method: "POST",
    url,
    headers: {},
    body: new Uint8Array(),
    timeoutMs: 10_000,
  });

  test("[P239] not in the relay's own network, however it is spelt, and only over https", async () => {
    const outbound = createOutbound(createFakeClock(), false);

    for (const host of [
      "127.0.0.1",
      "localhost",
      "[::1]",
      "10.0.0.1",
      "192.168.1.1",
      "172.16.9.9",
      "169.254.169.254",
      "100.64.0.1",
      "192.0.0.8",
      "192.0.2.1",
      "198.19.0.1",
      "198.51.100.1",
      "203.0.113.1",
      "224.0.0.1",
      "255.255.255.255",
      "0.0.0.0",
      "2130706433",
      "0x7f.1",
      "[::ffff:127.0.0.1]",
      "[::ffff:a00:1]",
      "[fd00::1]",
      "[fe80::1]",
      "[64:ff9b::7f00:1]",
      "[2002:7f00:1::]",
      "[2001:0:7f00:1::]",
      "[2001:db8::1]",
      "[4000::1]",
      "[8000::1]",
    ])
      expect(await outbound.send(post(`https://${host}/`)), host).toEqual({
        outcome: "refused-target",
      });
    for (const url of ["http://example.com/", "ftp://example.com/", "https://a:b@example.com/"])
      expect(await outbound.send(post(url)), url).toEqual({ outcome: "refused-target" });
  });

  test("[P239] the address that was checked is the one that is called, whatever its name says a moment later", async () => {
    const receiver = await aReceiver();
    const { port } = new URL(receiver.url);
    const asked = vi.spyOn(dns, "lookup").mockResolvedValue({ address: "127.0.0.1", family: 4 });
    syncBuiltinESMExports();
    onTestEnd(() => {
      asked.mockRestore();
      syncBuiltinESMExports();
    });

    // Nobody else finds this name.
    const answer = await createOutbound(createFakeClock(), true).send({
      ...post(`http://agent.invalid:${port}/`),
      body: new TextEncoder().encode("{}"),
    });

    expect(answer).toMatchObject({ outcome: "answered", status: 200 });
    expect(asked).toHaveBeenCalledTimes(1);
  });

  test("[P239] a redirect is not followed, and a silent receiver is given up after 10 s", async () => {
    const receiver = await aReceiver();
    receiver.state.status = 302;
    receiver.state.headers = { location: "http://127.0.0.1:1/" };
    const clock = createFakeClock();
    const outbound = createOutbound(clock, true);
    const body = new TextEncoder().encode("{}");
    const answer = await outbound.send({ ...post(receiver.url), body });
    expect(answer).toEqual({ outcome: "answered", status: 302, retryAfterMs: null });

    const silent = createServer(() => void clock.advance(10_000));
    await new Promise<void>((resolve) => void silent.listen(0, "127.0.0.1", resolve));
    onTestEnd(() => void silent.close());
    const { port } = silent.address() as AddressInfo;

    expect(await outbound.send(post(`http://127.0.0.1:${port}`))).toEqual({ outcome: "timeout" });
  });

  test("[P239] an agent whose address could never be one is not made", async () => {
    const world = await aWorld();
    const ada = await world.person("ada");
    const make = async (webhook_url: string | null) => {
      const body = { display_name: "Hook", connection_mode: "webhook", webhook_url };
      return (await world.rest("POST", "/agents", ada.token, body)).body.error?.params.path;
    };

    expect([await make(null), await make("http://a.example"), await make("nonsense")]).toEqual([
      "webhook_url",
      "webhook_url",
      "webhook_url",
    ]);
  });
});

test.skipIf(isOnAServer)(
  "[R61] a delivery looks at the conversation it is of, however many its agent has",
  async () => {
    const { receiver, world, ada, meet, say } = await aWebhookAgent();
    const conversation = await meet();
    await meet(ada);
    await receiver.next();
    await receiver.next();
    await say(conversation);
    await receiver.next();
    const reads = runsFromNow();

    await say(conversation);
    await receiver.next();
    await say(conversation);
    await receiver.next();

    const places = reads.filter((text) => text.includes("FROM member JOIN conv"));
    const ofOne = places.filter((text) => text.endsWith("WHERE account = ? AND conv = ?"));
    expect(ofOne).not.toEqual([]);
    expect(places).toEqual(ofOne);
    await world.stop();
  },
);

test("[P236] a delivery's id is a UUIDv7 of its entry, the same every time", () => {
  const entry = { conversationId: "c", seq: 7, at: Date.UTC(2026, 0, 1) };
  const id = deliveryIdOf("a" as AgentId, entry as never);

  expect(id).toMatch(/^019b76da-a800-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(deliveryIdOf("a" as AgentId, entry as never)).toBe(id);
  expect(deliveryIdOf("b" as AgentId, entry as never)).not.toBe(id);
});
