import { globSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { systemRandom } from "../../src/base/random.ts";
import { createPrimitives } from "../../src/crypto/primitives.ts";
import { must, startWorld, type Person } from "../../src/peer/endpoint-world.contract.ts";
import type { ConversationId } from "../../src/protocol/ids.ts";
import { provisionAgent, runAgent } from "../world/agent-process.ts";
import { CANARIES } from "../world/canaries.ts";
import { startFaultLine } from "../world/fault-line.ts";
import { witnessed } from "../world/key-witness.ts";
import { findInMemory } from "../world/memory.ts";
import { createSearch, formsOfKey, formsOfText, type Search } from "../world/needles.ts";
import { cardOf, decide, submit } from "../world/person-answers.ts";
import { timeoutMs } from "../world/profile.ts";
import { launchBehind, RELAY_LOG, type RelayProcess } from "../world/relay-process.ts";

const filesIn = (folder: string, pattern: string): Buffer =>
  Buffer.concat(
    globSync(pattern, { cwd: folder })
      .map((file) => join(folder, file))
      .filter((file) => statSync(file).isFile())
      .map((file) => readFileSync(file)),
  );

/** A relay that is taped, people whose keys are witnessed, and an agent that is a process, witnessed too. */
async function setupWatchedWorld() {
  const secrets = new Set<string>();
  const primitives = witnessed(await createPrimitives({ random: systemRandom }), (hex) =>
    secrets.add(hex),
  );
  const line = await startFaultLine({ isTaped: true });
  let relay: RelayProcess | null = null;
  let folder = "";
  const launch = launchBehind(line, (started, dataFolder) => {
    relay = started;
    folder = dataFolder;
  });
  const world = await startWorld({}, { primitives, launch });
  const agentFolder = mkdtempSync(join(tmpdir(), "parley-agent-"));
  const witnessFile = join(agentFolder, "witness");
  const agent = await provisionAgent(folder, agentFolder);
  const program = await runAgent(
    "e2e/world/canary-agent.ts",
    agent,
    line.url,
    { WITNESS_FILE: witnessFile },
    ["--import", "./e2e/world/witness-hook.ts"],
  );
  return {
    world,
    agent,
    primitives,
    /** Every secret that an end of the conversation has used so far, in hex. */
    secrets: () => ({
      ofPeople: [...secrets],
      ofAgent: [...new Set(readFileSync(witnessFile, "utf8").trim().split("\n"))],
    }),
    /** Where the search finds something: in what the relay stores, logs, has on its wires, holds in memory. */
    look(search: Search) {
      const pid = (relay as RelayProcess | null)?.program.pid ?? -1;
      return {
        stored: search.in(filesIn(folder, "**/*")),
        logged: search.in(filesIn(folder, RELAY_LOG)),
        onWires: search.in(line.said()),
        inMemory:
          process.platform === "linux" ? findInMemory(pid, search) : { found: [], readBytes: 0 },
      };
    },
    async end() {
      await program.stop();
      await world.end();
      await line.close();
      rmSync(agentFolder, { recursive: true });
    },
  };
}

/** Everything people and agents can say to each other, every word of it a canary. */
async function converse({
  world,
  agent,
  primitives,
}: Awaited<ReturnType<typeof setupWatchedWorld>>) {
  const ada = await world.person();
  const ben = await world.person();
  const alone = await world.meet(ada, agent);
  const group = await world.group(ada, [[ben, "human"]]);

  await say(ada, alone, CANARIES.question);
  await ada.text(CANARIES.answer);
  await ada.until(
    (event): event is typeof event =>
      event.type === "stream-text" && event.text.includes(CANARIES.delta),
  );
  await ada.entry(({ content }) => content.kind === "recalled");
  await ada.entry(
    ({ content }) =>
      content.kind === "message" &&
      content.payload.type === "file" &&
      content.payload.filename === CANARIES.fileName,
  );
  await submit(ada, await cardOf(ada, "form"), { f: CANARIES.formField });
  await decide(ada, primitives, await cardOf(ada, "approval"), "approve");
  await ada.text(CANARIES.farewell);

  must(await ada.endpoint.send(group, { type: "profile", name: CANARIES.profile }));
  const regret = await say(ada, group, CANARIES.regret);
  await ben.text(CANARIES.regret);
  must(await ada.endpoint.recall(group, regret.messageId));
  await ben.entry(({ content }) => content.kind === "recalled");
  return { ada, ben };
}

const say = async (person: Person, conversationId: ConversationId, text: string) => {
  const queued = must(await person.endpoint.send(conversationId, { type: "text", text }));
  await person.endpoint.settled(queued.messageId);
  return queued;
};

test(
  "[R1] after a whole conversation no text and no key is in the relay's files, logs, wires or memory",
  timeoutMs(600_000, 600_000),
  async () => {
    const watched = await setupWatchedWorld();
    const { ada } = await converse(watched);
    const { ofPeople, ofAgent } = watched.secrets();
    const secrets = [...new Set([...ofPeople, ...ofAgent])];
    const canaries = Object.entries(CANARIES).flatMap(([name, text]) => formsOfText(name, text));

    // What the relay does hold, in each place and form that is searched: the search is able to find.
    const account = must(await ada.endpoint.account(ada.endpoint.accountId));
    const publicKey = formsOfKey(Buffer.from(account.identityKey).toString("hex"));
    const controls = new Map([
      ["an id", Buffer.from(ada.endpoint.accountId)],
      ["a word of the log", Buffer.from('"event":"')],
      ["a frame by an endpoint", Buffer.from('"type":"message.send"')],
      ["a frame by the relay", Buffer.from('"type":"message.new"')],
      ...publicKey.filter(([name]) => name.endsWith("raw") || name.endsWith("byte 0")),
    ]);
    const rawKey = publicKey[0]?.[0] ?? "";

    const needles = new Map([...canaries, ...secrets.flatMap(formsOfKey)]);
    const seen = watched.look(createSearch(new Map([...needles, ...controls])));

    const leaksOf = (found: readonly string[]) => found.filter((name) => needles.has(name));
    console.log(
      `relay-learns-nothing: ${Object.keys(CANARIES).length} texts and ${secrets.length} keys in ` +
        `${needles.size} forms, ${(seen.inMemory.readBytes / 1e6).toFixed(0)} MB of memory`,
    );
    expect(ofPeople.length).toBeGreaterThan(40);
    expect(ofAgent.length).toBeGreaterThan(40);
    expect(seen.stored).toEqual(expect.arrayContaining(["an id", rawKey]));
    expect(seen.logged).toEqual(["a word of the log"]);
    expect(seen.onWires).toEqual(
      expect.arrayContaining(["an id", "a frame by an endpoint", "a frame by the relay"]),
    );
    expect(seen.onWires.some((name) => name.includes("base64"))).toBe(true);
    if (process.platform === "linux")
      expect(seen.inMemory.found).toEqual(expect.arrayContaining(["an id", rawKey]));
    expect({
      stored: leaksOf(seen.stored),
      logged: leaksOf(seen.logged),
      onWires: leaksOf(seen.onWires),
      inMemory: leaksOf(seen.inMemory.found),
    }).toEqual({ stored: [], logged: [], onWires: [], inMemory: [] });
    await watched.end();
  },
);

test("[R1] the search finds a text or key that is there, in every form it looks for", () => {
  const key = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
  const needles = new Map([...formsOfText("text", CANARIES.answer), ...formsOfKey(key)]);
  const search = createSearch(needles);
  const bytes = Buffer.from(key, "hex");

  const shown = [
    CANARIES.answer,
    Buffer.from(CANARIES.answer, "utf16le"),
    bytes,
    key,
    ...[0, 1, 2].map((shift) => Buffer.concat([Buffer.alloc(shift), bytes]).toString("base64")),
    ...[0, 1, 2].map((shift) =>
      Buffer.concat([Buffer.alloc(shift), Buffer.from(CANARIES.answer)]).toString("base64"),
    ),
  ];

  for (const one of shown) {
    const around = Buffer.concat([systemRandom(999), Buffer.from(one), systemRandom(7)]);
    expect(search.in(around), String(one)).not.toEqual([]);
  }
  expect(search.in(Buffer.from(systemRandom(60_000)))).toEqual([]);
});
