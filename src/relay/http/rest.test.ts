import { randomBytes } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { describe, expect, test } from "vitest";
import { concat } from "#base/bytes.ts";
import type { AgentId, ConversationId, UserId } from "#protocol/ids.ts";
import { encodeVouch, type Vouch } from "#protocol/vouch.ts";
import { hashOf, NO_HASH } from "../ledger-head.ts";
import { aPersonWithAPassword, cookieOf } from "../password-steps.contract.ts";
import {
  aLedger,
  aMessage,
  anId,
  aWorld,
  onTestEnd,
  openSocket,
  text64,
} from "../relay-world.contract.ts";
import { codeOf } from "../rest-steps.contract.ts";

describe("every body", () => {
  test("[R60] over a mebibyte is refused before it was read whole, though its length was not said", async () => {
    const world = await aWorld();
    const piece = new Uint8Array(64 * 1024).fill(0x20);
    const sent = { bytes: 0 };

    const status = await new Promise<number | undefined>((resolve, reject) => {
      const call = request(`${world.url()}/auth/register`, {
        method: "POST",
        headers: { "content-type": "application/json" },
      });
      onTestEnd(() => void call.destroy());
      const more = (): void => {
        if (call.destroyed || sent.bytes >= 64 * 1024 * 1024) return;
        sent.bytes += piece.length;
        call.write(piece, more);
      };
      call.on("response", (answer) => resolve(answer.statusCode)).on("error", reject);
      more();
    });

    expect(status).toBe(413);
    expect(sent.bytes).toBeLessThan(32 * 1024 * 1024);
    const said = await world.rest("POST", "/auth/register", null, { a: "x".repeat(1 << 20) });
    expect(said).toMatchObject({ status: 413, body: { error: { code: "TOO_LARGE" } } });
  });

  test("[R60] of a mebibyte is read, and one byte more is refused", async () => {
    const world = await aWorld();
    const bodyOf = (sizeBytes: number) => new Uint8Array(sizeBytes).fill(0x20);
    const send = (sizeBytes: number) =>
      world.rest("POST", "/auth/register", null, bodyOf(sizeBytes), {
        "content-type": "application/json",
      });

    expect(codeOf(await send(1 << 20))).toBe("BAD_REQUEST");
    expect(codeOf(await send((1 << 20) + 1))).toBe("TOO_LARGE");
  });
});

describe("every answer", () => {
  test("[S1] carries the security headers, whatever the route and the outcome", async () => {
    const dist = mkdtempSync(join(tmpdir(), "parley-dist-"));
    onTestEnd(() => rmSync(dist, { recursive: true }));
    mkdirSync(join(dist, "assets"));
    writeFileSync(join(dist, "index.html"), "<!doctype html>");
    writeFileSync(join(dist, "assets", "app-1.js"), "1");
    const world = await aWorld({ staticRoot: dist, connectSources: ["https://agent.example"] });

    const policy = [
      "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; font-src 'self';",
      "img-src 'self' blob:; media-src blob:; connect-src 'self' https://agent.example;",
      "manifest-src 'self'; frame-src 'none'; base-uri 'none'; form-action 'none';",
      "frame-ancestors 'none'; object-src 'none';",
      "require-trusted-types-for 'script'; trusted-types app-worker",
    ].join(" ");
    const expected = {
      "content-security-policy": policy,
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-embedder-policy": "require-corp",
      "cross-origin-resource-policy": "same-origin",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
      "x-dns-prefetch-control": "off",
      "permissions-policy": "camera=(self), microphone=(self), geolocation=(), payment=(), usb=()",
      "strict-transport-security": "max-age=63072000",
    };
    const foreign = { origin: "https://elsewhere.example" };
    const tooLong = new Uint8Array(1_048_577);
    for (const [status, method, path, body, headers] of [
      [200, "GET", "/"],
      [200, "HEAD", "/"],
      [200, "GET", "/i/some-code"],
      [200, "GET", "/assets/app-1.js"],
      [404, "GET", "/assets/gone.js"],
      [200, "GET", "/auth/config"],
      [401, "GET", "/users/me"],
      [200, "GET", "/health"],
      [404, "GET", "/nothing.txt"],
      [401, "GET", "/users/%E0%A4%A"],
      [404, "POST", "/nowhere", {}],
      [400, "POST", "/auth/login", {}],
      [403, "POST", "/auth/login", {}, foreign],
      [413, "POST", "/auth/login", tooLong],
      [501, "POST", "/auth/send-code", {}],
    ] as const) {
      const answer = await world.rest(method, path, null, body, headers);
      const shown = Object.keys(expected).map((name) => [name, answer.headers.get(name)]);
      expect([answer.status, Object.fromEntries(shown)], `${method} ${path}`).toEqual([
        status,
        expected,
      ]);
    }
  });

  test("[R57] promises to keep a quiet connection longer than proxies do", async () => {
    const { rest } = await aWorld();

    const { headers } = await rest("GET", "/health");

    expect(headers.get("keep-alive")).toBe("timeout=75");
  });

  test("[P13] the app gets every path that is not the relay's own", async () => {
    const dist = mkdtempSync(join(tmpdir(), "parley-dist-"));
    onTestEnd(() => rmSync(dist, { recursive: true }));
    writeFileSync(join(dist, "index.html"), "the app");
    writeFileSync(join(dist, "..", "outside.txt"), "not the app's");
    const world = await aWorld({ staticRoot: dist });

    expect((await world.rest("GET", "/i/abc")).body).toBe("the app");
    expect((await world.rest("GET", "/p/ada")).body).toBe("the app");
    expect((await world.rest("GET", "/conversations/nothing/at/all")).status).toBe(404);
    expect((await world.rest("GET", "/..%2foutside.txt")).status).toBe(404);
  });

  test("[P13] the app's page of contacts is a page for whoever asks for one, and a list for whoever asks with a token", async () => {
    const dist = mkdtempSync(join(tmpdir(), "parley-dist-"));
    onTestEnd(() => rmSync(dist, { recursive: true }));
    writeFileSync(join(dist, "index.html"), "the app");
    const world = await aWorld({ staticRoot: dist });
    const ada = await world.person("ada");
    const asksForPage = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" };

    const page = await world.rest("GET", "/contacts", null, undefined, asksForPage);

    expect([page.status, page.body]).toEqual([200, "the app"]);
    expect(page.headers.get("cache-control")).toBe("no-store");
    expect((await world.rest("GET", "/contacts", ada.token)).body.data).toEqual([]);
    expect((await world.rest("GET", "/contacts")).status).toBe(401);
    expect((await world.rest("GET", "/users/me", null, undefined, asksForPage)).status).toBe(401);
  });

  test("[P7] [P9] a refusal names its code, its key and is never stored by a cache", async () => {
    const world = await aWorld();

    const answer = await world.rest("GET", "/users/me", "nonsense");

    expect(answer.status).toBe(401);
    expect(answer.body).toEqual({
      error: {
        code: "UNAUTHENTICATED",
        message: expect.any(String),
        i18n_key: "error.code.unauthenticated",
        params: {},
      },
    });
    expect(answer.headers.get("cache-control")).toBe("no-store");
  });

  test("[P9] [P86] a foreign page may neither change anything nor open a socket", async () => {
    const world = await aWorld();
    const origin = "https://evil.example";

    const answer = await world.rest("POST", "/auth/params", null, { handle: "ada" }, { origin });

    expect([answer.status, answer.body.error.code]).toEqual([403, "ORIGIN_REFUSED"]);
    const ws = world.url().replace("http", "ws");
    await expect(openSocket(`${ws}/ws/human`, origin)).rejects.toThrow("403");
    await expect(openSocket(`${ws}/ws/human`, null)).rejects.toThrow("403");
    await expect(openSocket(`${ws}/ws/agent`, null)).resolves.toBeDefined();
  });

  test("[P81] health says whether the relay can append", async () => {
    const world = await aWorld();

    expect((await world.rest("GET", "/health")).body.data).toMatchObject({
      status: "ok",
      storage: "ok",
    });
  });

  test("[P275] what is switched off says so", async () => {
    const world = await aWorld();

    expect((await world.rest("POST", "/auth/send-code")).body.error.code).toBe("NOT_ENABLED");
    expect((await world.rest("POST", "/keys/rotation/request")).status).toBe(501);
    const { id } = await world.agent();
    expect((await world.rest("POST", `/agents/${id}/keys/reset`)).status).toBe(501);
  });
});

describe("meeting", () => {
  test("[P57] [P133] accepting an agent's invite opens a conversation and tells the agent", async () => {
    const world = await aWorld();
    const ada = await world.person("ada");
    const echo = await world.agent();
    const agent = await world.online(echo);
    const shown = await world.rest("GET", `/invites/${echo.inviteCode}`);
    expect(shown.body.data.agent).toMatchObject({
      agent_id: echo.id,
      creator_id: null,
      online: true,
    });

    const conversation = await world.invite(ada, echo.inviteCode);

    const established = await agent.next("relation.established");
    expect(established).toMatchObject({ conversation_id: conversation, conversation_seq: 1 });
    expect(established.payload).toMatchObject({
      user_id: ada.id,
      agent_id: echo.id,
      granted_scopes: ["chat:read"],
    });
    const ledger = await world.rest("GET", `/conversations/${conversation}/ledger`, echo.token);
    expect(ledger.body.data.map((row: any) => row.ledger_seq)).toEqual([0, 1]);
    expect(ledger.body.data[0].prev_hash).toBe(text64(NO_HASH));
    const list = await world.rest("GET", "/conversations", ada.token);
    expect(list.body.data).toMatchObject([
      {
        conversation_id: conversation,
        type: "h2a",
        peer: { id: echo.id, type: "agent" },
        relation_status: "established",
      },
    ]);
  });

  test("[P35] [P36] a contact request is accepted by the one asked, and both are in the conversation", async () => {
    const world = await aWorld();
    const ada = await world.person("ada");
    const bob = await world.person("bob");
    const asking = await world.online(ada);
    const asked = await world.online(bob);

    const { request_id } = (
      await world.rest("POST", "/contacts/requests", ada.token, { user_id: bob.id })
    ).body.data;
    expect(await asked.next("contact.requested")).toMatchObject({ request_id, user_id: ada.id });
    const conversation_id = anId<ConversationId>();
    const body = { conversation_id, ledger: aLedger(1, conversation_id, 3).map(text64) };
    expect(
      (await world.rest("POST", `/contacts/requests/${request_id}/accept`, ada.token, body)).status,
    ).toBe(404);
    expect(
      (await world.rest("POST", `/contacts/requests/${request_id}/accept`, bob.token, body)).status,
    ).toBe(201);

    expect(await asking.next("contact.accepted")).toMatchObject({
      user_id: bob.id,
      conversation_id,
    });
    expect(await asking.next("relation.established")).toMatchObject({
      conversation_id,
      conversation_seq: 1,
    });
    const contacts = await world.rest("GET", "/contacts", ada.token);
    expect(contacts.body.data).toMatchObject([
      { user: { handle: "bob" }, relation: { kind: "h2h", conversation_id } },
    ]);
    asking.send(aMessage(conversation_id, ada));
    expect(await asked.next("message.new")).toMatchObject({ sender_id: ada.id });
    await world.rest("POST", "/users/blocks", bob.token, { user_id: ada.id });
    await asking.next("message.ack");
    asking.send(aMessage(conversation_id, ada));
    expect((await asking.next("error")).code).toBe("BLOCKED");
  });

  test("[P71] [P139] a group's member comes and goes with a ledger entry, and sees what lies between", async () => {
    const world = await aWorld();
    const ada = await world.person("ada");
    const bob = await world.person("bob");
    const conversation_id = anId<ConversationId>();
    const ledger = aLedger(1, conversation_id, 4);
    const row = (seq: number) => ({
      ledger_seq: seq,
      prev_hash: text64(hashOf(ledger[seq - 1] ?? new Uint8Array())),
      entry: text64(ledger[seq] ?? new Uint8Array()),
    });
    const created = await world.rest("POST", "/groups", ada.token, {
      conversation_id,
      members: [],
      ledger: ledger.slice(0, 2).map(text64),
    });
    expect(created.body.data.group).toMatchObject({ role: "owner", group_key_version: 1 });
    const owner = await world.online(ada);
    const member = await world.online(bob);
    owner.send(aMessage(conversation_id, ada));
    await owner.next("message.ack");

    await world.rest("POST", `/groups/${conversation_id}/members`, ada.token, {
      id: bob.id,
      type: "human",
      ledger: row(2),
    });
    expect(await member.next("ledger.appended")).toMatchObject({
      ledger_seq: 2,
      conversation_seq: 2,
    });
    expect(await member.next("group.updated")).toMatchObject({
      change: "member_added",
      subject_id: bob.id,
    });
    const path = `/groups/${conversation_id}/members/${bob.id}`;
    await world.rest("DELETE", path, ada.token, { ledger: row(3) });
    expect(await member.next("group.updated")).toMatchObject({ change: "member_removed" });
    owner.send(aMessage(conversation_id, ada));
    await owner.next("message.ack");

    for (const bound of ["after=0", "before=99"]) {
      const seen = await world.rest(
        "GET",
        `/conversations/${conversation_id}/messages?${bound}`,
        bob.token,
      );
      expect(seen.body.data.map((frame: any) => [frame.conversation_seq, frame.type])).toEqual([
        [2, "ledger.appended"],
        [3, "group.updated"],
        [4, "ledger.appended"],
        [5, "group.updated"],
      ]);
    }
    await member.settle();
    expect(member.seen("message.new")).toEqual([]);
  });

  test("[P41] an agent's first keys are taken, the same again are a repeat, others are refused", async () => {
    const world = await aWorld();
    const echo = await world.agent();
    const [card] = aLedger(0, echo.id, 1);
    const keys = {
      public_key: text64(randomBytes(32)),
      signing_public_key: text64(randomBytes(32)),
      prekeys: [{ kid: text64(randomBytes(16)), suite: 2, certificate: text64(randomBytes(40)) }],
      card: text64(card ?? new Uint8Array()),
    };
    const register = (body: unknown) =>
      world.rest("POST", `/agents/${echo.id}/keys/register`, echo.token, body);

    const statuses = [(await register(keys)).status, (await register(keys)).status];
    await world.clock.advance(3_600_000);
    const prekeys: unknown[] = [];
    const others = [
      await register({ ...keys, prekeys, signing_public_key: text64(randomBytes(32)) }),
      await register({ ...keys, prekeys, public_key: text64(randomBytes(32)) }),
    ];

    expect(statuses).toEqual([200, 200]);
    expect(others.map(codeOf)).toEqual(["AGENT_KEY_MISMATCH", "AGENT_KEY_MISMATCH"]);
    const shown = await world.rest("GET", `/keys/agents/${echo.id}`, echo.token);
    expect(shown.body.data).toEqual({ agent_id: echo.id, ...keys });
  });

  test("[P54] an agent's creator puts their word beside its card; another's, or one for another agent, is refused", async () => {
    const world = await aWorld();
    const ada = await world.person("ada");
    const bob = await world.person("bob");
    const made = await world.rest("POST", "/agents", ada.token, { display_name: "Helper" });
    const { agent_id, token } = made.body.data;
    const [first = new Uint8Array()] = aLedger(0, agent_id, 1);
    const said = {
      creatorId: ada.id as UserId,
      deviceId: ada.deviceId,
      creatorFingerprint: hashOf(first),
      agentId: agent_id,
      agentFingerprint: hashOf(first),
      beginning: hashOf(first),
      createdAt: 0,
    };
    const put = async (vouch: Vouch, by = ada.token) => {
      const card = text64(concat(encodeVouch(vouch), new Uint8Array(64)));
      const { status, body } = await world.rest("PUT", `/agents/${agent_id}/card`, by, { card });
      return body.error?.code ?? status;
    };
    const shown = async () =>
      (await world.rest("GET", `/agents/${agent_id}`, bob.token)).body.data.cosigned_card;

    expect(await put(said)).toBe("BAD_REQUEST");
    await world.rest("POST", `/agents/${agent_id}/keys/register`, token, {
      public_key: text64(randomBytes(32)),
      signing_public_key: text64(randomBytes(32)),
      prekeys: [],
      card: text64(first),
    });
    const bobs = { creatorId: bob.id as UserId, deviceId: bob.deviceId };
    expect(await put({ ...said, ...bobs }, bob.token)).toBe("NOT_FOUND");
    expect(await put(said, token)).toBe("UNAUTHENTICATED");
    for (const wrong of [
      bobs,
      { deviceId: bob.deviceId },
      { agentId: anId<AgentId>() },
      { beginning: hashOf(new Uint8Array()) },
    ])
      expect(await put({ ...said, ...wrong })).toBe("BAD_REQUEST");
    expect(await shown()).toBeNull();
    expect(await put(said)).toBe(200);
    expect(await put({ ...said, createdAt: 1 })).toBe(200);

    const card = text64(concat(encodeVouch({ ...said, createdAt: 1 }), new Uint8Array(64)));
    expect(await shown()).toBe(card);
    expect((await world.rest("GET", "/agents", ada.token)).body.data).toMatchObject([
      { agent_id, cosigned_card: card },
    ]);

    const withdraw = async (by: string) => {
      const { status, body } = await world.rest("DELETE", `/agents/${agent_id}/card`, by);
      return body.error?.code ?? status;
    };
    expect(await withdraw(bob.token)).toBe("NOT_FOUND");
    expect(await withdraw(token)).toBe("UNAUTHENTICATED");
    expect(await shown()).toBe(card);
    expect([await withdraw(ada.token), await withdraw(ada.token)]).toEqual([200, 200]);
    expect(await shown()).toBeNull();
  });

  test("[P143] whoever talks with an account hears that its keys changed", async () => {
    const world = await aWorld();
    const ada = await world.person("ada");
    const echo = await world.agent();
    await world.invite(ada, echo.inviteCode);
    const agent = await world.online(echo);

    await world.rest("PUT", "/keys/prekeys", ada.token, { prekeys: [] });

    expect(await agent.next("keys.updated")).toMatchObject({ user_id: ada.id, reason: "prekey" });
  });

  test("[P47] a person makes an agent; its token is shown once and kept as a hash", async () => {
    const world = await aWorld();
    const ada = await world.person("ada");

    const made = await world.rest("POST", "/agents", ada.token, { display_name: "Helper" });

    const { agent_id, token } = made.body.data;
    expect(token).toMatch(/^hsk_[0-9A-Za-z]{40}$/);
    expect((await world.rest("GET", "/agents", ada.token)).body.data).toMatchObject([
      { agent_id, creator_id: ada.id },
    ]);
    expect((await world.rest("GET", "/relations", token)).status).toBe(200);
  });
});

describe("what is left behind", () => {
  test("[R5] [P289] no token, password proof or id is written down in the clear", async () => {
    const world = await aWorld();
    const { auth_key } = await aPersonWithAPassword(world, "ada");
    const login = await world.rest("POST", "/auth/login", null, { handle: "ada", auth_key });
    const echo = await world.agent();
    const agent = await world.online(echo);
    agent.close();
    await agent.closed();
    const refresh = cookieOf(login.headers).split("=")[1] ?? "";
    await world.stop();

    const secrets = [echo.token, refresh, login.body.data.access_token, auth_key];
    const files = readdirSync(world.folder).map((name) => readFileSync(join(world.folder, name)));
    for (const secret of secrets) {
      for (const file of files) expect(file.includes(secret)).toBe(false);
    }
    for (const file of files) expect(file.includes(Buffer.from(auth_key, "base64"))).toBe(false);
    expect(world.lines.some((line) => line.includes(echo.id) || line.includes("ada"))).toBe(false);
    expect(world.lines.length).toBeGreaterThan(0);
  });

  test("[P166] a relay that stops tells its sockets when to come back", async () => {
    const world = await aWorld();
    const socket = await world.online(await world.person("ada"));

    await world.stop();

    expect(await socket.closed()).toEqual({ code: 4014, reason: "RESTARTING retry_after=2" });
  });

  test("[P31] people are found by their exact handle only", async () => {
    const world = await aWorld();
    const ada = await world.person("ada");
    const search = async (q: string) =>
      (await world.rest("GET", `/users/search?q=${encodeURIComponent(q)}`, ada.token)).body.data;

    expect(await search("@ada")).toEqual([
      { user_id: ada.id as UserId, handle: "ada", display_name: "ada" },
    ]);
    expect(await search("ad")).toEqual([]);
  });
});
