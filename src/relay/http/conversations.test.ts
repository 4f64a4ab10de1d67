import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { ConversationId, MessageId } from "#protocol/ids.ts";
import { hashOf } from "../ledger-head.ts";
import {
  aLedger,
  aMessage,
  anEnvelope,
  anId,
  aWorld,
  text64,
  type Account,
  type Person,
} from "../relay-world.contract.ts";
import { aPersonWithAnAgent, aSessionOpen, codeOf, sendByRest } from "../rest-steps.contract.ts";

describe("conversations", () => {
  test("[P10] [P61] [P68] an agent reads its conversations and their members like a person", async () => {
    const { world, ada, echo, conversation } = await aPersonWithAnAgent(await aWorld());

    const list = await world.rest("GET", "/conversations", echo.token);
    const members = await world.rest("GET", `/conversations/${conversation}/members`, echo.token);

    expect(list.body.data).toMatchObject([
      { conversation_id: conversation, peer: { id: ada.id, type: "human" }, member_count: 2 },
    ]);
    expect(members.body.data).toHaveLength(2);
    expect(members.body.data).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ id: ada.id, type: "human", role: "owner", joined_seq: 1 }),
        expect.objectContaining({ id: echo.id, type: "agent", role: "member", joined_seq: 1 }),
      ]),
    );
    const bob = await world.person("bob");
    expect(codeOf(await world.rest("GET", `/conversations/${conversation}`, bob.token))).toBe(
      "NOT_FOUND",
    );
  });

  test("[P60] [P11] conversations come newest first, a page at a time", async () => {
    const world = await aWorld();
    const ada = await world.person("ada");
    const made: ConversationId[] = [];
    for (let i = 0; i < 3; i++) {
      made.push(await world.invite(ada, (await world.agent()).inviteCode));
      await world.clock.advance(10);
    }
    const page = async (query: string) =>
      (await world.rest("GET", `/conversations?limit=2${query}`, ada.token)).body;

    const first = await page("");
    const second = await page(`&cursor=${first.next_cursor}`);

    const ids = [...first.data, ...second.data].map((row: any) => row.conversation_id);
    expect(ids).toEqual(made.toReversed());
    expect(second.next_cursor).toBeNull();
  });

  test("[R64] [P60] in the order of their ids each comes once, however they move meanwhile", async () => {
    const world = await aWorld();
    const ada = await world.person("ada");
    const made: ConversationId[] = [];
    for (let i = 0; i < 5; i++)
      made.push(await world.invite(ada, (await world.agent()).inviteCode));
    const seen: ConversationId[] = [];
    let cursor = "";
    for (let page = 0; page < 3; page++) {
      const query = `order=id&limit=2&cursor=${cursor}`;
      const { data, next_cursor } = (await world.rest("GET", `/conversations?${query}`, ada.token))
        .body;
      seen.push(...data.map((row: any) => row.conversation_id));
      cursor = next_cursor;
      await world.clock.advance(10);
      for (const id of made) await sendByRest(world, ada, id);
    }

    expect(seen).toEqual(made.toSorted());
    expect(cursor).toBeNull();
  });

  test("[P61] marks of one's own are seen by oneself only", async () => {
    const { world, ada, echo, conversation } = await aPersonWithAnAgent(await aWorld());
    const muted_until = "2026-02-01T00:00:00.000Z";

    await world.rest("PATCH", `/conversations/${conversation}`, ada.token, {
      pinned: true,
      muted_until,
    });
    await world.rest("PATCH", `/conversations/${conversation}`, ada.token, { archived: true });

    const read = async (account: Account) =>
      (await world.rest("GET", `/conversations/${conversation}`, account.token)).body.data;
    expect(await read(ada)).toMatchObject({ pinned: true, archived: true, muted_until });
    expect(await read(echo)).toMatchObject({ pinned: false, archived: false, muted_until: null });
  });

  test("[P62] history is read both ways by seq or message id, ascending, to its end", async () => {
    const { world, ada, conversation } = await aPersonWithAnAgent(await aWorld());
    const ids: MessageId[] = [];
    for (let i = 0; i < 5; i++)
      ids.push((await sendByRest(world, ada, conversation)).body.data.message_id);
    const page = async (query: string) => {
      const path = `/conversations/${conversation}/messages?${query}`;
      const { data, next_cursor } = (await world.rest("GET", path, ada.token)).body;
      return [data.map((frame: any) => frame.conversation_seq), next_cursor];
    };

    expect(await page("limit=2")).toEqual([[5, 6], "5"]);
    expect(await page("before=5&limit=2")).toEqual([[3, 4], "3"]);
    expect(await page("before=3&limit=2")).toEqual([[1, 2], null]);
    expect(await page(`after=${ids[1]}&limit=2`)).toEqual([[4, 5], "5"]);
    expect(await page("after=5&limit=2")).toEqual([[6], null]);
    const unknown = `/conversations/${conversation}/messages?after=${anId()}`;
    expect((await world.rest("GET", unknown, ada.token)).status).toBe(404);
  });

  test("[P63] [P2] a message sent by REST is the one sent over the socket", async () => {
    const { world, ada, conversation } = await aPersonWithAnAgent(await aWorld());
    const { conversation_id: _inPath, type: _implied, ...body } = aMessage(conversation, ada);
    const path = `/conversations/${conversation}/messages`;
    const first = await world.rest("POST", path, ada.token, body);

    const socket = await world.online(ada);
    socket.send({ type: "message.send", conversation_id: conversation, ...body });

    expect(first.status).toBe(201);
    expect(await socket.next("message.ack")).toMatchObject({ ...first.body.data, duplicate: true });
  });

  test("[P65] a read mark only grows", async () => {
    const { world, ada, echo, conversation } = await aPersonWithAnAgent(await aWorld());
    const agent = await world.online(echo);
    for (let i = 0; i < 3; i++) {
      agent.send(aMessage(conversation, echo));
      await agent.next("message.ack");
    }
    const read = async (seq: number) =>
      (await world.rest("POST", `/conversations/${conversation}/read`, ada.token, { seq })).body
        .data.read_seq;
    const unread = async () =>
      (await world.rest("GET", `/conversations/${conversation}`, ada.token)).body.data.unread_count;

    expect(await unread()).toBe(3);
    expect([await read(3), await read(2), await read(99)]).toEqual([3, 3, 4]);
    expect(await unread()).toBe(0);
  });

  test("[P66] a recall by REST answers with the entry that recalls", async () => {
    const { world, ada, conversation } = await aPersonWithAnAgent(await aWorld());
    const { message_id } = (await sendByRest(world, ada, conversation)).body.data;

    const recalled = await world.rest(
      "POST",
      `/conversations/${conversation}/messages/${message_id}/recall`,
      ada.token,
      {},
    );

    expect(recalled.body.data).toMatchObject({
      type: "message.recalled",
      message_id,
      recalled_by: ada.id,
      conversation_seq: 3,
    });
  });

  test("[P46] [P170] a session's opening comes with its first message and can be fetched by its id", async () => {
    const { world, ada, echo, conversation } = await aPersonWithAnAgent(await aWorld());
    const agent = await world.online(echo);
    const sid = new Uint8Array(16).fill(9);
    const client_message_id = anId<MessageId>();
    const person = await world.online(ada);
    const session_open = aSessionOpen(conversation, ada, sid);
    person.send({
      type: "message.send",
      conversation_id: conversation,
      client_message_id,
      encrypted_payload: anEnvelope(conversation, client_message_id, ada),
      session_open,
    });

    expect((await agent.next("message.new")).session_open).toBe(session_open);
    const path = `/conversations/${conversation}/sessions/${Buffer.from(sid).toString("hex")}`;
    expect((await world.rest("GET", path, echo.token)).body.data).toEqual({ session_open });
    const bob = await world.person("bob");
    expect(codeOf(await world.rest("GET", path, bob.token))).toBe("NOT_MEMBER");
    const unknown = path.replace(/09$/, "0a");
    expect(codeOf(await world.rest("GET", unknown, echo.token))).toBe("NOT_FOUND");
  });
});

describe("pins", () => {
  test("[P67] [P123] are said in the log once, and listed", async () => {
    const { world, ada, echo, conversation } = await aPersonWithAnAgent(await aWorld());
    const agent = await world.online(echo);
    const { message_id } = (await sendByRest(world, ada, conversation)).body.data;
    const path = `/conversations/${conversation}/pins`;

    for (let i = 0; i < 2; i++) await world.rest("PUT", `${path}/${message_id}`, ada.token);
    expect(await agent.next("message.pinned")).toMatchObject({
      message_id,
      pinned: true,
      pinned_by: ada.id,
      conversation_seq: 3,
    });
    expect((await world.rest("GET", path, echo.token)).body.data).toMatchObject([
      { message_id, pinned_by: ada.id },
    ]);
    await world.rest("DELETE", `${path}/${message_id}`, echo.token);

    expect(await agent.next("message.pinned")).toMatchObject({
      pinned: false,
      conversation_seq: 4,
    });
    expect((await world.rest("GET", path, ada.token)).body.data).toEqual([]);
    expect(codeOf(await world.rest("PUT", `${path}/${anId()}`, ada.token))).toBe("NOT_FOUND");
    const bob = await world.person("bob");
    expect(codeOf(await world.rest("GET", path, bob.token))).toBe("NOT_MEMBER");
  });
});

describe("groups", () => {
  async function aGroup() {
    const world = await aWorld();
    const ada = await world.person("ada");
    const bob = await world.person("bob");
    const conversation = anId<ConversationId>();
    const ledger = aLedger(1, conversation, 8);
    const row = (seq: number) => ({
      ledger_seq: seq,
      prev_hash: text64(hashOf(ledger[seq - 1] ?? new Uint8Array())),
      entry: text64(ledger[seq] ?? new Uint8Array()),
    });
    await world.rest("POST", "/groups", ada.token, {
      conversation_id: conversation,
      members: [{ id: bob.id, type: "human" }],
      ledger: ledger.slice(0, 3).map(text64),
    });
    return { world, ada, bob, conversation, row };
  }

  test("[P69] is made with its members and a whole ledger, or not at all", async () => {
    const { world, ada, bob, conversation } = await aGroup();
    const broken = anId<ConversationId>();
    const ledger = aLedger(1, broken, 3).toReversed().map(text64);

    const refused = await world.rest("POST", "/groups", ada.token, {
      conversation_id: broken,
      members: [],
      ledger,
    });

    expect(codeOf(refused)).toBe("BAD_REQUEST");
    expect((await world.rest("GET", "/conversations", bob.token)).body.data).toMatchObject([
      { conversation_id: conversation, type: "group", group: { role: "member" } },
    ]);
  });

  test("[P70] [P73] settings are changed by owner and admins, roles by the owner", async () => {
    const { world, ada, bob, conversation, row } = await aGroup();
    const settings = { members_can_invite: true };
    const patch = async (person: Person) =>
      codeOf(await world.rest("PATCH", `/groups/${conversation}`, person.token, settings));
    const role = async (person: Person, seq: number) =>
      codeOf(
        await world.rest("PATCH", `/groups/${conversation}/members/${bob.id}`, person.token, {
          role: "admin",
          ledger: row(seq),
        }),
      );

    expect(await patch(bob)).toBe("ROLE_REQUIRED");
    expect(await role(bob, 3)).toBe("ROLE_REQUIRED");
    expect(await role(ada, 3)).toBe(200);
    expect(await patch(bob)).toBe(200);
    expect(await role(bob, 4)).toBe("ROLE_REQUIRED");
    const ofOwner = `/groups/${conversation}/members/${ada.id}`;
    const removed = await world.rest("DELETE", ofOwner, bob.token, { ledger: row(4) });
    expect(codeOf(removed)).toBe("ROLE_REQUIRED");
    const read = await world.rest("GET", `/conversations/${conversation}`, ada.token);
    expect(read.body.data.group).toMatchObject({ members_can_invite: true, group_key_version: 3 });
  });

  test("[P73] who may not invite invites nobody, and the refused change leaves the ledger alone", async () => {
    const { world, bob, conversation, row } = await aGroup();
    const eve = await world.person("eve");

    const added = await world.rest("POST", `/groups/${conversation}/members`, bob.token, {
      id: eve.id,
      type: "human",
      ledger: row(3),
    });

    expect(codeOf(added)).toBe("ROLE_REQUIRED");
    const ledger = await world.rest("GET", `/conversations/${conversation}/ledger`, bob.token);
    expect(ledger.body.data).toHaveLength(3);
  });

  test("[P67] only owner and admins pin", async () => {
    const { world, ada, bob, conversation } = await aGroup();
    const { message_id } = (await sendByRest(world, bob, conversation)).body.data;
    const pin = async (person: Person) =>
      codeOf(
        await world.rest("PUT", `/conversations/${conversation}/pins/${message_id}`, person.token),
      );

    expect([await pin(bob), await pin(ada)]).toEqual(["ROLE_REQUIRED", 200]);
  });

  test("[P46] who left a group still fetches the openings of its sessions", async () => {
    const { world, ada, bob, conversation, row } = await aGroup();
    const sid = new Uint8Array(16).fill(9);
    const session_open = aSessionOpen(conversation, ada, sid);
    const { conversation_id: _inPath, type: _implied, ...body } = aMessage(conversation, ada);
    const said = { ...body, session_open };
    await world.rest("POST", `/conversations/${conversation}/messages`, ada.token, said);

    await world.rest("POST", `/groups/${conversation}/leave`, bob.token, { ledger: row(3) });

    const path = `/conversations/${conversation}/sessions/${Buffer.from(sid).toString("hex")}`;
    const fetched = await world.rest("GET", path, bob.token);
    expect(fetched.body.data).toEqual({ session_open });
  });

  test("[R3] [P72] a member leaves with a ledger entry and writes no more; the owner cannot", async () => {
    const { world, ada, bob, conversation, row } = await aGroup();
    const said = (await sendByRest(world, bob, conversation)).body.data.message_id as string;
    const leave = async (person: Person) =>
      codeOf(
        await world.rest("POST", `/groups/${conversation}/leave`, person.token, { ledger: row(3) }),
      );

    expect(await leave(ada)).toBe("ROLE_REQUIRED");
    expect(await leave(bob)).toBe(200);
    expect(codeOf(await sendByRest(world, bob, conversation))).toBe("NOT_MEMBER");
    const recall = `/conversations/${conversation}/messages/${said}/recall`;
    expect(codeOf(await world.rest("POST", recall, bob.token, {}))).toBe("NOT_MEMBER");
    const append = `/conversations/${conversation}/ledger`;
    expect(codeOf(await world.rest("POST", append, bob.token, row(4)))).toBe("NOT_MEMBER");
  });

  test("[P78] [P79] who left a group fetches no file of it any more, and announces none", async () => {
    const { world, ada, bob, conversation, row } = await aGroup();
    const bytes = new Uint8Array(300).fill(7);
    const file = { filename: "blob", content_type: "x", size: 300, conversation_id: conversation };
    const announced = (await world.rest("POST", "/files", ada.token, file)).body.data;
    const { upload_id, upload_url, attachment_id } = announced;
    await world.rest("PUT", upload_url, ada.token, bytes);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    await world.rest("POST", "/files/confirm", ada.token, { upload_id, sha256 });
    const fetched = async (person: Person) => {
      const headers = { authorization: `Bearer ${person.token}` };
      const answer = await fetch(`${world.url()}/files/${attachment_id}`, { headers });
      return [answer.status, (await answer.arrayBuffer()).byteLength === bytes.length];
    };
    expect(await fetched(bob)).toEqual([200, true]);

    await world.rest("POST", `/groups/${conversation}/leave`, bob.token, { ledger: row(3) });

    expect(await fetched(bob)).toEqual([404, false]);
    expect(await fetched(ada)).toEqual([200, true]);
    expect(codeOf(await world.rest("POST", "/files", bob.token, file))).toBe(
      "NOT_CONVERSATION_MEMBER_UPLOAD",
    );
  });

  test("[P72] the owner hands over, is an admin then, and leaves", async () => {
    const { world, ada, bob, conversation, row } = await aGroup();
    const give = async (by: Person, to: Person, role: string, seq: number) =>
      codeOf(
        await world.rest("PATCH", `/groups/${conversation}/members/${to.id}`, by.token, {
          role,
          ledger: row(seq),
        }),
      );

    expect(await give(bob, bob, "owner", 3)).toBe("ROLE_REQUIRED");
    expect(await give(ada, ada, "member", 3)).toBe("FORBIDDEN");
    expect(await give(ada, bob, "owner", 3)).toBe(200);
    expect(await give(ada, bob, "member", 4)).toBe("ROLE_REQUIRED");
    const members = await world.rest("GET", `/conversations/${conversation}/members`, ada.token);
    const roleOf = (person: Person) =>
      (members.body.data as { id: string; role: string }[]).find(({ id }) => id === person.id)
        ?.role;
    expect([roleOf(ada), roleOf(bob)]).toEqual(["admin", "owner"]);
    const left = await world.rest("POST", `/groups/${conversation}/leave`, ada.token, {
      ledger: row(4),
    });
    expect(codeOf(left)).toBe(200);
  });

  test("[P70] the owner deletes a group: nothing is written to it any more, and its log is read", async () => {
    const { world, ada, bob, conversation, row } = await aGroup();
    const said = await sendByRest(world, bob, conversation);
    const remove = async (person: Person) =>
      codeOf(
        await world.rest("DELETE", `/groups/${conversation}`, person.token, { ledger: row(3) }),
      );

    expect(await remove(bob)).toBe("ROLE_REQUIRED");
    expect(await remove(ada)).toBe(200);
    expect(codeOf(await sendByRest(world, bob, conversation))).toBe("RELATION_REVOKED");
    const settings = { members_can_invite: true };
    const late = await world.rest("PATCH", `/groups/${conversation}`, ada.token, settings);
    expect(codeOf(late)).toBe("RELATION_REVOKED");
    const history = await world.rest(
      "GET",
      `/conversations/${conversation}/messages?before=99`,
      bob.token,
    );
    const frames = history.body.data as { type: string; change?: string; message_id?: string }[];
    expect(frames.map(({ message_id }) => message_id)).toContain(said.body.data.message_id);
    expect(frames.at(-1)).toMatchObject({ type: "group.updated", change: "closed" });
  });

  test("[P42] [P280] owner and admins renew a group's keys, six times an hour", async () => {
    const { world, ada, bob, conversation } = await aGroup();
    const rotate = (person: Person) =>
      world.rest("POST", `/keys/groups/${conversation}/rotate`, person.token, {});
    const version = async () =>
      (await world.rest("GET", `/keys/groups/${conversation}`, bob.token)).body.data
        .group_key_version as number;
    const before = await version();

    expect(codeOf(await rotate(bob))).toBe("ROLE_REQUIRED");
    for (let times = 0; times < 6; times++) expect(codeOf(await rotate(ada))).toBe(200);
    expect(codeOf(await rotate(ada))).toBe("RATE_LIMITED");
    expect(await version()).toBe(before + 6);
  });

  test("[P280] who may not renew a group's keys uses up nobody's renewals", async () => {
    const { world, ada, bob, conversation } = await aGroup();
    const eve = await world.person("eve");
    const rotate = async (person: Person) =>
      codeOf(await world.rest("POST", `/keys/groups/${conversation}/rotate`, person.token, {}));

    for (let times = 0; times < 6; times++) {
      expect(await rotate(bob)).toBe("ROLE_REQUIRED");
      expect(await rotate(eve)).toBe("NOT_MEMBER");
    }
    expect(await rotate(ada)).toBe(200);
  });

  test("[P61] a deleted conversation is off one's own list until one is added again", async () => {
    const { world, ada, bob, conversation, row } = await aGroup();
    const archived = async (person: Person) =>
      (
        (await world.rest("GET", "/conversations", person.token)).body.data as {
          archived: boolean;
        }[]
      )[0]?.archived;
    await world.rest("POST", `/groups/${conversation}/leave`, bob.token, { ledger: row(3) });

    await world.rest("DELETE", `/conversations/${conversation}`, bob.token);
    const [own, others] = [await archived(bob), await archived(ada)];
    await world.rest("POST", `/groups/${conversation}/members`, ada.token, {
      id: bob.id,
      type: "human",
      ledger: row(4),
    });

    expect([own, others, await archived(bob)]).toEqual([true, false, false]);
  });
});
