/** The real programs as the tests run them: relay and agents, each a process, on free loopback ports. */
import { fork, type ChildProcess } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { systemRandom } from "../../src/base/random.ts";
import { createOperator } from "../../src/relay/operator.ts";
import { DEMO_AGENTS, type ProvisionedAgent } from "../../src/start/demo-agents.ts";
import { freePort } from "../../src/start/free-port.ts";
import type { AgentId } from "../../src/protocol/ids.ts";

const RELAY = "src/relay/main.ts";

export type Program = {
  readonly pid: number;
  /** Ends it the way an operator does and waits. */
  stop(): Promise<void>;
  /** Ends it the way a power cut does and waits. */
  kill(): Promise<void>;
  /** Has it stand still until it may go on: it keeps its lines and hears nothing. */
  pause(): void;
  goOn(): void;
  /** The first message it sends to its parent, sent before or to come, that has this name. */
  tells(name: string): Promise<void>;
  /** Sends it a word; the next message it sends that has the word's name. */
  asks(word: string): Promise<unknown>;
};

export type AgentProgram = Program & {
  readonly name: string;
  readonly agentId: string;
  readonly inviteCode: string;
  readonly fingerprint: string;
};

export interface World {
  readonly folder: string;
  readonly url: string;
  readonly agents: ReadonlyMap<string, AgentProgram>;
  /** Everything the programs printed so far is in this file. */
  readonly logFile: string;
  stopRelay(how: "stop" | "kill"): Promise<void>;
  startRelay(): Promise<void>;
  startAgent(name: string): Promise<AgentProgram>;
  close(): Promise<void>;
}

/** Starts a relay with its own data folder, and the named demo agents. */
export async function startWorld(
  options: {
    readonly agents?: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
    /** Stands before the relay: all that browsers and agents see of it. */
    readonly front?: { readonly url: string; leadTo(port: number): void };
  } = {},
): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), "parley-world-"));
  const logFile = join(folder, "programs.log");
  const port = await freePort();
  const url = options.front?.url ?? `http://localhost:${port}`;
  options.front?.leadTo(port);
  const env = {
    PARLEY_PORT: String(port),
    PARLEY_HOST: "127.0.0.1",
    PARLEY_DATA: join(folder, "data"),
    PARLEY_ORIGIN: url,
    ...options.env,
  };
  mkdirSync(env.PARLEY_DATA, { recursive: true });
  let relay = await startProgram(RELAY, env, logFile);
  const names = options.agents ?? DEMO_AGENTS.map((agent) => agent.name);
  const provisioned = await provision(names, env.PARLEY_DATA);
  const agents = new Map<string, AgentProgram>();

  const startAgent = async (name: string): Promise<AgentProgram> => {
    const agent = provisioned.find((one) => one.name === name);
    if (agent === undefined) throw new Error(`no agent ${name}`);
    const program = await startAgentProgram(
      agent,
      url,
      join(folder, "agents", name),
      logFile,
      options.env ?? {},
    );
    agents.set(name, program);
    return program;
  };
  const started = await Promise.all(names.map(startAgent));
  await offer(started, env.PARLEY_DATA);
  return {
    folder,
    url,
    agents,
    logFile,
    stopRelay: (how) => relay[how](),
    async startRelay() {
      relay = await startProgram(RELAY, env, logFile);
    },
    startAgent,
    async close() {
      for (const agent of agents.values()) await agent.kill();
      await relay.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Has the operator make the named demo agents. */
async function provision(
  names: readonly string[],
  folder: string,
): Promise<readonly ProvisionedAgent[]> {
  const operator = await createOperator(folder, systemClock, systemRandom);
  const made: ProvisionedAgent[] = [];
  for (const agent of DEMO_AGENTS.filter(({ name }) => names.includes(name))) {
    const answer = await operator.createAgent(agent.name, agent.description, agent.suggestions);
    if (!answer.ok) throw new Error(answer.failure.code);
    const { agent_id: agentId, token, invite_code: inviteCode } = answer.value;
    made.push({ ...agent, agentId, token, inviteCode });
  }
  await operator.close();
  return made;
}

/** Has the operator show agents to newcomers. */
async function offer(agents: readonly AgentProgram[], folder: string): Promise<void> {
  const operator = await createOperator(folder, systemClock, systemRandom);
  for (const { agentId, fingerprint } of agents) {
    const offered = await operator.offerAgent(agentId as AgentId, fingerprint);
    if (!offered.ok) throw new Error(offered.failure.code);
  }
  await operator.close();
}

async function startAgentProgram(
  agent: ProvisionedAgent,
  url: string,
  folder: string,
  logFile: string,
  env: Readonly<Record<string, string>>,
): Promise<AgentProgram> {
  mkdirSync(folder, { recursive: true });
  const program = await startProgram(
    join("src/sdk/examples", agent.script),
    {
      HASHEE_AGENT_ID: agent.agentId,
      HASHEE_AGENT_TOKEN: agent.token,
      HASHEE_BASE_URL: url,
      HASHEE_CONNECTION_MODE: "websocket",
      HASHEE_KEY_VAULT: join(folder, "vault"),
      HASHEE_DEDUPE: join(folder, "dedupe.sqlite"),
      ...env,
    },
    logFile,
  );
  const { fingerprint } = program.greeting as { fingerprint: string };
  return {
    ...program,
    name: agent.name,
    agentId: agent.agentId,
    inviteCode: agent.inviteCode,
    fingerprint,
  };
}

/** Starts a program and waits for the first message it sends to its parent. */
export async function startProgram(
  script: string,
  env: Readonly<Record<string, string>>,
  logFile: string,
  nodeArguments: readonly string[] = [],
): Promise<Program & { readonly greeting: unknown }> {
  const child = fork(script, [], {
    env: { ...process.env, ...env },
    execArgv: [...process.execArgv, ...nodeArguments],
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  let lastWords = "";
  const hear = (chunk: Buffer): void => {
    lastWords = (lastWords + chunk.toString()).slice(-4_000);
    appendFileSync(logFile, chunk);
  };
  child.stdout?.on("data", hear);
  child.stderr?.on("data", hear);
  const told: unknown[] = [];
  const looks = new Set<() => void>();
  child.on("message", (message) => {
    told.push(message);
    for (const look of [...looks]) look();
  });
  const tells = (name: string): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!told.some((message) => Object.hasOwn(message as object, name))) return;
        looks.delete(look);
        resolve();
      };
      looks.add(look);
      look();
    });
  const asks = (word: string): Promise<unknown> =>
    new Promise((resolve) => {
      const hearAnswer = (message: unknown): void => {
        if (!Object.hasOwn(message as object, word)) return;
        child.off("message", hearAnswer);
        resolve((message as Record<string, unknown>)[word]);
      };
      child.on("message", hearAnswer);
      child.send(word);
    });
  const greeting = await new Promise<unknown>((resolve, reject) => {
    child.once("message", resolve);
    child.once("exit", (code) =>
      reject(new Error(`${script} ended with code ${code}\n${lastWords}`)),
    );
  });
  const end = (signal: NodeJS.Signals) => async (): Promise<void> => {
    if (hasEnded(child)) return;
    const ended = new Promise<void>((done) => child.once("exit", () => done()));
    child.kill(signal);
    await ended;
  };
  return {
    pid: child.pid ?? -1,
    greeting,
    tells,
    asks,
    pause: () => void child.kill("SIGSTOP"),
    goOn: () => void child.kill("SIGCONT"),
    stop: end("SIGTERM"),
    kill: end("SIGKILL"),
  };
}

const hasEnded = (child: ChildProcess): boolean =>
  child.exitCode !== null || child.signalCode !== null;
