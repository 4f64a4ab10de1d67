/**
 * What tests of a running relay stand on: a real relay on a free port with a clock of theirs, people who registered,
 * agents, sockets whose frames can be awaited.
 */
import type { ChildProcess } from "node:child_process";
import { sign, type KeyObject } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach } from "vitest";
import WebSocket from "ws";
import { createFakeClock, type FakeClock } from "#base/fake-clock.ts";
import type { Log } from "#base/log.ts";
import { systemRandom } from "#base/random.ts";
import type { Secret } from "#base/secret.ts";
import type { EndpointFrame } from "#protocol/endpoint-frame.ts";
import { type AgentId, type ConversationId, type DeviceId, type UserId } from "#protocol/ids.ts";
import type { RelayFrame, RelayFrameOf } from "#protocol/relay-frame.ts";
import { deviceChallengeText } from "#protocol/rest.ts";
import { aLedger, anId, aRegistration, text64, type Account } from "./hand-made.contract.ts";
import { createOperator } from "./operator.ts";
import { DATABASE_FILE } from "./data-folder.ts";
import { aDatabase, tellServer } from "./postgres/a-database.contract.ts";
import { placeholders } from "./postgres/dialect.ts";
import type { RelayOptions } from "./open-relay.ts";
import { createRelayServer, type RunningRelay } from "./relay-server.ts";

export {
  aLedger,
  aLedgerEntry,
  aMessage,
  anEnvelope,
  anId,
  aRegistration,
  text64,
  type Account,
} from "./hand-made.contract.ts";

/** Whatever a test opened, closed again last first. */
const cleanUps: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  const faults: unknown[] = [];
  for (const cleanUp of cleanUps.splice(0).toReversed()) {
    // One that fails must not leave the others' servers to the next test.
    try {
      await cleanUp();
    } catch (fault) {
      faults.push(fault);
    }
  }
  if (faults.length > 0) throw new AggregateError(faults, "clean-ups failed");
});
export const onTestEnd = (cleanUp: () => Promise<void> | void): void => void cleanUps.push(cleanUp);

/** Ends a program at once; resolves when it is gone and writes no more. */
export async function killed(program: ChildProcess): Promise<void> {
  if (program.exitCode !== null || program.signalCode !== null) return;
  const gone = once(program, "exit");
  program.kill("SIGKILL");
  await gone;
}

export type Answer = { readonly status: number; readonly body: any; readonly headers: Headers };
export type Person = Account & { readonly handle: string; readonly deviceKey: KeyObject };

export interface World {
  readonly clock: FakeClock;
  readonly folder: string;
  /** Null: a file in the folder. */
  readonly database: Secret<string> | null;
  readonly lines: string[];
  url(): string;
  /** What the database holds, for whoever opens it beside the relay. */
  rows<Row>(query: string, ...params: string[]): Promise<Row[]>;
  /** Every byte of the database's rows, as text and as they are. */
  held(): Promise<Buffer>;
  restart(): Promise<void>;
  stop(): Promise<void>;
  rest(
    method: string,
    path: string,
    token?: string | null,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer>;
  person(handle: string): Promise<Person>;
  /** Signs in by the device key; the new access token. */
  renew(person: Person): Promise<string>;
  agent(): Promise<Account & { readonly inviteCode: string }>;
  /** A conversation of a person with an agent, by its invite. */
  invite(person: Person, inviteCode: string): Promise<ConversationId>;
  socket(
    account: Account,
    extra?: Partial<Extract<EndpointFrame, { type: "auth" }>>,
  ): Promise<Socket>;
  /** Signed in, level from the cursors the relay holds, and told who else is here. */
  online(account: Account): Promise<Socket>;
}

/** What the relays of this run stand on: the vitest project says it. */
export const aWorldsDatabase = (): Promise<Secret<string> | null> =>
  process.env["RELAY_TEST_STORE"] === "postgres" ? aDatabase() : Promise.resolve(null);

/** Writes into a relay's database beside it. */
export async function writeBeside(
  { database, folder }: Pick<World, "database" | "folder">,
  text: string,
): Promise<void> {
  if (database !== null) return void (await tellServer(database.reveal(), text));
  const db = new DatabaseSync(join(folder, DATABASE_FILE));
  db.exec(text);
  db.close();
}

export async function aWorld(options: Partial<RelayOptions> = {}): Promise<World> {
  const folder = options.dataFolder ?? mkdtempSync(join(tmpdir(), "parley-relay-"));
  // A folder that was given may be another relay's too, which still runs when this one has ended.
  if (options.dataFolder === undefined)
    onTestEnd(() => rmSync(folder, { recursive: true, force: true }));
  const clock = createFakeClock();
  const lines: string[] = [];
  const write = (event: string, fields?: object): void =>
    void lines.push(`${event} ${JSON.stringify(fields ?? {})}`);
  const log: Log = { error: write, warn: write, info: write, debug: write };
  let relay: RunningRelay | null = null;
  const database = options.database ?? (await aWorldsDatabase());
  const start = async (): Promise<void> => {
    relay = await createRelayServer({ dataFolder: folder, clock, log, ...options, database });
  };
  const stop = async (): Promise<void> => {
    const running = relay;
    relay = null;
    await running?.close();
  };
  await start();
  onTestEnd(stop);
  const url = (): string => relay?.url ?? "";

  const rest: World["rest"] = async (method, path, token = null, body, headers = {}) => {
    const response = await fetch(`${url()}${path}`, {
      method,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined
        ? {}
        : { body: body instanceof Uint8Array ? new Uint8Array(body) : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json") === true;
    return {
      status: response.status,
      body: isJson ? JSON.parse(text) : text,
      headers: response.headers,
    };
  };

  const world: World = {
    clock,
    folder,
    database,
    lines,
    url,
    rows: (query, ...params) => rowsIn(database, folder, query, params),
    held: () =>
      database === null
        ? Promise.resolve(readFileSync(join(folder, DATABASE_FILE)))
        : heldByServer(database.reveal()),
    stop,
    rest,
    async restart() {
      await stop();
      await start();
    },
    async person(handle) {
      const { request, deviceKey } = aRegistration(handle);
      const answer = await rest("POST", "/auth/register", null, request);
      if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
      const { user_id, device_id, access_token } = answer.body.data;
      return {
        type: "human",
        id: user_id,
        deviceId: device_id,
        token: access_token,
        handle,
        deviceKey,
      };
    },
    async renew(person) {
      const { challenge } = (
        await rest("POST", "/auth/challenge", null, { device_id: person.deviceId })
      ).body.data;
      const signed = {
        origin: url(),
        userId: person.id as UserId,
        deviceId: person.deviceId,
        challenge,
      };
      const signature = text64(
        sign(null, Buffer.from(deviceChallengeText(signed)), person.deviceKey),
      );
      const answer = await rest("POST", "/auth/device", null, {
        device_id: person.deviceId,
        challenge,
        signature,
      });
      person.token = answer.body.data.access_token;
      return person.token;
    },
    async agent() {
      const operator = await createOperator(folder, clock, systemRandom, database);
      const created = await operator.createAgent("Echo", "");
      await operator.close();
      if (!created.ok) throw new Error(created.failure.code);
      const { agent_id, token, invite_code } = created.value;
      return {
        type: "agent",
        id: agent_id,
        deviceId: agent_id as string as DeviceId,
        token,
        inviteCode: invite_code,
      };
    },
    async invite(person, inviteCode) {
      const conversation_id = anId<ConversationId>();
      const ledger = aLedger(1, conversation_id, 2).map(text64);
      const body = { conversation_id, ledger, granted_scopes: ["chat:read"] };
      const answer = await rest("POST", `/invites/${inviteCode}/accept`, person.token, body);
      if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
      return conversation_id;
    },
    async socket(account, extra = {}) {
      const socket = await openSocket(`${url().replace("http", "ws")}/ws/${account.type}`, url());
      const agent = account.type === "agent" ? { agent_id: account.id as AgentId } : {};
      socket.send({ type: "auth", token: account.token, ...agent, ...extra });
      await socket.next("auth.ok");
      return socket;
    },
    async online(account) {
      const socket = await world.socket(account);
      socket.send({ type: "resume", log_epoch: null, cursors: null });
      await socket.next("resume.ok");
      // Who is here is looked up behind that answer: who comes later must not be taken for one of them.
      await socket.settle();
      return socket;
    },
  };
  return world;
}

/**
 * Time passes in steps, with room for real sockets in between, until the promise is kept. Each step waits for a commit,
 * so that time runs no faster than the database works.
 */
export async function passTimeUntil<Value>(
  worlds: World | readonly World[],
  promise: Promise<Value>,
  stepMs: number,
): Promise<Value> {
  const all = "clock" in worlds ? [worlds] : worlds;
  const state = { isKept: false };
  const keep = (): void => void (state.isKept = true);
  promise.then(keep, keep);
  while (!state.isKept) {
    for (const clock of new Set(all.map((world) => world.clock))) await clock.advance(stepMs);
    await Promise.all(all.map((world) => world.rest("GET", "/health")));
  }
  return promise;
}

async function rowsIn<Row>(
  database: Secret<string> | null,
  folder: string,
  query: string,
  params: string[],
): Promise<Row[]> {
  if (database !== null) return tellServer<Row>(database.reveal(), placeholders(query), params);
  const db = new DatabaseSync(join(folder, DATABASE_FILE), { readOnly: true });
  const rows = db.prepare(query).all(...params) as Row[];
  db.close();
  return rows;
}

async function heldByServer(address: string): Promise<Buffer> {
  const tables = await tellServer<{ name: string }>(
    address,
    "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = current_schema()",
  );
  const texts: string[] = [];
  for (const { name } of tables)
    for (const { row } of await tellServer<{ row: string }>(
      address,
      `SELECT "${name}"::text AS row FROM "${name}"`,
    ))
      texts.push(row);
  const bytes = texts.flatMap((text) =>
    [...text.matchAll(/\\x([0-9a-f]+)/g)].map(([, hex]) => Buffer.from(hex ?? "", "hex")),
  );
  return Buffer.concat([Buffer.from(texts.join("\n")), ...bytes]);
}

export interface Socket {
  send(frame: EndpointFrame): void;
  sendText(text: string): void;
  /** The next frame of this type; frames of other types stay for later. */
  next<Type extends RelayFrame["type"]>(type: Type): Promise<RelayFrameOf<Type>>;
  /** Frames that came and nobody asked for, of one type. */
  seen<Type extends RelayFrame["type"]>(type: Type): RelayFrameOf<Type>[];
  /**
   * Resolves when the relay has heard all that this socket said, and what it had said by then has come. What it looks
   * up first, or stores, may come later.
   */
  settle(): Promise<void>;
  closed(): Promise<{ readonly code: number; readonly reason: string }>;
  close(): void;
}

/** A socket; rejects when the upgrade is refused. */
export async function openSocket(url: string, origin: string | null): Promise<Socket> {
  const ws = new WebSocket(url, origin === null ? {} : { origin });
  onTestEnd(() => ws.terminate());
  const frames: RelayFrame[] = [];
  const wanted: {
    type: string;
    resolve: (frame: never) => void;
    reject: (fault: Error) => void;
  }[] = [];
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    ws.on("close", (code, reason) => {
      const ended = { code, reason: reason.toString() };
      for (const waiter of wanted)
        waiter.reject(new Error(`closed ${code} while waiting for ${waiter.type}`));
      resolve(ended);
    });
  });
  ws.on("message", (bytes) => {
    const frame = JSON.parse((bytes as Buffer).toString()) as RelayFrame;
    const i = wanted.findIndex((waiter) => waiter.type === frame.type);
    if (i < 0) frames.push(frame);
    else wanted.splice(i, 1)[0]?.resolve(frame as never);
  });
  await new Promise<void>((resolve, reject) => {
    ws.once("open", () => resolve());
    ws.once("error", reject);
  });
  ws.on("error", () => undefined);
  const socket: Socket = {
    send: (frame) => ws.send(JSON.stringify(frame)),
    sendText: (text) => ws.send(text),
    next: (type) =>
      new Promise((resolve, reject) => {
        const i = frames.findIndex((frame) => frame.type === type);
        if (i >= 0) resolve(frames.splice(i, 1)[0] as never);
        else wanted.push({ type, resolve, reject });
      }),
    seen: (type) => frames.filter((frame) => frame.type === type) as never[],
    async settle() {
      socket.send({ type: "ping", t: 1 });
      await socket.next("pong");
    },
    closed: () => closed,
    close: () => ws.close(),
  };
  return socket;
}
