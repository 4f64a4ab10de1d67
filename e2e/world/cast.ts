/**
 * A relay as a process of its own, a person, an agent and their conversation, for stories and benches that speak frames by
 * hand: as fast as sockets go, with nothing sealed.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import WebSocket from "ws";
import { launchRelayProcess, type RelayProcess } from "./relay-process.ts";
import { systemClock } from "../../src/base/clock.ts";
import { systemRandom } from "../../src/base/random.ts";
import type { AgentId, ConversationId, DeviceId } from "../../src/protocol/ids.ts";
import {
  aLedger,
  anId,
  aRegistration,
  text64,
  type Account,
} from "../../src/relay/hand-made.contract.ts";
import { createOperator } from "../../src/relay/operator.ts";

/** Rates that never stand in the way. */
const FREE = { perSecond: 1_000_000, burst: 1_000_000 };

export type Cast = {
  /** The running process; another one after each restart. */
  readonly relay: RelayProcess;
  readonly dataFolder: string;
  readonly person: Account;
  readonly agent: Account;
  readonly conversationId: ConversationId;
  /** A new process on the same folder and port; the old one has ended. */
  restart(): Promise<void>;
  end(): Promise<void>;
};

export async function startCast(): Promise<Cast> {
  const dataFolder = mkdtempSync(join(tmpdir(), "parley-cast-"));
  const launch = (port: number): Promise<RelayProcess> =>
    launchRelayProcess({
      dataFolder,
      port,
      rates: { humanMessages: FREE, agentMessages: FREE, frames: FREE, rest: FREE, deltas: FREE },
    });
  let relay = await launch(0);
  const person = await register(relay.url);
  const operator = await createOperator(dataFolder, systemClock, systemRandom);
  const made = await operator.createAgent("Echo", "");
  await operator.close();
  if (!made.ok) throw new Error(made.failure.code);
  const { agent_id, token, invite_code } = made.value;
  const agent = agentAccount(agent_id, token);
  const conversationId = anId<ConversationId>();
  await call(relay.url, `/invites/${invite_code}/accept`, person.token, {
    conversation_id: conversationId,
    ledger: aLedger(1, conversationId, 2).map(text64),
    granted_scopes: [],
  });
  return {
    get relay() {
      return relay;
    },
    dataFolder,
    person,
    agent,
    conversationId,
    async restart() {
      relay = await launch(relay.port);
    },
    async end() {
      await relay.program.stop();
      rmSync(dataFolder, { recursive: true, force: true });
    },
  };
}

export const agentAccount = (id: AgentId, token: string): Account => ({
  type: "agent",
  id,
  deviceId: id as string as DeviceId,
  token,
});

/** What `verify` of the relay's command line says about a folder. */
export const verified = (
  dataFolder: string,
): { readonly entries: number; readonly files: number; readonly damage: readonly unknown[] } => {
  const args = ["--disable-warning=ExperimentalWarning", "src/relay/main.ts", "verify", "--json"];
  const env = { ...process.env, PARLEY_DATA: dataFolder };
  try {
    return JSON.parse(execFileSync(process.execPath, args, { env }).toString()) as never;
  } catch (fault) {
    // It ends with 1 when it found damage, and says which all the same.
    return JSON.parse((fault as { readonly stdout: Buffer }).stdout.toString()) as never;
  }
};

/** A socket that has signed in and is level; `hear` gets it before its first frame can come. */
export async function online(
  url: string,
  account: Account,
  hear: (socket: WebSocket) => void = () => undefined,
): Promise<WebSocket> {
  const socket = await open(`${url.replace("http", "ws")}/ws/${account.type}`, url);
  hear(socket);
  const agent = account.type === "agent" ? { agent_id: account.id } : {};
  socket.send(JSON.stringify({ type: "auth", token: account.token, ...agent }));
  await heard(socket, "auth.ok");
  socket.send(JSON.stringify({ type: "resume", log_epoch: null, cursors: null }));
  await heard(socket, "resume.ok");
  return socket;
}

export const open = (url: string, origin: string): Promise<WebSocket> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { origin, perMessageDeflate: false });
    socket.once("open", () => resolve(socket));
    socket.once("error", reject);
  });

const heard = (socket: WebSocket, type: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const hear = (bytes: WebSocket.RawData): void => {
      if ((JSON.parse((bytes as Buffer).toString()) as { type: string }).type !== type) return;
      socket.off("message", hear);
      resolve();
    };
    socket.on("message", hear);
    socket.once("close", (code) => reject(new Error(`closed ${code} before ${type}`)));
  });

/** A person of this handle, registered over the wire. */
export async function register(url: string, handle = "ada"): Promise<Account> {
  const { request } = aRegistration(handle);
  const { user_id, device_id, access_token } = (await call(
    url,
    "/auth/register",
    null,
    request,
  )) as {
    readonly user_id: Account["id"];
    readonly device_id: DeviceId;
    readonly access_token: string;
  };
  return { type: "human", id: user_id, deviceId: device_id, token: access_token };
}

export async function call(
  url: string,
  path: string,
  token: string | null,
  body: unknown,
): Promise<unknown> {
  const answer = await fetch(`${url}${path}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`);
  return (JSON.parse(text) as { readonly data: unknown }).data;
}
