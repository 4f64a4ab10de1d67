import { execFile, execFileSync, spawnSync } from "node:child_process";
import {
  copyFileSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bytesToBase64 } from "#base/base64.ts";
import { systemRandom } from "#base/random.ts";
import { runProgram } from "../agent-program.contract.ts";
import { aFolder, anAgentWorld, environmentOf, isText } from "../agent-world.contract.ts";
import { packSdk } from "./pack.ts";

const MODULES = resolve(import.meta.dirname, "../../../node_modules");
const SAMPLES = resolve(import.meta.dirname, "../samples");
const PUBLISHED_NAME = "@hasheeai/agent-sdk-ts";

type Manifest = { readonly dependencies?: Readonly<Record<string, string>> };
const manifestAt = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;

/** Every package that is reached from these, as a folder that npm can take without asking a registry. */
function localPackages(names: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {};
  const add = (name: string): void => {
    if (name in found) return;
    found[name] = `file:${join(MODULES, name)}`;
    Object.keys(manifestAt(join(MODULES, name)).dependencies ?? {}).forEach(add);
  };
  names.forEach(add);
  return found;
}

/** What a developer has after following the page: a folder, `npm install`, a program, `npm run build`. */
function setupProject(out: string, tarball: string, packed: string): string {
  const folder = join(out, "my-agent");
  mkdirSync(join(folder, "src"), { recursive: true });
  const needed = Object.keys(manifestAt(packed).dependencies ?? {});
  const dependencies = {
    [PUBLISHED_NAME]: `file:${tarball}`,
    ...localPackages([...needed, "typescript", "@types/node"]),
  };
  const compilerOptions = {
    target: "es2023",
    module: "nodenext",
    strict: true,
    skipLibCheck: false,
    types: ["node"],
    rootDir: "src",
    outDir: "dist",
  };
  const scripts = { build: "tsc" };
  const own = { name: "my-agent", private: true, type: "module", scripts, dependencies };
  writeFileSync(join(folder, "package.json"), JSON.stringify(own));
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions }));
  copyFileSync(join(SAMPLES, "hello-world-websocket.ts"), join(folder, "src/index.ts"));
  npm(folder, ["install", "--offline", "--no-audit", "--no-fund"]);
  return folder;
}

const npm = (folder: string, words: readonly string[]): string =>
  execFileSync("npm", [...words], { cwd: folder, encoding: "utf8", stdio: "pipe" });

/** Compilers and package managers need minutes on a machine that does much else. */
const BUILDS_WITHIN_MS = 600_000;

describe("the SDK as a package of its own", () => {
  const out = mkdtempSync(join(tmpdir(), "parley-package-"));
  const place = { tarball: "", packed: "" };
  let project = "";
  beforeAll(() => {
    place.tarball = packSdk(out);
    place.packed = join(out, "parley-agent-sdk");
    project = setupProject(out, place.tarball, place.packed);
  }, BUILDS_WITHIN_MS);
  afterAll(() => rmSync(out, { recursive: true, force: true }));

  test("[K28] holds scripts and types of what an agent needs, names its packages, and nothing of the house", () => {
    const listed = execFileSync("tar", ["-tzf", place.tarball], { encoding: "utf8" }).split("\n");
    const manifest = readFileSync(join(place.packed, "package.json"), "utf8");

    expect(listed).toContain("package/dist/sdk/index.js");
    expect(listed).toContain("package/dist/sdk/index.d.ts");
    expect(listed).toContain("package/dist/cli/main.js");
    expect(listed).toContain("package/LICENSE");
    expect(listed.filter((file) => /\.test\.|relay\/|engine\/|contract/.test(file))).toEqual([]);
    const { dependencies = {} } = JSON.parse(manifest) as Manifest;
    for (const version of Object.values(dependencies)) expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(Object.keys(dependencies)).toEqual([
      "@noble/ciphers",
      "@noble/curves",
      "@noble/hashes",
      "@noble/post-quantum",
      "canonicalize",
      "valibot",
      "ws",
    ]);
  });

  test("[K46] imports nothing up front that an older Node does not have", () => {
    const scripts = globSync("dist/**/*.js", { cwd: place.packed });
    const barred = scripts.filter((file) =>
      /^import .*"node:sqlite"/m.test(readFileSync(join(place.packed, file), "utf8")),
    );
    const first = /^(?:import|export).*$/m.exec(
      readFileSync(join(place.packed, "dist/sdk/index.js"), "utf8"),
    );

    expect(scripts).toContain("dist/sdk/local/sqlite.js");
    expect(barred).toEqual([]);
    expect(first?.[0]).toBe('import "./refuse-old-node.js";');
  });

  test(
    "[K28] gives a new TypeScript project its types, checked to the bottom",
    () => {
      const use = `import { HasheeAgent } from "${PUBLISHED_NAME}";
      const agent = await HasheeAgent.init();
      agent.addMessageHandler(async (msg) => {
        if (msg.payload.type !== "text") return;
        const length: number = msg.payload.text;
        await agent.send(msg.conversation_id, { type: "text", txt: "?" });
      });`;
      const good = spawnSync("npm", ["run", "build"], { cwd: project, encoding: "utf8" });
      const bad = join(project, "src/bad.ts");
      writeFileSync(bad, use);
      const refused = spawnSync("npm", ["run", "build"], { cwd: project, encoding: "utf8" });
      writeFileSync(bad, "export {};");

      expect(good.stdout).not.toContain("error");
      expect(good.status).toBe(0);
      expect(refused.stdout).toContain("src/bad.ts(5,15): error TS2322");
      expect(refused.stdout).toContain("Did you mean to write 'text'?");
    },
    BUILDS_WITHIN_MS,
  );

  test(
    "[K28] runs as a container would: built, keys from the environment, a check, SIGTERM",
    async () => {
      npm(project, ["run", "build"]);
      const world = await anAgentWorld();
      const agent = await world.provision("Container");
      const environment = {
        ...environmentOf(world.url, agent),
        HOME: aFolder(),
        NODE_ENV: "production",
        HASHEE_CONNECTION_MODE: "websocket",
        HASHEE_X25519_PRIVATE_BASE64: bytesToBase64(systemRandom(32)),
        HASHEE_ED25519_PRIVATE_BASE64: bytesToBase64(systemRandom(32)),
      };
      const program = runProgram(join(project, "dist/index.js"), environment);
      await program.prints("up; waiting for messages");
      const alice = await world.person("Alice");
      const conversationId = await alice.meet(agent, null);
      await alice.say(conversationId, "从容器里");
      await alice.reads(isText('你好!我收到了 "从容器里"'));

      const check = spawnSync(process.execPath, ["-e", "process.exit(0)"]);
      // Not in step: the relay runs in this very process.
      const whoami = await promisify(execFile)(
        process.execPath,
        [join(project, "node_modules/.bin/parley"), "whoami", "--json"],
        { env: { ...process.env, ...environment } },
      );

      expect(check.status).toBe(0);
      expect(JSON.parse(whoami.stdout)).toMatchObject({ agent_id: agent.agentId, online: true });
      expect(await program.stop()).toBe(0);
      expect(program.lines).toContain("[hashee] received SIGTERM; shutting down...");
      expect(program.lines.join()).not.toContain("keys persisted");
    },
    BUILDS_WITHIN_MS,
  );
});
