import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { afterAll, expect, test } from "vitest";
import { makeAuthority } from "../world/certificate.ts";
import { NONE } from "../world/checker.ts";
import { COMMANDS_A_CUT, setupTalk, waits } from "../world/faulty-talk.ts";
import { isSoak, rounds, timeoutMs } from "../world/profile.ts";
import { aValid } from "../world/stage.ts";

const trusted = getCACertificates("default");
const authority = makeAuthority("authority.test");
setDefaultCACertificates([...trusted, authority.cert]);
afterAll(() => setDefaultCACertificates(trusted));

/** A person's endpoint and an agent's SDK, each on an encrypted line of its own to one relay. */
async function setupSecureTalk() {
  const talk = await setupTalk({ agentsApart: true, authority });
  const { line, agentLine, front } = talk.stage;
  if (front === null) throw new Error("an encrypted line has a front");
  const lines = [line, agentLine];
  return {
    ...talk,
    front,
    lines,
    /** Every new line is spoilt until both ends have tried again. */
    async meanwhile(spoil: () => void, mend: () => void): Promise<void> {
      const since = talk.ada.events.length;
      spoil();
      for (const one of lines) one.cut();
      const { arrivals } = agentLine;
      await waits(talk.ada, since);
      // Who comes a second time had no luck the first time.
      await expect.poll(() => agentLine.arrivals, UNHURRIED).toBeGreaterThan(arrivals + 1);
      mend();
    },
  };
}

/** Waits between tries grow to 30 s. */
const UNHURRIED = { timeout: 250_000, interval: 50 };

test(
  "[E62] [E40] TLS that breaks in its handshake, within a record or without a goodbye loses and repeats nothing",
  timeoutMs(600_000, 1_800_000),
  async () => {
    const { lines, front, talk, meanwhile, end } = await setupSecureTalk();
    const done = front.handshakes.done;

    // Within the server's first words, and before its certificate has come whole.
    for (const afterBytes of isSoak ? [3, 60, 300, 600] : [300]) {
      await meanwhile(
        () => lines.forEach((one) => one.become({ kind: "short", afterBytes })),
        () => lines.forEach((one) => one.become({ kind: "none" })),
      );
      await talk(`handshake ${afterBytes}`);
    }
    for (let cut = 0; cut < rounds(2, 100); cut++) {
      // Nowhere near the end of a record: each has a head of 5 bytes and a tag of 16.
      const side = cut % 2 === 0 ? "relay" : "endpoint";
      for (const one of lines) one.cutAfter(7 + ((cut * 997) % 3_000), side);
      await talk(`record ${cut}`, COMMANDS_A_CUT);
    }
    for (let goodbye = 0; goodbye < rounds(1, 20); goodbye++) {
      for (const one of lines) one.hangUp();
      await talk(`no goodbye ${goodbye}`, COMMANDS_A_CUT);
    }

    expect(front.handshakes.done).toBeGreaterThan(done + 3);
    expect(await end("TLS, cut")).toEqual(NONE);
  },
);

test(
  "[E5] a certificate that is over or of a stranger's is refused by a person's endpoint and an agent's SDK, and nothing is sent",
  timeoutMs(600_000, 600_000),
  async () => {
    const { front, talk, meanwhile, end } = await setupSecureTalk();
    await talk("before");
    const DAY_MS = 86_400_000;
    const wrong = [
      authority.issue(Date.now() - DAY_MS, Date.now() - DAY_MS / 2),
      aValid(makeAuthority("stranger.test")),
    ];

    for (const [i, certificate] of wrong.entries()) {
      const { done } = front.handshakes;
      await meanwhile(
        () => front.show(certificate),
        () => {
          expect(front.handshakes.done).toBe(done);
          front.show(aValid(authority));
        },
      );
      await talk(`after wrong ${i}`);
    }

    expect(await end("TLS, wrong certificate")).toEqual(NONE);
  },
);
