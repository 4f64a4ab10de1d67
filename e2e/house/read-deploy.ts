/** The files of `deploy/` as tests read them. */
import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { parseAllDocuments } from "yaml";

/** Whether a program of the machine is there; what only it can check is left out without it. */
export const canRun = (program: string): boolean =>
  spawnSync(program, ["--version"], { stdio: "ignore" }).status === 0;

/** Every file below `deploy/`, dotfiles left out. */
export const deployFiles = (): readonly string[] =>
  globSync("deploy/**/*", { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`);

export const read = (file: string): string => readFileSync(file, "utf8");

/** All documents of a YAML file; throws on a fault or on a key that stands twice. */
export function readYaml(file: string): readonly unknown[] {
  return parseAllDocuments(read(file), { merge: true, uniqueKeys: true }).map((document) => {
    for (const fault of [...document.errors, ...document.warnings]) throw fault;
    return document.toJS() as unknown;
  });
}

export const composeFiles = (): readonly string[] =>
  deployFiles().filter((file) => /\/compose[\w.]*\.yaml$/.test(file));

export const unitFiles = (): readonly string[] =>
  deployFiles().filter((file) => /\.(service|timer)$/.test(file));

export type Manifest = {
  readonly file: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly body: Readonly<Record<string, unknown>>;
};

/** Kubernetes objects, kustomizations left out. */
export const manifests = (): readonly Manifest[] =>
  deployFiles()
    .filter((file) => file.startsWith("deploy/kubernetes/") && file.endsWith(".yaml"))
    .filter((file) => basename(file) !== "kustomization.yaml")
    .flatMap((file) =>
      readYaml(file).map((document) => {
        const body = document as Manifest["body"];
        return { file, apiVersion: String(body["apiVersion"]), kind: String(body["kind"]), body };
      }),
    );

/** Every value in a tree with the keys that lead to it. */
export function* walk(
  value: unknown,
  path: readonly string[] = [],
): Generator<readonly [path: readonly string[], value: unknown]> {
  yield [path, value];
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value)) yield* walk(inner, [...path, key]);
}

/** Values under a key of this name, wherever it stands. */
export const under = (tree: unknown, name: string): readonly unknown[] =>
  [...walk(tree)].filter(([path]) => path.at(-1) === name).map(([, value]) => value);

/** The lines of a unit file as section, name and value. Throws on a line that is neither. */
export function parseUnit(text: string): readonly (readonly [string, string, string])[] {
  let section = "";
  return text
    .split("\n")
    .filter((line) => line.trim() !== "" && !line.startsWith("#"))
    .flatMap((line) => {
      const head = /^\[(\w+)\]$/.exec(line)?.[1];
      if (head !== undefined) {
        section = head;
        return [];
      }
      const [, name, value] = /^([A-Z]\w*)=(.*)$/.exec(line) ?? [];
      if (name === undefined || value === undefined) throw new Error(`no unit line: ${line}`);
      return [[section, name, value] as const];
    });
}
