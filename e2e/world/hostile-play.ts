/** Two people and an agent that answers each command once, and what a drawn schedule does to what they say. */
import type { EndpointEvent, Entry } from "../../src/peer/endpoint.ts";
import {
  must,
  textOf,
  type Account,
  type Member,
  type World,
} from "../../src/peer/endpoint-world.contract.ts";
import { parseEntry } from "../../src/peer/entry.ts";
import type { ConversationId } from "../../src/protocol/ids.ts";
import { compare, NONE, type Findings } from "./checker.ts";
import {
  createTreatment,
  drawSchedule,
  HELD,
  type Step,
  type Treatment,
} from "./hostile-schedule.ts";
import { createHurry } from "./hurry.ts";
import { createLeapingClock } from "./leaping-clock.ts";

const LENGTH = 24;
const UNTREATED = createTreatment(0, []);
UNTREATED.end();

/** Every promise was kept, everything opens, and nobody was told anything twice over all their processes. */
export const ALL_WELL: Findings & {
  readonly unreadable: readonly Entry[];
  readonly toldTwice: readonly string[];
} = { ...NONE, unreadable: [], toldTwice: [] };

/** The steps of a seed; the agent, who is the last, keeps its one process. */
export const stepsOf = (seed: number): readonly Step[] =>
  drawSchedule(seed, { length: LENGTH, members: 3, mortals: 2 }).steps;

/** A member through all its processes; but for `current`, as of the schedule that is played. */
type Player = {
  readonly name: string;
  current: Member;
  former: Member[];
  treatment: Treatment;
  said: string[];
};

export type Stage = {
  readonly world: World;
  readonly hurry: ReturnType<typeof createHurry>;
  readonly players: readonly Player[];
  readonly agent: Player;
  /** Lets things happen. */
  readonly pause: (anyone: Member) => Promise<void>;
};

/** Who plays on this world; each schedule is a conversation of its own among them. */
export async function setStage(
  world: World,
  pause: (anyone: Member) => Promise<void>,
): Promise<Stage> {
  const clock = createLeapingClock();
  const hurry = createHurry(clock);
  const members = {
    // First, while the relay has nothing to do: who makes an agent writes to its database from outside.
    "the agent": await world.agent({ clock }),
    ada: await world.person({ clock }),
    ben: await world.person({ clock }),
  };
  const [agent, ...people] = Object.entries(members).map(([name, current]): Player => {
    hurry.follow(current);
    return { name, current, former: [], treatment: UNTREATED, said: [] };
  });
  if (agent === undefined) throw new Error("three players");
  agent.current.endpoint.on((event) => {
    if (event.type !== "entry" || event.entry.authorKind !== "human") return;
    const text = textOf(event.entry);
    if (text !== null) void say(agent, event.entry.conversationId, `done: ${text}`);
  });
  return { world, hurry, players: [...people, agent], agent, pause };
}

async function say(player: Player, conversationId: ConversationId, text: string): Promise<void> {
  player.said.push(text);
  must(await player.current.endpoint.send(conversationId, { type: "text", text }));
}

function treat(player: Player, seed: number): void {
  // An agent keeps no log: what is shown to it out of turn it takes for another process's, and asks nobody.
  player.treatment = createTreatment(seed, player.name === "the agent" ? ["message.ack"] : HELD);
  player.current.socket.hears((frame) => player.treatment.hears(frame));
  player.former = [];
  player.said = [];
}

async function take(step: Step, stage: Stage, conversationId: ConversationId): Promise<void> {
  const { world, hurry, players } = stage;
  if (step.do === "restart relay") return hurry.without(() => world.restartRelay());
  const player = players[step.who];
  if (player === undefined) throw new Error("a player");
  switch (step.do) {
    case "say":
      // The agent speaks unasked, too.
      return say(player, conversationId, `${player.name} ${player.said.length}`);
    case "cut":
      player.treatment.forget();
      return player.current.socket.drop();
    case "release":
      return player.treatment.release();
    case "wait":
      return stage.pause(player.current);
    case "restart": {
      player.treatment.forget();
      const next = await player.current.restart();
      player.former.push(player.current);
      player.current = next;
      next.socket.hears((frame) => player.treatment.hears(frame));
      hurry.follow(next);
      return undefined;
    }
  }
}

/** Plays the schedule of this seed to its end, and says what it led to and how much was looked at. */
export async function play(
  stage: Stage,
  seed: number,
): Promise<{
  readonly findings: typeof ALL_WELL;
  readonly figures: ReturnType<typeof compare>["figures"];
}> {
  const { world, players, agent } = stage;
  const people = players.filter((player) => player !== agent);
  const conversationId = await meet(world, people, agent);
  for (const [i, player] of players.entries()) treat(player, seed * 16 + i);
  for (const step of stepsOf(seed)) await take(step, stage, conversationId);

  for (const { treatment, current } of players) {
    treatment.end();
    current.socket.drop();
  }
  for (const player of people) await say(player, conversationId, `${player.name}, at last`);
  // Each says what it says in a row, so who has heard the last of all has heard all.
  for (const { current } of people)
    for (const { name } of people)
      for (const last of [`${name}, at last`, `done: ${name}, at last`])
        await current.entry((entry) => isHere(entry) && textOf(entry) === last);

  function isHere(entry: Entry): boolean {
    return entry.conversationId === conversationId;
  }
  const toldTo = ({ former, current }: Player): readonly Entry[] =>
    [...former, current].flatMap(({ events }) => events.flatMap(entryOf)).filter(isHere);
  const kept = await Promise.all(people.map(({ current }) => keptBy(current, conversationId)));
  const { findings, figures } = compare({
    acked: Object.fromEntries(players.map((player) => [player.name, player.said])),
    read: {
      ...Object.fromEntries(people.map(({ name }, i) => [name, kept[i]?.flatMap(textIn) ?? []])),
      [agent.name]: toldTo(agent)
        .filter(({ authorId }) => authorId !== agent.current.endpoint.accountId)
        .flatMap(textIn),
    },
    work: { asked: people.flatMap((player) => player.said), done: doneBy(agent) },
    places: Object.fromEntries(
      people.map(({ name }, i) => [`${name}'s disk`, kept[i]?.map(({ seq }) => seq) ?? []]),
    ),
    left: { because: "several schedules share a relay, which goes on" },
  });
  const unreadable = kept.flat().filter(({ content }) => content.kind === "unreadable");
  const toldTwice = people.filter((player) => hasTwice(toldTo(player).flatMap(textIn)));
  return {
    findings: { ...findings, unreadable, toldTwice: toldTwice.map(({ name }) => name) },
    figures,
  };
}

function meet(world: World, people: readonly Player[], agent: Player): Promise<ConversationId> {
  const [owner, ...others] = people;
  if (owner === undefined) throw new Error("people");
  const invited = others.map(({ current }): [Account, "human"] => [current, "human"]);
  return world.group(owner.current, [...invited, [agent.current, "agent"]]);
}

const entryOf = (event: EndpointEvent): readonly Entry[] =>
  event.type === "entry" ? [event.entry] : [];

const hasTwice = (texts: readonly string[]): boolean => new Set(texts).size < texts.length;

const doneBy = (agent: Player): readonly string[] =>
  agent.said.flatMap((text) => (text.startsWith("done: ") ? text.slice("done: ".length) : []));

const textIn = (entry: Entry): readonly string[] => {
  const text = textOf(entry);
  return text === null ? [] : [text];
};

/** What stands on a member's own disk, in the log's order. */
async function keptBy(
  { store }: Member,
  conversationId: ConversationId,
): Promise<readonly Entry[]> {
  const rows = await store.logAfter(conversationId, 0, 1_000_000);
  return rows.flatMap(({ row }) => parseEntry(row) ?? []);
}
