import { describe } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { silentLog } from "#base/log.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import { describeLogStore } from "../log/log-store.contract.ts";
import { createSqlLog } from "../log/sql-log.ts";
import { onTestEnd } from "../relay-world.contract.ts";
import { openStore } from "../store/open-store.ts";
import { aDatabase, NO_POSTGRES } from "./a-database.contract.ts";

describe.skipIf(NO_POSTGRES !== null)(`on a PostgreSQL server ${NO_POSTGRES ?? ""}`, () => {
  describeLogStore("the log on a server", async () => {
    const clock = createFakeClock();
    const needs = { clock, random: createSeededRandom(3), log: silentLog };
    const store = await openStore({ postgres: await aDatabase() }, needs);
    onTestEnd(() => store.close());
    return createSqlLog(store.writer, store.sql, clock, silentLog);
  });
});
