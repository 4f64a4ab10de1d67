/** What every example does around its own lines: tells the line's status, ends well, tells a parent who it is. */
import { writeFileSync } from "node:fs";
import type { HasheeAgent } from "#sdk/index.ts";

/** Runs until Ctrl-C, SIGTERM, the end of the parent, or an error no retry heals. */
export function runInTerminal(name: string, agent: HasheeAgent): void {
  let ending = false;
  const end = async (code: number): Promise<void> => {
    if (ending) return;
    ending = true;
    await agent.close();
    process.exit(code);
  };
  console.log(`[${name}] fingerprint ${agent.fingerprintText}`);
  agent.addStatusHandler((status) => {
    console.log(`[${name}] ${status}`);
    // What watches over the process (systemd, a container's probe) reads here whether it answers.
    const file = process.env["HASHEE_STATUS_FILE"];
    if (file !== undefined && file !== "") writeFileSync(file, `${status}\n`);
    // A launcher that forked this process makes invite links of the fingerprint.
    if (status === "connected") process.send?.({ fingerprint: agent.fingerprint });
  });
  agent.addErrorHandler((error) => {
    console.error(`[${name}] ${error.code}: ${error.message}`);
    if (error.fatal) void end(1);
  });
  process.on("SIGINT", () => void end(0));
  process.on("SIGTERM", () => void end(0));
  process.on("disconnect", () => void end(0));
}
