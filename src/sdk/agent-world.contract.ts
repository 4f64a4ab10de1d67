/**
 * What tests of a running agent stand on: a real relay on a free port, agents provisioned by its operator, and people
 * with an endpoint of their own. Nothing is sealed, stored or sent by a stand-in.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect } from "vitest";
import { bytesToBase64, base64UrlToBytes } from "#base/base64.ts";
import { systemClock } from "#base/clock.ts";
import { assert } from "#base/invariant.ts";
import { silentLog } from "#base/log.ts";
import { systemRandom } from "#base/random.ts";
import { ok, type Result } from "#base/result.ts";
import { Secret } from "#base/secret.ts";
import { makeSigner, type Signer } from "#crypto/identity.ts";
import { createPrimitives, type Primitives } from "#crypto/primitives.ts";
import { createDeviceTokens, registerAccount } from "#peer/accounts.ts";
import { createEndpoint, type PeerEndpoint } from "#peer/create-endpoint.ts";
import type { EndpointEvent, Entry } from "#peer/endpoint.ts";
import { createMemoryKeyVault } from "#peer/key-vault.ts";
import { createMemoryStore } from "#peer/memory-store.ts";
import { createRest } from "#peer/rest.ts";
import {
  makeId,
  type AgentId,
  type ConversationId,
  type DeviceId,
  type UserId,
} from "#protocol/ids.ts";
import type { KnownPayload, Payload } from "#protocol/payload.ts";
import { AgentCreated, InviteCreated, Relation, UserKeys } from "#protocol/rest.ts";
import { createOperator } from "#relay/operator.ts";
import type { RelayOptions } from "#relay/open-relay.ts";
import { createRelayServer, type RunningRelay } from "#relay/relay-server.ts";
import { freePort } from "#start/free-port.ts";
import { HasheeAgent } from "./agent.ts";
import type { HasheeError } from "./agent-error.ts";
import type { AgentOptions } from "./options.ts";
import { openNodeSocketFrom } from "./line/node-socket.ts";

const cleanUps: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});
export const onTestEnd = (cleanUp: () => Promise<void> | void): void => void cleanUps.push(cleanUp);

export function aFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "parley-sdk-"));
  onTestEnd(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export type Provisioned = {
  readonly agentId: AgentId;
  readonly token: string;
  readonly inviteCode: string;
  /** Folder of this agent's vault and claims. */
  readonly folder: string;
};

export type Person = {
  readonly userId: UserId;
  readonly endpoint: PeerEndpoint;
  /** Accepts the agent's invite, its keys checked against the fingerprint of the link, if it has one. */
  meet(agent: Provisioned, fingerprint: string | null): Promise<ConversationId>;
  say(conversationId: ConversationId, payload: KnownPayload | string): Promise<Entry>;
  /** The first entry, heard before or yet to come, that fits. */
  hears(fits: (entry: Entry) => boolean): Promise<Entry>;
  /** The first payload of somebody else that fits. */
  reads(fits?: (payload: Payload) => boolean): Promise<Payload>;
  sees(fits: (event: EndpointEvent) => boolean): Promise<EndpointEvent>;
  readonly device: Signer;
  /** Makes an agent of their own; the secret is that of its webhook. */
  creates(
    mode: "webhook" | "polling",
    webhookUrl?: string,
  ): Promise<Provisioned & { readonly secret: string }>;
};

export type AgentWorld = {
  readonly url: string;
  readonly folder: string;
  provision(name: string): Promise<Provisioned>;
  /** Runs an agent in this process. */
  run(agent: Provisioned, options?: AgentOptions): Promise<HasheeAgent>;
  person(name: string): Promise<Person>;
  restartRelay(): Promise<void>;
};

export async function anAgentWorld(relayOptions: Partial<RelayOptions> = {}): Promise<AgentWorld> {
  const folder = aFolder();
  const port = await freePort();
  const options = { port, ...relayOptions, dataFolder: folder };
  let relay: RunningRelay = await createRelayServer(options);
  onTestEnd(() => relay.close());
  const operator = await createOperator(folder, systemClock, systemRandom);
  onTestEnd(() => operator.close());
  const primitives = await createPrimitives({ random: systemRandom });
  const { url } = relay;
  return {
    url,
    folder,
    async provision(name) {
      const made = value(await operator.createAgent(name, ""));
      const { agent_id: agentId, token, invite_code: inviteCode } = made;
      return { agentId, token, inviteCode, folder: aFolder() };
    },
    async run({ agentId, token, folder: own }, options = {}) {
      const places = { keyVault: join(own, "vault"), dedupe: own };
      const agent = await HasheeAgent.init({ agentId, token, baseUrl: url, ...places, ...options });
      onTestEnd(() => agent.close());
      return agent;
    },
    person: (name) => aPerson(url, primitives, name),
    async restartRelay() {
      await relay.close();
      relay = await createRelayServer(options);
    },
  };
}

async function aPerson(url: string, primitives: Primitives, name: string): Promise<Person> {
  const createdAt = systemClock.now();
  const userId = makeId<UserId>(createdAt, systemRandom);
  const deviceId = makeId<DeviceId>(createdAt, systemRandom);
  const signer = () => makeSigner(primitives, new Secret(systemRandom(32)));
  const [identity, device] = [signer(), signer()];
  const net = {
    fetch: (at: string, request: object) => fetch(at, request),
    clock: systemClock,
    baseUrl: url,
  };
  const open = createRest({ ...net, tokens: null });
  const account = value(
    await registerAccount(open, primitives, {
      userId,
      deviceId,
      identity,
      device,
      handle: `${name.toLowerCase()}_${userId.slice(-6)}`,
      displayName: name,
      password: null,
      createdAt,
    }),
  );
  const store = createMemoryStore();
  await store.commit({ puts: [account.put] });
  const login = { origin: new URL(url).origin, userId, deviceId, signer: device };
  const endpoint = createEndpoint({
    ...net,
    primitives,
    random: systemRandom,
    log: silentLog,
    store,
    openSocket: openNodeSocketFrom(new URL(url).origin),
    tokens: createDeviceTokens({ rest: open, clock: systemClock, login }),
    identity: {
      accountId: userId,
      deviceId,
      kind: "human",
      signer: device,
      identityKey: identity.publicKey,
      bootstrapKey: null,
    },
    vault: createMemoryKeyVault(),
    keepLog: true,
    acknowledge: "on-commit",
  });
  const events: EndpointEvent[] = [];
  const waiting = new Set<() => void>();
  endpoint.on((event) => {
    events.push(event);
    for (const look of [...waiting]) look();
  });
  onTestEnd(() => endpoint.close(0));
  endpoint.start();

  const sees = (fits: (event: EndpointEvent) => boolean): Promise<EndpointEvent> =>
    new Promise((resolve) => {
      const look = (): void => {
        const found = events.find(fits);
        if (found === undefined) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  const hears = async (fits: (entry: Entry) => boolean): Promise<Entry> => {
    const event = await sees((event) => event.type === "entry" && fits(event.entry));
    assert(event.type === "entry", "only entries fit");
    return event.entry;
  };
  await sees((event) => event.type === "status" && event.status.status === "online");
  // Online comes before the prekeys; who writes in between finds no key to write to.
  const hasPrekeys = async (): Promise<boolean> => {
    const keys = await endpoint.rest.call("GET", `/keys/users/${userId}/devices`, UserKeys);
    return keys.ok && keys.value.devices.some(({ prekeys }) => prekeys.length > 0);
  };
  await expect.poll(hasPrekeys).toBe(true);

  return {
    userId,
    endpoint,
    device,
    async creates(mode, webhookUrl) {
      const made = value(
        await endpoint.rest.call("POST", "/agents", AgentCreated, {
          display_name: "Mine",
          connection_mode: mode,
          ...(webhookUrl === undefined ? {} : { webhook_url: webhookUrl }),
        }),
      );
      const { agent_id: agentId, token, webhook_secret: secret = "" } = made;
      const invites = `/agents/${agentId}/invites`;
      const invite = value(await endpoint.rest.call("POST", invites, InviteCreated, {}));
      return { agentId, token, secret, inviteCode: invite.code, folder: aFolder() };
    },
    sees,
    hears,
    async meet({ agentId, inviteCode }, fingerprint) {
      const conversationId = makeId<ConversationId>(systemClock.now(), systemRandom);
      value(
        await endpoint.pin(agentId, fingerprint === null ? null : base64UrlToBytes(fingerprint)),
      );
      const members = [{ accountId: agentId, kind: "agent" as const }];
      const founded = await endpoint.foundConversation({
        conversationId,
        type: "h2a",
        members,
        post: async (ledger) => {
          const body = {
            conversation_id: conversationId,
            ledger: ledger.map(bytesToBase64),
            granted_scopes: [],
          };
          const accepted = await endpoint.rest.call(
            "POST",
            `/invites/${inviteCode}/accept`,
            Relation,
            body,
          );
          return accepted.ok ? ok(null) : accepted;
        },
      });
      value(founded);
      return conversationId;
    },
    async say(conversationId, payload) {
      const whole =
        typeof payload === "string" ? { type: "text" as const, text: payload } : payload;
      const queued = value(await endpoint.send(conversationId, whole));
      const message = await endpoint.settled(queued.messageId);
      assert(message.state.status === "acked", `sent, not ${JSON.stringify(message.state)}`);
      return hears(
        ({ content }) => content.kind === "message" && content.messageId === queued.messageId,
      );
    },
    async reads(fits = () => true) {
      const { content } = await hears(
        ({ authorId, content }) =>
          authorId !== userId && content.kind === "message" && fits(content.payload),
      );
      assert(content.kind === "message", "only messages fit");
      return content.payload;
    },
  };
}

/** What a launcher gives an agent's process. */
export const environmentOf = (
  url: string,
  { agentId, token, folder }: Provisioned,
): Readonly<Record<string, string>> => ({
  HASHEE_AGENT_ID: agentId,
  HASHEE_AGENT_TOKEN: token,
  HASHEE_BASE_URL: url,
  HASHEE_KEY_VAULT: join(folder, "vault"),
  HASHEE_DEDUPE: join(folder, "dedupe.sqlite"),
  OPENAI_API_KEY: "",
  OPENAI_BASE_URL: "",
  OPENAI_MODEL: "",
});

/** The value of a step that must succeed for the test to mean anything. */
export function value<Value>(result: Result<Value, unknown>): Value {
  assert(result.ok, `a step of the test succeeds: ${JSON.stringify(result)}`);
  return result.value;
}

export const isText = (text: string) => (payload: Payload) =>
  payload.type === "text" && payload.text === text;

/** An agent and a person who have met; the agent does nothing yet. */
export async function setupMeeting(world?: AgentWorld) {
  const at = world ?? (await anAgentWorld());
  const provisioned = await at.provision("Echo");
  const agent = await at.run(provisioned);
  const alice = await at.person("Alice");
  const conversationId = await alice.meet(provisioned, agent.fingerprint);
  return { world: at, provisioned, agent, alice, conversationId };
}

/** A promise and what settles it, for handlers that tests wait for. */
export function aMailbox<Value>() {
  const heard: Value[] = [];
  const waiting: ((value: Value) => void)[] = [];
  return {
    heard,
    put(value: Value) {
      const next = waiting.shift();
      if (next === undefined) heard.push(value);
      else next(value);
    },
    take: (): Promise<Value> =>
      new Promise((resolve) => {
        const first = heard.shift();
        if (first === undefined) waiting.push(resolve);
        else resolve(first);
      }),
  };
}

/** How a call ended: `done`, or the code of what it threw. */
export const outcomeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "done",
    (error: HasheeError) => error.code,
  );
