import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { readConfig, RULES, summaryOf, unknownVariables } from "./config.ts";

describe("settings", () => {
  test("[R14] are complete without any variable", () => {
    const config = readConfig({});

    expect(config).toMatchObject({
      ok: true,
      value: { host: "127.0.0.1", port: 8787, registration: { policy: "open", code: null } },
    });
  });

  test("[R14] that are wrong are all named at once, each with what it must be", () => {
    const config = readConfig({
      PARLEY_PORT: "70000",
      PARLEY_ORIGIN: "https://chat.example/path",
      PARLEY_REGISTRATION: "maybe",
      PARLEY_TRUST_PROXY: "yes",
      PARLEY_METRICS_TOKEN: "short",
      PARLEY_REDIS: "http://cache",
      PARLEY_KEY: "AAAA",
      PARLEY_LOG_LEVEL: "loud",
      PARLEY_RATES: "everything=1/1",
      PARLEY_ARTIFACT_ORIGIN: "http://apps.example",
    });

    expect(config.ok ? [] : config.failure.map(({ name }) => name)).toEqual([
      "PARLEY_PORT",
      "PARLEY_ORIGIN",
      "PARLEY_ARTIFACT_ORIGIN",
      "PARLEY_REGISTRATION",
      "PARLEY_TRUST_PROXY",
      "PARLEY_METRICS_TOKEN",
      "PARLEY_LOG_LEVEL",
      "PARLEY_RATES",
      "PARLEY_KEY",
      "PARLEY_REDIS",
    ]);
    expect(config.ok ? null : config.failure[0]?.rule).toBe("a number from 0 to 65535");
  });

  test.each([
    ["PARLEY_PORT", "65535", "65536"],
    ["PARLEY_REGISTRATION_CODE", "x".repeat(64), "x".repeat(65)],
    ["PARLEY_METRICS_TOKEN", "x".repeat(16), "x".repeat(15)],
    ["PARLEY_TRUST_PROXY", "1", "2"],
    ["PARLEY_ALLOW_PRIVATE_TARGETS", "1", "true"],
    ["PARLEY_KEY", Buffer.alloc(32).toString("base64"), Buffer.alloc(33).toString("base64")],
    ["PARLEY_REDIS", "rediss://cache", "https://cache"],
    ["PARLEY_CONNECT", "https://a.example, wss://b.example", "https://a.example/b"],
    ["PARLEY_ARTIFACT_ORIGIN", "https://apps.example", "wss://apps.example"],
    ["PARLEY_LOG_LEVEL", "debug", "trace"],
  ] as const)("[R14] %s is held to its bound", (name, right, wrong) => {
    expect(readConfig({ [name]: right })).toMatchObject({ ok: true });
    expect(readConfig({ [name]: wrong })).toEqual({
      ok: false,
      failure: [{ name, rule: RULES[name] }],
    });
  });

  test("[R14] name the rates that are others than the built-in ones", () => {
    const config = readConfig({ PARLEY_RATES: "rest=50/200, marks=0.5/1" });

    expect(config).toMatchObject({
      ok: true,
      value: {
        rates: { rest: { perSecond: 50, burst: 200 }, marks: { perSecond: 0.5, burst: 1 } },
      },
    });
    for (const wrong of ["rest", "rest=1", "rest=0/1", "rest=1/0", "toString=1/1", "rest=1/1;"])
      expect(readConfig({ PARLEY_RATES: wrong }).ok, wrong).toBe(false);
  });

  test("[R14] that are empty are as if they were not set, whatever they are", () => {
    const names = Object.keys(RULES);
    const config = readConfig(Object.fromEntries(names.map((name) => [name, ""])));

    expect(names.length).toBeGreaterThan(20);
    expect(config).toEqual(readConfig({}));
  });

  test("[R14] take a port as people write it, and pages by http or https alone", () => {
    for (const wrong of ["0x50", "8e3", " 80", "-1", "80.5", "65536"])
      expect(readConfig({ PARLEY_PORT: wrong }), wrong).toMatchObject({
        failure: [{ name: "PARLEY_PORT" }],
      });
    expect(readConfig({ PARLEY_ORIGIN: "ws://chat.example" })).toMatchObject({
      failure: [{ name: "PARLEY_ORIGIN" }],
    });
    expect(readConfig({ PARLEY_CONNECT: "ws://agent.example" }).ok).toBe(true);
  });

  test("[R14] by invite need a code", () => {
    expect(readConfig({ PARLEY_REGISTRATION: "invite" })).toMatchObject({
      failure: [{ name: "PARLEY_REGISTRATION_CODE" }],
    });
    expect(
      readConfig({ PARLEY_REGISTRATION: "invite", PARLEY_REGISTRATION_CODE: "sesame" }).ok,
    ).toBe(true);
  });

  test("[R14] name a database by its address, whose password is not printed", () => {
    const config = readConfig({ PARLEY_DATABASE: "postgres://relay:sesame@db.example/parley" });
    if (!config.ok) throw new Error("settings that hold");

    expect(config.value).toMatchObject({ isShared: true });
    expect(summaryOf(config.value)).toMatchObject({ database: "postgres" });
    expect(JSON.stringify([config.value, summaryOf(config.value)])).not.toContain("sesame");
    for (const address of ["db.example", "mysql://db.example/parley", "postgres://db.example"])
      expect(readConfig({ PARLEY_DATABASE: address })).toMatchObject({
        failure: [{ name: "PARLEY_DATABASE" }],
      });
  });

  test("[R14] of a bucket are all set or none", () => {
    const env = {
      PARLEY_S3_ENDPOINT: "https://objects.example",
      PARLEY_S3_BUCKET: "parley-files",
      PARLEY_S3_REGION: "eu-central-1",
      PARLEY_S3_ACCESS_KEY: "relay",
      PARLEY_S3_SECRET_KEY: "sesame",
    };
    const { PARLEY_S3_REGION: _region, ...incomplete } = env;
    const config = readConfig(env);
    if (!config.ok) throw new Error("settings that hold");

    expect(config.value.s3).toMatchObject({ bucket: "parley-files", region: "eu-central-1" });
    expect(JSON.stringify([config.value.s3, summaryOf(config.value)])).not.toContain("sesame");
    expect(readConfig(incomplete)).toMatchObject({ failure: [{ name: "PARLEY_S3_REGION" }] });
    expect(readConfig({ ...env, PARLEY_S3_ENDPOINT: "objects" })).toMatchObject({
      failure: [{ name: "PARLEY_S3_ENDPOINT" }],
    });
  });

  test("[R14] are printed without their secrets, and misspelt ones are named", () => {
    const token = "t".repeat(32);
    const env = {
      PARLEY_METRICS_TOKEN: token,
      PARLEY_REGISTRATION_CODE: "sesame",
      PARLEY_REDIS: "redis://relay:sesame@cache",
      PARLEY_KEY: Buffer.alloc(32, 5).toString("base64"),
    };
    const config = readConfig({ ...env, PARLEY_ORIGIN: "https://chat.example" });
    if (!config.ok) throw new Error("settings that hold");

    expect(summaryOf(config.value)).toMatchObject({
      origins: "https://chat.example",
      metrics_token: "set",
      redis: "set",
      key: "set",
      registration_code: "set",
    });
    expect(JSON.stringify(summaryOf(config.value))).not.toContain("sesame");
    expect(inspect(config.value.metricsToken)).not.toContain(token);
    expect(inspect(config.value.key)).not.toContain("5");
    const others = { PARLEY_BRIDGE_TO: "x", PARLEY_RELAY_URL: "x", HOME: "/" };
    expect(unknownVariables({ ...env, ...others, PARLEY_ORIGINS: "x" })).toEqual([
      "PARLEY_ORIGINS",
    ]);
  });
});
