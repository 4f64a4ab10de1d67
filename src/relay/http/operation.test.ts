import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { Secret } from "#base/secret.ts";
import { createJsonLog, factsOf } from "../json-log.ts";
import { createMetrics, METRICS } from "../metrics.ts";
import { aMessage, aWorld, onTestEnd } from "../relay-world.contract.ts";
import { aPersonWithAnAgent } from "../rest-steps.contract.ts";

describe("the counters", () => {
  test("[P288] say what happened, by names of ours alone", async () => {
    const { world, ada, echo, conversation } = await aPersonWithAnAgent(await aWorld());
    const agent = await world.online(echo);
    const person = await world.online(ada);
    person.send(aMessage(conversation, ada));
    await person.next("message.ack");
    await agent.next("message.new");
    await world.rest("GET", `/conversations/${conversation}`, ada.token);

    const { body, headers } = await world.rest("GET", "/metrics");

    const lines = new Set((body as string).split("\n"));
    expect(headers.get("content-type")).toContain("version=0.0.4");
    for (const line of [
      'parley_relay_connections{kind="human"} 1',
      'parley_relay_connections{kind="agent"} 1',
      // The agent has acknowledged neither its first entry nor the message.
      'parley_relay_unacked{kind="agent"} 2',
      'parley_relay_appends_total{entry="message.new"} 1',
      'parley_relay_frames_total{direction="in",type="message.send"} 1',
      'parley_relay_frames_total{direction="out",type="message.ack"} 1',
      'parley_relay_resumes_total{status="continued"} 2',
      "parley_relay_append_seconds_count 1",
      "parley_relay_storage_state 0",
      'parley_relay_http_requests_total{route="GET /conversations/:id",status="200"} 1',
    ])
      expect(lines).toContain(line);
    for (const secret of [ada.id, echo.id, conversation, "127.0.0.1", '"ada"'])
      expect(body).not.toContain(secret);
  });

  test("[P288] are each named, described and of one kind", () => {
    const text = createMetrics().text();

    for (const [name, { kind }] of Object.entries(METRICS))
      expect(text).toContain(`# TYPE parley_relay_${name} ${kind}\n`);
    expect(text).toContain("parley_relay_evictions_total 0\n");
  });

  test("[P81] are for this machine, or for who brings the token", async () => {
    const world = await aWorld({ metricsToken: new Secret("a-token-of-the-operator") });
    const proxied = { "x-forwarded-for": "203.0.113.5" };
    const status = async (headers: Record<string, string>, token: string | null = null) =>
      (await world.rest("GET", "/metrics", token, undefined, headers)).status;

    expect(await status({})).toBe(200);
    expect(await status(proxied)).toBe(403);
    expect(await status(proxied, "another-token")).toBe(403);
    expect(await status(proxied, "a-token-of-the-operator")).toBe(200);
  });
});

describe("a relay's state", () => {
  test("[R11] is ready while it appends", async () => {
    const world = await aWorld();

    expect(await world.rest("GET", "/ready")).toMatchObject({
      status: 200,
      body: { data: { ready: true, bus: "none" } },
    });
  });
});

test("[R11] a relay that is about to stop is not ready any more", async () => {
  const world = await aWorld();
  const { hostname, port } = new URL(world.url());
  const line = connect(Number(port), hostname);
  onTestEnd(() => void line.destroy());
  let told = "";
  line.on("data", (bytes) => (told += bytes.toString()));
  const until = async (part: string): Promise<void> => {
    while (!told.includes(part)) await once(line, "data");
  };
  // A line in the middle of a request is served to its end.
  line.write("GET /ready HTTP/1.1\r\nHost: relay\r\n\r\nGET /ready HTTP/1.1\r\nHost: relay\r\n");
  await until('"ready":true');

  const stopped = world.stop();
  line.write("Connection: close\r\n\r\n");
  await until('"ready":false');
  await stopped;

  expect(told).toContain("HTTP/1.1 503");
});

describe("the log", () => {
  test("[R13] is one JSON object a line, from the chosen level upwards", () => {
    const lines: string[] = [];
    const log = createJsonLog((line) => lines.push(line), createFakeClock(0), "info");

    log.debug("left.out");
    log.info("socket.closed", { code: 4008 });

    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { at: "1970-01-01T00:00:00.000Z", level: "info", event: "socket.closed", code: 4008 },
    ]);
  });

  test("[R13] [P289] tells where a fault was thrown, never its words", () => {
    let fault: unknown = null;
    try {
      JSON.parse("a secret somebody sent");
    } catch (thrown) {
      fault = thrown;
    }

    const facts = factsOf(fault);

    expect(facts).toMatchObject({ name: "SyntaxError", place: expect.stringMatching(/\.ts:\d+$/) });
    expect(JSON.stringify(facts)).not.toContain("secret");
  });
});
