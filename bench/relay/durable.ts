/**
 * B9: one sender, one receiver, 1 KiB, on disk before the ack, against the same `ws` server that keeps nothing, turn by
 * turn in one run, and beside both one that keeps and checks nothing: what keeping alone costs on this machine; then the
 * delays at 500 messages a second. Run: node bench/relay/durable.ts
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startProgram } from "../../e2e/world/processes.ts";
import { median } from "../machine.ts";
import { cpuMs, quantile, report, thousands } from "../report.ts";
import { online, open, startCast } from "../../e2e/world/cast.ts";
import { flood, makeFrames, steady, type Talk } from "../../e2e/world/talk.ts";

const ROUNDS = 5;
const MESSAGES = 5_000;
const STEADY = { perSecond: 500, seconds: 20 };

type Found = { readonly perSecond: number; readonly us: string };

const folder = mkdtempSync(join(tmpdir(), "parley-bench-"));
const logFile = join(folder, "programs.log");
const keepsNothing = await startProgram("bench/relay/keeps-nothing.ts", {}, logFile);
const checksNothing = await startProgram("bench/relay/checks-nothing.ts", {}, logFile);
const cast = await startCast();
const { conversationId, person: from } = cast;

/** A server that takes everybody, and two sockets to it. */
const bareTalk = async ({ greeting }: { readonly greeting: unknown }): Promise<Talk> => {
  const { url } = greeting as { readonly url: string };
  const socket = (): Promise<Talk["sender"]> => open(url.replace("http", "ws"), url);
  return { sender: await socket(), receiver: await socket(), from, conversationId };
};
const relay = {
  pid: cast.relay.program.pid,
  talk: {
    sender: await online(cast.relay.url, cast.person),
    receiver: await online(cast.relay.url, cast.agent),
    from,
    conversationId,
  },
};
const forgetful = { pid: keepsNothing.pid, talk: await bareTalk(keepsNothing) };
const credulous = { pid: checksNothing.pid, talk: await bareTalk(checksNothing) };
const servers = [relay, credulous, forgetful].map((one) => ({
  ...one,
  rates: [] as number[],
  spentMs: 0,
}));
for (const { talk } of servers) await flood(talk, makeFrames(talk, MESSAGES / 2));
for (let round = 0; round < ROUNDS; round++)
  for (const server of servers) {
    const frames = makeFrames(server.talk, MESSAGES);
    const atMs = cpuMs(server.pid);
    server.rates.push((await flood(server.talk, frames)).perSecond);
    server.spentMs += cpuMs(server.pid) - atMs;
  }
const found = servers.map(({ rates, spentMs }) => ({
  perSecond: median(rates),
  us: ((spentMs * 1_000) / (ROUNDS * MESSAGES)).toFixed(0),
}));
const [ours, keeping, theirs] = found as [Found, Found, Found];
report({
  id: "B9",
  question: "one sender to one receiver, 1 KiB, on disk before the ack",
  figure: `${thousands(ours.perSecond)} messages/s, ${ours.us} µs of processor each`,
  peer: `${thousands(theirs.perSecond)} messages/s, ${theirs.us} µs, by a ws server that checks and keeps nothing`,
  ratio: ours.perSecond / theirs.perSecond,
  goal: "at least 0.65",
  isMet: ours.perSecond / theirs.perSecond >= 0.65,
});
console.log(
  `    between  ${thousands(keeping.perSecond)} messages/s, ${keeping.us} µs, by one that keeps as the relay does and checks nothing (${(keeping.perSecond / theirs.perSecond).toFixed(3)} of the peer)`,
);

const delays = await steady(relay.talk, STEADY.perSecond, STEADY.seconds);
const [ackMs, newMs] = [quantile(delays.ackMs, 0.99), quantile(delays.newMs, 0.99)];
report({
  id: "B9",
  question: `delays at ${STEADY.perSecond} messages/s for ${STEADY.seconds} s`,
  figure: `to the ack p50 ${median(delays.ackMs).toFixed(1)} ms, p99 ${ackMs.toFixed(1)} ms; to the receiver p99 ${newMs.toFixed(1)} ms`,
  goal: "p99 under 10 ms",
  isMet: Math.max(ackMs, newMs) < 10,
});

for (const { talk } of servers)
  for (const socket of [talk.sender, talk.receiver]) socket.terminate();
await cast.end();
await keepsNothing.stop();
await checksNothing.stop();
rmSync(folder, { recursive: true });
