import { spawnSync } from "node:child_process";
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { builtinModules } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, matchesGlob } from "node:path";
import { expect, test } from "vitest";
import { readConfig, unknownVariables } from "../../src/relay/config.ts";
import { createRelayServer } from "../../src/relay/relay-server.ts";
import { settleOptions } from "../../src/sdk/options.ts";
import {
  composeFiles,
  deployFiles,
  manifests,
  parseUnit,
  read,
  readYaml,
  under,
  unitFiles,
  walk,
} from "./read-deploy.ts";

const packageJson = JSON.parse(readFileSync("package.json", "utf8")) as {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
};
const dockerfile = (): readonly string[] =>
  read("deploy/Dockerfile").replaceAll("\\\n", " ").split("\n");
const namesIn = (pattern: RegExp): readonly string[] => [
  ...new Set(deployFiles().flatMap((file) => read(file).match(pattern) ?? [])),
];

test("every variable of the relay that deploy/ names is one it reads", () => {
  const named = namesIn(/\bPARLEY_[A-Z0-9_]+/g);

  expect(named.length).toBeGreaterThan(8);
  expect(unknownVariables(Object.fromEntries(named.map((name) => [name, ""])))).toEqual([]);
});

test("every variable of an agent that deploy/ names is one the SDK reads", () => {
  const source = globSync("src/{sdk,gateway}/**/*.ts")
    .filter((file) => !/\.(test|contract)\.ts$/.test(file))
    .map(read)
    .join("\n");
  const named = namesIn(/\bHASHEE_[A-Z0-9_]+/g);

  expect(named.length).toBeGreaterThan(6);
  expect(named.filter((name) => !source.includes(`"${name}"`))).toEqual([]);
});

test("the settings of the unit's sample files are valid as they stand", () => {
  const settings = (file: string) =>
    Object.fromEntries(
      read(file)
        .split("\n")
        .filter((line) => /^\w+=/.test(line))
        .map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]),
    );
  const agent = settings("deploy/systemd/agent.env");

  expect(readConfig(settings("deploy/systemd/relay.env")).ok).toBe(true);
  expect(existsSync(agent["AGENT_PROGRAM"] ?? "")).toBe(true);
  expect(
    settleOptions(
      {},
      { ...agent, HASHEE_AGENT_ID: crypto.randomUUID(), HASHEE_AGENT_TOKEN: "hsk_1" },
    ).baseUrl,
  ).toBe("https://chat.example");
});

/** A value of a compose file as `docker compose` fills it in: `${NAME}`, `${NAME:-default}`, `${NAME:?why}`. */
const filledIn = (text: string, env: Readonly<Record<string, string>>): string =>
  text.replace(/\$\{(\w+)(?::([-?])([^}]*))?\}/g, (_, name: string, mark: string, rest: string) => {
    const value = env[name] ?? "";
    if (value === "" && mark === "?") throw new Error(`${name} must be set: ${rest}`);
    return value === "" && mark === "-" ? rest : value;
  });

test("every compose file starts a relay with the example's settings, and with any registration", () => {
  const example = Object.fromEntries(
    [...read("deploy/example.env").matchAll(/^(\w+)=(.*)$/gm)].map(([, name, value]) => [
      name,
      value,
    ]),
  ) as Record<string, string>;
  const secrets = { PARLEY_METRICS_TOKEN: "m".repeat(24), POSTGRES_PASSWORD: "p".repeat(24) };
  const startedWith = (file: string, env: Readonly<Record<string, string>>) => {
    const [relay] = under(readYaml(file), "relay") as {
      environment: Readonly<Record<string, string>>;
    }[];
    const settings = Object.entries(relay?.environment ?? {});
    return readConfig(
      Object.fromEntries(
        settings.map(([name, value]) => [
          name,
          filledIn(value, { ...example, ...secrets, ...env }),
        ]),
      ),
    );
  };

  expect(composeFiles()).toHaveLength(2);
  for (const file of composeFiles()) {
    expect(startedWith(file, {}), file).toMatchObject({ ok: true });
    expect(
      startedWith(file, { PARLEY_REGISTRATION: "invite", PARLEY_REGISTRATION_CODE: "sesame" }),
    ).toMatchObject({ value: { registration: { policy: "invite", code: "sesame" } } });
  }
  expect(startedWith("deploy/compose.small.yaml", { PARLEY_METRICS_TOKEN: "" }).ok).toBe(true);
});

test("the nightly copy names only what was read whole, keeps as many as it should, and leaves no halves", async () => {
  const place = mkdtempSync(join(tmpdir(), "parley-nightly-"));
  const [data, copies] = [join(place, "data"), join(place, "copies")];
  for (const old of ["20200101T000000Z", "20200102T000000Z", ".20200103T000000Z"])
    mkdirSync(join(copies, old), { recursive: true });
  const relay = await createRelayServer({ dataFolder: data });
  await relay.close();
  const backUp = () =>
    spawnSync("sh", ["deploy/systemd/back-up.sh", process.execPath], {
      encoding: "utf8",
      env: { ...process.env, PARLEY_DATA: data, BACKUP_FOLDER: copies, BACKUP_KEEP: "2" },
    });

  expect(backUp()).toMatchObject({ status: 0, stderr: "" });
  const kept = readdirSync(copies);
  writeFileSync(join(data, "relay.sqlite"), "x".repeat(4_096));
  const failed = backUp();
  const left = readdirSync(copies).filter((name) => !name.startsWith("."));
  rmSync(place, { recursive: true });

  expect(kept).toEqual(["20200102T000000Z", expect.stringMatching(/^202[1-9]/)]);
  expect(failed.status).not.toBe(0);
  expect(left).toEqual(kept);
});

test("one port is meant everywhere", () => {
  const config = readConfig({});
  const port = config.ok ? config.value.port : 0;
  const composed = composeFiles().flatMap((file) => under(readYaml(file), "ports").flat());
  const inProxies = ["deploy/proxy/Caddyfile", "deploy/proxy/nginx.conf"].flatMap((file) =>
    [...read(file).matchAll(/127\.0\.0\.1:(\d+)/g)].map(([, number]) => Number(number)),
  );
  const relays = manifests().filter(({ body }) => JSON.stringify(body).includes('"relay"'));
  const ports = [
    ...dockerfile().flatMap((line) => /^EXPOSE (\d+)$/.exec(line)?.[1] ?? []),
    ...dockerfile().flatMap((line) => /PARLEY_PORT=(\d+)/.exec(line)?.[1] ?? []),
    ...composed.flatMap((mapping) => String(mapping).split(":").slice(1)),
    ...relays.flatMap(({ body }) => under(body, "containerPort")),
  ].map(Number);

  expect(composed.length).toBe(composeFiles().length);
  expect(new Set([...ports, ...inProxies])).toEqual(new Set([port]));
});

test("every path that is probed is one a relay answers with 200", async () => {
  const folder = mkdtempSync(join(tmpdir(), "parley-probes-"));
  const relay = await createRelayServer({ dataFolder: folder });
  const paths = new Set([
    ...manifests().flatMap(({ body }) =>
      under(body, "httpGet").map((probe) => (probe as { readonly path: string }).path),
    ),
    .../health_uri (\S+)/.exec(read("deploy/proxy/Caddyfile"))!.slice(1),
    ...dockerfile().flatMap((line) => /PARLEY_PORT \+ '([^']+)'/.exec(line)?.[1] ?? []),
    ...readYaml("deploy/monitoring/prometheus.yaml").flatMap((file) => under(file, "metrics_path")),
  ] as readonly string[]);

  const statuses = await Promise.all(
    [...paths].map(async (path) => [path, (await fetch(`${relay.url}${path}`)).status]),
  );
  await relay.close();
  rmSync(folder, { recursive: true });

  expect(Object.fromEntries(statuses)).toEqual({
    "/health": 200,
    "/live": 200,
    "/metrics": 200,
    "/ready": 200,
  });
});

// Rule R10: five seconds for the disk, five for requests; an agent's answers take about as long.
const DRAIN_S = 10;

test("whoever ends a relay or an agent waits longer than its drain", () => {
  const pods = manifests().flatMap(({ body }) =>
    under(body, "template").map((template) => template as { spec: Record<string, unknown> }),
  );
  const spare = [
    ...pods.map(({ spec }) => {
      const [sleep = { seconds: 0 }] = under(spec, "sleep") as { seconds: number }[];
      return Number(spec["terminationGracePeriodSeconds"]) - sleep.seconds;
    }),
    ...composeFiles().flatMap((file) =>
      under(readYaml(file), "stop_grace_period").map((text) => Number.parseInt(String(text), 10)),
    ),
    ...unitFiles().flatMap((file) =>
      parseUnit(read(file)).flatMap(([, name, value]) =>
        name === "TimeoutStopSec" ? Number(value) : [],
      ),
    ),
  ];

  expect(spare.length).toBeGreaterThan(4);
  expect(spare.filter((seconds) => seconds < DRAIN_S + 5)).toEqual([]);
});

test("every program that is started exists", () => {
  const started = [
    ...dockerfile(),
    ...unitFiles().map(read),
    ...deployFiles()
      .filter((file) => file.endsWith(".sh"))
      .map(read),
    ...composeFiles().map(read),
    ...manifests().map(({ body }) => JSON.stringify(body)),
  ].flatMap((text) => text.match(/\b(?:src|deploy)\/[\w/.-]+\.(?:ts|sh)\b/g) ?? []);

  expect(started.length).toBeGreaterThan(6);
  expect(started.filter((file) => !existsSync(file))).toEqual([]);
});

test("the image runs the Node that package.json pins, and copies only what its context has", () => {
  const allowed: readonly string[] = read("deploy/Dockerfile.dockerignore").match(/^!.+$/gm) ?? [];
  const copied = dockerfile()
    .filter((line) => line.startsWith("COPY ") && !line.includes("--from"))
    .flatMap((line) => line.split(/\s+/).slice(1, -1));
  const images = dockerfile().flatMap((line) => /^FROM (\S+)/.exec(line)?.[1] ?? []);

  expect(new Set(images)).toEqual(new Set([`node:${packageJson.devDependencies["node"]}-slim`]));
  expect(copied.filter((path) => !allowed.includes(`!${path}`))).toEqual([]);
  expect(copied.filter((path) => !existsSync(path))).toEqual([]);
});

test("what runs without development packages imports none, and what the image leaves out nobody needs", () => {
  const excluded = [
    "src/**/*.test.ts",
    "src/**/*.contract.ts",
    "src/**/vectors/**",
    "src/sdk/samples/**",
  ];
  const files = globSync("src/{base,protocol,crypto,peer,channels,relay,sdk,cli,gateway}/**/*.ts");
  const running = files.filter((file) => !excluded.some((pattern) => matchesGlob(file, pattern)));
  const imports = running.flatMap((file) =>
    [
      ...read(file).matchAll(/^(?:import|export)(?! type)[^;]*? from "([^"]+)";/gm),
      ...read(file).matchAll(/[^.]\bimport\("([@\w][^"]*)"\)/g),
    ].map(([, name]) => name ?? ""),
  );
  const packages = imports
    .filter((name) => !/^[.#]|^node:/.test(name) && !builtinModules.includes(name))
    .map((name) => name.split("/", name.startsWith("@") ? 2 : 1).join("/"));

  expect(new Set(packages).size).toBeGreaterThan(6);
  expect(packages.filter((name) => !Object.hasOwn(packageJson.dependencies, name))).toEqual([]);
  expect(imports.filter((name) => /\.(test|contract)\.ts$|\/vectors\//.test(name))).toEqual([]);
});

test("what the image is built of, its build's own settings among it, imports nothing that is left out of it", () => {
  const left = read("deploy/Dockerfile.dockerignore")
    .split("\n")
    .filter((line) => line.startsWith("src/"));
  const isLeftOut = (file: string): boolean => left.some((pattern) => matchesGlob(file, pattern));
  const built = ["vite.config.ts", ...globSync("src/**/*.{ts,tsx}")].filter(
    (file) => !isLeftOut(file),
  );
  const imported = built.flatMap((file) =>
    [
      ...read(file).matchAll(/^(?:import|export)(?! type)[^;]*? from "([.#][^"]+)";/gm),
      ...read(file).matchAll(/[^.f] import\("([.#][^"]+)"\)/g),
    ].map(([, name = ""]) => ({
      file,
      name: name.startsWith("#") ? `src/${name.slice(1)}` : join(dirname(file), name),
    })),
  );

  expect(left.length).toBeGreaterThan(2);
  expect(imported.length).toBeGreaterThan(1_000);
  expect(imported.filter(({ name }) => isLeftOut(name))).toEqual([]);
});

test("a container has no more rights than it needs", () => {
  const containers = manifests().flatMap(({ body }) => under(body, "containers").flat());
  const pods = manifests()
    .flatMap(({ body }) => under(body, "template"))
    .map((template) => (template as { spec: { securityContext: unknown } }).spec);

  expect(containers.length).toBeGreaterThan(0);
  for (const container of containers as { securityContext: unknown; resources: object }[]) {
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    expect(container.resources).toHaveProperty("limits.memory");
  }
  for (const pod of pods)
    expect(pod).toMatchObject({
      automountServiceAccountToken: false,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 10001,
        seccompProfile: { type: "RuntimeDefault" },
      },
    });
  expect(dockerfile().filter((line) => line.startsWith("USER "))).toEqual(["USER 10001:10001"]);
  for (const file of composeFiles())
    for (const [, service] of [...walk(readYaml(file))].filter(
      ([path]) => path.at(-2) === "services" && ["relay", "agent"].includes(path.at(-1) ?? ""),
    ))
      expect(service).toMatchObject({
        read_only: true,
        cap_drop: ["ALL"],
        security_opt: ["no-new-privileges:true"],
      });
});

test("a roll-out never has fewer processes than wanted", () => {
  const strategies = manifests()
    .filter(({ kind }) => kind === "Deployment")
    .flatMap(({ body }) => under(body, "strategy"));

  for (const strategy of strategies)
    expect(strategy).toEqual({
      type: "RollingUpdate",
      rollingUpdate: { maxSurge: 1, maxUnavailable: 0 },
    });
});

test("deploy/ holds no secret and no address but examples", () => {
  const texts = deployFiles().map((file) => [file, read(file)] as const);
  const hosts = texts.flatMap(([, text]) => text.match(/https?:\/\/[\w.-]+/g) ?? []);

  expect(texts.filter(([, text]) => /hsk_[A-Za-z0-9]{20}|BEGIN [A-Z ]*PRIVATE/.test(text))).toEqual(
    [],
  );
  expect(
    hosts.filter(
      (host) =>
        !/\/\/(127\.0\.0\.1|localhost|relay|parley_relay|[\w.-]+\.example|[\w-]+\.internal)$/.test(
          host,
        ),
    ),
  ).toEqual([]);
});
