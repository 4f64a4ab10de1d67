/** A program of the tests as an agent in a journey. */
import { join } from "node:path";
import { expect } from "playwright/test";
import { provisionAgent, runAgent } from "../world/agent-process.ts";
import type { Program } from "../world/processes.ts";
import type { Person } from "./person.ts";

/** Starts the program as an agent of its own, and has the person begin a conversation with it. */
export async function meetProgram(
  person: Person,
  world: { readonly folder: string; readonly url: string },
  script: string,
): Promise<Program> {
  const folder = join(world.folder, `agent-${crypto.randomUUID()}`);
  const account = await provisionAgent(join(world.folder, "data"), folder);
  const program = await runAgent(script, account, world.url);
  const { fingerprint } = program.greeting as { readonly fingerprint: string };
  await person.page.goto(`${world.url}/i/${account.invite}#fp=${fingerprint}`);
  await person.page.getByRole("button", { name: "Start talking" }).click();
  await expect(person.composer).toBeVisible();
  return program;
}
