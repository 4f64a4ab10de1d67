/**
 * Makes the SDK a package of its own: compiled, with its types, the command line and nothing else of the house.
 *
 * ```sh
 * node src/sdk/package/pack.ts build
 * ```
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { OLDEST_NODE } from "../oldest-node.ts";

export const PACKAGE_NAME = "parley-agent-sdk";
/** Loaded only by who names such a store; the agent's program brings them. */
const OPTIONAL_PEERS: Readonly<Record<string, string>> = {
  pg: "^8.11.0",
  redis: "^5.0.0 || ^6.0.0",
};

const ROOT = resolve(import.meta.dirname, "../../..");
const SOURCE = join(ROOT, "src");

/** Builds the package and returns the path of its tarball in `outFolder`. Throws when the compiler or npm fails. */
export function packSdk(outFolder: string): string {
  const stage = join(outFolder, PACKAGE_NAME);
  rmSync(stage, { recursive: true, force: true });
  mkdirSync(stage, { recursive: true });
  compile(stage);
  const packages = new Set<string>();
  for (const file of globSync("dist/**/*.{js,d.ts}", { cwd: stage }))
    for (const name of settleImports(join(stage, file), join(stage, "dist"))) packages.add(name);
  writeFileSync(join(stage, "package.json"), manifest(packages));
  copyFileSync(join(ROOT, "LICENSE"), join(stage, "LICENSE"));
  const readme = readFileSync(join(SOURCE, "sdk/README.md"), "utf8");
  const [guide = ""] = readme.replaceAll("#sdk/index.ts", PACKAGE_NAME).split("## Examples");
  writeFileSync(join(stage, "README.md"), guide.replaceAll("npm run -s parley --", "npx parley"));
  const packed = execFileSync(
    "npm",
    ["pack", "--silent", "--pack-destination", resolve(outFolder)],
    {
      cwd: stage,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    },
  );
  return join(resolve(outFolder), packed.trim().split("\n").at(-1) ?? "");
}

function compile(stage: string): void {
  const config = join(stage, "tsconfig.json");
  const compilerOptions = {
    composite: false,
    declaration: true,
    emitDeclarationOnly: false,
    // The house's own build checks; each layer against the few globals it may see.
    noCheck: true,
    rewriteRelativeImportExtensions: true,
    allowImportingTsExtensions: false,
    rootDir: SOURCE,
    outDir: join(stage, "dist"),
    types: ["node"],
    typeRoots: [join(ROOT, "node_modules/@types")],
  };
  const files = ["sdk/index.ts", "cli/main.ts"].map((file) => join(SOURCE, file));
  const settings = { extends: join(SOURCE, "tsconfig.base.json"), compilerOptions, files };
  writeFileSync(config, JSON.stringify(settings));
  execFileSync(join(ROOT, "node_modules/.bin/tsc"), ["-p", config], { stdio: "pipe" });
  rmSync(config);
}

/** The module of an import or export, of a bare import, and of a type written as `import("…")`. */
const SPECIFIER = /(^(?:import|export)\b[^;"]*?\bfrom\s*|\bimport\(\s*|^import\s*)"([^"]+)"/gm;

/** Rewrites the imports of one compiled file to what stands in the package; gives the packages it asks for. */
function settleImports(file: string, dist: string): readonly string[] {
  const packages: string[] = [];
  const settled = readFileSync(file, "utf8").replaceAll(
    SPECIFIER,
    (whole, before: string, specifier: string) => {
      if (specifier.startsWith("#")) {
        const target = relative(dirname(file), join(dist, specifier.slice(1)));
        return `${before}"${asScript(target.startsWith(".") ? target : `./${target}`)}"`;
      }
      if (specifier.startsWith(".")) return `${before}"${asScript(specifier)}"`;
      if (!specifier.startsWith("node:")) packages.push(packageOf(specifier));
      return whole;
    },
  );
  writeFileSync(file, settled);
  return packages;
}

const asScript = (path: string): string => path.replace(/\.ts$/, ".js");
const packageOf = (specifier: string): string =>
  specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");

type RootManifest = {
  readonly version: string;
  readonly license: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
};

function manifest(packages: ReadonlySet<string>): string {
  const root = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as RootManifest;
  const needed = [...packages].filter((name) => !(name in OPTIONAL_PEERS)).sort();
  const dependencies = Object.fromEntries(
    needed.map((name) => {
      const version = root.dependencies[name];
      if (version === undefined) throw new Error(`${name} is imported and not a dependency`);
      return [name, version];
    }),
  );
  return JSON.stringify(
    {
      name: PACKAGE_NAME,
      version: root.version,
      description: "Agents that people talk with under end-to-end encryption.",
      license: root.license,
      type: "module",
      exports: { ".": { types: "./dist/sdk/index.d.ts", default: "./dist/sdk/index.js" } },
      bin: { parley: "dist/cli/main.js" },
      files: ["dist"],
      engines: { node: `>=${OLDEST_NODE}` },
      dependencies,
      peerDependencies: OPTIONAL_PEERS,
      peerDependenciesMeta: Object.fromEntries(
        Object.keys(OPTIONAL_PEERS).map((name) => [name, { optional: true }]),
      ),
    },
    null,
    2,
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href)
  process.stdout.write(`${packSdk(process.argv[2] ?? join(ROOT, "build"))}\n`);
