import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { silentLog } from "#base/log.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import type { AgentId } from "#protocol/ids.ts";
import { anId, onTestEnd } from "../relay-world.contract.ts";
import { runsFromNow } from "../log/statements.contract.ts";
import { openStore } from "../store/open-store.ts";
import { Heartbeat } from "./heartbeat.ts";

test("[R61] a sign of life writes of those sockets alone that were used since the last one", async () => {
  const folder = mkdtempSync(join(tmpdir(), "parley-beat-"));
  onTestEnd(() => rmSync(folder, { recursive: true, force: true }));
  const [clock, random] = [createFakeClock(), createSeededRandom(3)];
  const place = { file: join(folder, "log.sqlite"), writes: "here" } as const;
  const { writer, sql, close } = await openStore(place, { clock, random, log: silentLog });
  onTestEnd(close);
  let used = Array.from({ length: 3 }, (_one, i) => ({ connectionId: `socket ${i}`, usedAt: 10 }));
  const heard: (readonly string[])[] = [];
  const heartbeat = new Heartbeat({
    writer,
    clock,
    random,
    events: silentLog,
    used: () => used,
    onHeard: (_heard, openBefore) => heard.push(openBefore),
    onEnded: () => undefined,
    onBuried: () => undefined,
  });
  await heartbeat.join();
  for (const { connectionId } of used)
    await writer.run("openAgentSocket", {
      agentId: anId<AgentId>(),
      connectionId,
      nodeId: heartbeat.nodeId,
      hint: null,
      most: 3,
      used: [],
      now: 1,
    });
  const runs = runsFromNow();
  const writesOfOneBeat = async (): Promise<number> => {
    runs.length = 0;
    await heartbeat.beat();
    return runs.filter((text) => text.startsWith("UPDATE agent_socket")).length;
  };

  const first = await writesOfOneBeat();
  const quiet = await writesOfOneBeat();
  used = used.map((one, i) => (i === 1 ? { ...one, usedAt: 20 } : one));
  const busy = await writesOfOneBeat();

  expect([first, quiet, busy]).toEqual([3, 0, 1]);
  expect(heard.map((open) => open.length)).toEqual([3, 3, 3]);
  expect(await sql.all("SELECT used_at FROM agent_socket ORDER BY connection_id")).toEqual([
    { used_at: 10 },
    { used_at: 20 },
    { used_at: 10 },
  ]);
});
