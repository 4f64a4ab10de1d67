/** The relay's settings out of the environment, checked before anything starts. SPEC §operation. */
import { base64ToBytes } from "#base/base64.ts";
import type { LogFields } from "#base/log.ts";
import { err, ok, type Result } from "#base/result.ts";
import { Secret } from "#base/secret.ts";
import type { S3Place } from "./blobs/s3-blobs.ts";
import { LOG_LEVELS, type LogLevel } from "./json-log.ts";
import { DEFAULT_RATES, parseRates } from "./live/rates.ts";
import type { RelayOptions } from "./open-relay.ts";

export type ConfigFault = { readonly name: string; readonly rule: string };

type Environment = Readonly<Record<string, string | undefined>>;

export type Config = RelayOptions & { readonly logLevel: LogLevel };

/** Every variable the relay reads, with what it must be. */
export const RULES = {
  PARLEY_PORT: "a number from 0 to 65535",
  PARLEY_HOST: "an address to listen on",
  PARLEY_DATA: "a folder",
  PARLEY_DATABASE: "an address such as postgres://user:password@host:5432/parley",
  PARLEY_DIST: "a folder",
  PARLEY_ORIGIN: "origins such as https://chat.example, parted by commas",
  PARLEY_CONNECT: "origins such as https://agent.example, parted by commas",
  PARLEY_ARTIFACT_ORIGIN: "one https origin",
  PARLEY_REGISTRATION: "open, invite or closed",
  PARLEY_REGISTRATION_CODE: "set when registration is by invite, up to 64 characters",
  PARLEY_TRUST_PROXY: "0 or 1",
  PARLEY_METRICS_TOKEN: "at least 16 characters",
  PARLEY_ALLOW_PRIVATE_TARGETS: "0 or 1",
  PARLEY_KEY: "32 bytes as base64, the same for every relay on one database",
  PARLEY_REDIS: "an address such as redis://host:6379 or rediss://user:password@host",
  PARLEY_S3_ENDPOINT: "an address such as https://s3.eu-central-1.amazonaws.com",
  PARLEY_S3_BUCKET: "the name of a bucket; all five of PARLEY_S3_ are set, or none",
  PARLEY_S3_REGION: "a region such as eu-central-1",
  PARLEY_S3_ACCESS_KEY: "the name of a key that may read and write the bucket",
  PARLEY_S3_SECRET_KEY: "the secret of that key",
  PARLEY_LOG_LEVEL: "debug, info, warn or error",
  PARLEY_RATES: `rates such as rest=20/60 (a second, at once), parted by commas, of ${Object.keys(DEFAULT_RATES).join(", ")}`,
} as const;

type Name = keyof typeof RULES;

/** Variables of the other programs, which share the prefix. */
const OTHERS = /^PARLEY_(RELAY_URL|VERBOSE|CHROMIUM|FUZZ_SEED|BRIDGE_[A-Z]+)$/;

/** Fails with every variable at fault, and what it should have been. One that is empty counts as not set. */
export function readConfig(environment: Environment): Result<Config, readonly ConfigFault[]> {
  const env: Environment = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== ""),
  );
  const faults: ConfigFault[] = [];
  const check = (isValid: boolean, name: Name): void => {
    if (!isValid) faults.push({ name, rule: RULES[name] });
  };

  const portText = env.PARLEY_PORT ?? "8787";
  const port = Number(portText);
  check(/^\d{1,5}$/.test(portText) && port <= 65_535, "PARLEY_PORT");
  const host = env.PARLEY_HOST ?? "127.0.0.1";
  const dataFolder = env.PARLEY_DATA ?? "./data";
  const database = env.PARLEY_DATABASE ?? null;
  check(database === null || isPostgresAddress(database), "PARLEY_DATABASE");
  const origins = list(env.PARLEY_ORIGIN);
  check(
    origins.every((origin) => isOrigin(origin) && isHttp(origin)),
    "PARLEY_ORIGIN",
  );
  const connectSources = list(env.PARLEY_CONNECT);
  check(connectSources.every(isOrigin), "PARLEY_CONNECT");
  const artifactOrigin = env.PARLEY_ARTIFACT_ORIGIN ?? null;
  const isFrame = artifactOrigin?.startsWith("https:") === true && isOrigin(artifactOrigin);
  check(artifactOrigin === null || isFrame, "PARLEY_ARTIFACT_ORIGIN");
  const policy = env.PARLEY_REGISTRATION ?? "open";
  const code = env.PARLEY_REGISTRATION_CODE ?? null;
  check(isPolicy(policy), "PARLEY_REGISTRATION");
  const isCode = code === null ? policy !== "invite" : code.length <= 64;
  check(isCode, "PARLEY_REGISTRATION_CODE");
  const trust = env.PARLEY_TRUST_PROXY ?? "0";
  check(trust === "0" || trust === "1", "PARLEY_TRUST_PROXY");
  const token = env.PARLEY_METRICS_TOKEN ?? null;
  check(token === null || token.length >= 16, "PARLEY_METRICS_TOKEN");
  const privacy = env.PARLEY_ALLOW_PRIVATE_TARGETS ?? "0";
  check(privacy === "0" || privacy === "1", "PARLEY_ALLOW_PRIVATE_TARGETS");
  const logLevel = env.PARLEY_LOG_LEVEL ?? "info";
  check(isLogLevel(logLevel), "PARLEY_LOG_LEVEL");
  const rates = parseRates(env.PARLEY_RATES ?? "");
  check(rates !== null, "PARLEY_RATES");

  const key = env.PARLEY_KEY === undefined ? null : base64ToBytes(env.PARLEY_KEY);
  check(env.PARLEY_KEY === undefined || key?.length === 32, "PARLEY_KEY");
  const redis = env.PARLEY_REDIS ?? null;
  check(redis === null || isRedis(redis), "PARLEY_REDIS");
  const s3 = readS3(env, check);

  if (faults.length > 0 || !isPolicy(policy) || !isLogLevel(logLevel)) return err(faults);
  return ok({
    port,
    host,
    dataFolder,
    database: database === null ? null : new Secret(database),
    // A server can be reached by others at any time: whoever uses one is ready for them.
    isShared: database !== null,
    staticRoot: env.PARLEY_DIST ?? "./dist",
    origins,
    connectSources,
    artifactOrigin,
    registration: { policy, code },
    trustsProxy: trust === "1",
    metricsToken: token === null ? null : new Secret(token),
    allowsPrivateTargets: privacy === "1",
    s3,
    key: key === null ? null : new Secret(key),
    redis: redis === null ? null : new Secret(redis),
    logLevel,
    rates: rates ?? {},
  });
}

/** The settings as they are printed at the start: secrets only as set or not. */
export const summaryOf = (config: Config): LogFields => ({
  host: config.host ?? "",
  port: config.port ?? 0,
  data: config.dataFolder,
  database: config.database == null ? "file" : "postgres",
  app: config.staticRoot ?? "none",
  origins: (config.origins ?? []).join(",") || "loopback only",
  connect: (config.connectSources ?? []).join(",") || "none",
  artifact_origin: config.artifactOrigin ?? "none",
  registration: config.registration?.policy ?? "open",
  registration_code: config.registration?.code == null ? "not set" : "set",
  trusts_proxy: config.trustsProxy ?? false,
  metrics_token: config.metricsToken == null ? "not set" : "set",
  allows_private_targets: config.allowsPrivateTargets ?? false,
  files: config.s3 == null ? "in the data folder" : `bucket ${config.s3.bucket}`,
  key: config.key == null ? "in the data folder" : "set",
  redis: config.redis == null ? "not set" : "set",
  log_level: config.logLevel,
  rates: Object.keys(config.rates ?? {}).join(",") || "as built",
});

/** Variables with our prefix that nobody reads: most likely misspelt. */
export const unknownVariables = (env: Environment): readonly string[] =>
  Object.keys(env).filter(
    (name) => name.startsWith("PARLEY_") && !Object.hasOwn(RULES, name) && !OTHERS.test(name),
  );

const list = (text: string | undefined): readonly string[] =>
  (text ?? "")
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");

const isPolicy = (text: string): text is "open" | "invite" | "closed" =>
  text === "open" || text === "invite" || text === "closed";

const isLogLevel = (text: string): text is LogLevel =>
  (LOG_LEVELS as readonly string[]).includes(text);

/** Where files go, when not into the data folder: all of it is named, or nothing. */
function readS3(env: Environment, check: (isValid: boolean, name: Name) => void): S3Place | null {
  const endpoint = env.PARLEY_S3_ENDPOINT;
  const bucket = env.PARLEY_S3_BUCKET;
  const region = env.PARLEY_S3_REGION;
  const accessKey = env.PARLEY_S3_ACCESS_KEY;
  const secretKey = env.PARLEY_S3_SECRET_KEY;
  if ([endpoint, bucket, region, accessKey, secretKey].every((value) => value === undefined))
    return null;
  check(endpoint !== undefined && isHttp(endpoint), "PARLEY_S3_ENDPOINT");
  check(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket ?? ""), "PARLEY_S3_BUCKET");
  check(/^[a-z0-9-]{1,64}$/.test(region ?? ""), "PARLEY_S3_REGION");
  check(Boolean(accessKey), "PARLEY_S3_ACCESS_KEY");
  check(Boolean(secretKey), "PARLEY_S3_SECRET_KEY");
  return {
    endpoint: endpoint ?? "",
    bucket: bucket ?? "",
    region: region ?? "",
    accessKey: accessKey ?? "",
    secretKey: new Secret(secretKey ?? ""),
  };
}

const isHttp = (text: string): boolean => /^https?:$/.test(URL.parse(text)?.protocol ?? "");

function isRedis(text: string): boolean {
  const protocol = URL.parse(text)?.protocol;
  return protocol === "redis:" || protocol === "rediss:";
}

function isPostgresAddress(text: string): boolean {
  try {
    const { protocol, hostname, pathname } = new URL(text);
    return /^postgres(ql)?:$/.test(protocol) && hostname !== "" && pathname.length > 1;
  } catch {
    return false;
  }
}

function isOrigin(text: string): boolean {
  try {
    const url = new URL(text);
    return url.origin === text && /^(https?|wss?):$/.test(url.protocol);
  } catch {
    return false;
  }
}
