/** `npm start`: the relay, three demo agents and the client, each in its own process, until Ctrl-C. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { startChild, type Child } from "./child.ts";
import { offerAgents, provisionAgents, type ProvisionedAgent } from "./demo-agents.ts";
import { freePort } from "./free-port.ts";
import { readSettings, type Settings } from "./settings.ts";

const here = import.meta.dirname;
const relayScript = join(here, "../relay/main.ts");

const stops: (() => Promise<void>)[] = [];
let stopping: Promise<void> | null = null;
const stopAll = (): Promise<void> =>
  (stopping ??= (async () => {
    for (const stop of stops.reverse()) await stop();
  })());

const leave = async (): Promise<void> => {
  await stopAll();
  process.exit(0);
};
process.on("SIGINT", () => void leave());
process.on("SIGTERM", () => void leave());

const settings = readSettings(process.env);
if (!settings.ok) {
  console.error(settings.failure);
  process.exit(2);
}
try {
  await start(settings.value);
  console.log(`Parley is ready at http://localhost:${settings.value.port}`);
} catch (failure) {
  if (stopping === null) console.error(failure instanceof Error ? failure.message : failure);
  await stopAll();
  process.exit(1);
}

async function start({ port, folder }: Settings): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const relayPort = await freePort();
  const relayUrl = `http://127.0.0.1:${relayPort}`;
  const relay = startChild("relay", relayScript, [], {
    PARLEY_PORT: String(relayPort),
    PARLEY_HOST: "127.0.0.1",
    PARLEY_DATA: folder,
    PARLEY_ORIGIN: `http://localhost:${port},http://127.0.0.1:${port}`,
  });
  stops.push(() => relay.stop());
  await relay.ready;
  const agents = await provisionAgents(relayScript, folder);
  await offerAgents(
    relayScript,
    folder,
    await Promise.all(agents.map((agent) => startAgent(agent, folder, relayUrl))),
  );
  await startClient(port, relayUrl);
}

async function startAgent(
  agent: ProvisionedAgent,
  folder: string,
  relayUrl: string,
): Promise<{ agentId: string; fingerprint: string }> {
  const own = join(folder, "agents", agent.name.toLowerCase());
  await mkdir(own, { recursive: true, mode: 0o700 });
  const child: Child = startChild(agent.name, join(here, "../sdk/examples", agent.script), [], {
    HASHEE_AGENT_ID: agent.agentId,
    HASHEE_AGENT_TOKEN: agent.token,
    HASHEE_BASE_URL: relayUrl,
    HASHEE_CONNECTION_MODE: "websocket",
    HASHEE_KEY_VAULT: join(own, "vault"),
    HASHEE_DEDUPE: join(own, "dedupe.sqlite"),
  });
  stops.push(() => child.stop());
  const { fingerprint } = (await child.ready) as { fingerprint: string };
  return { agentId: agent.agentId, fingerprint };
}

async function startClient(port: number, relayUrl: string): Promise<void> {
  process.env["PARLEY_RELAY_URL"] = relayUrl;
  // Whatever the shell says: the client is served from its sources here, without a service worker.
  process.env["NODE_ENV"] = "development";
  const { createServer } = await import("vite");
  const vite = await createServer({
    root: join(here, "../.."),
    logLevel: "warn",
    clearScreen: false,
    server: { port },
  });
  stops.push(() => vite.close());
  await vite.listen();
}
