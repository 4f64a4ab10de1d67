/** Two relays on one database: what a client may expect of them is what it may expect of one. */
import { createHash, sign } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "#base/clock.ts";
import { Secret } from "#base/secret.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import { silentLog } from "#base/log.ts";
import { systemRandom } from "#base/random.ts";
import type { AgentId, ConversationId, StreamId, UserId } from "#protocol/ids.ts";
import { deviceChallengeText } from "#protocol/rest.ts";
import { startRedis, type RealServer } from "#sdk/shared/real-servers.contract.ts";
import { DATABASE_FILE } from "../data-folder.ts";
import { hashOf } from "../ledger-head.ts";
import { openStore, placeOf } from "../store/open-store.ts";
import type { Sql } from "../store/sql.ts";
import {
  aLedger,
  aMessage,
  anId,
  aWorld,
  aWorldsDatabase,
  text64,
  onTestEnd,
  passTimeUntil,
  type Account,
  type Answer,
  type Socket,
  type World,
} from "../relay-world.contract.ts";

let redis: RealServer | null = null;
beforeAll(async () => {
  redis = startRedis === null ? null : await startRedis();
});
afterAll(() => redis?.stop());

/** What is not stored crosses nodes only over Redis. */
const overRedis = test.skipIf(startRedis === null);

/**
 * Two nodes in real time; without `hints` each finds out what the other did by looking. Where `hasTime` is false, time
 * passes only as the test lets it.
 */
async function twoNodes(hints = true, hasTime = hints): Promise<readonly [World, World]> {
  const dataFolder = mkdtempSync(join(tmpdir(), "parley-nodes-"));
  onTestEnd(() => rmSync(dataFolder, { recursive: true, force: true }));
  const hasBus = hints && redis !== null;
  const bus = hasBus ? { redis: new Secret(redis?.address ?? "") } : {};
  const database = await aWorldsDatabase();
  const rates = { register: { perSecond: 100, burst: 100 } };
  const clock = hasTime ? { clock: systemClock } : {};
  const options = { dataFolder, database, isShared: true, rates, ...clock, ...bus };
  const nodes = [await aWorld(options), await aWorld(options)] as const;
  // A node does not wait for its bus, and what is said before it is there is lost.
  const busOf = async (world: World) => (await world.rest("GET", "/ready")).body.data.bus as string;
  if (hasBus) for (const world of nodes) await until(async () => (await busOf(world)) === "up");
  return nodes;
}

/** A person at one node, an agent of one socket at the other, and a conversation of theirs. */
async function apart(hints = true, hasTime = hints) {
  const [here, there] = await twoNodes(hints, hasTime);
  const ada = await here.person("ada");
  const echo = await here.agent();
  const conversationId = await here.invite(ada, echo.inviteCode);
  return { here, there, ada, echo, conversationId };
}

const acknowledge = (socket: Socket, conversationId: ConversationId, seq: number): void =>
  socket.send({ type: "message.ack", conversation_id: conversationId, seq });

/** Sends and gives the place. */
async function say(socket: Socket, conversationId: ConversationId, by: Account): Promise<number> {
  socket.send(aMessage(conversationId, by));
  return (await socket.next("message.ack")).conversation_seq;
}

/** The database of the nodes, and the name of one more. */
async function aStoreBeside(world: World) {
  const store = await openStore(
    placeOf(world.database, join(world.folder, DATABASE_FILE), "here"),
    { clock: systemClock, random: systemRandom, log: silentLog },
  );
  onTestEnd(() => store.close());
  return { ...store, nodeId: anId<string>() };
}

/** A node that is only rows: what one leaves behind that was killed. */
async function aDeadNode(world: World) {
  const beside = await aStoreBeside(world);
  await beside.writer.run("joinNodes", { nodeId: beside.nodeId });
  return beside;
}

describe("entries", () => {
  test("[R43] what is stored at one node reaches the other's sockets at once, in order, once", async () => {
    const { here, there, ada, echo, conversationId } = await apart();
    const [adaHere, adaThere, agent] = [
      await here.online(ada),
      await there.online(ada),
      await there.online(echo),
    ];

    const seqs: number[] = [];
    for (let i = 0; i < 20; i++) seqs.push(await say(adaHere, conversationId, ada));
    const heard: number[] = [];
    for (let i = 0; i < 20; i++) heard.push((await agent.next("message.new")).conversation_seq);
    const own: number[] = [];
    for (let i = 0; i < 20; i++) own.push((await adaThere.next("message.new")).conversation_seq);
    await adaHere.settle();

    expect(heard).toEqual(seqs);
    expect(own).toEqual(seqs);
    expect(adaHere.seen("message.new")).toEqual([]);
  });

  test("[R43] when both write at once each reader still sees one dense order", async () => {
    const { here, there, ada, conversationId } = await apart();
    const [one, two, reader] = [
      await here.online(ada),
      await there.online(ada),
      await there.online(ada),
    ];

    for (let i = 0; i < 25; i++) {
      one.send(aMessage(conversationId, ada));
      two.send(aMessage(conversationId, ada));
    }
    const heard: number[] = [];
    for (let i = 0; i < 50; i++) {
      heard.push((await reader.next("message.new")).conversation_seq);
      acknowledge(reader, conversationId, heard.at(-1) ?? 0);
    }

    const first = heard[0] ?? 0;
    expect(heard).toEqual(Array.from({ length: 50 }, (_, i) => first + i));
  });

  test("[R43] without any hint they come within the second in which a node looks", async () => {
    const { here, there, ada, echo, conversationId } = await apart(false);
    const [person, agent] = [await here.online(ada), await there.online(echo)];

    const seq = await say(person, conversationId, ada);
    const heard = await passTimeUntil([here, there], agent.next("message.new"), 1_000);

    expect(heard.conversation_seq).toBe(seq);
  });

  overRedis("[R43] a hint brings an entry long before a node would look", async () => {
    const { here, there, ada, echo, conversationId } = await apart(true, false);
    const [person, agent] = [await here.online(ada), await there.online(echo)];

    const seq = await say(person, conversationId, ada);
    await here.clock.advance(50);

    expect((await agent.next("message.new")).conversation_seq).toBe(seq);
  });

  test("[R43] who is put into a group at one node hears of it at the other, and who is put out hears that and no more", async () => {
    const [here, there] = await twoNodes();
    const [ada, ben, cem] = [
      await here.person("ada"),
      await here.person("ben"),
      await here.person("cem"),
    ];
    const [adaHere, benThere] = [await here.online(ada), await there.online(ben)];
    const conversation_id = anId<ConversationId>();
    const ledger = aLedger(1, conversation_id, 5);
    const row = (seq: number) => ({
      ledger_seq: seq,
      prev_hash: text64(hashOf(ledger[seq - 1] ?? new Uint8Array())),
      entry: text64(ledger[seq] ?? new Uint8Array()),
    });
    const members = [{ id: ben.id, type: "human" }];
    const group = { conversation_id, members, ledger: ledger.slice(0, 3).map(text64) };
    expect((await here.rest("POST", "/groups", ada.token, group)).status).toBe(201);
    // The other node knows who is in it, and by then nobody of them is there.
    await say(adaHere, conversation_id, ada);
    await benThere.next("message.new");
    benThere.close();
    await until(async () => (await isAway(here, ben)) === true);
    const cemThere = await there.online(cem);
    const path = `/groups/${conversation_id}/members`;

    const added = { id: cem.id, type: "human", ledger: row(3) };
    expect((await here.rest("POST", path, ada.token, added)).status).toBe(200);
    const heard = await say(adaHere, conversation_id, ada);
    expect((await cemThere.next("message.new")).conversation_seq).toBe(heard);
    await cemThere.next("group.updated");
    const gone = { ledger: row(4) };
    expect((await here.rest("DELETE", `${path}/${cem.id}`, ada.token, gone)).status).toBe(200);
    expect(await cemThere.next("group.updated")).toMatchObject({
      change: "member_removed",
      subject_id: cem.id,
    });
    const benAgain = await there.online(ben);
    const after = await say(adaHere, conversation_id, ada);
    while ((await benAgain.next("message.new")).conversation_seq !== after);
    await cemThere.settle();

    expect(cemThere.seen("message.new")).toEqual([]);
  });

  test("[R43] a conversation begun at one node is heard from its first entry at the other", async () => {
    const [here, there] = await twoNodes();
    const ada = await here.person("ada");
    const echo = await here.agent();
    const [person, agent] = [await there.online(ada), await there.online(echo)];

    const conversationId = await here.invite(ada, echo.inviteCode);

    expect(await person.next("relation.established")).toMatchObject({ conversation_seq: 1 });
    expect(await agent.next("relation.established")).toMatchObject({
      payload: { conversation_id: conversationId },
    });
  });
});

describe("what is not stored", () => {
  overRedis("[R46] typing, presence, changed keys and ended sessions cross nodes", async () => {
    const { here, there, ada, echo, conversationId } = await apart();
    const [person, agent] = [await here.online(ada), await there.online(echo)];
    await person.next("presence");

    person.send({ type: "typing.start", conversation_id: conversationId });
    const typing = await agent.next("typing");
    await there.rest("PUT", `/agents/${echo.id}/prekeys`, echo.token, { prekeys: [] });
    const keys = await person.next("keys.updated");
    await there.rest("POST", "/auth/logout", ada.token);
    const ended = await person.next("session.invalidated");
    const closed = await person.closed();
    agent.close();

    expect(typing).toMatchObject({ sender_id: ada.id, state: "start" });
    expect(keys).toMatchObject({ agent_id: echo.id });
    expect(ended.reason).toBe("logout");
    expect(closed.code).toBe(4006);
  });

  overRedis(
    "[R46] an agent's socket at one node ends as soon as its token is renewed at the other",
    async () => {
      const { here, there, ada } = await apart(true, false);
      const made = await here.rest("POST", "/agents", ada.token, { display_name: "Helper" });
      const { agent_id: id, token } = made.body.data;
      const agent = await there.socket({ type: "agent", id, deviceId: id, token });

      const renewed = await here.rest("POST", `/agents/${id}/token`, ada.token);
      // No time passes, so no look at every socket brings it.
      const closed = await agent.closed();

      expect(renewed.status).toBe(200);
      expect(closed.code).toBe(4002);
    },
  );

  overRedis("[R46] an account is here while it is anywhere", async () => {
    const { here, there, ada, echo } = await apart();
    const person = await here.online(ada);
    const [first, second] = [await here.online(echo), await there.online(echo)];
    const seenOnline = async (): Promise<boolean> =>
      (await here.rest("GET", `/agents/${echo.id}`, ada.token)).body.data.online;
    const online = await person.next("presence");
    // Each node has heard of both.
    await until(async () =>
      [first, second].every((socket) => socket.seen("agent.assignment").at(-1)?.connections === 2),
    );

    first.close();
    await until(async () => second.seen("agent.assignment").at(-1)?.connections === 1);
    const late = await here.online(ada);
    const whileOne = { online: await seenOnline(), offline: person.seen("presence") };
    second.close();
    const offline = await person.next("presence");

    expect(online.state).toBe("online");
    expect(late.seen("presence")).toMatchObject([{ peer_id: echo.id, state: "online" }]);
    expect(whileOne.online).toBe(true);
    expect(whileOne.offline.filter(({ state }) => state === "offline")).toEqual([]);
    expect(offline.state).toBe("offline");
    expect(await seenOnline()).toBe(false);
  });

  test("[R47] a challenge and a device link begun at one node are taken at the other, once", async () => {
    const [here, there] = await twoNodes();
    const origin = "https://chat.example";
    const ada = await here.person("ada");
    const { device_id } = { device_id: ada.deviceId };
    const made = await here.rest("POST", "/auth/challenge", null, { device_id });
    const { challenge } = made.body.data;
    const text = deviceChallengeText({
      origin: there.url(),
      userId: ada.id as UserId,
      deviceId: ada.deviceId,
      challenge,
    });
    const signature = text64(sign(null, Buffer.from(text), ada.deviceKey));
    const signIn = (world: World) =>
      world.rest("POST", "/auth/device", null, { device_id, challenge, signature });

    const signedIn = await signIn(there);
    const again = await signIn(here);
    const link_id = "00112233445566778899aabbccddeeff";
    await here.rest("POST", "/auth/device-links", ada.token, { link_id, sealed: "AAAA" });
    const path = `/auth/device-links/${link_id}`;
    const asked = await there.rest("PUT", `${path}/2`, null, { sealed: "BBBB" });
    const read = await here.rest("GET", `${path}/2`);
    const askedAgain = await here.rest("PUT", `${path}/2`, null, { sealed: "CCCC" });

    expect(origin).not.toBe(there.url());
    expect([signedIn.status, again.status]).toEqual([200, 401]);
    expect([asked.status, read.body.data.sealed, askedAgain.status]).toEqual([200, "BBBB", 409]);
  });

  test("[R47] a file announced at one node is put in pieces at both, and confirmed and read at either", async () => {
    const { here, there, ada, echo, conversationId } = await apart();
    const bytes = createSeededRandom(3)(5_000);
    const announced = await here.rest("POST", "/files", ada.token, {
      filename: "blob",
      content_type: "application/octet-stream",
      size: bytes.length,
      conversation_id: conversationId,
    });
    const { upload_id, upload_url, attachment_id } = announced.body.data;
    const put = (world: World, from: number, to: number) =>
      world.rest("PUT", upload_url, ada.token, bytes.slice(from, to), {
        "content-range": `bytes ${from}-${to - 1}/${bytes.length}`,
      });

    const pieces = [await put(there, 0, 2_000), await put(here, 2_000, 5_000)];
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const confirmed = await there.rest("POST", "/files/confirm", ada.token, { upload_id, sha256 });
    const headers = { authorization: `Bearer ${echo.token}` };
    const read = await fetch(`${here.url()}/files/${attachment_id}`, { headers });

    expect(pieces.map(({ body }) => body.data.received)).toEqual([2_000, 5_000]);
    expect(confirmed.body.data.sha256).toBe(sha256);
    expect(new Uint8Array(await read.arrayBuffer())).toEqual(bytes);
  });

  test("[R47] history between devices is put at one node and taken out at the other", async () => {
    const { here, there, ada } = await apart();
    const slice = "aa".repeat(16);
    const box = `/users/me/devices/${ada.deviceId}/history/${slice}`;
    for (const [index, world] of [here, there, here].entries()) {
      const put = await world.rest("PUT", `${box}/${index}`, ada.token, { sealed: "AAAA" });
      expect(put.status).toBe(200);
    }

    const listed = await there.rest("GET", "/users/me/history?from=1", ada.token);
    await there.rest("DELETE", `/users/me/history/${slice}/1`, ada.token);
    const isWaiting = async (index: number) =>
      (await here.rest("GET", `${box}/${index}`, ada.token)).body.data.waiting;

    expect(listed.body.data).toEqual([{ slice_id: slice, index: 1, sealed: "AAAA" }]);
    expect([await isWaiting(1), await isWaiting(2)]).toEqual([false, true]);
  });

  test("[R47] a request repeated at another node while the first is at work is done once", async () => {
    const { here, there, ada } = await apart();
    const headers = { "idempotency-key": "one" };
    // Who waited long for the first, at a slow disk, is told to ask again.
    const create = async (world: World): Promise<Answer> => {
      const body = { display_name: "Twin" };
      const answer = await world.rest("POST", "/agents", ada.token, body, headers);
      return answer.status === 503 ? create(world) : answer;
    };

    const answers = await Promise.all([create(here), create(there), create(here), create(there)]);

    const ids = new Set(answers.map(({ body }) => body.data.agent_id));
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
    expect(ids.size).toBe(1);
  });
});

describe("an agent's sockets", () => {
  test("[R44] are three over all nodes: a fourth evicts the least recently used, wherever it is", async () => {
    const { here, there, ada, echo, conversationId } = await apart();
    void ada;
    const first = await here.online(echo);
    const second = await there.online(echo);
    const third = await here.online(echo);
    for (const socket of [first, third]) await say(socket, conversationId, echo);
    // Other nodes hear once a second when a socket was last used.
    const { sql } = await aStoreBeside(here);
    await until(async () => {
      const rows = await sql.all<{ node_id: string }>(
        "SELECT node_id FROM agent_socket ORDER BY used_at",
      );
      return (
        rows.length === 3 &&
        rows[0]?.node_id !== rows[1]?.node_id &&
        rows[1]?.node_id === rows[2]?.node_id
      );
    });

    const fourth = await there.online(echo);

    expect(await second.closed()).toEqual({ code: 4008, reason: "EVICTED" });
    for (const socket of [first, third, fourth]) await socket.settle();
    expect(await fourth.next("agent.assignment")).toMatchObject({ connections: 3 });
  });

  test("[R44] have each conversation once: what one had not acknowledged is another's when it goes", async () => {
    const { here, there, echo } = await apart();
    const talks: { person: Account; socket: Socket; id: ConversationId }[] = [];
    // So many that each of the two sockets has one, as good as always.
    for (let i = 0; i < 20; i++) {
      const person = await here.person(`reader_${i}`);
      const id = await here.invite(person, echo.inviteCode);
      talks.push({ person, id, socket: await here.online(person) });
    }
    const [one, two] = [await here.online(echo), await there.online(echo)];
    await until(async () =>
      one.seen("agent.assignment").some(({ connections }) => connections === 2),
    );

    await until(async () => one.seen("relation.established").length > talks.length);
    for (const { id } of talks) acknowledge(one, id, 1);
    await one.settle();
    const said = new Set<string>();
    for (const { socket, id, person } of talks) said.add(`${id} ${await say(socket, id, person)}`);
    await until(async () => newsOf(one).length + newsOf(two).length >= said.size);
    const [before, others] = [newsOf(one), newsOf(two)];
    one.close();
    await until(async () => newsOf(two).length >= said.size);

    expect(before.length).toBeGreaterThan(0);
    expect(others.length).toBeGreaterThan(0);
    expect(new Set([...before, ...others])).toEqual(said);
    expect(before.length + others.length).toBe(said.size);
    expect(new Set(newsOf(two))).toEqual(said);
  });

  test("[R44] keep a conversation while something of it is unacknowledged, and hand it on with what was acknowledged", async () => {
    const { here, there, echo } = await apart();
    const talks: { person: Account; socket: Socket; id: ConversationId }[] = [];
    for (let i = 0; i < 8; i++) {
      const person = await here.person(`reader_${i}`);
      const id = await here.invite(person, echo.inviteCode);
      talks.push({ person, id, socket: await here.online(person) });
    }
    const said: string[] = [];
    const sayAll = async () => {
      for (const { socket, id, person } of talks)
        said.push(`${id} ${await say(socket, id, person)}`);
    };
    const one = await here.online(echo);
    await sayAll();
    await until(async () => newsOf(one).length === said.length);
    const two = await there.online(echo);
    await until(async () =>
      [one, two].every((socket) => socket.seen("agent.assignment").at(-1)?.connections === 2),
    );

    await sayAll();
    await until(async () => newsOf(one).length + newsOf(two).length >= said.length);
    expect(newsOf(two)).toEqual([]);
    for (const { id } of talks) acknowledge(one, id, 3);
    await one.settle();
    await sayAll();
    await until(async () => newsOf(one).length + newsOf(two).length >= said.length);
    for (const { id } of talks) if (newsOf(one).includes(`${id} 4`)) acknowledge(one, id, 4);
    one.close();
    await sayAll();
    await until(async () => newsOf(one).length + newsOf(two).length >= said.length);

    expect([...newsOf(one), ...newsOf(two)].toSorted()).toEqual(said.toSorted());
  });

  test("[R44] [S16] one that lost its place cannot act, whatever its own node believes", async () => {
    const { here, ada, echo, conversationId } = await apart(false);
    void ada;
    const agent = await here.socket(echo);
    const { writer, sql } = await aStoreBeside(here);
    const row = await sql.get<{ connection_id: string }>("SELECT connection_id FROM agent_socket");
    await writer.run("closeAgentSocket", {
      agentId: echo.id as AgentId,
      connectionId: row?.connection_id ?? "",
      now: 0,
    });

    agent.send(aMessage(conversationId, echo));
    const closed = await agent.closed();
    const page = await here.rest(
      "GET",
      `/conversations/${conversationId}/messages?after=0`,
      echo.token,
    );

    expect(closed.code).toBe(4008);
    expect(page.body.data.filter(({ type }: { type: string }) => type === "message.new")).toEqual(
      [],
    );
  });
});

describe("a node that dies", () => {
  test("[R45] is buried in seconds: its agents' conversations move, its streams are orphans, its people are gone", async () => {
    const { here, there, ada, echo, conversationId } = await apart(false);
    const person = await here.online(ada);
    const dead = await aDeadNode(here);
    const connectionId = anId<string>();
    const agentId = echo.id as AgentId;
    const lost = {
      agentId,
      connectionId,
      nodeId: dead.nodeId,
      hint: null,
      most: 3,
      used: [],
      now: 0,
    };
    await dead.writer.run("openAgentSocket", lost);
    await dead.writer.run("holdConversations", {
      agentId,
      connectionId,
      conversationIds: [conversationId],
    });
    const agent = await here.online(echo);
    const stream_id = anId<StreamId>();
    agent.send({ ...aMessage(conversationId, echo), type: "stream.start", stream_id });
    await agent.next("message.ack");
    await dead.writer.run("moveStream", {
      conversationId,
      streamId: stream_id,
      nodeId: dead.nodeId,
    });

    const seq = await say(person, conversationId, ada);
    const news = Promise.all([agent.next("message.new"), person.next("stream.error")]);
    const [heard, orphan] = await passTimeUntil([here, there], news, 1_000);

    expect(heard.conversation_seq).toBe(seq);
    expect(orphan).toMatchObject({ stream_id, code: "STREAM_ORPHANED" });
    expect(await dead.sql.all("SELECT * FROM node WHERE node_id = ?", dead.nodeId)).toEqual([]);
  });

  test("[R45] is buried when it was silent for four seconds, and not before; whoever is nowhere else is gone", async () => {
    const { here, there, ada, echo } = await apart(false);
    await there.stop();
    const other = await here.agent();
    await here.invite(ada, other.inviteCode);
    const dead = await aDeadNode(here);
    const { nodeId } = dead;
    for (const { id } of [echo, other])
      await dead.writer.run("arrive", { account: id, type: "agent", nodeId });
    const [person] = [await here.online(ada), await here.online(echo)];
    const looks = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) await look(here, dead.sql, await nodeOf(dead.sql, echo));
    };
    const stands = () => dead.sql.all("SELECT 1 FROM node WHERE node_id = ?", nodeId);

    await looks(4);
    expect(await stands()).toHaveLength(1);
    await dead.writer.run("beat", { nodeId, used: [] });
    await looks(4);
    expect(await stands()).toHaveLength(1);
    await looks(1);

    const isOffline = ({ state }: { readonly state: string }) => state === "offline";
    await until(async () => person.seen("presence").some(isOffline));
    expect(await stands()).toEqual([]);
    expect(person.seen("presence").filter(isOffline)).toMatchObject([{ peer_id: other.id }]);
    expect(await isAway(here, echo)).toBe(false);
  });

  test("[R45] is not one that gave a sign since, nor one that nobody could look at for a while", async () => {
    const { here, there, echo } = await apart(false);
    const agent = await there.online(echo);
    const beside = await aDeadNode(here);
    const { nodeId } = beside;
    await beside.writer.run("beat", { nodeId, used: [] });

    const early = await beside.writer.run("endNode", { nodeId, beat: 0, now: 0 });
    const nodes = () => beside.sql.all<{ node_id: string }>("SELECT node_id FROM node");
    const others = [nodeId, await nodeOf(beside.sql, echo)];
    const own = (await nodes()).find(({ node_id }) => !others.includes(node_id))?.node_id ?? "";
    for (const stepMs of [1_000, 60_000, 1_000]) await look(here, beside.sql, own, stepMs);

    expect(early).toEqual({ ok: true, value: null });
    expect(await nodes()).toHaveLength(3);
    await agent.settle();
  });

  test("[R45] and was not dead lets its sockets go and begins anew", async () => {
    const { here, ada, echo, conversationId } = await apart(false);
    const [person, agent] = [await here.online(ada), await here.online(echo)];
    const stream_id = anId<StreamId>();
    const start = { ...aMessage(conversationId, echo), type: "stream.start" as const, stream_id };
    agent.send(start);
    await agent.next("stream.ack");
    const { writer, sql } = await aStoreBeside(here);
    const nodes = await sql.all<{ node_id: string }>(
      "SELECT node_id FROM agent_socket WHERE agent_id = ?",
      echo.id,
    );
    await writer.run("endNode", { nodeId: nodes[0]?.node_id ?? "", beat: null, now: 0 });

    const closing = Promise.all([person.closed(), agent.closed()]);
    const closed = await passTimeUntil(here, closing, 1_000);
    const again = await here.online(echo);
    again.send(start);
    await again.next("message.ack");
    await again.settle();

    expect(closed.map(({ code }) => code)).toEqual([4014, 4014]);
    // The stream ended with the node it hung on.
    expect(again.seen("stream.ack")).toEqual([]);
  });

  test("[R46] does not end a stream that went on elsewhere, whether it heard of that or not", async () => {
    const { here, there, ada, echo, conversationId } = await apart(false);
    const [person, agent] = [await here.online(ada), await here.online(echo)];
    const stream_id = anId<StreamId>();
    agent.send({ ...aMessage(conversationId, echo), type: "stream.start", stream_id });
    await agent.next("stream.ack");
    const other = await aStoreBeside(here);
    const stream = { conversationId, streamId: stream_id };

    const early = await other.writer.run("failStream", {
      ...stream,
      now: here.clock.now(),
      code: "STREAM_ORPHANED",
      nodeId: other.nodeId,
    });
    await other.writer.run("moveStream", { ...stream, nodeId: other.nodeId });
    const late = await other.writer.run("failStream", {
      ...stream,
      now: here.clock.now(),
      code: "STREAM_ORPHANED",
      nodeId: other.nodeId,
    });
    const told = await passTimeUntil([here, there], person.next("stream.error"), 1_000);

    expect(early).toMatchObject({ failure: { code: "STREAM_UNKNOWN" } });
    expect(late.ok).toBe(true);
    expect(told).toMatchObject({ stream_id });
  });

  test("[R46] a stream that came to its end at another node is repeated to nobody here", async () => {
    const { here, there, ada, echo, conversationId } = await apart(false);
    const [person, author] = [await here.online(ada), await here.online(echo)];
    const stream_id = anId<StreamId>();
    const start = { ...aMessage(conversationId, echo), type: "stream.start" as const, stream_id };
    author.send(start);
    await author.next("stream.ack");
    author.close();
    const back = await there.online(echo);
    back.send(start);
    await back.next("stream.ack");

    const done = { type: "stream.done" as const, stream_id, delta_count: 0 };
    back.send({ ...aMessage(conversationId, echo), ...done });
    const told = passTimeUntil([here, there], person.next("stream.done"), 1_000);
    const late = await levelAt(here, ada, conversationId, (await told).conversation_seq);
    await late.settle();

    expect(late.seen("stream.start")).toEqual([]);
  });

  test("[R45] a start of another node leaves the streams of those that live", async () => {
    const { here, ada, echo, conversationId } = await apart();
    const [person, agent] = [await here.online(ada), await here.online(echo)];
    const stream_id = anId<StreamId>();
    agent.send({ ...aMessage(conversationId, echo), type: "stream.start", stream_id });
    await agent.next("stream.ack");
    await aWorld({
      dataFolder: here.folder,
      database: here.database,
      isShared: true,
      clock: systemClock,
    });
    const place = { conversation_id: conversationId, stream_id };
    agent.send({ type: "stream.delta", ...place, index: 0, encrypted_payload: "AAA0" });

    expect(await person.next("stream.delta")).toMatchObject({ index: 0 });
    expect(person.seen("stream.error")).toEqual([]);
  });

  test("[R47] of two nodes with different keys the second does not start", async () => {
    const [here] = await twoNodes();
    const other = aWorld({
      dataFolder: here.folder,
      database: here.database,
      isShared: true,
      clock: systemClock,
      key: new Secret(new Uint8Array(32)),
    });

    await expect(other).rejects.toThrow("another key");
  });
});

describe("a stream", () => {
  overRedis(
    "[R46] is read, repeated and stopped from another node, and goes on where its author comes back",
    async () => {
      const { here, there, ada, echo, conversationId } = await apart();
      const [author, reader] = [await here.online(echo), await there.online(ada)];
      const readerHere = await here.online(ada);
      const stream_id = anId<StreamId>();
      const start = { ...aMessage(conversationId, echo), type: "stream.start" as const, stream_id };
      const place = { conversation_id: conversationId, stream_id };
      author.send(start);
      await author.next("stream.ack");
      const { conversation_seq } = await reader.next("stream.start");
      for (const index of [0, 1])
        author.send({ type: "stream.delta", ...place, index, encrypted_payload: `AAA${index}` });
      const live = [await piece(reader, 0), await piece(reader, 1)];

      const stranger = await there.online(await there.person("eve"));
      stranger.send({ type: "stream.pull", ...place, from_index: 0 });
      const refused = await stranger.next("error");
      reader.send({ type: "stream.pull", ...place, from_index: 1 });
      const pulled = await piece(reader, 1);
      const late = await levelAt(there, ada, conversationId, conversation_seq);
      const caughtUp = [await piece(late, 0), await piece(late, 1)];
      const starts = late.seen("stream.start").length;
      reader.send({ type: "stream.abort", ...place });
      const asked = await author.next("stream.abort");
      author.close();
      const back = await there.online(echo);
      back.send(start);
      const progress = await back.next("stream.ack");
      for (const index of [0, 1, 2])
        back.send({ type: "stream.delta", ...place, index, encrypted_payload: `AAA${index}` });
      // By then the node where the stream began has heard that it moved.
      await piece(readerHere, 2);
      const lateHere = await levelAt(here, ada, conversationId, conversation_seq);
      await piece(lateHere, 2);
      back.send({
        ...aMessage(conversationId, echo),
        type: "stream.done",
        stream_id,
        delta_count: 3,
      });

      expect(live.map(({ index }) => index)).toEqual([0, 1]);
      expect(refused).toMatchObject({ code: "STREAM_UNKNOWN" });
      for (const type of ["stream.start", "stream.delta"] as const)
        expect(stranger.seen(type)).toEqual([]);
      expect(pulled).toMatchObject({ index: 1, encrypted_payload: "AAA1" });
      expect(caughtUp.map(({ index }) => index)).toEqual([0, 1]);
      expect([starts, lateHere.seen("stream.start").length]).toEqual([1, 1]);
      expect(asked).toMatchObject({ stream_id, requested_by: ada.id });
      expect(progress.next_index).toBe(0);
      expect(await reader.next("stream.done")).toMatchObject({ stream_id, delta_count: 3 });
    },
  );
});

/** The node at which an agent has its one socket. */
const nodeOf = async (sql: Sql, { id }: Account): Promise<string> =>
  (await sql.get<{ node_id: string }>("SELECT node_id FROM agent_socket WHERE agent_id = ?", id))
    ?.node_id ?? "";

/** Time passes at a node, and it has looked at the others. */
async function look(world: World, sql: Sql, nodeId: string, stepMs = 1_000): Promise<void> {
  const beat = async () =>
    (await sql.get<{ beat: number }>("SELECT beat FROM node WHERE node_id = ?", nodeId))?.beat ?? 0;
  const before = await beat();
  await world.clock.advance(stepMs);
  await until(async () => (await beat()) > before);
  // Behind a write of its own, so that the next look does not find it still at this one.
  await world.rest("GET", "/health");
}

const isAway = async (world: World, { id }: Account): Promise<boolean> =>
  (await world.rows("SELECT 1 FROM online WHERE account = ?", id)).length === 0;

/** A socket that knows the conversation up to a place, so that a start it gets is a repeated one. */
async function levelAt(world: World, person: Account, conversationId: ConversationId, seq: number) {
  const socket = await world.socket(person);
  socket.send({ type: "resume", log_epoch: null, cursors: { [conversationId]: seq } });
  await socket.next("resume.ok");
  return socket;
}

/** The piece at a place. One that came live may come again with what a node fetched for its readers. */
async function piece(socket: Socket, index: number) {
  for (;;) {
    const delta = await socket.next("stream.delta");
    if (delta.index === index) return delta;
  }
}

const newsOf = (socket: Socket): readonly string[] =>
  socket
    .seen("message.new")
    .map(({ conversation_id, conversation_seq }) => `${conversation_id} ${conversation_seq}`);

/** Looks again at each turn of the loop. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((next) => setTimeout(next, 20));
}
