/** How an agent reaches its relay: who it says it is, by which calls, over which line. */
import { systemClock } from "#base/clock.ts";
import { silentLog } from "#base/log.ts";
import { systemRandom } from "#base/random.ts";
import { makeSigner } from "#crypto/identity.ts";
import type { Primitives } from "#crypto/primitives.ts";
import { agentTokens } from "#peer/accounts.ts";
import {
  createEndpoint,
  type EndpointIdentity,
  type EndpointOptions,
  type PeerEndpoint,
} from "#peer/create-endpoint.ts";
import { createMemoryStore } from "#peer/memory-store.ts";
import { createRest, type Fetch, type Rest, type Tokens } from "#peer/rest.ts";
import type { OpenSocket } from "#peer/socket.ts";
import type { AgentId, ConversationId, DeviceId } from "#protocol/ids.ts";
import type { LineWatch } from "./line/line-watch.ts";
import { pollUntil } from "./line/poll-loop.ts";
import { createForeignVault, mayOfferPrekeys, register } from "./line/register.ts";
import { createRestLine, type RestLine } from "./line/rest-line.ts";
import type { Disk } from "./local/disk.ts";
import type { RawKeys, SettledOptions } from "./options.ts";
import { callRest } from "./rest-call.ts";

const clock = systemClock;
const random = systemRandom;
const systemFetch: Fetch = (url, request) => fetch(url, request);

export type RelayAccess = {
  readonly tokens: Tokens;
  readonly rest: Rest;
  readonly baseUrl: string;
};

export function accessOf({ token, baseUrl }: SettledOptions): RelayAccess {
  const tokens = agentTokens(token.reveal());
  return { tokens, baseUrl, rest: createRest({ fetch: systemFetch, clock, baseUrl, tokens }) };
}

export function identityOf(agentId: AgentId, keys: RawKeys, p: Primitives): EndpointIdentity {
  const signer = makeSigner(p, keys.signingPrivateKey);
  return {
    accountId: agentId,
    // All processes of an agent are one device, named like the agent.
    deviceId: agentId as string as DeviceId,
    kind: "agent",
    signer,
    identityKey: signer.publicKey,
    bootstrapKey: keys.privateKey,
  };
}

/** The line of an agent that opens no connection. */
export const restLineOf = ({ agentId, baseUrl, token }: SettledOptions): RestLine =>
  createRestLine({
    agentId,
    call: (method, path, body) =>
      callRest(
        { method, baseUrl, path, token: token.reveal(), body },
        { fetch: systemFetch, clock, random },
      ),
  });

/** Polls for an agent of mode `polling` until `signal` aborts. @throws {@link HasheeError} fatal */
export const pollFor = (
  { agentId, token, baseUrl }: SettledOptions,
  line: RestLine,
  signal: AbortSignal,
): Promise<void> => {
  const tokens = agentTokens(token.reveal());
  const abortable: Fetch = (url, request) => fetch(url, { ...request, signal });
  const rest = createRest({ fetch: abortable, clock, baseUrl, tokens });
  return pollUntil(signal, { agentId, rest, line, clock, random });
};

type Reach = {
  readonly options: SettledOptions;
  readonly access: RelayAccess;
  readonly primitives: Primitives;
  readonly disk: Disk;
  readonly identity: EndpointIdentity;
};

/** Registers the agent and makes its endpoint, which is silent until started. */
export async function connect(
  parts: Reach & {
    readonly watch: LineWatch;
    readonly asGuest: boolean;
    readonly openSocket: OpenSocket;
    readonly onPutAway: (conversationId: ConversationId) => void;
    readonly signal: AbortSignal;
  },
): Promise<PeerEndpoint> {
  const { options, primitives, disk, identity, asGuest, openSocket, onPutAway } = parts;
  const { rest } = parts.access;
  await register({
    ...parts,
    rest,
    clock,
    random,
    agentId: options.agentId,
    identity: identity.signer,
    mode: options.connectionMode === "webhook" && !asGuest ? "envelope" : "session",
    bootstrapPublicKey: primitives.x25519PublicKey(disk.keys.privateKey.reveal()),
  });
  const isOurs = disk.vault !== null && (await mayOfferPrekeys(rest, options.agentId, disk.vault));
  const vault = asGuest ? createForeignVault(disk.vault) : isOurs ? disk.vault : null;
  const { conversationsInMemory } = options;
  const endpoint = { ...commonOf(parts), store: disk.store, openSocket, vault, onPutAway };
  return createEndpoint({ ...endpoint, conversationsInMemory });
}

/** An endpoint that is never started: it opens what stands in the log, and keeps and changes nothing. */
export const createReader = (parts: Reach): PeerEndpoint =>
  createEndpoint({
    ...commonOf(parts),
    store: createMemoryStore(),
    openSocket: () => {
      throw new Error("a reader opens no line");
    },
    vault: createForeignVault(parts.disk.vault),
    readsOwn: true,
  });

const commonOf = ({ access, primitives, identity }: Reach) =>
  ({
    primitives,
    clock,
    random,
    log: silentLog,
    fetch: systemFetch,
    baseUrl: access.baseUrl,
    tokens: access.tokens,
    identity,
    keepLog: false,
    acknowledge: "by-caller",
  }) satisfies Partial<EndpointOptions>;
