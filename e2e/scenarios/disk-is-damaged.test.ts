import {
  closeSync,
  cpSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, afterAll, expect, test } from "vitest";
import { createSeededRandom } from "../../src/base/seeded-random.ts";
import { DATABASE_FILE } from "../../src/relay/data-folder.ts";
import { online, startCast, verified } from "../world/cast.ts";
import { isSoak, rounds, timeoutMs } from "../world/profile.ts";
import { storedRows, type StoredRow } from "../world/stored.ts";
import { flood, makeFrames } from "../world/talk.ts";

const MESSAGES = 400;
const POSITIONS = rounds(3, 100);
const SEED = 20_261_121;

const random = createSeededRandom(SEED);
/** A place in a file of so many bytes. */
const anOffset = (sizeBytes: number): number =>
  new DataView(random(4).buffer).getUint32(0) % sizeBytes;

/** A folder as a killed relay leaves it: much of the log not yet in the database. */
let folder = "";
let whole: readonly StoredRow[] = [];
beforeAll(async () => {
  const cast = await startCast();
  const talk = {
    sender: await online(cast.relay.url, cast.person),
    receiver: await online(cast.relay.url, cast.agent),
    from: cast.person,
    conversationId: cast.conversationId,
  };
  await flood(talk, makeFrames(talk, MESSAGES));
  await cast.relay.program.kill();
  folder = mkdtempSync(join(tmpdir(), "parley-damage-"));
  cpSync(cast.dataFolder, join(folder, "whole"), { recursive: true });
  cpSync(cast.dataFolder, join(folder, "read"), { recursive: true });
  whole = storedRows(join(folder, "read"));
  await cast.end();
}, 600_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function aCopy(name: string): string {
  const copy = join(folder, name);
  cpSync(join(folder, "whole"), copy, { recursive: true });
  return copy;
}

/** Whether these are the first of the whole log, unchanged. */
const isBeginning = (rows: readonly StoredRow[]): boolean =>
  rows.every(
    (row, i) => row.id === whole[i]?.id && row.seq === whole[i].seq && row.body === whole[i].body,
  );

test(
  `[S14] a log cut off at any of ${POSITIONS} places gives the beginning of what was written, dense and unchanged`,
  timeoutMs(600_000, 1_200_000),
  () => {
    expect(whole).toHaveLength(MESSAGES);
    let fewest = MESSAGES;
    for (let i = 0; i < POSITIONS; i++) {
      const copy = aCopy(`cut ${i}`);
      const log = join(copy, `${DATABASE_FILE}-wal`);
      const offset = anOffset(statSync(log).size);
      truncateSync(log, offset);
      rmSync(`${log.slice(0, -4)}-shm`, { force: true });

      const { damage } = verified(copy);
      const rows = storedRows(copy);
      rmSync(copy, { recursive: true });

      fewest = Math.min(fewest, rows.length);
      expect({ offset, damage, isBeginning: isBeginning(rows) }).toEqual({
        offset,
        damage: [],
        isBeginning: true,
      });
    }
    console.log(
      `log cut off: ${POSITIONS} places, at least ${fewest} of ${MESSAGES} left, damage 0`,
    );
  },
);

test("[S14] without the index of its log nothing is missing", () => {
  const copy = aCopy("no index");
  rmSync(join(copy, `${DATABASE_FILE}-shm`));

  expect(verified(copy)).toMatchObject({ entries: MESSAGES + 1, damage: [] });
  expect(storedRows(copy)).toEqual(whole);
});

test(
  `[R17] [S17] a byte turned at any of ${POSITIONS} places is noticed, or what is read is unchanged`,
  timeoutMs(600_000, 1_200_000),
  () => {
    let [noticed, harmless] = [0, 0];
    for (let i = 0; i < POSITIONS; i++) {
      const copy = aCopy(`turned ${i}`);
      const name = join(copy, i % 3 === 2 ? DATABASE_FILE : `${DATABASE_FILE}-wal`);
      const offset = anOffset(statSync(name).size);
      turnByte(name, offset);
      rmSync(join(copy, `${DATABASE_FILE}-shm`), { force: true });

      const isNoticed = finds(copy);
      const isUnchanged = !isNoticed && isBeginning(storedRows(copy));
      rmSync(copy, { recursive: true });

      if (isNoticed) noticed += 1;
      else harmless += 1;
      expect({ name, offset, isSafe: isNoticed || isUnchanged }).toEqual({
        name,
        offset,
        isSafe: true,
      });
    }
    console.log(`bytes turned: ${POSITIONS}, noticed ${noticed}, harmless ${harmless}`);
    expect(noticed + harmless).toBe(isSoak ? 100 : 3);
  },
);

/** Whether looking over a folder finds damage, or cannot even read it. */
function finds(copy: string): boolean {
  try {
    return verified(copy).damage.length > 0;
  } catch {
    return true;
  }
}

function turnByte(name: string, offset: number): void {
  const file = openSync(name, "r+");
  const byte = Buffer.alloc(1);
  readSync(file, byte, 0, 1, offset);
  writeSync(file, Buffer.of((byte[0] ?? 0) ^ 0xff), 0, 1, offset);
  closeSync(file);
}
