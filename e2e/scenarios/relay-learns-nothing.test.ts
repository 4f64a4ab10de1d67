import { globSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { must, startWorld } from "../../src/peer/endpoint-world.contract.ts";
import { createKeyWitness } from "../world/key-witness.ts";
import { findInMemory } from "../world/memory.ts";
import { launchRelayProcess, type RelayProcess } from "../world/relay-process.ts";
import { startWiretap, type Wiretap } from "../world/wiretap.ts";

// Long and odd, so that none of them stands anywhere by chance.
const CANARIES = {
  question: "canary-question-7f3a where is the harbour key",
  answer: "canary-answer-91bc under the third stone 港口的钥匙",
  delta: "canary-delta-55d0 piece of a stream",
  title: "canary-title-20aa quarterly numbers",
  field: "canary-field-c4e1 my answer to your form",
  profile: "canary-profile-8e77 name of the group",
  regret: "canary-regret-03f9 taken back again",
};

/** Every form in which somebody would find the text or key again. */
function needlesOf(secrets: ReadonlySet<string>): Map<string, Buffer> {
  const needles = new Map<string, Buffer>();
  for (const [name, text] of Object.entries(CANARIES)) {
    needles.set(`${name} as UTF-8`, Buffer.from(text));
    needles.set(`${name} as UTF-16`, Buffer.from(text, "utf16le"));
    needles.set(
      `${name} as base64`,
      Buffer.from(Buffer.from(text).toString("base64").slice(0, 40)),
    );
  }
  for (const hex of secrets) {
    needles.set(`key ${hex.slice(0, 8)}… raw`, Buffer.from(hex, "hex"));
    needles.set(`key ${hex.slice(0, 8)}… as hex`, Buffer.from(hex));
    needles.set(
      `key ${hex.slice(0, 8)}… as base64`,
      Buffer.from(Buffer.from(hex, "hex").toString("base64").slice(0, -2)),
    );
  }
  return needles;
}

const filesOf = (folder: string): Buffer =>
  Buffer.concat(
    globSync("**/*", { cwd: folder })
      .map((file) => join(folder, file))
      .filter((file) => statSync(file).isFile())
      .map((file) => readFileSync(file)),
  );

test("[R1] after a whole conversation no text and no key is in the relay's files, logs, wires or memory", async () => {
  let relay: RelayProcess | null = null;
  let tap: Wiretap | null = null;
  let folder = "";
  const witness = await createKeyWitness();
  const world = await startWorld(
    {},
    {
      primitives: witness.primitives,
      async launch(options) {
        folder = options.dataFolder;
        const own = await launchRelayProcess(options);
        relay = own;
        tap = await startWiretap(own.port);
        return { url: `http://127.0.0.1:${tap.port}`, port: own.port, close: () => own.close() };
      },
    },
  );
  const ada = await world.person();
  const ben = await world.person();
  const agent = await world.agent();
  const alone = await world.meet(ada, agent);
  const group = await world.group(ada, [
    [ben, "human"],
    [agent, "agent"],
  ]);

  must(await ada.endpoint.send(alone, { type: "text", text: CANARIES.question }));
  await agent.text(CANARIES.question);
  must(await agent.endpoint.send(alone, { type: "text", text: CANARIES.answer }));
  await ada.text(CANARIES.answer);
  const stream = must(await agent.endpoint.openStream(alone));
  for (let i = 0; i < 20; i++) must(await stream.delta(`${CANARIES.delta} ${i}. `));
  must(await stream.done());
  const artifact = {
    artifact_id: "a1",
    subtype: "form",
    title: CANARIES.title,
    payload: { fields: [{ id: "f", label: "f", type: "text" }] },
  };
  must(await agent.endpoint.send(alone, { type: "artifact", artifact }));
  must(
    await ada.endpoint.send(alone, {
      type: "artifact_response",
      response_id: "r1",
      ref_artifact: "a1",
      ref_revision: 0,
      ref_action: "submit",
      values: { f: CANARIES.field },
    }),
  );
  await agent.entry(
    ({ content }) => content.kind === "message" && content.payload.type === "artifact_response",
  );
  must(await ada.endpoint.send(group, { type: "profile", name: CANARIES.profile }));
  const regret = must(await ada.endpoint.send(group, { type: "text", text: CANARIES.regret }));
  await ben.text(CANARIES.regret);
  must(await ada.endpoint.recall(group, regret.messageId));
  await ben.entry(({ content }) => content.kind === "recalled");

  const needles = needlesOf(witness.secrets);
  const found = (bytes: Buffer): readonly string[] =>
    [...needles].filter(([, needle]) => bytes.includes(needle)).map(([name]) => name);
  const running = relay as RelayProcess | null;
  const tapped = tap as Wiretap | null;
  expect(witness.secrets.size).toBeGreaterThan(100);
  expect(found(filesOf(folder))).toEqual([]);
  expect(found(tapped?.bytes() ?? Buffer.alloc(0))).toEqual([]);
  // The search itself finds what is there: the relay's own token key and a public id.
  expect(tapped?.bytes().includes(Buffer.from(ada.endpoint.accountId))).toBe(true);
  if (process.platform === "linux") {
    const pid = running?.program.pid ?? -1;
    expect(
      findInMemory(pid, new Map([["a public id", Buffer.from(ada.endpoint.accountId)]])),
    ).toEqual(["a public id"]);
    expect(findInMemory(pid, needles)).toEqual([]);
  }
  await world.end();
  await tapped?.close();
});
