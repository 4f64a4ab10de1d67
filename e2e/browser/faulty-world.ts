/**
 * Where journeys about faults play: a relay behind a line that can be spoilt and an agent whose work is counted. They
 * end as the stories without a browser do, with the checker; and with a look at what went over the line.
 */
import { globSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "playwright/test";
import { peekEnvelope } from "../../src/protocol/envelope.ts";
import { provisionAgent, runAgent } from "../world/agent-process.ts";
import { check, NONE, placesStored, type Findings } from "../world/checker.ts";
import { startFaultLine } from "../world/fault-line.ts";
import { createSearch, formsOfText } from "../world/needles.ts";
import { startWorld } from "../world/processes.ts";
import type { Person } from "./person.ts";

/** What a journey ends with when every promise was kept. */
export const KEPT = { ...NONE, reused: [], readable: [] };

export async function startFaultyWorld(env: Readonly<Record<string, string>> = {}) {
  const line = await startFaultLine({ isTaped: true });
  const world = await startWorld({ agents: [], front: line, env: { PARLEY_RATES: RATES, ...env } });
  const dataFolder = join(world.folder, "data");
  const agentFolder = join(world.folder, "counting");
  const effects = join(agentFolder, "effects");
  mkdirSync(agentFolder, { recursive: true });
  writeFileSync(effects, "");
  const account = await provisionAgent(dataFolder, agentFolder);
  const start = () =>
    runAgent("e2e/world/counting-agent.ts", account, world.url, { EFFECTS: effects, ...env });
  let agent = await start();
  const { fingerprint } = agent.greeting as { fingerprint: string };
  const asked: string[] = [];
  const done = (): readonly string[] =>
    readFileSync(effects, "utf8")
      .split("\n")
      .flatMap((row) => row.split("\t")[2] ?? []);
  return {
    ...world,
    line,
    stopAgent: () => agent.kill(),
    async startAgent(): Promise<void> {
      agent = await start();
    },
    done,
    /** Begins the conversation with the agent. */
    async meet({ page, composer }: Person): Promise<void> {
      await page.goto(`${world.url}/i/${account.invite}#fp=${fingerprint}`);
      await page.getByRole("button", { name: "Start talking" }).click();
      await expect(composer).toBeVisible();
    },
    /** Text that stands nowhere by chance. */
    words(text: string): string {
      const said = `canary-${asked.length} ${text}.`;
      asked.push(said);
      return said;
    },
    /** Ends everything; what became of all `words`, and of the answers that the person was seen to read. */
    async curtain(story: string, answersRead: readonly string[]): Promise<typeof KEPT> {
      await agent.kill();
      await world.stopRelay("stop");
      const answers = asked.map((text) => `done: ${text}`);
      const findings: Findings = check(story, {
        acked: { "the person": asked, "the agent": answers },
        read: { "the agent": done(), "the person": answersRead },
        work: { asked, done: done() },
        places: placesStored(dataFolder),
      });
      return {
        ...findings,
        reused: reusedPlaces(line.said()),
        readable: readableIn(dataFolder, asked),
      } as typeof KEPT;
    },
    async end(): Promise<void> {
      await agent.kill();
      await world.close();
      await line.close();
    },
  };
}

const RATES =
  "register=100/100,login=100/100,restByAddress=100/1000,userKeys=100/1000,agentMessages=500/2000";

/** Says something and waits until the agent's answer is there; one row each. */
export async function askAndRead(person: Person, text: string): Promise<string> {
  await person.say(text);
  return answerRead(person, text);
}

/** Waits until a text and its answer stand in the thread, once each. */
export async function answerRead(person: Person, text: string): Promise<string> {
  await expect(person.row(text)).toHaveCount(2);
  await expect(person.row(`done: ${text}`)).toHaveCount(1);
  return `done: ${text}`;
}

/** Places of sender chains that carried two different messages over a line. */
function reusedPlaces(said: Buffer): readonly string[] {
  const payloadByPlace = new Map<string, string>();
  const reused: string[] = [];
  for (const [, payload = ""] of said
    .toString("latin1")
    .matchAll(/"type":"message\.send"[^{}]*?"encrypted_payload":"([^"]+)"/g)) {
    const head = peekEnvelope(Buffer.from(payload, "base64"));
    if (!head.ok) continue;
    const place = `${Buffer.from(head.value.sid).toString("hex")}/${head.value.index}`;
    const known = payloadByPlace.get(place) ?? payload;
    payloadByPlace.set(place, known);
    if (known !== payload) reused.push(place);
  }
  if (payloadByPlace.size === 0) throw new Error("No message was found on the line.");
  return reused;
}

/** Texts that stand in a form somebody would know again in what the relay keeps. */
function readableIn(folder: string, texts: readonly string[]): readonly string[] {
  const files = globSync("**/*", { cwd: folder })
    .map((file) => join(folder, file))
    .filter((file) => statSync(file).isFile());
  const search = createSearch(new Map(texts.flatMap((text) => formsOfText(text, text))));
  return search.in(Buffer.concat(files.map((file) => readFileSync(file))));
}
