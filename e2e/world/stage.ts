/** Where stories about faults play: a relay that is a process of its own, and a line to it that can be spoilt. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RelayOptions } from "../../src/relay/relay-server.ts";
import { startWorld } from "../../src/peer/endpoint-world.contract.ts";
import { placesStored } from "./checker.ts";
import { startFaultLine } from "./fault-line.ts";
import type { Program } from "./processes.ts";
import { launchBehind, type RelayProcess } from "./relay-process.ts";

export type Stage = Awaited<ReturnType<typeof setupStage>>;

export async function setupStage({
  rates = {},
  nodeArguments = [],
}: Pick<RelayOptions, "rates"> & { readonly nodeArguments?: readonly string[] } = {}) {
  const line = await startFaultLine();
  let dataFolder = "";
  let running: RelayProcess | null = null;
  const launch = launchBehind(
    line,
    (relay, folder) => {
      dataFolder = folder;
      running = relay;
    },
    nodeArguments,
  );
  const world = await startWorld({ rates }, { launch });
  const agentFolder = mkdtempSync(join(tmpdir(), "parley-agent-"));
  return {
    line,
    world,
    dataFolder,
    /** The relay's process; another one after each restart. */
    get relay(): Program {
      if (running === null) throw new Error("a world has a relay");
      return running.program;
    },
    /** Whatever an agent's processes share. */
    agentFolder,
    /** Ends the relay; what its log then holds. */
    async curtain(): Promise<ReturnType<typeof placesStored>> {
      await world.stopRelay();
      return placesStored(dataFolder);
    },
    async end(): Promise<void> {
      await world.end();
      await line.close();
      rmSync(agentFolder, { recursive: true, force: true });
    },
  };
}
