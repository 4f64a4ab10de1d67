import { describe, expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { silentLog } from "#base/log.ts";
import { err, ok } from "#base/result.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import type { AgentId } from "#protocol/ids.ts";
import { createConnection, type ConnectionEvent, type ConnectionOptions } from "./connection.ts";
import { createScriptedSockets } from "./scripted-socket.ts";

const AGENT = "01900000-0000-7000-8000-0000000000aa" as AgentId;
const presence = {
  type: "presence",
  peer_id: AGENT,
  peer_type: "agent",
  state: "online",
  at: "2026-01-01T00:00:00.000Z",
} as const;
const authOk = { type: "auth.ok", connection_id: "c1", log_epoch: "e1" } as const;

function aConnection(
  options: {
    agentId?: AgentId;
    tokens?: readonly (string | null)[];
    /** How a fresh token is had. */
    fresh?: () => ReturnType<ConnectionOptions["tokens"]["token"]>;
  } = {},
) {
  const clock = createFakeClock();
  const sockets = createScriptedSockets();
  const asked: boolean[] = [];
  const tokens = [...(options.tokens ?? [])];
  const connection = createConnection({
    clock,
    random: createSeededRandom(1),
    log: silentLog,
    openSocket: sockets.open,
    url: "ws://relay.test/ws/human",
    agentId: options.agentId ?? null,
    connectionHint: "hint",
    tokens: {
      async token(fresh) {
        asked.push(fresh);
        if (fresh && options.fresh !== undefined) return options.fresh();
        const next = tokens.length === 0 ? "token" : tokens.shift();
        return next === null || next === undefined ? err({ kind: "peer/offline" }) : ok(next);
      },
    },
  });
  const events: ConnectionEvent[] = [];
  connection.on((event) => events.push(event));
  const statuses = () =>
    events.flatMap((event) => (event.type === "status" ? event.status.status : []));
  const goOnline = async () => {
    await clock.advance(0);
    sockets.last().opens();
    sockets.last().says(authOk);
  };
  return { clock, sockets, connection, events, statuses, asked, goOnline };
}

describe("signing in", () => {
  test("[E1] a line goes from idle over connecting and authenticating to online", async () => {
    const { connection, sockets, statuses, goOnline } = aConnection();

    connection.start();
    await goOnline();

    expect(statuses()).toEqual(["connecting", "authenticating", "online"]);
    expect(sockets.last().sent).toEqual([
      { type: "auth", token: "token", protocol: "parley-1", connection_hint: "hint" },
    ]);
  });

  test("[E1] an agent names itself beside its token", async () => {
    const { connection, sockets, goOnline } = aConnection({ agentId: AGENT });

    connection.start();
    await goOnline();

    expect(sockets.last().sent[0]).toMatchObject({ type: "auth", agent_id: AGENT });
  });

  test("[E1] nothing but the line's own frames leaves before auth.ok", async () => {
    const { connection, sockets, clock } = aConnection();

    connection.start();
    await clock.advance(0);
    sockets.last().opens();
    const left = connection.send({ type: "presence.set", state: "away" });

    expect(left).toBe(false);
    expect(sockets.last().sent).toHaveLength(1);
  });

  test("[E1] nothing is sent, and nothing is heard, while no one has signed in", async () => {
    const { connection, sockets, clock, events } = aConnection();
    const send = () => connection.send({ type: "presence.set", state: "away" });
    const before = send();
    connection.start();
    await clock.advance(0);
    const connecting = send();
    sockets.last().opens();
    sockets.last().says({ type: "pong", t: 1 });
    sockets.last().says(presence);
    sockets.last().says({ type: "auth.expiring", expires_in_seconds: 60 });
    sockets.last().says({ type: "session.invalidated", reason: "logout" });
    await clock.advance(0);

    expect([before, connecting, send()]).toEqual([false, false, false]);
    expect(sockets.last().sent.map(({ type }) => type)).toEqual(["auth"]);
    expect(events.filter(({ type }) => type !== "status")).toEqual([]);
    expect(connection.status().status).toBe("authenticating");
    sockets.last().says(authOk);
    sockets.last().says(presence);
    expect(events.filter(({ type }) => type === "frame")).toHaveLength(1);
    sockets.last().closes(1006);
    expect(send()).toBe(false);
  });

  test("[E1] a token that comes when its line is gone leaves over no other one", async () => {
    let renew = () => {};
    const { connection, sockets, clock, goOnline } = aConnection({
      fresh: () =>
        new Promise((resolve) => {
          renew = () => resolve(ok("renewed"));
        }),
    });
    connection.start();
    await goOnline();
    sockets.last().says({ type: "auth.expiring", expires_in_seconds: 60 });
    await clock.advance(0);
    sockets.last().closes(1006);
    await clock.advance(1_000);
    expect(sockets.sockets).toHaveLength(2);

    renew();
    await clock.advance(0);
    sockets.last().opens();

    expect(sockets.last().sent.map(({ type }) => type)).toEqual(["auth"]);
  });

  test("[E2] a device whose token is refused tries once with a fresh one, then stops", async () => {
    const { connection, sockets, clock, events, asked } = aConnection();
    connection.start();
    await clock.advance(0);
    sockets.last().opens();
    sockets.last().closes(4002);
    await clock.advance(1_000);
    sockets.last().opens();
    sockets.last().closes(4002);

    expect(asked).toEqual([false, true]);
    expect(connection.status()).toMatchObject({ status: "stopped", fatal: true });
    expect(events.at(-1)).toEqual({
      type: "failed",
      failure: { kind: "peer/unauthenticated", reason: "AUTH_FAILED" },
    });
  });

  test("[E2] an agent whose token is refused stops at once", async () => {
    const { connection, sockets, clock } = aConnection({ agentId: AGENT });
    connection.start();
    await clock.advance(0);
    sockets.last().opens();
    sockets.last().closes(4002);

    expect(connection.status()).toMatchObject({ status: "stopped", fatal: true });
  });

  test("[E3] a token about to expire is renewed on the open line", async () => {
    const { connection, sockets, clock, asked, goOnline } = aConnection();
    connection.start();
    await goOnline();

    sockets.last().says({ type: "auth.expiring", expires_in_seconds: 60 });
    await clock.advance(0);

    expect(asked).toEqual([false, true]);
    expect(sockets.last().sent.at(-1)).toEqual({ type: "auth.renew", access_token: "token" });
    expect(sockets.sockets).toHaveLength(1);
  });
});

describe("staying alive", () => {
  test("[E4] a quiet line pings after 30 s and no sooner", async () => {
    const { connection, sockets, clock, goOnline } = aConnection();
    connection.start();
    await goOnline();

    await clock.advance(29_000);
    expect(sockets.last().sent.filter(({ type }) => type === "ping")).toHaveLength(0);
    await clock.advance(2_000);
    expect(sockets.last().sent.filter(({ type }) => type === "ping")).toHaveLength(1);
  });

  test("[E4] 90 s without a word drop the socket and open another", async () => {
    const { connection, sockets, clock, statuses, goOnline } = aConnection();
    connection.start();
    await goOnline();

    await clock.advance(91_000);
    expect(sockets.sockets[0]?.closedWith()).toBe(4005);
    expect(statuses()).toContain("waiting");
    await clock.advance(1_000);

    expect(sockets.sockets).toHaveLength(2);
  });

  test("[E4] any word from the relay counts as life", async () => {
    const { connection, sockets, clock, goOnline } = aConnection();
    connection.start();
    await goOnline();

    for (let i = 0; i < 4; i++) {
      await clock.advance(60_000);
      sockets.last().says({ type: "pong" });
    }

    expect(connection.status().status).toBe("online");
  });
});

describe("coming back", () => {
  test("[E5] waits grow from one second to thirty and start over after auth.ok", async () => {
    const { connection, sockets, clock, goOnline } = aConnection();
    connection.start();
    await clock.advance(0);
    const waits: number[] = [];
    for (let i = 0; i < 7; i++) {
      sockets.last().closes(1006);
      const status = connection.status();
      if (status.status !== "waiting") throw new Error("the line should wait");
      waits.push(status.retryAt - status.since);
      await clock.advance(status.retryAt - status.since);
    }
    await goOnline();
    sockets.last().closes(1006);
    const after = connection.status();

    const ceilings = [1, 2, 4, 8, 16, 30, 30].map((seconds) => seconds * 1_000);
    expect(
      waits.every((wait, i) => wait >= (ceilings[i] ?? 0) / 2 && wait <= (ceilings[i] ?? 0)),
    ).toBe(true);
    expect(after.status === "waiting" && after.retryAt - after.since).toBeLessThanOrEqual(1_000);
  });

  test("[E5] a nudge tries at once, but never more than 12 times a minute", async () => {
    const { connection, sockets, clock } = aConnection();
    connection.start();
    await clock.advance(0);

    for (let i = 0; i < 30; i++) {
      sockets.last().closes(1006);
      connection.nudge();
      await clock.advance(0);
    }

    expect(sockets.sockets).toHaveLength(12);
    await clock.advance(61_000);
    expect(sockets.sockets.length).toBeGreaterThan(12);
  });

  test("[E6] an evicted line says so and waits 30 to 60 s", async () => {
    const { connection, sockets, events, goOnline } = aConnection();
    connection.start();
    await goOnline();

    sockets.last().closes(4008, "EVICTED");

    const status = connection.status();
    expect(events.map(({ type }) => type)).toContain("evicted");
    expect(status.status === "waiting" && status.retryAt - status.since).toBeGreaterThanOrEqual(
      30_000,
    );
    expect(status.status === "waiting" && status.retryAt - status.since).toBeLessThanOrEqual(
      60_000,
    );
  });

  test("[E6] a restarting relay is given the time it asks for", async () => {
    const { connection, sockets, goOnline } = aConnection();
    connection.start();
    await goOnline();

    sockets.last().closes(4014, "RESTARTING retry_after=5");

    const status = connection.status();
    expect(status.status === "waiting" && status.retryAt - status.since).toBeGreaterThanOrEqual(
      5_000,
    );
  });

  test.each([
    [4004, "peer/not-found"],
    [4006, "peer/session-invalidated"],
    [4007, "peer/blocked"],
    [4012, "peer/refused"],
    [4015, "peer/refused"],
  ])("[E7] close code %i ends the line for good", async (code, kind) => {
    const { connection, sockets, clock, events, goOnline } = aConnection();
    connection.start();
    await goOnline();

    sockets.last().closes(code);
    await clock.advance(120_000);

    expect(sockets.sockets).toHaveLength(1);
    expect(connection.status()).toMatchObject({ status: "stopped", fatal: true });
    expect(events.at(-1)).toMatchObject({ type: "failed", failure: { kind } });
  });

  test("[E7] a line replaced by a newer one of its own process stays closed without a fault", async () => {
    const { connection, sockets, goOnline } = aConnection();
    connection.start();
    await goOnline();

    sockets.last().closes(4013);

    expect(connection.status()).toEqual({ status: "stopped", because: "REPLACED", fatal: false });
  });

  test("[E7] three protocol errors within a minute are fatal", async () => {
    const { connection, sockets, clock } = aConnection();
    connection.start();
    for (let i = 0; i < 3; i++) {
      await clock.advance(5_000);
      sockets.last().closes(4000);
    }

    expect(connection.status()).toMatchObject({ status: "stopped", fatal: true });
  });

  test("[E7] a code nobody knows means: try again", async () => {
    const { connection, sockets, goOnline } = aConnection();
    connection.start();
    await goOnline();

    sockets.last().closes(4999);

    expect(connection.status().status).toBe("waiting");
  });

  test("[E8] text that is no frame closes the line with 4000; an unknown frame is passed over", async () => {
    const { connection, sockets, goOnline } = aConnection();
    connection.start();
    await goOnline();

    sockets.last().saysText('{"type":"tomorrow.frame"}');
    expect(connection.status().status).toBe("online");
    sockets.last().saysText("<html>");

    expect(sockets.sockets[0]?.closedWith()).toBe(4000);
    expect(connection.status().status).toBe("waiting");
  });

  test("[E5] no token for want of a network is a wait, not an end", async () => {
    const { connection, clock, sockets } = aConnection({ tokens: [null, "later"] });
    connection.start();
    await clock.advance(0);
    expect(connection.status().status).toBe("waiting");
    await clock.advance(1_000);

    expect(sockets.sockets).toHaveLength(1);
  });

  test("[E9] a stopped line closes with 1000 and stays closed", async () => {
    const { connection, sockets, clock, goOnline } = aConnection();
    connection.start();
    await goOnline();

    connection.stop();
    await clock.advance(120_000);

    expect(sockets.sockets[0]?.closedWith()).toBe(1000);
    expect(sockets.sockets).toHaveLength(1);
    expect(connection.status()).toEqual({ status: "stopped", because: "closed", fatal: false });
  });

  test("[E9] a line stopped while it waits, or for its token, tries no more", async () => {
    const waiting = aConnection();
    waiting.connection.start();
    await waiting.goOnline();
    waiting.sockets.last().closes(1006);
    expect(waiting.connection.status().status).toBe("waiting");
    waiting.connection.stop();
    await waiting.clock.advance(120_000);
    const asking = aConnection();
    asking.connection.start();
    asking.connection.stop();
    await asking.clock.advance(120_000);

    expect([waiting, asking].map(({ sockets }) => sockets.sockets.length)).toEqual([1, 0]);
    for (const { connection } of [waiting, asking])
      expect(connection.status().status).toBe("stopped");
  });

  test("[E9] what a closed socket still says is nothing to the line after it", async () => {
    const { connection, sockets, events, goOnline } = aConnection();
    connection.start();
    await goOnline();
    const [old] = sockets.sockets;
    connection.stop();
    connection.start();
    await goOnline();

    old?.says(presence);
    old?.closes(1006);

    expect(sockets.sockets).toHaveLength(2);
    expect(connection.status().status).toBe("online");
    expect(events.filter(({ type }) => type === "frame")).toEqual([]);
  });
});
