/** A relay as its own process, for stories in which it is killed or looked into. */
import { join } from "node:path";
import type { RelayOptions } from "../../src/relay/relay-server.ts";
import { freePort, startProgram, type Program } from "./processes.ts";

export type RelayProcess = {
  readonly url: string;
  readonly port: number;
  /** The running program; another one after each start. */
  readonly program: Program;
  /** A power cut: no goodbye. */
  close(): Promise<void>;
};

/** Starts `src/relay/main.ts` on the options' folder and port; everything it prints goes into `programs.log` there. */
export async function launchRelayProcess(options: RelayOptions): Promise<RelayProcess> {
  const port = options.port === undefined || options.port === 0 ? await freePort() : options.port;
  const program = await startProgram(
    "src/relay/main.ts",
    { PARLEY_PORT: String(port), PARLEY_HOST: "127.0.0.1", PARLEY_DATA: options.dataFolder },
    join(options.dataFolder, "programs.log"),
  );
  return { url: `http://127.0.0.1:${port}`, port, program, close: () => program.kill() };
}
