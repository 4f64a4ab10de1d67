import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test, vi } from "vitest";
import { bytesToBase64 } from "#base/base64.ts";
import { systemRandom } from "#base/random.ts";
import type { AgentId } from "#protocol/ids.ts";
import {
  anAgentWorld,
  isText,
  onTestEnd,
  outcomeOf,
  type Provisioned,
} from "./agent-world.contract.ts";
import { restRequest } from "./rest-request.ts";

afterEach(() => vi.unstubAllEnvs());

const aCall = (url: string, { agentId, token }: Provisioned, conversationId: string) => ({
  method: "POST",
  baseUrl: url,
  path: `/agents/${agentId}/messages`,
  token,
  body: {
    conversation_id: conversationId,
    client_message_id: crypto.randomUUID(),
    payload: { type: "text", text: "your deployment is done" },
  },
});

describe("a message by REST", () => {
  test("[K17] is sealed with the keys of the agent that runs here", async () => {
    const world = await anAgentWorld();
    const provisioned = await world.provision("Reminder");
    const agent = await world.run(provisioned);
    const alice = await world.person("Alice");
    const conversationId = await alice.meet(provisioned, agent.fingerprint);
    const call = aCall(world.url, provisioned, conversationId);

    const receipt = await restRequest(call);

    expect(receipt).toMatchObject({
      conversation_id: conversationId,
      message_id: call.body.client_message_id,
    });
    expect(await alice.reads(isText("your deployment is done"))).toBeTruthy();
  });

  test("[K17] is sealed with the keys of the environment by a guest that leaves the agent's prekeys alone", async () => {
    const world = await anAgentWorld();
    const provisioned = await world.provision("Reminder");
    const keys = {
      privateKey: bytesToBase64(systemRandom(32)),
      signingPrivateKey: bytesToBase64(systemRandom(32)),
    };
    const agent = await world.run(provisioned, keys);
    const alice = await world.person("Alice");
    const conversationId = await alice.meet(provisioned, agent.fingerprint);
    await agent.close();
    vi.stubEnv("HASHEE_X25519_PRIVATE_BASE64", keys.privateKey);
    vi.stubEnv("HASHEE_ED25519_PRIVATE_BASE64", keys.signingPrivateKey);
    const keysPath = `/keys/agents/${provisioned.agentId}`;
    const published = () =>
      restRequest({ method: "GET", baseUrl: world.url, path: keysPath, token: provisioned.token });
    const before = await published();

    await restRequest(aCall(world.url, provisioned, conversationId));

    expect(await alice.reads(isText("your deployment is done"))).toBeTruthy();
    expect(before).toMatchObject({ prekeys: [{}, {}] });
    expect(await published()).toEqual(before);
  });

  test("[K17] never leaves in the clear: without keys it is refused here", async () => {
    const world = await anAgentWorld();
    const provisioned = await world.provision("Keyless");
    vi.stubEnv("HASHEE_X25519_PRIVATE_BASE64", "");
    vi.stubEnv("HASHEE_ED25519_PRIVATE_BASE64", "");

    await expect(
      restRequest(aCall(world.url, provisioned, crypto.randomUUID())),
    ).rejects.toMatchObject({ code: "KEYS_REQUIRED" });
  });
});

describe("a payload on its way to another path", () => {
  test("[K17] leaves this process in no spelling of method or path", async () => {
    const heard: string[] = [];
    const server = createServer((request, response) => {
      heard.push(request.url ?? "");
      response.writeHead(200).end("{}");
    });
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    onTestEnd(() => void server.close());
    const { port } = server.address() as AddressInfo;
    vi.stubEnv("HASHEE_X25519_PRIVATE_BASE64", "");
    vi.stubEnv("HASHEE_ED25519_PRIVATE_BASE64", "");
    const agentId = "01900000-0000-7000-8000-0000000000a1";
    const provisioned = { agentId: agentId as AgentId, token: "hsk_x", inviteCode: "", folder: "" };
    const call = aCall(`http://127.0.0.1:${port}`, provisioned, crypto.randomUUID());
    const codeOf = (change: Partial<typeof call>): Promise<unknown> =>
      outcomeOf(restRequest({ ...call, ...change }));

    expect(await codeOf({ method: "post" })).toBe("KEYS_REQUIRED");
    for (const path of [
      `${call.path}/`,
      `${call.path}?now=1`,
      `/${call.path}`,
      call.path.toUpperCase(),
    ])
      expect(await codeOf({ path }), path).toBe("KEYS_REQUIRED");
    expect(await codeOf({ path: `/conversations/${agentId}/messages` })).toBe("BAD_REQUEST");
    expect(await codeOf({ method: "PUT" })).toBe("BAD_REQUEST");
    expect(heard).toEqual([]);
  });
});

describe("any other call", () => {
  test("[K17] is passed on with the token and gives data or the relay's code", async () => {
    const world = await anAgentWorld();
    const provisioned = await world.provision("Caller");
    const call = { method: "GET", baseUrl: world.url, token: provisioned.token };

    expect(await restRequest({ ...call, path: "/conversations" })).toEqual([]);
    await expect(restRequest({ ...call, path: "/nowhere" })).rejects.toMatchObject({
      code: "NOT_FOUND",
      status: 404,
    });
    await expect(
      restRequest({ ...call, token: "hsk_x", path: "/conversations" }),
    ).rejects.toMatchObject({
      code: "UNAUTHENTICATED",
      fatal: true,
    });
  });
});
