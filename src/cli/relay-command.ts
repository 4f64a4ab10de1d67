/** `parley relay …`: the relay's program as a process of its own, where it is at hand. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** In the house; the package of the SDK has none. */
const PROGRAM = fileURLToPath(new URL("../relay/main.ts", import.meta.url));

/** Runs it with this terminal and these signals; the code it ended with. */
export function relayCommand(words: readonly string[]): Promise<number> {
  if (!existsSync(PROGRAM)) {
    process.stderr.write(
      "The relay is not part of this package: run this where Parley is checked out.\n",
    );
    return Promise.resolve(1);
  }
  const relay = spawn(process.execPath, [PROGRAM, ...words], { stdio: "inherit" });
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const)
    process.on(signal, () => void relay.kill(signal));
  return new Promise((resolve, reject) => {
    relay.once("error", reject);
    relay.once("exit", (code) => resolve(code ?? 1));
  });
}
