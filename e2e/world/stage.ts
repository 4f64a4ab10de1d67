/** Where stories about faults play: a relay that is a process of its own, and a line to it that can be spoilt. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RelayOptions } from "../../src/relay/open-relay.ts";
import { startWorld } from "../../src/peer/endpoint-world.contract.ts";
import type { Authority } from "./certificate.ts";
import { placesStored, type Facts } from "./checker.ts";
import { startFaultLine, type FaultLine } from "./fault-line.ts";
import { backupOf, filesOf, metricsOf, type LeftBehind } from "./left-behind.ts";
import type { Program } from "./processes.ts";
import { launchBehind, type RelayProcess } from "./relay-process.ts";
import { startTlsFront, type TlsFront } from "./tls-front.ts";

export type Stage = Awaited<ReturnType<typeof setupStage>>;

export type StageOptions = Pick<RelayOptions, "rates"> & {
  /** Arguments of Node for the relay. */
  readonly nodeArguments?: readonly string[];
  /** Agents' processes have a line of their own. */
  readonly agentsApart?: boolean;
  /** Lines are encrypted up to a front before the relay, whose certificate is of this authority. */
  readonly authority?: Authority;
};

export async function setupStage({
  rates = {},
  nodeArguments = [],
  agentsApart = false,
  authority,
}: StageOptions = {}) {
  const scheme = authority === undefined ? "http" : "https";
  const front = authority === undefined ? null : await startTlsFront(aValid(authority));
  const line = await startFaultLine({ scheme });
  const agentLine = agentsApart ? await startFaultLine({ scheme }) : line;
  const agentFolder = mkdtempSync(join(tmpdir(), "parley-agent-"));
  const authorityFile = join(agentFolder, "authority.pem");
  if (authority !== undefined) writeFileSync(authorityFile, authority.cert);
  let dataFolder = "";
  let running: RelayProcess | null = null;
  let port = 0;
  const leadTo = leading(front, [line, agentLine]);
  const launch = launchBehind(
    { url: line.url, leadTo },
    (relay, folder) => {
      dataFolder = folder;
      running = relay;
      port = relay.port;
    },
    nodeArguments,
  );
  const world = await startWorld({ rates }, { launch });
  return {
    line,
    agentLine,
    front,
    world,
    dataFolder,
    /** The relay's process; another one after each restart. */
    get relay(): Program {
      if (running === null) throw new Error("a world has a relay");
      return running.program;
    },
    /** Whatever an agent's processes share. */
    agentFolder,
    /** What an agent's process is told beside its account. */
    agentEnv: authority === undefined ? {} : { NODE_EXTRA_CA_CERTS: authorityFile },
    /** Ends the relay; what its log then holds, and all that it leaves behind. */
    async curtain(): Promise<{ readonly places: Facts["places"]; readonly left: LeftBehind }> {
      const metrics = await metricsOf(port);
      await world.stopRelay();
      const files = filesOf(dataFolder);
      const backup = await backupOf(dataFolder);
      return {
        places: placesStored(dataFolder),
        left: new Map([...metrics, ...files, ...backup]),
      };
    },
    async end(): Promise<void> {
      await world.end();
      for (const one of new Set([line, agentLine])) await one.close();
      await front?.close();
      rmSync(agentFolder, { recursive: true, force: true });
    },
  };
}

const HOUR_MS = 3_600_000;

/** A certificate that holds today. */
export const aValid = (authority: Authority) =>
  authority.issue(Date.now() - HOUR_MS, Date.now() + HOUR_MS);

/** Leads lines to a relay, through its front where there is one. */
function leading(front: TlsFront | null, lines: readonly FaultLine[]): (port: number) => void {
  return (port) => {
    front?.leadTo(port);
    for (const line of lines) line.leadTo(front?.port ?? port);
  };
}
