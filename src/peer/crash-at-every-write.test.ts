import { afterEach, beforeEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { base64ToBytes } from "#base/base64.ts";
import { bytesToHex } from "#base/bytes.ts";
import { err } from "#base/result.ts";
import type { EndpointFrame } from "#protocol/endpoint-frame.ts";
import { parseEnvelope } from "#protocol/envelope.ts";
import type { MessageId } from "#protocol/ids.ts";
import { must, startWorld, textOf, type Member, type World } from "./endpoint-world.contract.ts";
import { parseEntry } from "./entry.ts";
import { createStoreKeyVault } from "./key-vault.ts";
import type { Socket } from "./socket.ts";
import type { Store } from "./store.ts";

let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world.end());

/** More writes than one life makes: a story that never ends is a fault of the test. */
const MOST_WRITES = 80;

/** A process that dies at its n-th write: what it has not written and sent by then it never does. */
function aLife(store: Store, writes: number, isWritten: boolean, sent: EndpointFrame[]) {
  let left = writes;
  let isDead = false;
  let die = () => {};
  const died = new Promise<null>((resolve) => {
    die = () => resolve(null);
  });
  const sockets: WebSocket[] = [];
  const mortal: Store = {
    ...store,
    async commit(batch) {
      if (isDead) return err({ kind: "peer/store-closed" });
      left -= 1;
      if (left > 0) return store.commit(batch);
      isDead = true;
      for (const socket of sockets) socket.terminate();
      if (isWritten) await store.commit(batch);
      die();
      return err({ kind: "peer/store-closed" });
    },
  };
  const openSocket = (address: string): Socket => {
    if (isDead) return { onopen: null, onmessage: null, onclose: null, send() {}, close() {} };
    const socket = new WebSocket(address, { origin: world.url });
    socket.on("error", () => {});
    sockets.push(socket);
    const send = socket.send.bind(socket);
    return Object.assign(socket as unknown as Socket, {
      send(text: string) {
        if (isDead) return;
        sent.push(JSON.parse(text) as EndpointFrame);
        send(text);
      },
    });
  };
  const orDead = <Value>(task: Promise<Value>): Promise<Value | null> => Promise.race([task, died]);
  return {
    changes: { store: mortal, vault: createStoreKeyVault(mortal), openSocket },
    orDead,
    isDead: () => isDead,
  };
}

const sealedIn = (frame: EndpointFrame): string | undefined =>
  "encrypted_payload" in frame && frame.type !== "stream.delta"
    ? frame.encrypted_payload
    : undefined;

/** Places in chains and nonces of everything that ever left, each with the bytes it stood for. */
function placesAndNonces(sent: readonly EndpointFrame[]) {
  const uses = new Map<string, Set<string>>();
  const use = (what: string, bytes: string) =>
    uses.set(what, (uses.get(what) ?? new Set()).add(bytes));
  for (const frame of sent) {
    const text = sealedIn(frame);
    if (text === undefined) continue;
    const { head, sessionWrap, body } = must(
      parseEnvelope(base64ToBytes(text) ?? new Uint8Array()),
    );
    use(`place ${bytesToHex(head.sid)} ${head.index}`, text);
    use(`nonce ${bytesToHex(sessionWrap.slice(0, 24))}`, text);
    use(`nonce ${bytesToHex(body.slice(0, 24))}`, text);
  }
  return uses;
}

const messagesAt = (member: Member): readonly string[] =>
  member.events.flatMap((event) =>
    event.type === "entry" && event.entry.content.kind === "message"
      ? event.entry.content.messageId
      : [],
  );

test.each([
  ["before it", false],
  ["after it", true],
])(
  "[E33] [E61] [E62] a writer that dies at each of its writes, %s is done, repeats no place and no nonce and loses nothing",
  async (_when, isWritten) => {
    const ann = await world.person();
    const ben = await world.person();
    const conversationId = await world.group(ann, [[ben, "human"]]);
    const sent: EndpointFrame[] = [];
    const queued = new Set<MessageId>();
    const said: string[] = [];

    /** What a process does with its life, as far as it gets. */
    const live = async (member: Member, { orDead }: ReturnType<typeof aLife>, name: string) => {
      const { endpoint } = member;
      const say = async (text: string) => {
        const taken = await orDead(endpoint.send(conversationId, { type: "text", text }));
        if (taken?.ok === true) queued.add(taken.value.messageId);
        return taken?.ok === true ? taken.value.messageId : null;
      };
      const first = await say(`${name} one`);
      if (first === null) return;
      await orDead(endpoint.settled(first));
      await orDead(member.text(`to ${name}`));
      await orDead(endpoint.recall(conversationId, first));
      // A ledger entry begins the next session.
      const policy = { type: "invite-policy", membersMayAdd: said.length % 2 === 0 } as const;
      await orDead(endpoint.changeMembers(conversationId, policy));
      const second = await say(`${name} two`);
      if (second !== null) await orDead(endpoint.settled(second));
    };

    let writes = 1;
    for (; writes < MOST_WRITES; writes++) {
      const life = aLife(ann.store, writes, isWritten, sent);
      const member = await life.orDead(ann.restart(life.changes));
      const words = `to life ${writes}`;
      said.push(words);
      must(await ben.endpoint.send(conversationId, { type: "text", text: words }));
      if (member !== null) await live(member, life, `life ${writes}`);
      if (!life.isDead()) break;
      await member?.endpoint.close(0);
    }

    expect(writes).toBeGreaterThan(8);
    expect(writes).toBeLessThan(MOST_WRITES);
    const last = await ann.restart();
    const end = must(await last.endpoint.send(conversationId, { type: "text", text: "end" }));
    await ben.text("end");
    queued.add(end.messageId);
    const mine = must(await ben.endpoint.send(conversationId, { type: "text", text: "end" }));
    await last.entry(
      ({ content }) => content.kind === "message" && content.messageId === mine.messageId,
    );
    for (const [what, bytes] of placesAndNonces(sent))
      expect([what, bytes.size]).toEqual([what, 1]);
    const heard = messagesAt(ben);
    for (const id of queued) expect(heard.filter((one) => one === id)).toEqual([id]);
    const rows = await ann.store.logAfter(conversationId, 0, 10_000);
    const read = rows.flatMap(({ row }) => {
      const entry = parseEntry(row);
      return entry === null ? [] : (textOf(entry) ?? []);
    });
    for (const words of said) expect(read.filter((one) => one === words)).toEqual([words]);
  },
);
