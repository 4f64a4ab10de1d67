/** A relay as its own process, for stories in which it is killed or looked into. */
import { join } from "node:path";
import type { RelayOptions } from "../../src/relay/open-relay.ts";
import type { FaultLine } from "./fault-line.ts";
import { freePort } from "../../src/start/free-port.ts";
import { startProgram, type Program } from "./processes.ts";

export type RelayProcess = {
  readonly url: string;
  readonly port: number;
  /** The running program; another one after each start. */
  readonly program: Program;
  /** A power cut: no goodbye. */
  close(): Promise<void>;
};

/** Name of the file in the relay's folder that takes everything it prints. */
export const RELAY_LOG = "programs.log";

/** Starts `src/relay/main.ts` on the options' folder, port, origins and rates. */
export async function launchRelayProcess(
  options: RelayOptions,
  nodeArguments: readonly string[] = [],
): Promise<RelayProcess> {
  const port = options.port === undefined || options.port === 0 ? await freePort() : options.port;
  const rates = Object.entries(options.rates ?? {}).map(
    ([name, { perSecond, burst }]) => `${name}=${perSecond}/${burst}`,
  );
  const program = await startProgram(
    "src/relay/main.ts",
    {
      PARLEY_PORT: String(port),
      PARLEY_HOST: "127.0.0.1",
      PARLEY_DATA: options.dataFolder,
      PARLEY_ORIGIN: (options.origins ?? []).join(","),
      PARLEY_RATES: rates.join(","),
    },
    join(options.dataFolder, RELAY_LOG),
    nodeArguments,
  );
  return { url: `http://127.0.0.1:${port}`, port, program, close: () => program.kill() };
}

/** Launches relays behind a line, which is all that endpoints see of them. */
export const launchBehind =
  (
    line: Pick<FaultLine, "url" | "leadTo">,
    hear: (relay: RelayProcess, dataFolder: string) => void = () => {},
    nodeArguments: readonly string[] = [],
  ) =>
  async (options: RelayOptions): Promise<Pick<RelayProcess, "url" | "port" | "close">> => {
    const relay = await launchRelayProcess({ ...options, origins: [line.url] }, nodeArguments);
    line.leadTo(relay.port);
    hear(relay, options.dataFolder);
    return { url: line.url, port: relay.port, close: () => relay.close() };
  };
