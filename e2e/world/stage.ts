/** Where stories about faults play: a relay that is a process of its own, and a line to it that can be spoilt. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startWorld } from "../../src/peer/endpoint-world.contract.ts";
import { placesStored } from "./checker.ts";
import { startFaultLine } from "./fault-line.ts";
import { launchBehind } from "./relay-process.ts";

export type Stage = Awaited<ReturnType<typeof setupStage>>;

export async function setupStage() {
  const line = await startFaultLine();
  let dataFolder = "";
  const launch = launchBehind(line, (_relay, folder) => {
    dataFolder = folder;
  });
  const world = await startWorld({}, { launch });
  const agentFolder = mkdtempSync(join(tmpdir(), "parley-agent-"));
  return {
    line,
    world,
    dataFolder,
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
