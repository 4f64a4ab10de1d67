/**
 * B9: one sender, one receiver, 1 KiB, on disk before the ack, against the same `ws` server that keeps nothing, turn by
 * turn in one run; then the delays at 500 messages a second. Run: node bench/relay/durable.ts
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

const folder = mkdtempSync(join(tmpdir(), "parley-bench-"));
const peer = await startProgram("bench/relay/keeps-nothing.ts", {}, join(folder, "programs.log"));
const { url: peerUrl } = peer.greeting as { readonly url: string };
const cast = await startCast();
const { conversationId, person: from } = cast;
const kept: Talk = {
  sender: await online(cast.relay.url, cast.person),
  receiver: await online(cast.relay.url, cast.agent),
  from,
  conversationId,
};
const forgotten: Talk = {
  sender: await open(peerUrl.replace("http", "ws"), peerUrl),
  receiver: await open(peerUrl.replace("http", "ws"), peerUrl),
  from,
  conversationId,
};

await flood(kept, makeFrames(kept, MESSAGES / 2));
await flood(forgotten, makeFrames(forgotten, MESSAGES / 2));
const rates = { kept: [] as number[], forgotten: [] as number[] };
const cpuAt = { kept: cpuMs(cast.relay.program.pid), forgotten: cpuMs(peer.pid) };
for (let round = 0; round < ROUNDS; round++) {
  rates.kept.push((await flood(kept, makeFrames(kept, MESSAGES))).perSecond);
  rates.forgotten.push((await flood(forgotten, makeFrames(forgotten, MESSAGES))).perSecond);
}
const [ours, theirs] = [median(rates.kept), median(rates.forgotten)];
const cpuUs = (spentMs: number): number => (spentMs * 1_000) / (ROUNDS * MESSAGES);
const oursUs = cpuUs(cpuMs(cast.relay.program.pid) - cpuAt.kept);
const theirsUs = cpuUs(cpuMs(peer.pid) - cpuAt.forgotten);
report({
  id: "B9",
  question: "one sender to one receiver, 1 KiB, on disk before the ack",
  figure: `${thousands(ours)} messages/s, ${oursUs.toFixed(0)} µs of processor each`,
  peer: `${thousands(theirs)} messages/s, ${theirsUs.toFixed(0)} µs, by a ws server that checks and keeps nothing`,
  ratio: ours / theirs,
  goal: "at least 0.65",
  isMet: ours / theirs >= 0.65,
});

const delays = await steady(kept, STEADY.perSecond, STEADY.seconds);
const [ackMs, newMs] = [quantile(delays.ackMs, 0.99), quantile(delays.newMs, 0.99)];
report({
  id: "B9",
  question: `delays at ${STEADY.perSecond} messages/s for ${STEADY.seconds} s`,
  figure: `to the ack p50 ${median(delays.ackMs).toFixed(1)} ms, p99 ${ackMs.toFixed(1)} ms; to the receiver p99 ${newMs.toFixed(1)} ms`,
  goal: "p99 under 10 ms",
  isMet: Math.max(ackMs, newMs) < 10,
});

for (const { sender, receiver } of [kept, forgotten])
  for (const socket of [sender, receiver]) socket.terminate();
await cast.end();
await peer.stop();
rmSync(folder, { recursive: true });
