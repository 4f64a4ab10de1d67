import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { inspect } from "node:util";
import { bytesToBase64 } from "#base/base64.ts";
import { utf8, utf8ToText } from "#base/bytes.ts";
import { systemClock } from "#base/clock.ts";
import { systemRandom } from "#base/random.ts";
import { Secret } from "#base/secret.ts";
import { createPrimitives } from "#crypto/primitives.ts";
import { freePort } from "#start/free-port.ts";
import { aMailbox, anAgentWorld, isText, outcomeOf } from "../agent-world.contract.ts";
import { HasheeAgent } from "../agent.ts";
import type { AgentMessage } from "../incoming/message-context.ts";
import type { Claim } from "../local/dedupe-store.ts";
import type { AgentOptions } from "../options.ts";
import { startPostgres, startRedis, type RealServer } from "./real-servers.contract.ts";
import { createSharedDedupe, createSharedVault, sharedSeal } from "./sealed-place.ts";
import { bring, LEASE_MS, openSharedPlace, type SharedPlace } from "./shared-place.ts";

const aClaim = (key: string): Claim => ({ conversationId: "c", key, work: utf8(`work of ${key}`) });
const anAgentId = (): string => crypto.randomUUID();

const primitives = await createPrimitives({ random: systemRandom });
const aSeal = (keyBytes = systemRandom(32)) =>
  sharedSeal(primitives, {
    privateKey: new Secret(keyBytes),
    signingPrivateKey: new Secret(systemRandom(32)),
  });
const settings = { clock: systemClock, random: systemRandom };

describe.skipIf(startRedis === null)("Redis", () => describeSharedPlace(startRedis));
describe.skipIf(startPostgres === null)("PostgreSQL", () => describeSharedPlace(startPostgres));

describe("a server that is named for keys or claims", () => {
  const init = (options: AgentOptions) =>
    HasheeAgent.init({
      agentId: anAgentId(),
      token: "hsk_x",
      baseUrl: "http://127.0.0.1:1",
      privateKey: bytesToBase64(systemRandom(32)),
      signingPrivateKey: bytesToBase64(systemRandom(32)),
      keyVault: null,
      ...options,
    });

  test.each(["redis", "postgres"])(
    "[K1] and does not answer is UNAVAILABLE at once, for the vault and for claims (%s)",
    async (scheme) => {
      const address = `${scheme}://agent:password@127.0.0.1:${await freePort()}/0`;

      for (const options of [{ keyVault: address }, { dedupe: address }]) {
        const fault = await init(options).catch((error: unknown) => error);
        expect(fault).toMatchObject({
          code: "UNAVAILABLE",
          params: { because: "ECONNREFUSED" },
          fatal: true,
        });
        expect(inspect(fault)).not.toContain("password");
      }
    },
  );

  test("[K1] is NOT_ENABLED where its package is missing, and the package is named", async () => {
    const name = "a-package-that-is-not-there";

    await expect(bring(name, () => import(name))).rejects.toMatchObject({
      code: "NOT_ENABLED",
      params: { package: name },
      fatal: true,
    });
  });

  test("[K30] takes a process for dead that it has not heard of for thirty seconds", () => {
    expect(LEASE_MS).toBe(30_000);
  });
});

test.skipIf(startRedis === null)(
  "[K30] what is asked of a Redis that is away is answered when it is back, and who lost the lock takes nobody else's",
  async () => {
    if (startRedis === null) return;
    const first = await startRedis();
    const agentId = anAgentId();
    const aProcess = () =>
      openSharedPlace(first.address, { agentId, owner: crypto.randomUUID(), leaseMs: 30_000 });
    const [one, two, three] = await Promise.all([aProcess(), aProcess(), aProcess()]);
    const release = await one.tryLock();
    await first.stop();

    // What was on its way as the line broke fails, and is asked once more.
    const claim = () => two.claim(aClaim("while away"));
    const asked = claim().catch(claim);
    const second = await startRedis(Number(new URL(first.address).port));

    expect(await asked).toBe(true);
    expect(await two.tryLock()).not.toBeNull();
    await release?.();
    expect(await three.tryLock()).toBeNull();
    for (const place of [one, two, three]) await place.close();
    await second.stop();
  },
);

function describeSharedPlace(start: (() => Promise<RealServer>) | null): void {
  let server: RealServer;
  beforeAll(async () => {
    if (start !== null) server = await start();
  });
  afterAll(() => server.stop());

  /** One process of an agent, as far as the server knows it. */
  const aProcess = (agentId: string, leaseMs = 30_000): Promise<SharedPlace> =>
    openSharedPlace(server.address, { agentId, owner: crypto.randomUUID(), leaseMs });

  test("[K30] gives a claim to one of many who ask at once, finished or not", async () => {
    const agentId = anAgentId();
    const seal = aSeal();
    const processes = await Promise.all([1, 2, 3].map(() => aProcess(agentId)));
    const stores = processes.map((place) => createSharedDedupe(place, seal));

    const asked = await Promise.all(
      Array.from({ length: 30 }, (_, i) => stores[i % 3]?.claim(aClaim("a"))),
    );
    await stores[0]?.finish(aClaim("a"));
    const afterwards = await stores[1]?.claim(aClaim("a"));
    const another = await stores[2]?.claim({ ...aClaim("a"), conversationId: "d" });
    const otherAgent = await aProcess(anAgentId());

    expect(asked.filter(Boolean)).toHaveLength(1);
    expect([afterwards, another]).toEqual([false, true]);
    expect(await otherAgent.claim(aClaim("a"))).toBe(true);
    for (const place of [...processes, otherAgent]) await place.close();
  });

  test("[K30] hands what a process that left had begun to one other, in its order, and nothing that was finished", async () => {
    const agentId = anAgentId();
    const seal = aSeal();
    const dead = await aProcess(agentId);
    const left = createSharedDedupe(dead, seal);
    for (const key of ["done", "first", "second"]) await left.claim(aClaim(key));
    await left.finish(aClaim("done"));
    await left.claim({ ...aClaim("done at once"), work: null });
    await dead.close();

    const [heir, second] = await Promise.all([aProcess(agentId), aProcess(agentId)]);
    const taken = await Promise.all(
      [heir, second].map((place) => createSharedDedupe(place, seal).takeOver()),
    );

    expect(taken.flat()).toEqual([aClaim("first"), aClaim("second")]);
    expect(taken.filter((claims) => claims.length > 0)).toHaveLength(1);
    expect(await second.claim(aClaim("first"))).toBe(false);
    // Who inherits may die as well: what it has not finished goes on to the next.
    const [taker, next] = taken[0]?.length === 0 ? [second, heir] : [heir, second];
    await createSharedDedupe(taker, seal).finish(aClaim("first"));
    await taker.close();
    expect(await createSharedDedupe(next, seal).takeOver()).toEqual([aClaim("second")]);
    await next.close();
  });

  test("[K30] waits for the lease of a process that fell silent, and leaves the living alone", async () => {
    const [agentId, leaseMs] = [anAgentId(), 300];
    const [living, heir] = await Promise.all([aProcess(agentId), aProcess(agentId)]);
    await living.claim(aClaim("living"));
    const begunAt = performance.now();
    const silent = await aProcess(agentId, leaseMs);
    await silent.claim(aClaim("silent"));

    let taken: readonly { readonly key: string }[] = [];
    while (taken.length === 0) taken = await heir.takeOver();

    expect(taken.map(({ key }) => key)).toEqual(["silent"]);
    // However slow we are, its lease began after this.
    expect(performance.now() - begunAt).toBeGreaterThanOrEqual(leaseMs);
    // It was not dead after all: what it begins from now on is its own, what was taken is not.
    await silent.claim(aClaim("later"));
    await silent.close();
    expect((await heir.takeOver()).map(({ key }) => key)).toEqual(["later"]);
    for (const place of [living, heir]) await place.close();
  });

  test("[K30] holds nothing that can be read there, and opens for the same keys only", async () => {
    const agentId = anAgentId();
    const key = systemRandom(32);
    const place = await aProcess(agentId);
    await createSharedVault(place, aSeal(key), settings).write("prekey-1", utf8("very private"));
    await createSharedDedupe(place, aSeal(key)).claim(aClaim("x"));
    await place.close();
    const other = await aProcess(agentId);

    const raw = await other.read("prekey-1");
    const [begun] = await other.takeOver();
    const vault = createSharedVault(other, aSeal(key), settings);

    expect(utf8ToText(raw ?? new Uint8Array()) ?? "").not.toContain("private");
    expect(bytesToBase64(begun?.work ?? new Uint8Array())).not.toContain(
      bytesToBase64(utf8("work of x")).slice(0, 9),
    );
    expect(await vault.read("prekey-1")).toEqual(utf8("very private"));
    expect(await createSharedVault(other, aSeal(), settings).read("prekey-1")).toBeNull();
    expect(await vault.list("prekey-")).toEqual(["prekey-1"]);
    await vault.remove("prekey-1");
    expect(await vault.list("")).toEqual([]);
    await other.close();
  });

  test("[K30] what lies there under another name than its own does not open", async () => {
    const agentId = anAgentId();
    const seal = aSeal();
    const place = await aProcess(agentId);
    const vault = createSharedVault(place, seal, settings);
    await vault.write("prekey-1", utf8("one"));
    await place.write("prekey-2", (await place.read("prekey-1")) ?? new Uint8Array());
    await createSharedDedupe(place, seal).claim(aClaim("x"));
    await place.close();
    const [mover, heir] = await Promise.all([aProcess(agentId), aProcess(agentId)]);
    const [begun] = await mover.takeOver();
    await mover.claim({ conversationId: "c", key: "y", work: begun?.work ?? null });
    await mover.close();

    const taken = await createSharedDedupe(heir, seal).takeOver();

    expect(taken).toEqual([aClaim("x"), { ...aClaim("y"), work: null }]);
    const shelf = createSharedVault(heir, seal, settings);
    expect([await shelf.read("prekey-1"), await shelf.read("prekey-2")]).toEqual([
      utf8("one"),
      null,
    ]);
    await heir.close();
  });

  test("[K30] lets one process at a time to the keys", async () => {
    const agentId = anAgentId();
    const seal = aSeal();
    const [one, two] = await Promise.all([aProcess(agentId), aProcess(agentId)]);
    const [first, second] = [one, two].map((place) => createSharedVault(place, seal, settings));
    const story: string[] = [];

    await first?.exclusively(async () => {
      story.push("first is in");
      expect(await second?.exclusivelyNow(async () => "second too")).toBeNull();
      story.push("first is out");
    });
    await second?.exclusively(async () => void story.push("second is in"));

    expect(story).toEqual(["first is in", "first is out", "second is in"]);
    for (const place of [one, two]) await place.close();
  });

  test("[K30] two hosts share keys and claims: each message opens and is handled once", async () => {
    const world = await anAgentWorld();
    const provisioned = await world.provision("Replicas");
    const options = {
      keyVault: server.address,
      dedupe: server.address,
      privateKey: bytesToBase64(systemRandom(32)),
      signingPrivateKey: bytesToBase64(systemRandom(32)),
    };
    const [one, two] = [
      await world.run(provisioned, options),
      await world.run(provisioned, options),
    ];
    const heard = aMailbox<AgentMessage>();
    for (const agent of [one, two])
      agent.addMessageHandler(async (msg) => {
        heard.put(msg);
        await agent.send(msg.conversation_id, { type: "text", text: "got it" });
      });
    const alice = await world.person("Alice");
    const conversationId = await alice.meet(provisioned, one.fingerprint);

    await alice.say(conversationId, "hello");
    const first = await heard.take();
    await alice.reads(isText("got it"));
    await one.close();
    await alice.say(conversationId, "and now?");
    const second = await heard.take();

    expect([first, second].map(({ payload }) => payload)).toMatchObject([
      { text: "hello" },
      { text: "and now?" },
    ]);
    expect([first.exactly_once, second.exactly_once]).toEqual([true, true]);
    expect(heard.heard).toEqual([]);
    const keyless = { ...provisioned, baseUrl: world.url, keyVault: server.address };
    expect(await outcomeOf(HasheeAgent.init(keyless))).toBe("BAD_REQUEST");
  });
}
