/**
 * Appends a second through the relay's store on PostgreSQL, without sockets: 32 conversations with 8 messages of 1 KiB
 * under way in each, and what one costs relay and server. Run: node bench/relay/server-appends.ts
 */
import { readdirSync, readFileSync } from "node:fs";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { systemRandom } from "../../src/base/random.ts";
import { Secret } from "../../src/base/secret.ts";
import type { AccountId, ConversationId, DeviceId, MessageId } from "../../src/protocol/ids.ts";
import { aLedger, anId } from "../../src/relay/hand-made.contract.ts";
import type { AppendRequest } from "../../src/relay/log/log-store.ts";
import { createSqlLog } from "../../src/relay/log/sql-log.ts";
import { openStore } from "../../src/relay/store/open-store.ts";
import { startPostgres } from "../../src/sdk/shared/real-servers.contract.ts";
import { setting } from "../machine.ts";
import { cpuMs, report, thousands } from "../report.ts";

const CONVERSATIONS = setting("BENCH_WRITERS", 32);
const IN_FLIGHT = 8;
const SECONDS = setting("BENCH_SECONDS", 6);
const GOAL = 2_000;
const BODY_BYTES = 1_500;

if (startPostgres === null) throw new Error("PostgreSQL has to be installed");
const server = await startPostgres(["fsync=on"]);
const store = await openStore(
  { postgres: new Secret(server.address) },
  { clock: systemClock, random: systemRandom, log: silentLog },
);
const log = await createSqlLog(store.writer, store.sql, systemClock, silentLog);

type Place = { readonly conversationId: ConversationId; readonly author: AccountId };

const places: Place[] = [];
for (let i = 0; i < CONVERSATIONS; i++) {
  const place = { conversationId: anId<ConversationId>(), author: anId<AccountId>() };
  await log.createConversation({
    now: Date.now(),
    conversationId: place.conversationId,
    type: "group",
    members: [{ type: "human", ownerId: null, id: place.author, role: "owner" }],
    ledger: aLedger(1, place.conversationId, 2),
    entries: [],
  });
  places.push(place);
}

const aRequest = ({ conversationId, author }: Place): AppendRequest => ({
  now: Date.now(),
  entry: {
    conversationId,
    kind: "message.new",
    messageId: anId<MessageId>(),
    senderId: author,
    senderType: "human",
    senderDeviceId: author as string as DeviceId,
    meta: { content_type: "encrypted" },
    body: new Uint8Array(BODY_BYTES).fill(7),
    sessionOpen: null,
    countsUnread: true,
  },
  artifact: null,
  stream: null,
});

/** How many were stored in so much time. */
async function flood(durationMs: number): Promise<number> {
  const endAt = performance.now() + durationMs;
  let stored = 0;
  const one = async (place: Place): Promise<void> => {
    while (performance.now() < endAt) {
      const appended = await log.append(aRequest(place), null);
      if (!appended.ok) throw new Error(appended.failure.code);
      stored += 1;
    }
  };
  await Promise.all(places.flatMap((place) => Array.from({ length: IN_FLIGHT }, () => one(place))));
  return stored;
}

/** Of every PostgreSQL on this machine: nobody else's should run. */
const serverCpuMs = (): number =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && commandOf(name) === "postgres")
    .reduce((sum, name) => sum + cpuMs(Number(name)), 0);

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  } catch {
    return "";
  }
}

await flood(2_000);
const before = { own: cpuMs(process.pid), server: serverCpuMs(), at: performance.now() };
const stored = await flood(SECONDS * 1_000);
const perSecond = (stored * 1_000) / (performance.now() - before.at);
const us = (spentMs: number): string => ((spentMs * 1_000) / stored).toFixed(0);
report({
  id: "B11",
  question: `appends of one store on PostgreSQL, ${CONVERSATIONS} conversations, ${IN_FLIGHT} messages of 1 KiB under way in each`,
  figure: `${thousands(perSecond)} appends/s; processor ${us(cpuMs(process.pid) - before.own)} µs here and ${us(serverCpuMs() - before.server)} µs in the server each`,
  goal: `${thousands(GOAL)} appends/s`,
  isMet: perSecond >= GOAL,
});
await store.close();
await server.stop();
