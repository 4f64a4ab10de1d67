import { createServer } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { bytesToBase64 } from "#base/base64.ts";
import { bytesToHex, utf8 } from "#base/bytes.ts";
import { systemRandom } from "#base/random.ts";
import { createPrimitives } from "#crypto/primitives.ts";
import {
  aMailbox,
  anAgentWorld,
  isText,
  onTestEnd,
  type Provisioned,
} from "../agent-world.contract.ts";
import { HasheeAgent } from "../agent.ts";
import type { AgentEvent } from "../incoming/agent-event.ts";
import type { AgentMessage } from "../incoming/message-context.ts";
import { restRequest } from "../rest-request.ts";
import { signDelivery } from "./delivery.ts";
import { webhookHandler } from "./webhook-handler.ts";

const key = systemRandom(32);
const secret = bytesToBase64(key);

type Row = Readonly<Record<string, unknown>> & { readonly type: string };

/** What the relay would post of a row of its log. */
function bodyOf({ type, encrypted_payload, payload, ...metadata }: Row): string {
  return JSON.stringify({
    type,
    version: "v1",
    ...(typeof encrypted_payload === "string" ? { wire_envelope: encrypted_payload } : { payload }),
    metadata,
  });
}

async function aPostman(provisioned: Provisioned, url: string) {
  const primitives = await createPrimitives({ random: systemRandom });
  let nextId = 1;
  return async (
    body: string,
    change: { timestamp?: string; signedBody?: string; id?: string; agentId?: string } = {},
  ): Promise<number> => {
    const timestamp = change.timestamp ?? String(Math.floor(Date.now() / 1_000));
    const id = change.id ?? `delivery-${nextId++}`;
    const signed = utf8(change.signedBody ?? body);
    const signature = bytesToHex(signDelivery(primitives, key, timestamp, id, signed));
    const response = await fetch(url, {
      method: "POST",
      headers: {
        "x-hashee-signature": signature,
        "x-hashee-timestamp": timestamp,
        "x-hashee-delivery-id": id,
        "x-hashee-agent-id": change.agentId ?? provisioned.agentId,
      },
      body,
    });
    return response.status;
  };
}

async function setupWebhook() {
  const world = await anAgentWorld();
  const provisioned = await world.provision("Hook");
  const agent = await world.run(provisioned, { connectionMode: "webhook" });
  const server = createServer(webhookHandler({ agent, secret }));
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  onTestEnd(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const post = await aPostman(provisioned, `http://127.0.0.1:${port}/`);
  const alice = await world.person("Alice");
  const conversationId = await alice.meet(provisioned, agent.fingerprint);
  const rows = async (): Promise<readonly Row[]> =>
    (await restRequest({
      method: "GET",
      baseUrl: world.url,
      path: `/conversations/${conversationId}/messages?after=0`,
      token: provisioned.token,
    })) as Row[];
  return { world, provisioned, agent, alice, conversationId, post, rows };
}

describe("an agent without a connection", () => {
  test("[K25] [E37] hears what the relay posts, answers over REST, and was never online", async () => {
    const { world, provisioned, agent, alice, conversationId, post, rows } = await setupWebhook();
    const inbox = aMailbox<AgentMessage>();
    const events = aMailbox<AgentEvent>();
    agent.addEventHandler((event) => events.put(event));
    agent.addMessageHandler(async (msg) => {
      inbox.put(msg);
      await agent.send(msg.conversation_id, { type: "text", text: "by REST" });
    });
    await alice.say(conversationId, "hello hook");

    const statuses = [];
    for (const row of await rows()) statuses.push(await post(bodyOf(row)));
    const heard = await inbox.take();
    await alice.reads(isText("by REST"));
    const shown = (await restRequest({
      method: "GET",
      baseUrl: world.url,
      path: `/agents/${provisioned.agentId}`,
      token: provisioned.token,
    })) as { readonly online: boolean };

    expect(heard).toMatchObject({ payload: { type: "text", text: "hello hook" } });
    expect(await events.take()).toMatchObject({ type: "relation.established" });
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(shown.online).toBe(false);
    expect(agent.status).toBe("connected");
  });

  test("[K25] hears once what a person granted", async () => {
    const { agent, alice, conversationId, post } = await setupWebhook();
    const events = aMailbox<AgentEvent>();
    agent.addEventHandler((event) => events.put(event));
    const body = JSON.stringify({
      type: "agent.capability_changed",
      version: "v1",
      payload: {
        user_id: alice.userId,
        relation_id: "01900000-0000-7000-8000-00000000000a",
        capability_manifest_version: 2,
        accepted: false,
        granted_scopes: ["calendar:read"],
      },
      metadata: {
        conversation_id: conversationId,
        sender_id: alice.userId,
        created_at: new Date(0).toISOString(),
      },
    });

    const statuses = [await post(body, { id: "one" }), await post(body, { id: "one" })];

    expect(statuses).toEqual([200, 200]);
    expect(await events.take()).toEqual({
      type: "agent.capability_changed",
      user_id: alice.userId,
      relation_id: "01900000-0000-7000-8000-00000000000a",
      accepted: false,
      granted_scopes: ["calendar:read"],
      capability_manifest_version: 2,
    });
    expect(events.heard).toEqual([]);
    expect(
      await post(
        body.replace('"granted_scopes"', '"granted"').replace('"user_id":"', '"user_id":7,"was":"'),
      ),
    ).toBe(400);
  });

  test("[K25] a stream becomes one message, a recall goes out, typing is nobody's", async () => {
    const { agent, alice, conversationId } = await setupWebhook();
    await agent.typing(conversationId);
    const stream = agent.createStreamSession(conversationId);
    await stream.delta("one ");
    await stream.delta("piece");

    const receipt = await stream.done();
    await alice.reads(isText("one piece"));
    await agent.recallMessage(conversationId, receipt.message_id);

    await alice.hears(
      ({ content }) => content.kind === "recalled" && content.messageId === receipt.message_id,
    );
  });

  test("[K26] a delivery that is forged, old, another agent's or altered is refused unread", async () => {
    const { agent, alice, conversationId, post, rows } = await setupWebhook();
    const heard: unknown[] = [];
    agent.addMessageHandler((msg) => heard.push(msg));
    await alice.say(conversationId, "hello");
    const body = bodyOf((await rows()).find(({ type }) => type === "message.new") as Row);
    const old = String(Math.floor(Date.now() / 1_000) - 301);
    // By more than the limit: each look at the clock is later than this one.
    const early = String(Math.floor(Date.now() / 1_000) + 600);

    expect(await post(body, { timestamp: old })).toBe(401);
    expect(await post(body, { timestamp: early })).toBe(401);
    expect(await post(body, { signedBody: `${body} ` })).toBe(401);
    expect(await post(body, { agentId: conversationId })).toBe(401);
    expect(await post("{}", {})).toBe(400);
    expect(heard).toEqual([]);
  });

  test("[K26] a delivery that comes again, under its id or a new one, is answered and not done twice", async () => {
    const { agent, alice, conversationId, post, rows } = await setupWebhook();
    const heard: string[] = [];
    agent.addMessageHandler((msg) => heard.push(msg.message_id));
    await alice.say(conversationId, "once");
    for (const row of await rows())
      await post(bodyOf(row), { id: String(row["conversation_seq"]) });

    for (const row of await rows()) {
      expect(await post(bodyOf(row), { id: String(row["conversation_seq"]) })).toBe(200);
      expect(await post(bodyOf(row))).toBe(200);
    }

    expect(heard).toHaveLength(1);
  });

  test.each([true, false])(
    "[K25] [K26] is reached by the relay's own deliveries, signed with the secret its creator was given (a disk: %s)",
    { timeout: 600_000 },
    async (hasDisk) => {
      const world = await anAgentWorld({ allowsPrivateTargets: true });
      const server = createServer();
      await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
      onTestEnd(() => void server.close());
      const { port } = server.address() as AddressInfo;
      const alice = await world.person("Alice");
      const made = await alice.creates("webhook", `http://127.0.0.1:${port}/hook`);
      const keys = {
        privateKey: bytesToBase64(systemRandom(32)),
        signingPrivateKey: bytesToBase64(systemRandom(32)),
      };
      const places = hasDisk ? {} : { keyVault: null, dedupe: null, ...keys };
      const agent = await world.run(made, { connectionMode: "webhook", ...places });
      agent.addMessageHandler((msg) =>
        agent.send(msg.conversation_id, { type: "text", text: "delivered" }),
      );
      const statuses: number[] = [];
      const handle = webhookHandler({ agent, secret: made.secret });
      server.on("request", async (request, response) => {
        await handle(request, response);
        statuses.push(response.statusCode);
      });
      const conversationId = await alice.meet(made, agent.fingerprint);

      await alice.say(conversationId, "over the relay's own hands");
      await alice.reads(isText("delivered"));

      // Where the program needs longer than the relay waits it says "not yet", and the relay comes again in minutes.
      expect(new Set(statuses.filter((status) => status !== 503))).toEqual(new Set([200]));
    },
  );

  test("[K25] outlives who hangs up in the middle of a body, and refuses one that is too long", async () => {
    const agent = await HasheeAgent.init({
      agentId: crypto.randomUUID(),
      token: "hsk_x",
      baseUrl: "http://127.0.0.1:1",
      connectionMode: "webhook",
      keyVault: null,
    });
    agent.addErrorHandler(() => undefined);
    onTestEnd(() => agent.close());
    const handle = webhookHandler({ agent, secret });
    const hungUp = Promise.withResolvers<unknown>();
    const server = createServer((request, response) => {
      const handled = handle(request, response);
      if (request.url === "/cut") hungUp.resolve(handled);
    });
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    onTestEnd(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const head = "POST /cut HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc";
    const caller = connect(port, "127.0.0.1", () => caller.write(head));
    caller.on("error", () => undefined);
    server.once("request", (request) => request.once("data", () => caller.resetAndDestroy()));

    const url = `http://127.0.0.1:${port}/`;
    await expect(hungUp.promise).resolves.toBeUndefined();
    const long = await fetch(url, { method: "POST", body: new Uint8Array(2_097_153) });
    expect(long.status).toBe(413);
    expect((await fetch(url, { method: "POST", body: "{}" })).status).toBe(401);
    expect((await fetch(url)).status).toBe(405);
  });

  test("[K25] needs a secret and the mode", async () => {
    const world = await anAgentWorld();
    const provisioned = await world.provision("Plain");
    const agent = await world.run(provisioned, { keyVault: join(provisioned.folder, "v") });

    expect(() => webhookHandler({ agent, secret })).toThrow("connection mode webhook");
    expect(() => webhookHandler({ agent, secret: "" })).toThrow("HASHEE_WEBHOOK_SECRET");
  });
});
