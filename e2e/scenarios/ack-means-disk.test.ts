import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { online, startCast } from "../world/cast.ts";
import { BY_HAND, check, NONE, placesStored } from "../world/checker.ts";
import { rounds, timeoutMs } from "../world/profile.ts";
import { canTrace, followCalls, type SystemCall } from "../world/system-calls.ts";
import { flood, makeFrames } from "../world/talk.ts";

const MESSAGES = rounds(200, 1_000);

/** Messages whose ack left before the log they stand in was on the disk, by what was missing. */
function tooEarly(calls: readonly SystemCall[], ids: readonly string[]): readonly string[] {
  const toLog = calls.filter(
    ({ name, text }) => name.startsWith("pwrite") && text.includes("-wal>"),
  );
  const synced = calls.filter(
    ({ name, text }) =>
      /^f(data)?sync$/.test(name) && text.includes("-wal>") && text.endsWith("= 0"),
  );
  const said = calls.filter(({ text }) => text.includes('\\"message.ack\\"'));
  return ids.flatMap((id) => {
    const write = toLog.find(({ text }) => text.includes(id));
    const ack = said.find(({ text }) => text.includes(id));
    const sync = synced.find(({ begunAt }) => write !== undefined && begunAt > write.endedAt);
    if (write === undefined) return [`${id} is not in the log`];
    if (ack === undefined) return [`${id} has no ack`];
    return sync !== undefined && sync.endedAt < ack.begunAt ? [] : [`${id} is not synced`];
  });
}

test.runIf(canTrace())(
  `[R2] [S14] of ${MESSAGES} messages each is written to the log, the log synced to the disk, and only then acknowledged`,
  timeoutMs(600_000, 1_200_000),
  async () => {
    const cast = await startCast();
    const folder = mkdtempSync(join(tmpdir(), "parley-trace-"));
    const talk = {
      sender: await online(cast.relay.url, cast.person),
      receiver: await online(cast.relay.url, cast.agent),
      from: cast.person,
      conversationId: cast.conversationId,
    };

    const stopFollowing = await followCalls(cast.relay.program.pid, join(folder, "trace"));
    const { acked, read } = await flood(talk, makeFrames(talk, MESSAGES));
    const calls = await stopFollowing();
    await cast.relay.program.stop();
    const places = placesStored(cast.dataFolder);
    const syncs = calls.filter(({ name }) => /^f(data)?sync$/.test(name)).length;
    await cast.end();
    rmSync(folder, { recursive: true });

    const findings = check(
      "ack means disk",
      { acked: { ada: acked }, read: { "the agent": read }, places, ...BY_HAND },
      { "system calls": calls.length, syncs },
    );
    expect(tooEarly(calls, acked)).toEqual([]);
    expect(findings).toEqual(NONE);
  },
);
