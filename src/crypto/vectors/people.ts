// People, agents and a conversation made from seeded chance: the cast of tests and golden vectors, never of a product.
import type { Bytes } from "#base/bytes.ts";
import { assert } from "#base/invariant.ts";
import type { RandomBytes } from "#base/random.ts";
import type { Result } from "#base/result.ts";
import { Secret } from "#base/secret.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import type { SuiteId } from "#protocol/envelope.ts";
import type { AccountId, ConversationId, DeviceId, MessageId } from "#protocol/ids.ts";
import { makeId } from "#protocol/ids.ts";
import type { DeliveryMode } from "#protocol/recipients.ts";
import { fingerprint, makeSigner, type Signer } from "../identity.ts";
import { appendAccount, startAccount } from "../ledger/account.ts";
import { type AccountOf, type AccountState, agentDeviceId } from "../ledger/account-state.ts";
import { addOf, appendConversation, startConversation } from "../ledger/conversation.ts";
import type { ConversationState } from "../ledger/conversation-state.ts";
import type { NewMessage, Writer } from "../message-seal.ts";
import { makePrekey, type OurPrekey } from "../prekeys.ts";
import { createPrimitives, type Primitives } from "../primitives.ts";
import type { Reader } from "../receiver-session.ts";
import type { Recipient } from "../recipient.ts";

/** When every story starts, epoch ms. */
export const START = 1_767_225_600_000;

/** One device of someone, with everything it may use. */
export type Endpoint = {
  readonly accountId: AccountId;
  readonly deviceId: DeviceId;
  readonly kind: "human" | "agent";
  readonly mode: DeliveryMode;
  readonly identity: Signer;
  readonly signer: Signer;
  readonly account: AccountState;
  readonly entries: readonly Bytes[];
  readonly fingerprint: Bytes;
  readonly self: Writer & Reader & { readonly mode: DeliveryMode };
  readonly prekeys: Readonly<Record<SuiteId, OurPrekey>>;
  readonly bootstrap: Secret<Bytes>;
};

/** Chance that repeats, the primitives over it, and ids from it. */
export type World = {
  readonly primitives: Primitives;
  readonly random: RandomBytes;
  messageId(): MessageId;
};

/** Stands around the source of chance and the primitives, and passes everything on. */
export type Watch = {
  random(source: RandomBytes): RandomBytes;
  primitives(asked: Primitives): Primitives;
};

/** A world whose whole story follows from one number. `watch` sees what is drawn and what the primitives are asked. */
export async function createWorld(seed: number, watch?: Watch): Promise<World> {
  const seeded = createSeededRandom(seed);
  const random: RandomBytes = watch === undefined ? seeded : watch.random(seeded);
  const bare = await createPrimitives({ random });
  const primitives = watch === undefined ? bare : watch.primitives(bare);
  return { primitives, random, messageId: () => makeId<MessageId>(START, random) };
}

/** The value of a result that cannot fail here. */
export function must<Value>(result: Result<Value, unknown>): Value {
  assert(result.ok, `unexpected failure ${JSON.stringify(result)}`);
  return result.value;
}

/** A person with one device, or an agent that is its own. */
export async function anEndpoint(
  world: World,
  kind: "human" | "agent",
  mode: DeliveryMode = "session",
  suiteFloor: SuiteId = 1,
): Promise<Endpoint> {
  const { primitives, random } = world;
  const accountId = makeId<AccountId>(START, random);
  const identity = aSigner(world);
  const bootstrap = new Secret(random(32));
  const card = await startAccount(primitives, {
    accountId,
    kind,
    identity,
    mode,
    suiteFloor,
    bootstrapKey: kind === "agent" ? primitives.x25519PublicKey(bootstrap.reveal()) : null,
    createdAt: START,
  });
  if (kind === "agent") {
    const device = { deviceId: agentDeviceId(accountId), signer: identity };
    const entries = [card.entry];
    return endpointOf(world, { accountId, kind, mode, identity, bootstrap, entries }, card.state, device);
  }
  const device = { deviceId: makeId<DeviceId>(START, random), signer: aSigner(world) };
  const op = {
    type: "device-add",
    deviceId: device.deviceId,
    signingKey: device.signer.publicKey,
  } as const;
  const added = must(
    await appendAccount(primitives, card.state, {
      actorDeviceId: null,
      signer: identity,
      op,
      createdAt: START,
    }),
  );
  const entries = [card.entry, added.entry];
  return endpointOf(world, { accountId, kind, mode, identity, bootstrap, entries }, added.state, device);
}

/** A further device of the same person; the first one's account state is the old one. */
export async function aSecondDevice(world: World, first: Endpoint): Promise<Endpoint> {
  const device = { deviceId: makeId<DeviceId>(START, world.random), signer: aSigner(world) };
  const added = must(
    await appendAccount(world.primitives, first.account, {
      actorDeviceId: null,
      signer: first.identity,
      op: {
        type: "device-add",
        deviceId: device.deviceId,
        signingKey: device.signer.publicKey,
      },
      createdAt: START,
    }),
  );
  const entries = [...first.entries, added.entry];
  return endpointOf(world, { ...first, entries }, added.state, device);
}

/** A conversation of these accounts; the first one is its owner. */
export async function aConversation(
  world: World,
  type: "h2h" | "h2a" | "group",
  endpoints: readonly Endpoint[],
): Promise<{ readonly state: ConversationState; readonly entries: readonly Bytes[] }> {
  const [owner, ...others] = endpoints;
  assert(owner !== undefined, "a conversation has an owner");
  const conversationId = makeId<ConversationId>(START, world.random);
  const actor = actorOf(owner);
  const started = must(
    await startConversation(world.primitives, {
      conversationId,
      type,
      actor,
      account: owner.account,
      createdAt: START,
    }),
  );
  let { state } = started;
  const entries = [...started.entries];
  for (const { account } of others) {
    const op = addOf(account, "member");
    const accountOf = accountsOf(endpoints);
    const added = must(
      await appendConversation(world.primitives, state, { actor, op, createdAt: START }, accountOf),
    );
    entries.push(added.entry);
    state = added.state;
  }
  return { state, entries };
}

/** Who writes into a ledger. */
export const actorOf = ({ accountId, deviceId, signer }: Endpoint) => ({
  accountId,
  deviceId,
  signer,
});

/** Account states by id; of one account's devices the last listed counts. */
export const accountsOf =
  (endpoints: readonly Endpoint[]): AccountOf =>
  (id) =>
    endpoints.findLast(({ accountId }) => accountId === id)?.account;

/** How to reach an endpoint: by prekey, or by its card's key. */
export const recipientOf = (
  { accountId, deviceId, fingerprint: fpr, prekeys, mode }: Endpoint,
  suite: SuiteId = 1,
): Recipient => ({
  accountId,
  deviceId,
  fingerprint: fpr,
  delivery: { mode, prekey: prekeys[suite].prekey },
});

/** The endpoint's prekey of a key id. */
export const prekeyOf =
  ({ prekeys }: Endpoint) =>
  (kid: Bytes): OurPrekey | undefined =>
    [prekeys[1], prekeys[2]].find((prekey) => prekey.kid.every((byte, i) => byte === kid[i]));

/** A small text message. */
export const aMessage = (world: World, text = "hello", createdAt = START): NewMessage => ({
  messageId: world.messageId(),
  contentType: "json",
  payload: new TextEncoder().encode(text),
  kind: "content",
  createdAt,
});

/** A signing key from the world's chance. */
export const aSigner = ({ primitives, random }: World): Signer =>
  makeSigner(primitives, new Secret(random(32)));

async function endpointOf(
  world: World,
  person: Pick<Endpoint, "accountId" | "kind" | "mode" | "identity" | "bootstrap" | "entries">,
  account: AccountState,
  device: { readonly deviceId: DeviceId; readonly signer: Signer },
): Promise<Endpoint> {
  const { accountId, kind, mode, identity, bootstrap, entries } = person;
  const { deviceId, signer } = device;
  const fpr = fingerprint(world.primitives, accountId, identity.publicKey);
  const prekey = (suite: SuiteId) =>
    makePrekey(world.primitives, {
      owner: accountId,
      device: deviceId,
      signer,
      fingerprint: fpr,
      suite,
      mode,
      suiteFloor: 1,
      notBefore: START,
      notAfter: START + 14 * 86_400_000,
    });
  return {
    accountId,
    deviceId,
    kind,
    mode,
    identity,
    signer,
    account,
    entries,
    fingerprint: fpr,
    self: { accountId, deviceId, signer, fingerprint: fpr, mode },
    prekeys: { 1: await prekey(1), 2: await prekey(2) },
    bootstrap,
  };
}
