import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { ConversationId } from "#protocol/ids.ts";
import { hashOf } from "../ledger-head.ts";
import {
  aLedger,
  aLedgerEntry,
  anId,
  aWorld,
  text64,
  type Person,
} from "../relay-world.contract.ts";
import { aPersonWithAnAgent, codeOf, sendByRest } from "../rest-steps.contract.ts";

describe("people", () => {
  test("[P26] a token says whose it is and how long its session lasts", async () => {
    const world = await aWorld();
    const ada = await world.person("ada");

    const me = await world.rest("GET", "/auth/me", ada.token);

    expect(me.body.data).toEqual({
      user_id: ada.id,
      handle: "ada",
      display_name: "ada",
      device_id: ada.deviceId,
      session_expires_at: new Date(world.clock.now() + 30 * 86_400_000).toISOString(),
    });
  });

  test("[P30] a profile is changed by its owner, and others see its public part", async () => {
    const world = await aWorld();
    const ada = await world.person("ada");
    const bob = await world.person("bob");

    await world.rest("PATCH", "/users/me", ada.token, { display_name: "Ada L", presence: true });

    expect((await world.rest("GET", "/users/me", ada.token)).body.data).toEqual({
      user_id: ada.id,
      handle: "ada",
      display_name: "Ada L",
      read_receipts: true,
      presence: true,
      has_password: false,
    });
    expect((await world.rest("GET", `/users/${ada.id}`, bob.token)).body.data).toEqual({
      user_id: ada.id,
      handle: "ada",
      display_name: "Ada L",
    });
  });

  test("[P30] an account that is deleted leaves its conversations, its agents end, and nothing opens it", async () => {
    const { world, ada, echo, conversation } = await aPersonWithAnAgent(await aWorld());
    const bob = await world.person("bob");
    const group = anId<ConversationId>();
    await world.rest("POST", "/groups", bob.token, {
      conversation_id: group,
      members: [{ id: ada.id, type: "human" }],
      ledger: aLedger(1, group, 3).map(text64),
    });
    await world.rest("POST", "/agents", ada.token, { display_name: "Helper" });
    const agent = await world.online(echo);
    const other = await world.online(bob);
    const socket = await world.online(ada);
    const remove = (auth_key: string | null) =>
      world.rest("DELETE", "/users/me", ada.token, { auth_key });

    expect(codeOf(await remove(text64(randomBytes(32))))).toBe("INVALID_CREDENTIALS");
    expect((await remove(null)).status).toBe(200);

    expect((await socket.closed()).code).toBe(4006);
    expect(await agent.next("relation.revoked")).toMatchObject({ conversation_id: conversation });
    const seen = [];
    while (seen.at(-1) !== "member_removed") seen.push((await other.next("group.updated")).change);
    expect(codeOf(await world.rest("GET", "/users/me", ada.token))).toBe("UNAUTHENTICATED");
    expect(codeOf(await world.rest("GET", `/users/${ada.id}`, bob.token))).toBe("NOT_FOUND");
    const ledger = await world.rest("GET", `/keys/ledger/${ada.id}`, bob.token);
    expect(ledger.body.data).toHaveLength(2);
    const members = await world.rest("GET", `/conversations/${group}/members`, bob.token);
    expect(members.body.data).toMatchObject([{ id: bob.id }]);
  });

  test("[P34] [P35] a blocked person's request is taken and goes nowhere", async () => {
    const world = await aWorld();
    const ada = await world.person("ada");
    const bob = await world.person("bob");
    await world.rest("POST", "/users/blocks", bob.token, { user_id: ada.id });

    const asked = await world.rest("POST", "/contacts/requests", ada.token, { user_id: bob.id });

    expect(asked.status).toBe(201);
    expect((await world.rest("GET", "/contacts/requests", bob.token)).body.data).toEqual([]);
    expect((await world.rest("GET", "/users/blocks", bob.token)).body.data).toMatchObject([
      { user_id: ada.id },
    ]);
    await world.rest("DELETE", `/users/blocks/${ada.id}`, bob.token);
    await world.rest("POST", "/contacts/requests", ada.token, { user_id: bob.id });
    expect((await world.rest("GET", "/contacts/requests", bob.token)).body.data).toHaveLength(1);
  });

  test("[P32] a person's sealed names for contacts are kept for the person's devices alone", async () => {
    const { world, ada, echo } = await aPersonWithAnAgent(await aWorld());
    const bob = await world.person("bob");
    const devices = [await world.online(ada), await world.online(ada)];
    const others = [await world.online(bob), await world.online(echo)];
    const put = (contactId: string, bytes: Buffer) =>
      world.rest("PATCH", `/users/contacts/${contactId}`, ada.token, {
        remark_sealed: text64(bytes),
      });
    const list = async (token: string) =>
      (await world.rest("GET", "/users/contacts", token)).body.data;
    const [first, second] = [randomBytes(306), randomBytes(306)];

    expect((await put(echo.id, first)).status).toBe(200);
    expect((await put(echo.id, second)).status).toBe(200);

    expect(await list(ada.token)).toEqual([{ contact_id: echo.id, remark_sealed: text64(second) }]);
    for (const device of devices)
      expect(await device.next("contact.remarked")).toEqual({
        type: "contact.remarked",
        contact_id: echo.id,
      });
    for (const socket of others) {
      await socket.settle();
      expect(socket.seen("contact.remarked")).toEqual([]);
    }
    expect(await list(bob.token)).toEqual([]);
    expect(codeOf(await world.rest("GET", "/users/contacts", echo.token))).toBe("UNAUTHENTICATED");
    expect(codeOf(await put(bob.id, first))).toBe("NOT_FOUND");
    expect(codeOf(await put(ada.id, first))).toBe("NOT_FOUND");
    expect(codeOf(await put(echo.id, randomBytes(305)))).toBe("BAD_REQUEST");
  });

  test("[P37] a backup is never replaced by an older one", async () => {
    const world = await aWorld();
    const ada = await world.person("ada");
    const backup = (backup_version: number) => ({
      backup_a: "AAAA",
      backup_b: "BBBB",
      argon2_salt: text64(randomBytes(32)),
      argon2_params: { m: 65_536, t: 3, p: 4 },
      public_key: "",
      signing_public_key: text64(randomBytes(32)),
      device_id: ada.deviceId,
      bk_gen: 1,
      backup_version,
    });
    await world.rest("PUT", "/keys/backup", ada.token, backup(2));

    const older = await world.rest("PUT", "/keys/backup", ada.token, backup(1));

    expect([older.status, older.body.error]).toMatchObject([
      409,
      { code: "BACKUP_CONFLICT", params: { backup_version: 2 } },
    ]);
    expect((await world.rest("GET", "/keys/backup", ada.token)).body.data.backup_version).toBe(2);
  });

  test("[P38] [P40] a person's keys are those of each device, revoked ones by their date", async () => {
    const { world, ada, echo } = await aPersonWithAnAgent(await aWorld());
    const prekeys = [{ kid: text64(randomBytes(16)), suite: 2, certificate: "AAAA" }];
    await world.rest("PUT", "/keys/prekeys", ada.token, { prekeys });
    const read = async () =>
      (await world.rest("GET", `/keys/users/${ada.id}/devices`, echo.token)).body.data;

    expect(await read()).toMatchObject({
      user_id: ada.id,
      devices: [{ device_id: ada.deviceId, prekeys, revoked_at: null }],
    });
    await world.rest("DELETE", `/users/me/devices/${ada.deviceId}`, ada.token);
    expect((await read()).devices).toMatchObject([
      { prekeys: [], revoked_at: new Date(world.clock.now()).toISOString() },
    ]);
    const five = Array.from({ length: 5 }, () => prekeys[0]);
    const tooMany = { prekeys: five };
    expect(codeOf(await world.rest("PUT", `/agents/${echo.id}/prekeys`, echo.token, tooMany))).toBe(
      "BAD_REQUEST",
    );
  });

  test("[P40] at most four prekeys are published, each time all at once, by device and agent", async () => {
    const { world, ada, echo } = await aPersonWithAnAgent(await aWorld());
    const [card] = aLedger(0, echo.id, 1);
    await world.rest("POST", `/agents/${echo.id}/keys/register`, echo.token, {
      public_key: text64(randomBytes(32)),
      signing_public_key: text64(randomBytes(32)),
      card: text64(card ?? new Uint8Array()),
      prekeys: [],
    });
    const some = (count: number) =>
      Array.from({ length: count }, () => ({
        kid: text64(randomBytes(16)),
        suite: 2,
        certificate: text64(randomBytes(8)),
      }));
    const read = async (path: string) => (await world.rest("GET", path, ada.token)).body.data;
    const publishers = [
      {
        path: "/keys/prekeys",
        token: ada.token,
        shown: async () => (await read(`/keys/users/${ada.id}/devices`)).devices[0].prekeys,
      },
      {
        path: `/agents/${echo.id}/prekeys`,
        token: echo.token,
        shown: async () => (await read(`/keys/agents/${echo.id}`)).prekeys,
      },
    ];

    for (const { path, token, shown } of publishers) {
      const [four, two] = [some(4), some(2)];
      const put = async (prekeys: unknown) =>
        codeOf(await world.rest("PUT", path, token, { prekeys }));
      expect(await put(four)).toBe(200);
      expect(await shown()).toEqual(four);
      expect(await put(some(5))).toBe("BAD_REQUEST");
      expect(await shown()).toEqual(four);
      expect(await put(two)).toBe(200);
      expect(await shown()).toEqual(two);
    }
  });

  test("[P279] keys of people are read 60 times a minute", async () => {
    const { world, ada, echo } = await aPersonWithAnAgent(await aWorld());
    const path = `/keys/users/${ada.id}/devices`;

    const codes = new Set();
    for (let i = 0; i < 59; i++) codes.add((await world.rest("GET", path, echo.token)).status);
    await world.rest("GET", path, echo.token);
    // The general rate of a token lets 60 pass at once; a second more brings 20 of those back.
    await world.clock.advance(900);
    const over = await world.rest("GET", path, echo.token);

    expect([...codes]).toEqual([200]);
    expect(codeOf(over)).toBe("RATE_LIMITED");
  });

  test("[P44] an account's ledger is appended by the account alone, by compare-and-set", async () => {
    const world = await aWorld();
    const ada = await world.person("ada");
    const bob = await world.person("bob");
    const [, head] = aLedger(0, ada.id, 2);
    const row = {
      ledger_seq: 2,
      prev_hash: text64(hashOf(head ?? new Uint8Array())),
      entry: text64(aLedgerEntry(0, ada.id, 2, head ?? null)),
    };
    const append = (person: Person) =>
      world.rest("POST", `/keys/ledger/${ada.id}`, person.token, row);

    const [, elsewhere] = aLedger(0, bob.id, 2);
    const rival = {
      ledger_seq: 2,
      prev_hash: text64(hashOf(elsewhere ?? new Uint8Array())),
      entry: text64(aLedgerEntry(0, ada.id, 2, elsewhere ?? null)),
    };

    expect(codeOf(await append(bob))).toBe("FORBIDDEN");
    expect(codeOf(await world.rest("POST", `/keys/ledger/${ada.id}`, ada.token, rival))).toBe(
      "LEDGER_CONFLICT",
    );
    expect(codeOf(await append(ada))).toBe(201);
    expect(codeOf(await append(ada))).toBe("LEDGER_CONFLICT");
    const read = await world.rest("GET", `/keys/ledger/${ada.id}?after=1`, bob.token);
    expect(read.body.data).toEqual([row]);
  });
});

describe("relations", () => {
  test("[P49] an invite shows the agent with its keys; a spent one is gone", async () => {
    const world = await aWorld();
    const ada = await world.person("ada");
    const bob = await world.person("bob");
    const { agent_id } = (
      await world.rest("POST", "/agents", ada.token, { display_name: "Helper" })
    ).body.data;
    const { code } = (
      await world.rest("POST", `/agents/${agent_id}/invites`, ada.token, { max_uses: 1 })
    ).body.data;

    const shown = await world.rest("GET", `/invites/${code}`);
    expect(shown.body.data).toMatchObject({ agent: { agent_id }, keys: { agent_id, prekeys: [] } });
    await world.invite(bob, code);

    expect(codeOf(await world.rest("GET", `/invites/${code}`))).toBe("INVITE_EXPIRED");
    const invites = await world.rest("GET", `/agents/${agent_id}/invites`, ada.token);
    expect(invites.body.data).toMatchObject([{ uses: 1, max_uses: 1 }]);
    expect(codeOf(await world.rest("GET", `/agents/${agent_id}/invites`, bob.token))).toBe(
      "NOT_FOUND",
    );
  });

  test("[P297] an agent's creator hears of each change of who is connected, and nobody else does", async () => {
    const { world, ada: bob, echo } = await aPersonWithAnAgent(await aWorld());
    const ada = await world.person("creator");
    const { agent_id } = (
      await world.rest("POST", "/agents", ada.token, { display_name: "Helper" })
    ).body.data;
    const made = await world.rest("POST", `/agents/${agent_id}/invites`, ada.token, {
      approval: true,
    });
    const [hers, his] = [await world.online(ada), await world.online(bob)];
    const told = { type: "agent.relations_changed", agent_id };

    await world.invite(bob, made.body.data.code);
    expect(await hers.next("agent.relations_changed")).toEqual(told);
    const invites = await world.rest("GET", `/agents/${agent_id}/invites`, ada.token);
    expect(invites.body.data).toMatchObject([{ approval: true, uses: 1 }]);
    const { relation_id } = (await world.rest("GET", `/agents/${agent_id}/relations`, ada.token))
      .body.data[0];
    for (const [person, verb] of [
      [ada, "approve"],
      [ada, "suspend"],
      [ada, "restore"],
      [bob, "revoke"],
    ] as const) {
      await world.rest("POST", `/relations/${relation_id}/${verb}`, person.token);
      expect(await hers.next("agent.relations_changed")).toEqual(told);
    }
    await world.invite(ada, echo.inviteCode);
    await Promise.all([hers.settle(), his.settle()]);
    expect([...hers.seen(told.type as never), ...his.seen(told.type as never)]).toEqual([]);
  });

  test("[P58] the creator pauses and restores, either side ends for good", async () => {
    const world = await aWorld();
    const ada = await world.person("ada");
    const bob = await world.person("bob");
    const { agent_id } = (
      await world.rest("POST", "/agents", ada.token, { display_name: "Helper" })
    ).body.data;
    const { code } = (await world.rest("POST", `/agents/${agent_id}/invites`, ada.token, {})).body
      .data;
    const conversation = await world.invite(bob, code);
    const { relation_id } = (await world.rest("GET", "/relations", bob.token)).body.data[0];
    const change = async (person: Person, verb: string) =>
      codeOf(await world.rest("POST", `/relations/${relation_id}/${verb}`, person.token));

    expect(await change(bob, "suspend")).toBe("FORBIDDEN");
    expect(await change(ada, "suspend")).toBe(200);
    expect(codeOf(await sendByRest(world, bob, conversation))).toBe("RELATION_SUSPENDED");
    expect(await change(bob, "restore")).toBe("FORBIDDEN");
    expect(await change(ada, "restore")).toBe(200);
    expect(codeOf(await sendByRest(world, bob, conversation))).toBe(201);
    expect(await change(bob, "revoke")).toBe(200);
    expect(await change(ada, "restore")).toBe("RELATION_REVOKED");
  });

  test("[P55] [P58] an invite with approval lets nobody in before the creator does", async () => {
    const world = await aWorld();
    const ada = await world.person("ada");
    const bob = await world.person("bob");
    const { agent_id, token } = (
      await world.rest("POST", "/agents", ada.token, { display_name: "Helper" })
    ).body.data;
    const agent = await world.online({ type: "agent", id: agent_id, deviceId: agent_id, token });
    const made = await world.rest("POST", `/agents/${agent_id}/invites`, ada.token, {
      approval: true,
    });
    const conversation = await world.invite(bob, made.body.data.code);
    const waiting = await world.rest("GET", `/agents/${agent_id}/relations`, ada.token);
    const { relation_id, status } = waiting.body.data[0];
    const approve = async (person: Person) =>
      codeOf(await world.rest("POST", `/relations/${relation_id}/approve`, person.token));

    expect(status).toBe("pending");
    expect(waiting.body.data[0].user).toEqual({
      user_id: bob.id,
      handle: "bob",
      display_name: "bob",
    });
    expect(codeOf(await sendByRest(world, bob, conversation))).toBe("RELATION_SUSPENDED");
    expect(await approve(bob)).toBe("NOT_FOUND");
    await agent.settle();
    expect(agent.seen("relation.established")).toEqual([]);
    expect([await approve(ada), await approve(ada)]).toEqual([200, 200]);

    expect(await agent.next("relation.established")).toMatchObject({
      conversation_seq: 1,
      payload: { user_id: bob.id },
    });
    expect(codeOf(await sendByRest(world, bob, conversation))).toBe(201);
    expect(codeOf(await world.rest("GET", `/agents/${agent_id}/relations`, bob.token))).toBe(
      "NOT_FOUND",
    );
  });
});
