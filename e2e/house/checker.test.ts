import { globSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { expect, test } from "vitest";
import { BY_HAND, check, NONE, type Facts } from "../world/checker.ts";

const KEPT: Facts = {
  acked: { ada: ["one", "two"], ben: ["three"] },
  read: { ada: ["one", "two", "three"], ben: ["one", "two"] },
  work: { asked: ["one"], done: ["one"] },
  places: { log: [1, 2, 3] },
  left: BY_HAND.left,
};

test("a story in which every promise was kept leaves nothing to report", () => {
  expect(check("kept", KEPT)).toEqual(NONE);
});

test("what was lost, told twice, done twice, made up, turned round or left out is named", () => {
  const findings = check("broken", {
    acked: KEPT.acked,
    read: { ada: ["two", "one", "two", "five"], ben: ["one", "two"] },
    work: { asked: ["one", "two"], done: ["one", "one", "six"] },
    places: { log: [1, 3], other: [1, 2] },
    left: BY_HAND.left,
  });

  expect(findings).toEqual({
    lost: ["ada: three", "the agent: two"],
    twice: ["ada: two", "the agent: one"],
    unasked: ["ada: five", "the agent: six"],
    outOfOrder: ["ada and ben"],
    holes: ["log: 1 3"],
    leaked: [],
  });
});

test("a sealed text that the relay left in a file, as it is or as base64, is named with its file", () => {
  const said = "where is the harbour key";
  const left = new Map([
    ["parley.sqlite-wal", Buffer.from(`…${said}…`)],
    ["metrics", Buffer.from(Buffer.from(`{"text":"${said}"}`).toString("base64"))],
    ["programs.log", Buffer.from('{"event":"config.read"}')],
  ]);

  const { leaked } = check("leaky", { ...KEPT, acked: { ada: [said] }, read: {}, left });

  expect([...new Set(leaked.map((one) => one.slice(0, one.indexOf(":"))))]).toEqual([
    "parley.sqlite-wal",
    "metrics",
  ]);
  expect(() => check("mute", { ...KEPT, left })).toThrow("no text is long enough");
});

/** Stories that do not end with the checker, and what they end with. */
const OTHERWISE: Readonly<Record<string, string>> = {
  "any-conversation": "one suite for every backend, told by what the page is shown",
  "bytes-are-hostile": "there is no relay: readers are fed bytes",
  "disk-is-damaged": "what is cut off is lost by intent: the rest is a dense beginning",
  "history-is-long": "entries are laid into the database, and pages of them compared",
  "hostile-relay": "the relay lies: what it acknowledges is no promise",
  "plain-bridge": "behind the bridge stands a server that is told every word",
  "plain-engine": "no relay: the server reads every word",
  "plain-myagent": "no relay: the server reads every word",
  "plain-tpclaw": "no relay: the server reads every word",
  "relay-learns-nothing": "it is the search itself, with every key beside every word",
};

test("every story ends with the checker, which asks all four questions, or says here why it does not", () => {
  const stories = globSync("e2e/scenarios/*.test.ts").map((file) => ({
    name: basename(file, ".test.ts"),
    // The talk over spoilt lines and the play of schedules end with it for their stories.
    isChecked: [
      /\bcheck\(|faulty-talk|hostile-play/,
      /\bleft\b|BY_HAND|faulty-talk|hostile-play/,
    ].every((asks) => asks.test(readFileSync(file, "utf8"))),
  }));

  const unchecked = stories.filter(({ isChecked }) => !isChecked).map(({ name }) => name);
  expect(unchecked.toSorted()).toEqual(Object.keys(OTHERWISE));
});
