/** A PostgreSQL of a test's own, and fresh databases on it. Where none is installed, what needs one is skipped. */
import { randomBytes } from "node:crypto";
import { Client } from "pg";
import { afterAll } from "vitest";
import { Secret } from "#base/secret.ts";
import { clientConfig } from "./session.ts";
import { startPostgres, type RealPostgres } from "#sdk/shared/real-servers.contract.ts";

/** Why suites on PostgreSQL do not run here; null: they do. */
export const NO_POSTGRES = startPostgres === null ? "PostgreSQL is not installed here" : null;

const DURABLE = ["fsync=on", "synchronous_commit=on", "max_connections=200"];

let running: Promise<RealPostgres> | null = null;
afterAll(async () => {
  const server = running;
  running = null;
  await (await server)?.stop();
});

/** The server of this file's tests; its commits wait for the disk. */
export function theServer(): Promise<RealPostgres> {
  if (startPostgres === null) throw new Error(NO_POSTGRES ?? "");
  running ??= startPostgres(DURABLE);
  return running;
}

/** One statement by the server's own user. */
export async function tellServer<Row = unknown>(
  address: string,
  text: string,
  params: readonly string[] = [],
): Promise<Row[]> {
  // The relay's limits are for the relay: a test waits as long as it takes.
  const limits = { connectionTimeoutMillis: 0, query_timeout: 0 };
  const needs = { ...clientConfig(new Secret(address)), ...limits, application_name: "test" };
  const client = new Client(needs);
  await client.connect();
  const { rows } = await client.query(text, [...params]);
  await client.end();
  return rows as Row[];
}

/** An empty database; it goes with the server. */
export async function aDatabase(): Promise<Secret<string>> {
  const { address } = await theServer();
  const name = `relay_${randomBytes(6).toString("hex")}`;
  await tellServer(address, `CREATE DATABASE ${name}`);
  return new Secret(address.replace(/[^/]+$/, name));
}
