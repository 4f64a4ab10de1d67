/** Where stories about several relays play: real processes on one PostgreSQL and one Redis, behind one address. */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Client } from "pg";
import { startWorld } from "../../src/peer/endpoint-world.contract.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import { startPostgres, startRedis } from "../../src/sdk/shared/real-servers.contract.ts";
import { freePort } from "../../src/start/free-port.ts";
import type { ProvisionedAgent } from "./agent-process.ts";
import { startBalancer } from "./balancer.ts";
import { filesOf, metricsOf, type LeftBehind } from "./left-behind.ts";
import { startProgram, type Program } from "./processes.ts";

const RELAY = "src/relay/main.ts";

export type Node = {
  readonly port: number;
  readonly url: string;
  readonly program: Program;
  /** A counter of its `/metrics`, summed over its labels. */
  counter(name: string): Promise<number>;
};

/** Whether both servers are installed here. */
export const canSeveral = startPostgres !== null && startRedis !== null;

export type NodesStage = Awaited<ReturnType<typeof setupNodes>>;

/** Starts `count` relays on one database, all behind the balancer; `more` settings hold for each of them. */
export async function setupNodes(count: number, more: Readonly<Record<string, string>> = {}) {
  if (startPostgres === null || startRedis === null) throw new Error("no PostgreSQL or no Redis");
  const [postgres, redis] = await Promise.all([
    startPostgres(["fsync=on", "max_connections=200"]),
    startRedis(),
  ]);
  const balancer = await startBalancer();
  const agentFolder = mkdtempSync(join(tmpdir(), "parley-agent-"));
  const nodes: Node[] = [];
  let [dataFolder, rates] = ["", ""];
  const key = randomBytes(32).toString("base64");
  const environment = () => ({
    PARLEY_HOST: "127.0.0.1",
    PARLEY_DATA: dataFolder,
    PARLEY_DATABASE: postgres.address,
    PARLEY_REDIS: redis.address,
    PARLEY_KEY: key,
    PARLEY_ORIGIN: balancer.url,
    PARLEY_RATES: rates,
    ...more,
  });

  const startNode = async (): Promise<Node> => {
    const port = await freePort();
    const env = { ...environment(), PARLEY_PORT: String(port) };
    const program = await startProgram(RELAY, env, join(dataFolder, "programs.log"));
    const url = `http://127.0.0.1:${port}`;
    const node: Node = {
      port,
      url,
      program,
      async counter(name) {
        const text = await (await fetch(`${url}/metrics`)).text();
        const lines = text.matchAll(new RegExp(`^parley_relay_${name}(?:{[^}]*})? (\\S+)$`, "gm"));
        return [...lines].reduce((sum, [, value]) => sum + Number(value), 0);
      },
    };
    nodes.push(node);
    balancer.leadTo(nodes.map((one) => one.port));
    return node;
  };
  const world = await startWorld(
    {},
    {
      async launch(options) {
        dataFolder = options.dataFolder;
        rates = Object.entries(options.rates ?? {})
          .map(([name, { perSecond, burst }]) => `${name}=${perSecond}/${burst}`)
          .join(",");
        for (let i = 0; i < count; i++) await startNode();
        return {
          url: balancer.url,
          port: nodes[0]?.port ?? 0,
          close: async () => {
            await Promise.all(nodes.map(({ program }) => program.kill()));
          },
        };
      },
    },
  );
  return {
    world,
    nodes,
    balancer,
    agentFolder,
    startNode,
    /** A power cut of one: no goodbye, and nobody is led there any more. */
    async kill(node: Node): Promise<void> {
      nodes.splice(nodes.indexOf(node), 1);
      await node.program.kill();
      balancer.leadTo(nodes.map((one) => one.port));
    },
    async agent(): Promise<ProvisionedAgent> {
      const made = await promisify(execFile)(
        process.execPath,
        [RELAY, "agent", "create", "--name", "Worker", "--json"],
        { env: { ...process.env, ...environment() } },
      );
      const { agent_id, token, invite_code } = JSON.parse(made.stdout) as Record<string, string>;
      mkdirSync(agentFolder, { recursive: true });
      return {
        endpoint: { accountId: agent_id as AgentId },
        token: token ?? "",
        invite: invite_code ?? "",
        folder: agentFolder,
      };
    },
    /** Places of each conversation's log, as the database has them. */
    async places(): Promise<Readonly<Record<string, readonly number[]>>> {
      const client = new Client({ connectionString: postgres.address });
      await client.connect();
      const { rows } = await client.query<{ conv: string; seq: string }>(
        "SELECT conv, seq FROM entry ORDER BY conv, seq",
      );
      await client.end();
      const places: Record<string, number[]> = {};
      for (const { conv, seq } of rows) (places[`log, ${conv}`] ??= []).push(Number(seq));
      return places;
    },
    /** All that nodes, folder and database leave for others to read. */
    async left(): Promise<LeftBehind> {
      const client = new Client({ connectionString: postgres.address });
      await client.connect();
      const { rows: tables } = await client.query<{ name: string }>(
        "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'",
      );
      const stored: (readonly [string, Buffer])[] = [];
      for (const { name } of tables) {
        const { rows } = await client.query<Record<string, unknown>>(`SELECT * FROM "${name}"`);
        stored.push([`table ${name}`, Buffer.concat(rows.flatMap((row) => bytesOf(row)))]);
      }
      await client.end();
      const told = await Promise.all(nodes.map(({ port }) => metricsOf(port)));
      return new Map([...stored, ...filesOf(dataFolder), ...told.flatMap((one) => [...one])]);
    },
    async end(): Promise<void> {
      await world.end();
      await balancer.close();
      await Promise.all([postgres.stop(), redis.stop()]);
      rmSync(agentFolder, { recursive: true, force: true });
    },
  };
}

const bytesOf = (row: Readonly<Record<string, unknown>>): readonly Buffer[] =>
  Object.values(row).map((value) =>
    Buffer.isBuffer(value) ? value : Buffer.from(`${JSON.stringify(value)}\n`),
  );
