import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { systemRandom } from "../../src/base/random.ts";
import type { ConversationId } from "../../src/protocol/ids.ts";
import { must, type Member } from "../../src/peer/endpoint-world.contract.ts";
import { aLedger, anId, text64 } from "../../src/relay/hand-made.contract.ts";
import { createOperator } from "../../src/relay/operator.ts";
import { agentAccount, call, register } from "../world/cast.ts";
import { check, NONE } from "../world/checker.ts";
import { answered, ask, provisionCountingAgent } from "../world/counted-work.ts";
import { leaksIn } from "../world/left-behind.ts";
import type { Program } from "../world/processes.ts";
import { isSoak, rounds, timeoutMs } from "../world/profile.ts";
import { setupStage, type Stage } from "../world/stage.ts";
import { visit, type Two } from "../world/visit.ts";
import { descriptors, slopePerHour, WEIGHABLE, weigh, type Weight } from "../world/weight.ts";

/** Rates that never stand in the way. */
const FREE = { perSecond: 1_000_000, burst: 1_000_000 };
const RATES = { frames: FREE, deltas: FREE, restByAddress: FREE };

const SOAK_MINUTES = Number(process.env["SOAK_MINUTES"] ?? 120);
/** A shift in a soak; in the gate one follows the other. */
const SHIFT_MS = 15_000;
const SHIFTS = rounds(10, (SOAK_MINUTES * 60_000) / SHIFT_MS);
/** One after the other, before a soak begins: what V8 compiles of them would otherwise grow for hours. */
const QUICK_SHIFTS = rounds(0, 200);
const SHIFTS_A_SAMPLE = rounds(1, 60_000 / SHIFT_MS);
const WARM_UP_SAMPLES = rounds(4, 10);
/** How often the same people come before others do. */
const SHIFTS_EACH = rounds(3, 10);
const VISITS = 3;
const MIB = 1_024 * 1_024;
/** Beside leaks there is the engine's own: code that ran for the first time. */
const HEAP_LIMIT = rounds(2, 4) * MIB;

/** An agent's process, the relay's, and people who come and go: nobody who was here stays. */
async function setupHouse() {
  const stage = await setupStage({ rates: RATES, nodeArguments: WEIGHABLE });
  const worker = await provisionCountingAgent(stage);
  const process = await worker.start(WEIGHABLE);
  const visited = await anAgentToVisit(stage);
  const facts = { acked: [] as string[], read: [] as string[], asked: [] as string[] };
  let ada: { readonly person: Member; readonly conversationId: ConversationId } | null = null;
  let visitor: Two | null = null;

  return {
    programs: { relay: stage.relay, agent: process },
    async shift(shift: number): Promise<void> {
      // Everybody is new once, then comes back.
      if (shift % SHIFTS_EACH === 0) {
        const person = await stage.world.person();
        ada = { person, conversationId: await stage.world.meet(person, worker.account) };
        visitor = await visited.meet(`visitor_${shift}`);
      }
      if (ada === null || visitor === null) throw new Error("the first shift brings somebody");
      const { conversationId } = ada;
      ada = { person: await ada.person.restart(), conversationId };
      const texts = Array.from({ length: 4 }, (_, i) => `shift ${shift}, ${i}`);
      facts.asked.push(...texts);
      for (const text of texts) await ask(ada.person, conversationId, text);
      await answered(ada.person, texts);
      await ada.person.endpoint.close(0);

      for (let i = 0; i < VISITS; i++) {
        const { acked, read } = await visit(visitor);
        facts.acked.push(...acked);
        facts.read.push(...read);
      }
    },
    async end(more: Readonly<Record<string, number>>) {
      const done = worker.done().map(({ text }) => text);
      await process.kill();
      const { places, left } = await stage.curtain();
      await stage.end();
      expect(leaksIn(left, facts.asked)).toEqual([]);
      return check(
        "memory",
        {
          acked: { visitors: facts.acked },
          read: { "the agent they visit": facts.read },
          work: { asked: facts.asked, done },
          places,
          left: { because: "visitors are counted by ids, which a relay knows; words are below" },
        },
        more,
      );
    },
  };
}

/** An agent without a program, for visits by hand. */
async function anAgentToVisit({ dataFolder, line: { url } }: Stage) {
  const operator = await createOperator(dataFolder, systemClock, systemRandom);
  const made = must(await operator.createAgent("Echo", ""));
  await operator.close();
  const agent = agentAccount(made.agent_id, made.token);
  return {
    async meet(handle: string): Promise<Two> {
      const person = await register(url, handle);
      const conversationId = anId<ConversationId>();
      await call(url, `/invites/${made.invite_code}/accept`, person.token, {
        conversation_id: conversationId,
        ledger: aLedger(1, conversationId, 2).map(text64),
        granted_scopes: [],
      });
      return { url, person, agent, conversationId };
    },
  };
}

type Row = Weight & { readonly atMs: number; readonly descriptors: number };

const weighed = async (program: Program): Promise<Row> => ({
  ...(await weigh(program)),
  atMs: performance.now(),
  descriptors: descriptors(program.pid),
});

const shown = (name: string, row: Row): string =>
  [
    `${(row.atMs / 60_000).toFixed(1)} min, ${name}: resident ${mib(row.rss)}`,
    `heap ${mib(row.objects)}`,
    `of other threads ${mib(row.inThreads)}`,
    `beside it ${mib(row.external)} MiB`,
    `${row.descriptors} descriptors`,
  ].join(", ");

/** What objects take up in all threads. */
const held = ({ objects, inThreads }: Row): number => objects + inThreads;

const mib = (bytes: number): string => (bytes / MIB).toFixed(2);

/** How much more there was of something at the last sample than at the first one that counts. */
const growth = (rows: readonly Row[], of: (row: Row) => number): number => {
  const [first, last] = [rows[WARM_UP_SAMPLES], rows.at(-1)];
  if (first === undefined || last === undefined) throw new Error("too short to be warm");
  return of(last) - of(first);
};

const slopeMib = (rows: readonly Row[], of: (row: Row) => number): number =>
  slopePerHour(
    rows.slice(Math.floor(rows.length / 2)).map((row) => ({ atMs: row.atMs, value: of(row) })),
  ) / MIB;

const slopes = (rows: Readonly<Record<string, readonly Row[]>>): Record<string, number> =>
  Object.fromEntries(
    Object.entries(rows).flatMap(([name, list]) => [
      [`${name}'s resident MiB an hour`, slopeMib(list, ({ rss }) => rss)],
      [`${name}'s heap MiB an hour`, slopeMib(list, held)],
    ]),
  );

test.skipIf(process.platform !== "linux")(
  "[S13] people and agents come, talk, stream, share files and leave: memory and descriptors of relay and agent stay",
  timeoutMs(900_000, (SOAK_MINUTES + 30) * 60_000),
  async () => {
    const house = await setupHouse();
    const { relay, agent } = house.programs;
    const rows = { relay: [] as Row[], agent: [] as Row[] };

    for (let shift = 0; shift < QUICK_SHIFTS; shift++) await house.shift(shift);
    const startedAt = performance.now();
    for (let shift = 0; shift < SHIFTS; shift++) {
      await house.shift(QUICK_SHIFTS + shift);
      if (shift % SHIFTS_A_SAMPLE === 0) {
        rows.relay.push(await weighed(relay));
        rows.agent.push(await weighed(agent));
        for (const [name, [...all]] of Object.entries(rows))
          if (isSoak) console.log(shown(name, all.at(-1) as Row));
      }
      if (isSoak) await pause(Math.max(0, startedAt + (shift + 1) * SHIFT_MS - performance.now()));
    }
    for (const [program, list] of [[relay, rows.relay] as const, [agent, rows.agent] as const])
      // Lines that were kept for the next request end by themselves.
      await expect
        .poll(() => descriptors(program.pid))
        .toBeLessThanOrEqual(list[WARM_UP_SAMPLES]?.descriptors ?? 0);
    const findings = await house.end({
      shifts: QUICK_SHIFTS + SHIFTS,
      "relay's heap, KiB more": Math.round(growth(rows.relay, held) / 1_024),
      "agent's heap, KiB more": Math.round(growth(rows.agent, held) / 1_024),
      ...(isSoak ? slopes(rows) : {}),
    });

    expect(findings).toEqual(NONE);
    for (const list of Object.values(rows)) {
      expect(growth(list, held)).toBeLessThan(HEAP_LIMIT);
      expect(growth(list, ({ external }) => external)).toBeLessThan(MIB);
    }
    if (isSoak) expect(slopeMib(rows.relay, ({ rss }) => rss)).toBeLessThan(1);
  },
);
