/** What every story about faults ends with: what was promised is there, once, in one dense order, and done once. */
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { textOf, type Member } from "../../src/peer/endpoint-world.contract.ts";
import { leaksIn, type LeftBehind } from "./left-behind.ts";
import { DATABASE_FILE } from "../../src/relay/data-folder.ts";

type ByName<Value> = Readonly<Record<string, Value>>;

export type Facts = {
  /** Texts whose sender was told that the relay has them, by the sender's name. */
  readonly acked: ByName<readonly string[]>;
  /** Texts each reader was told, in order, by the reader's name. */
  readonly read: ByName<readonly string[]>;
  /** What was asked of agents, and what they did, in order. */
  readonly work:
    | { readonly asked: readonly string[]; readonly done: readonly string[] }
    | NotLooked;
  /** Places of each log that is kept, by its name. */
  readonly places: ByName<readonly number[]>;
  /** What the relay leaves behind, to be searched for every text above; a journey in the browser searches by itself. */
  readonly left?: LeftBehind | NotLooked;
};

/** A question a story does not ask, and why. */
export type NotLooked = { readonly because: string };

export const TALK_ONLY: NotLooked = { because: "nobody works here: what is said is all there is" };

/** What stories do not ask that speak frames by hand. */
export const BY_HAND: Required<Pick<Facts, "work" | "left">> = {
  work: TALK_ONLY,
  left: { because: "there is no text in frames made by hand" },
};

export type Findings = {
  /** Acknowledged, and not read by everybody else; asked for, and not done. */
  readonly lost: readonly string[];
  readonly twice: readonly string[];
  /** Read or done, and never acknowledged or asked for. */
  readonly unasked: readonly string[];
  /** Pairs of readers who saw different orders. */
  readonly outOfOrder: readonly string[];
  readonly holes: readonly string[];
  /** Places where the relay left a text that was sealed. */
  readonly leaked: readonly string[];
};

/** The findings of a story in which every promise was kept. */
export const NONE: Findings = {
  lost: [],
  twice: [],
  unasked: [],
  outOfOrder: [],
  holes: [],
  leaked: [],
};

/** Readers that are named in the figures; more are counted together. */
const FEW = 4;

/** Compares what was promised with what is there, and prints the figures under the story's name. */
export function check(story: string, facts: Facts, more: ByName<number> = {}): Findings {
  const { findings, figures } = compare(facts);
  tell(story, { ...figures, ...more });
  return findings;
}

/** Prints the figures of a story, or of several that are counted together. */
export const tell = (story: string, figures: ByName<number>): void =>
  console.log(
    `${story}: ${Object.entries(figures)
      .map(([name, count]) => `${name} ${count}`)
      .join(", ")}`,
  );

/** Compares what was promised with what is there. */
export function compare(facts: Facts): {
  readonly findings: Findings;
  readonly figures: ByName<number>;
} {
  const { acked, read, left } = facts;
  const work = "because" in facts.work ? { asked: [], done: [] } : facts.work;
  const allAcked = Object.values(acked).flat();
  const readers = Object.entries(read).map(([name, texts]) => ({
    name,
    texts,
    due: Object.entries(acked).flatMap(([author, sent]) => (author === name ? [] : sent)),
  }));
  const findings: Findings = {
    lost: [
      ...readers.flatMap(({ name, texts, due }) => missing(name, due, texts)),
      ...missing("the agent", work.asked, work.done),
    ],
    twice: [
      ...duplicates("acked", allAcked),
      ...readers.flatMap(({ name, texts }) => duplicates(name, texts)),
      ...duplicates("the agent", work.done),
    ],
    unasked: [
      ...readers.flatMap(({ name, texts }) => missing(name, texts, allAcked)),
      ...missing("the agent", work.done, work.asked),
    ],
    outOfOrder: readers.slice(1).flatMap((reader) => orderFaults(readers[0] ?? reader, reader)),
    holes: Object.entries(facts.places).flatMap(([name, seqs]) =>
      seqs.every((seq, i) => seq === i + 1) ? [] : [`${name}: ${seqs.join(" ")}`],
    ),
    leaked:
      left === undefined || "because" in left
        ? []
        : leaksIn(left, [...allAcked, ...readers.flatMap(({ texts }) => texts), ...work.asked]),
  };
  const figures = {
    acked: allAcked.length,
    ...(readers.length <= FEW
      ? Object.fromEntries(readers.map(({ name, texts }) => [`read by ${name}`, texts.length]))
      : { [`read by ${readers.length}`]: readers.flatMap(({ texts }) => texts).length }),
    ...("because" in facts.work ? {} : { "done once each": new Set(work.done).size }),
    "log entries": Object.values(facts.places).flat().length,
    ...Object.fromEntries(Object.entries(findings).map(([name, list]) => [name, list.length])),
  };
  return { findings, figures };
}

const missing = (
  name: string,
  wanted: readonly string[],
  there: readonly string[],
): readonly string[] => {
  const set = new Set(there);
  return wanted.filter((text) => !set.has(text)).map((text) => `${name}: ${text}`);
};

function duplicates(name: string, texts: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  return texts
    .filter((text) => seen.size === seen.add(text).size)
    .map((text) => `${name}: ${text}`);
}

type Reader = { readonly name: string; readonly texts: readonly string[] };

function orderFaults(one: Reader, other: Reader): readonly string[] {
  const common = (texts: readonly string[], others: readonly string[]): string => {
    const set = new Set(others);
    return [...new Set(texts)].filter((text) => set.has(text)).join("\n");
  };
  return common(one.texts, other.texts) === common(other.texts, one.texts)
    ? []
    : [`${one.name} and ${other.name}`];
}

const texts = (member: Member, ownToo: boolean): readonly string[] =>
  member.events.flatMap((event) =>
    event.type === "entry" && (ownToo || event.entry.authorId !== member.endpoint.accountId)
      ? (textOf(event.entry) ?? [])
      : [],
  );

/** Texts a member was told, its own among them, in order. */
export const textsTold = (member: Member): readonly string[] => texts(member, true);

/** Texts of others that a member was told, in order. */
export const textsHeard = (member: Member): readonly string[] => texts(member, false);

/** Texts of a member's own messages that the relay acknowledged, once for each acknowledgement. */
export const textsAcked = (member: Member): readonly string[] =>
  member.events.flatMap((event) =>
    event.type === "outgoing" &&
    event.message.state.status === "acked" &&
    event.message.payload.type === "text"
      ? [event.message.payload.text]
      : [],
  );

/** Places of a conversation's log on a member's own disk. */
export const placesKept = async (
  member: Member,
  conversationId: Parameters<Member["store"]["logAfter"]>[0],
): Promise<readonly number[]> =>
  (await member.store.logAfter(conversationId, 0, 1_000_000)).map(({ seq }) => seq);

/** Places of each conversation's log in the database of a relay that has ended. */
export function placesStored(dataFolder: string): ByName<readonly number[]> {
  const database = new DatabaseSync(join(dataFolder, DATABASE_FILE));
  const rows = database.prepare("SELECT conv, seq FROM entry ORDER BY conv, seq").all();
  database.close();
  const places: Record<string, number[]> = {};
  for (const { conv, seq } of rows) (places[`relay, ${String(conv)}`] ??= []).push(Number(seq));
  return places;
}
