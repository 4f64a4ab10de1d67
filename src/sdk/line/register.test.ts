import { expect, test } from "vitest";
import { bytesToBase64 } from "#base/base64.ts";
import { createFakeClock } from "#base/fake-clock.ts";
import { Secret } from "#base/secret.ts";
import { createMemoryKeyVault, type VaultPrekey } from "#peer/key-vault.ts";
import { createRest } from "#peer/rest.ts";
import type { AgentId } from "#protocol/ids.ts";
import type { Agent } from "#protocol/rest.ts";
import { createForeignVault, mayOfferPrekeys } from "./register.ts";

const AGENT = "01900000-0000-7000-8000-0000000000a1" as AgentId;

const aPrekey = (name: number): VaultPrekey => ({
  kid: new Uint8Array(16).fill(name),
  certificate: new Uint8Array([name]),
  privateKey: new Secret(new Uint8Array(32).fill(name)),
  publishedAt: 1,
  supersededAt: null,
});

/** Whether a process whose vault holds these may offer prekeys, over a relay that shows those; null: it does not answer. */
async function mayOffer(held: readonly number[], shown: readonly number[] | null, online: boolean) {
  const vault = createMemoryKeyVault();
  await vault.change({ put: held.map(aPrekey) });
  const agent: Agent = {
    agent_id: AGENT,
    creator_id: null,
    display_name: "Helper",
    description: "",
    connection_mode: "websocket",
    capability_manifest: null,
    capability_manifest_version: 0,
    capability_manifest_hash: null,
    governance: "active",
    online,
    keys_registered: true,
    cosigned_card: null,
  };
  const prekeys = (shown ?? []).map((name) => ({
    kid: bytesToBase64(new Uint8Array(16).fill(name)),
    suite: 1,
    certificate: bytesToBase64(new Uint8Array([name])),
  }));
  const keys = { agent_id: AGENT, public_key: "", signing_public_key: "", card: null, prekeys };
  const rest = createRest({
    clock: createFakeClock(),
    baseUrl: "http://relay.test",
    tokens: null,
    async fetch(url) {
      const isKeys = new URL(url).pathname.startsWith("/keys/");
      return {
        status: isKeys && shown === null ? 404 : 200,
        headers: { get: () => null },
        text: async () => JSON.stringify({ data: isKeys ? keys : agent }),
      };
    },
  });
  return mayOfferPrekeys(rest, AGENT, vault);
}

test("[K2] a process beside a connected one offers prekeys where it holds all of those, and not where it holds half", async () => {
  expect(await mayOffer([1, 2, 3], [1, 2], true)).toBe(true);
  expect(await mayOffer([1, 3], [1, 2], true)).toBe(false);
  expect(await mayOffer([], [1, 2], true)).toBe(false);
  // Nothing is shown: there is nobody whose prekeys would be withdrawn.
  expect(await mayOffer([1], [], true)).toBe(true);
});

test("[K2] a process that is alone renews what an earlier run left, whoever made it", async () => {
  expect(await mayOffer([1], [1, 2], false)).toBe(true);
  expect(await mayOffer([], [1, 2], false)).toBe(true);
});

test("[K2] a vault of somebody else's opens messages, and nothing of it is changed", async () => {
  const vault = createMemoryKeyVault();
  await vault.change({ put: [aPrekey(1)] });
  const foreign = createForeignVault(vault);

  const changed = await foreign.change({ remove: [aPrekey(1).kid] });
  const task = await foreign.exclusively(async () => "done");

  expect((await foreign.list()).map(({ kid }) => kid[0])).toEqual([1]);
  expect([changed.ok, task]).toEqual([false, null]);
  expect(await vault.list()).toHaveLength(1);
  expect(await createForeignVault(null).list()).toEqual([]);
});
