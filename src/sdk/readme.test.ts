import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");

/** What the recipes take for granted. */
const PRELUDE = `import { HasheeError, restRequest, type AgentMessage, type HasheeAgent } from "#sdk/index.ts";
declare const agent: HasheeAgent;
declare const conversationId: string;
declare const msg: AgentMessage;
export { HasheeError, restRequest };
`;

test("[K22] every piece of code in the README compiles", () => {
  const readme = readFileSync(join(import.meta.dirname, "README.md"), "utf8");
  const blocks = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1] ?? "");
  const folder = join(ROOT, "node_modules/.cache/sdk-readme");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [i, block] of blocks.entries())
    writeFileSync(join(folder, `${i}.ts`), block.includes("import ") ? block : PRELUDE + block);
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({
      extends: join(ROOT, "src/tsconfig.base.json"),
      compilerOptions: {
        composite: false,
        emitDeclarationOnly: false,
        noEmit: true,
        rootDir: ROOT,
        types: ["node"],
        typeRoots: [join(ROOT, "node_modules/@types")],
      },
      include: ["*.ts"],
    }),
  );

  expect(blocks.length).toBeGreaterThan(8);
  const compile = () =>
    execFileSync(join(ROOT, "node_modules/.bin/tsc"), ["-p", folder], {
      encoding: "utf8",
      stdio: "pipe",
    });
  let report = "";
  try {
    report = compile();
  } catch (failure) {
    report = (failure as { readonly stdout: string }).stdout;
  }
  expect(report).toBe("");
});
