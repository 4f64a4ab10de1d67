/**
 * The world of the endpoint's stories: a real relay on a free port and people and agents who talk through it, each
 * with a store of their own that outlives them.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import * as v from "valibot";
import { WebSocket } from "ws";
import { systemClock } from "#base/clock.ts";
import { silentLog } from "#base/log.ts";
import { systemRandom } from "#base/random.ts";
import type { Result } from "#base/result.ts";
import { Secret } from "#base/secret.ts";
import { makeSigner, type Signer } from "#crypto/identity.ts";
import { createPrimitives, type Primitives } from "#crypto/primitives.ts";
import {
  makeId,
  type AgentId,
  type ConversationId,
  type DeviceId,
  type UserId,
} from "#protocol/ids.ts";
import type { RelayFrame } from "#protocol/relay-frame.ts";
import { Conversation, LoggedIn, Relation } from "#protocol/rest.ts";
import { bytesToBase64 } from "#base/base64.ts";
import { createOperator } from "#relay/operator.ts";
import { DATABASE_FILE } from "#relay/data-folder.ts";
import type { RelayOptions } from "#relay/open-relay.ts";
import { createRelayServer } from "#relay/relay-server.ts";
import { freePort } from "#start/free-port.ts";
import {
  agentTokens,
  createDeviceTokens,
  registerAccount,
  registerAgentKeys,
  enrolDevice,
} from "./accounts.ts";
import { createEndpoint, type EndpointOptions, type PeerEndpoint } from "./create-endpoint.ts";
import type { EndpointEvent, Entry } from "./endpoint.ts";
import { createStoreKeyVault } from "./key-vault.ts";
import { createMemoryStore } from "./memory-store.ts";
import { createRest, type Fetch } from "./rest.ts";
import type { Socket } from "./socket.ts";
import type { Store } from "./store.ts";

export type Member = {
  readonly endpoint: PeerEndpoint;
  readonly events: EndpointEvent[];
  readonly store: Store;
  readonly socket: {
    drop(): void;
    /** What the relay's frames become on their way in: a relay that lies, repeats, holds back. */
    hears(change: (frame: RelayFrame) => readonly RelayFrame[]): void;
  };
  /** The next event, past or future, that the test wants; an event is given once per call site. */
  until<Event extends EndpointEvent>(
    wants: (event: EndpointEvent) => event is Event,
  ): Promise<Event>;
  entry(wants: (entry: Entry) => boolean): Promise<Entry>;
  text(text: string): Promise<Entry>;
  online(): Promise<void>;
  /** The same identity and store in a new process. */
  restart(changes?: Partial<EndpointOptions>): Promise<Member>;
};

/** A person, by their first device. */
export type Person = Member & { readonly device: Signer; anotherDevice(): Promise<Member> };

/** Whoever can be met, in this process or another. */
export type Account = { readonly endpoint: Pick<PeerEndpoint, "accountId"> };

export const primitives = await createPrimitives({ random: systemRandom });

export type World = Awaited<ReturnType<typeof startWorld>>;

/** A socket that can end as a line does that is cut. */
export type Line = Socket & { terminate(): void };

/** Starts a relay; by default in this process. */
export type Launch = (options: RelayOptions) => Promise<{
  readonly url: string;
  readonly port: number;
  /** How it is met; by default over the network. */
  readonly fetch?: Fetch;
  readonly openSocket?: (url: string) => Line;
  close(): Promise<void>;
}>;

export async function startWorld(
  relayOptions: Partial<RelayOptions> = {},
  changes: {
    readonly launch?: Launch;
    readonly primitives?: Primitives;
    /** Where the relay's folder is made. */
    readonly under?: string;
  } = {},
) {
  const launch: Launch = changes.launch ?? createRelayServer;
  const own = changes.primitives ?? primitives;
  const dataFolder = mkdtempSync(join(changes.under ?? tmpdir(), "parley-endpoint-"));
  const rates = { ...GENEROUS, ...relayOptions.rates };
  // One of its own: the relay ends and comes back, and its port is to be there.
  const port = relayOptions.port ?? (await freePort());
  let relay = await launch({ dataFolder, ...relayOptions, rates, port });
  const { url } = relay;
  const members: Member[] = [];
  let handles = 0;

  const lying = { lies: (_url: string): string | null => null };
  const fetch: Fetch = async (address, request) => {
    const lie = lying.lies(address);
    if (lie !== null) return new Response(lie);
    return (relay.fetch ?? globalThis.fetch)(address, request);
  };
  const bare = createRest({ fetch, clock: systemClock, baseUrl: url, tokens: null });
  const base = {
    primitives: own,
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    fetch,
    baseUrl: url,
  };

  const join_ = (
    options: Omit<EndpointOptions, keyof typeof base | "openSocket">,
    changes = {},
  ): Member => {
    const sockets: Line[] = [];
    const way = { change: (frame: RelayFrame): readonly RelayFrame[] => [frame] };
    const endpoint = createEndpoint({
      ...base,
      ...options,
      openSocket(address) {
        const socket = relay.openSocket?.(address) ?? lineTo(address, url);
        sockets.push(socket);
        return heardAs(socket, (frame) => way.change(frame));
      },
      ...changes,
    });
    const line = {
      drop: () => sockets.at(-1)?.terminate(),
      hears(change: typeof way.change) {
        way.change = change;
      },
    };
    const member = aMember(endpoint, options.store, line, async (more) => {
      await endpoint.close(0);
      const next = join_(options, { ...changes, ...more });
      await next.online();
      return next;
    });
    members.push(member);
    endpoint.start();
    return member;
  };

  return {
    url,
    bare,
    /** Answers of a relay that lies over REST, by address; null: the truth. */
    set lies(lies: (url: string) => string | null) {
      lying.lies = lies;
    },
    async person(changes: Partial<EndpointOptions> = {}): Promise<Person> {
      const now = Date.now();
      const userId = makeId<UserId>(now, systemRandom);
      const deviceId = makeId<DeviceId>(now, systemRandom);
      const identity = makeSigner(own, new Secret(systemRandom(32)));
      const device = makeSigner(own, new Secret(systemRandom(32)));
      const handle = `person_${handles++}`;
      const [authKey, salt] = [systemRandom(32), systemRandom(32)];
      const params = { m: 65_536, t: 3, p: 4 };
      const account = must(
        await registerAccount(bare, own, {
          userId,
          deviceId,
          identity,
          device,
          handle,
          displayName: handle,
          password: {
            authKey,
            salt,
            params,
            backup: {
              backup_a: "",
              backup_b: "",
              argon2_salt: bytesToBase64(salt),
              argon2_params: params,
              public_key: "",
              signing_public_key: bytesToBase64(identity.publicKey),
              device_id: deviceId,
              backup_version: 1,
              bk_gen: 1,
            },
          },
          createdAt: now,
        }),
      );
      const store = createMemoryStore();
      await store.commit({ puts: [account.put] });
      const joinAs = async (ownId: DeviceId, signer: Signer, ownStore: Store): Promise<Member> => {
        const login = { origin: url, userId, deviceId: ownId, signer };
        const { publicKey: identityKey } = identity;
        const options = {
          store: ownStore,
          tokens: createDeviceTokens({ rest: bare, clock: changes.clock ?? systemClock, login }),
          identity: {
            accountId: userId,
            deviceId: ownId,
            kind: "human",
            signer,
            identityKey,
            bootstrapKey: null,
          },
          vault: createStoreKeyVault(ownStore),
          keepLog: true,
          acknowledge: "on-commit",
        } as const;
        const member = join_(options, changes);
        await member.online();
        return member;
      };
      const first = await joinAs(deviceId, device, store);
      return {
        ...first,
        device,
        async anotherDevice() {
          const ownId = makeId<DeviceId>(Date.now(), systemRandom);
          const signer = makeSigner(own, new Secret(systemRandom(32)));
          const state = must(await first.endpoint.account(userId));
          const password = { handle, auth_key: bytesToBase64(authKey), device_id: null };
          const login = must(await bare.call("POST", "/auth/login", LoggedIn, password));
          const tokens = { token: async () => ({ ok: true, value: login.access_token }) as const };
          const enrolling = createRest({ fetch, clock: systemClock, baseUrl: url, tokens });
          must(
            await enrolDevice(enrolling, own, {
              state,
              deviceId: ownId,
              identity,
              device: signer,
              createdAt: Date.now(),
            }),
          );
          return joinAs(ownId, signer, createMemoryStore());
        },
      };
    },
    async agent(
      changes: Partial<EndpointOptions> = {},
      mode: "session" | "envelope" = "session",
    ): Promise<Member & { readonly invite: string }> {
      const operator = await createOperator(dataFolder, systemClock, systemRandom);
      const provisioned = must(await operator.createAgent("Echo", "repeats"));
      await operator.close();
      return {
        ...(await this.runAgent(provisioned, changes, mode)),
        invite: provisioned.invite_code,
      };
    },
    /** An agent's program at its first start: it makes its keys, tells them and comes online. */
    async runAgent(
      made: { readonly agent_id: AgentId; readonly token: string },
      changes: Partial<EndpointOptions> = {},
      mode: "session" | "envelope" = "session",
    ): Promise<Member> {
      const agentId: AgentId = made.agent_id;
      const identity = makeSigner(own, new Secret(systemRandom(32)));
      const bootstrapKey = systemRandom(32);
      const tokens = agentTokens(made.token);
      const rest = createRest({ fetch, clock: systemClock, baseUrl: url, tokens });
      must(
        await registerAgentKeys(rest, own, {
          agentId,
          identity,
          bootstrapKey: primitives.x25519PublicKey(bootstrapKey),
          mode,
          createdAt: Date.now(),
        }),
      );
      const store = createMemoryStore();
      const member = join_(
        {
          store,
          tokens,
          identity: {
            accountId: agentId,
            deviceId: agentId as string as DeviceId,
            kind: "agent",
            signer: identity,
            identityKey: identity.publicKey,
            bootstrapKey: new Secret(bootstrapKey),
          },
          vault: createStoreKeyVault(store),
          keepLog: false,
          acknowledge: "on-commit",
        },
        changes,
      );
      await member.online();
      return member;
    },
    /** The person accepts the agent's invite. */
    async meet(
      person: Member,
      agent: Account & { readonly invite: string },
    ): Promise<ConversationId> {
      const conversationId = makeId<ConversationId>(Date.now(), systemRandom);
      must(
        await person.endpoint.foundConversation({
          conversationId,
          type: "h2a",
          members: [{ accountId: agent.endpoint.accountId, kind: "agent" }],
          async post(ledger) {
            const body = {
              conversation_id: conversationId,
              ledger: ledger.map(bytesToBase64),
              granted_scopes: [],
            };
            const answer = await person.endpoint.rest.call(
              "POST",
              `/invites/${agent.invite}/accept`,
              Relation,
              body,
            );
            return answer.ok ? { ok: true, value: null } : answer;
          },
        }),
      );
      return conversationId;
    },
    async group(
      owner: Member,
      others: readonly (readonly [Account, "human" | "agent"])[],
    ): Promise<ConversationId> {
      const conversationId = makeId<ConversationId>(Date.now(), systemRandom);
      const members = others.map(([member, kind]) => ({
        accountId: member.endpoint.accountId,
        kind,
      }));
      must(
        await owner.endpoint.foundConversation({
          conversationId,
          type: "group",
          members,
          async post(ledger) {
            const body = {
              conversation_id: conversationId,
              ledger: ledger.map(bytesToBase64),
              members: members.map(({ accountId, kind }) => ({ id: accountId, type: kind })),
            };
            const answer = await owner.endpoint.rest.call("POST", "/groups", Conversation, body);
            return answer.ok ? { ok: true, value: null } : answer;
          },
        }),
      );
      return conversationId;
    },
    /** The relay's process ends and starts again on the same folder and port. */
    async restartRelay(): Promise<void> {
      await relay.close();
      relay = await launch({ dataFolder, ...relayOptions, rates, port });
    },
    /** The relay comes back with what it says is another log. */
    async changeEpoch(): Promise<void> {
      await relay.close();
      const database = new DatabaseSync(join(dataFolder, DATABASE_FILE));
      database.exec("UPDATE meta SET value = 'another-log' WHERE name = 'log_epoch'");
      database.close();
      relay = await createRelayServer({ dataFolder, ...relayOptions, rates, port });
    },
    async stopRelay(): Promise<() => Promise<void>> {
      await relay.close();
      return async () => {
        relay = await launch({ dataFolder, ...relayOptions, rates, port });
      };
    },
    async end(): Promise<void> {
      for (const member of members) await member.endpoint.close(0);
      await relay.close();
      rmSync(dataFolder, { recursive: true, force: true });
    },
  };
}

/** Stories are about endpoints; the relay's patience has its own tests. */
const MANY = { perSecond: 10_000, burst: 10_000 };
const GENEROUS = {
  register: MANY,
  login: MANY,
  userKeys: MANY,
  agentMessages: MANY,
  humanMessages: MANY,
  marks: MANY,
  rest: MANY,
  restByAddress: MANY,
};

function aMember(
  endpoint: PeerEndpoint,
  store: Store,
  socket: Member["socket"],
  restart: (changes?: Partial<EndpointOptions>) => Promise<Member>,
): Member {
  const events: EndpointEvent[] = [];
  const waiting = new Set<() => void>();
  endpoint.on((event) => {
    events.push(event);
    for (const look of waiting) look();
  });
  const until = <Event extends EndpointEvent>(
    wants: (event: EndpointEvent) => event is Event,
  ): Promise<Event> =>
    new Promise((resolve) => {
      let from = 0;
      const look = (): void => {
        for (; from < events.length; from++) {
          const event = events[from];
          if (event === undefined || !wants(event)) continue;
          waiting.delete(look);
          resolve(event);
          return;
        }
      };
      waiting.add(look);
      look();
    });
  const entry = async (wants: (entry: Entry) => boolean): Promise<Entry> => {
    const event = await until(
      (one): one is Extract<EndpointEvent, { type: "entry" }> =>
        one.type === "entry" && wants(one.entry),
    );
    return event.entry;
  };
  return {
    endpoint,
    events,
    store,
    socket,
    until,
    entry,
    restart,
    text: (text) => entry((one) => textOf(one) === text),
    async online() {
      await until(
        (one): one is Extract<EndpointEvent, { type: "status" }> =>
          one.type === "status" && one.status.status === "online",
      );
      await published(endpoint, events);
    },
  };
}

/** The socket as the endpoint sees it, with frames changed on their way in. */
export const onItsWay = (
  socket: WebSocket,
  change: (frame: RelayFrame) => readonly RelayFrame[],
): Socket => heardAs(lineOf(socket), change);

function lineOf(socket: WebSocket): Line {
  const line: Line = {
    onopen: null,
    onmessage: null,
    onclose: null,
    send: (text) => socket.send(text),
    close: (code, reason) => socket.close(code, reason),
    terminate: () => socket.terminate(),
  };
  socket.on("open", () => line.onopen?.(undefined as never));
  socket.on("close", (code, reason) => line.onclose?.({ code, reason: String(reason) }));
  socket.on("message", (text) => line.onmessage?.({ data: String(text) }));
  return line;
}

function heardAs(line: Line, change: (frame: RelayFrame) => readonly RelayFrame[]): Socket {
  const seen: Socket = {
    onopen: null,
    onmessage: null,
    onclose: null,
    send: (text) => line.send(text),
    close: (code, reason) => line.close(code, reason),
  };
  line.onopen = (event) => seen.onopen?.(event);
  line.onclose = (event) => seen.onclose?.(event);
  line.onmessage = ({ data }) => {
    // Who has left the line hears nothing of it, so there is nothing to change either.
    if (seen.onmessage === null) return;
    for (const frame of change(JSON.parse(String(data)) as RelayFrame)) {
      seen.onmessage?.({ data: JSON.stringify(frame) });
    }
  };
  return seen;
}

/** A socket of the network, from a page of the relay's own. */
function lineTo(address: string, origin: string): Line {
  const socket = new WebSocket(address, { origin });
  socket.on("error", () => {});
  return lineOf(socket);
}

/** An endpoint can be written to once its prekeys are with the relay. */
async function published(endpoint: PeerEndpoint, events: readonly EndpointEvent[]): Promise<void> {
  const isAgent = (endpoint.deviceId as string) === endpoint.accountId;
  const path = isAgent
    ? `/keys/agents/${endpoint.accountId}`
    : `/keys/users/${endpoint.accountId}/devices`;
  for (;;) {
    const answer = await endpoint.rest.call("GET", path, v.unknown());
    if (answer.ok && JSON.stringify(answer.value).includes('"kid"')) return;
    const failure = events.find((event) => event.type === "error");
    if (failure !== undefined) throw new Error(JSON.stringify(failure));
  }
}

/** The text of a readable text message; null for all others. */
export const textOf = (entry: Entry): string | null =>
  entry.content.kind === "message" && entry.content.payload.type === "text"
    ? entry.content.payload.text
    : null;

export function must<Value>(result: Result<Value, unknown>): Value {
  if (!result.ok) throw new Error(JSON.stringify(result.failure));
  return result.value;
}
