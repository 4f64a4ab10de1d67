import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bytesToHex, utf8, type Bytes } from "#base/bytes.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import type { TransferView } from "#bridge/file-views.ts";
import type { MessageView } from "#bridge/views.ts";
import { primitives } from "#peer/endpoint-world.contract.ts";
import type { ConversationId, MessageId } from "#protocol/ids.ts";
import { must, startEngineWorld, type EngineWorld, type Seat } from "../engine-world.contract.ts";
import { aGif, aPng } from "./pictures.contract.ts";

let world: EngineWorld;
beforeAll(async () => {
  world = await startEngineWorld();
});
afterAll(() => world.close());

const talking = async (): Promise<{ ada: Seat; id: ConversationId }> => {
  const ada = await world.person("Ada");
  const guide = await world.agent();
  const id = must(await ada.calls.acceptInvite({ url: guide.link }));
  if (id === null) throw new Error("no conversation");
  await ada.openThread(id);
  return { ada, id };
};
const friends = async () => {
  const [ada, bob] = [await world.person("Ada"), await world.person("Bob")];
  const account = must(await bob.calls.loadAccount());
  if (account.status !== "open") throw new Error("not open");
  must(await ada.calls.acceptInvite({ url: account.inviteUrl }));
  await bob.until(
    (event): event is never => event.type === "contact-requests" && event.requests.length > 0,
  );
  const [request] = must(await bob.calls.listContactRequests());
  const requestId = request?.requestId ?? "";
  const id = must(await bob.calls.answerContactRequest({ requestId, accept: true }));
  if (id === null) throw new Error("no conversation");
  await ada.until(
    (event): event is never =>
      event.type === "conversation" &&
      event.conversation.id === id &&
      event.conversation.members.length === 2,
  );
  await ada.openThread(id);
  return { ada, bob, id };
};
/** Repeatable bytes, quickly: a seeded kilobyte, again and again with its number in front. */
const bytesOf = (sizeBytes: number, seed = 1): Bytes => {
  const pattern = createSeededRandom(seed)(1_024);
  const bytes = new Uint8Array(sizeBytes);
  for (let at = 0; at < sizeBytes; at += 1_024) {
    bytes.set(pattern.subarray(0, Math.min(1_024, sizeBytes - at)), at);
    bytes[at] = (at >> 10) & 0xff;
  }
  return bytes;
};
const hashOf = (bytes: Bytes): string => {
  const hash = primitives.createSha256();
  hash.update(bytes);
  return bytesToHex(hash.digest());
};
const attach = async (seat: Seat, conversationId: ConversationId, name: string, bytes: Bytes) => {
  const fileId = crypto.randomUUID();
  must(await seat.calls.attachFile({ conversationId, fileId, name, bytes: new Blob([bytes]) }));
  return fileId;
};
const send = async (
  seat: Seat,
  conversationId: ConversationId,
  fileIds: readonly string[],
  text = "",
): Promise<MessageId> =>
  must(
    await seat.calls.sendFiles({ conversationId, text, mentions: [], replyToId: null, fileIds }),
  );
const sent = (seat: Seat, messageId: MessageId): Promise<MessageView> =>
  seat.row((row) => row.id === messageId && row.seq !== null);
const failed = async (seat: Seat, messageId: MessageId): Promise<string> => {
  const row = await seat.row((one) => one.id === messageId && one.delivery?.status === "failed");
  return row.delivery?.status === "failed" ? row.delivery.failure : "";
};
const transferred = (seat: Seat, wants: (transfer: TransferView) => boolean) =>
  seat.until(
    (event): event is Extract<typeof event, { type: "transfer" }> =>
      event.type === "transfer" && wants(event.transfer),
  );
const open = async (seat: Seat, conversationId: ConversationId, row: MessageView, index = 0) => {
  const attachmentId = row.attachments[index]?.attachment_id ?? "";
  const answer = await seat.calls.openFile({ conversationId, messageId: row.id, attachmentId });
  if (!answer.ok) return { failure: answer.failure.kind };
  const { bytes, name, picture } = answer.value;
  return {
    hash: hashOf(new Uint8Array(await bytes.arrayBuffer())),
    name,
    picture,
    type: bytes.type,
  };
};
const vector = (name: string): Bytes =>
  new Uint8Array(readFileSync(new URL(`vectors/${name}`, import.meta.url)));
const MEBIBYTE = 1 << 20;

describe("files beside a draft", () => {
  test("[N140] lie sealed on this device over a restart, in order, and go when they are taken away", async () => {
    const { ada, id } = await talking();
    const first = await attach(ada, id, "first.bin", bytesOf(3 * MEBIBYTE));
    const second = await attach(ada, id, "second.txt", utf8("short"));

    await ada.leave();
    const again = world.open(ada.profile);
    await again.online();
    const found = must(await again.calls.listAttached({ conversationId: id }));
    must(await again.calls.detachFile({ conversationId: id, fileId: first }));
    const left = must(await again.calls.listAttached({ conversationId: id }));

    expect(found.map(({ name, sizeBytes }) => [name, sizeBytes])).toEqual([
      ["first.bin", 3 * MEBIBYTE],
      ["second.txt", 5],
    ]);
    expect(left.map(({ fileId }) => fileId)).toEqual([second]);
  });

  test("[N140] that are too large, too many or unreadable are refused, and nothing of them stays", async () => {
    const { ada, id } = await talking();
    const tooLarge = { size: 104_857_601, slice: () => new Blob() } as unknown as Blob;
    const gone = {
      size: 10,
      slice: () => ({ arrayBuffer: () => Promise.reject(new Error("moved")) }),
    } as unknown as Blob;
    const kindOf = async (bytes: Blob): Promise<string> => {
      const fileId = crypto.randomUUID();
      const answer = await ada.calls.attachFile({ conversationId: id, fileId, name: "x", bytes });
      return answer.ok ? "taken" : answer.failure.kind;
    };

    const kinds = [await kindOf(tooLarge), await kindOf(gone)];
    for (let i = 0; i < 20; i++) await attach(ada, id, `${i}`, utf8("x"));
    kinds.push(await kindOf(new Blob(["one more"])));

    expect(kinds).toEqual([
      "engine/file-too-large",
      "engine/file-unreadable",
      "engine/too-many-files",
    ]);
    expect(must(await ada.calls.listAttached({ conversationId: id }))).toHaveLength(20);
  });
});

describe("a message with files", () => {
  test("[N141] goes up in pieces, leaves when all are up, and opens to the same bytes", async () => {
    const { ada, id } = await talking();
    const large = bytesOf(5 * MEBIBYTE + 7);
    const ids = [
      await attach(ada, id, "five.bin", large),
      await attach(ada, id, "nothing.txt", new Uint8Array()),
    ];

    const messageId = await send(ada, id, ids, "two of them");
    const row = await sent(ada, messageId);

    expect(row.body).toEqual({ kind: "text", text: "two of them", markdown: false });
    expect(row.attachments.map(({ filename, size }) => [filename, size])).toEqual([
      ["five.bin", 5 * MEBIBYTE + 7],
      ["nothing.txt", 0],
    ]);
    expect(await open(ada, id, row)).toEqual({
      hash: hashOf(large),
      name: "five.bin",
      picture: null,
      type: "application/octet-stream",
    });
    expect(await open(ada, id, row, 1)).toMatchObject({ hash: hashOf(new Uint8Array()) });
    expect(must(await ada.calls.listAttached({ conversationId: id }))).toEqual([]);
  });

  test("[N142] [E94] pauses when the line goes and sends nothing twice that the relay has", async () => {
    const { ada, id } = await talking();
    const bytes = bytesOf(3 * MEBIBYTE);
    const fileId = await attach(ada, id, "three.bin", bytes);
    let puts = 0;
    ada.line.onFile = (method) => {
      if (method === "PUT" && ++puts === 2) {
        ada.cut();
        throw new Error("cut");
      }
      return null;
    };

    const messageId = await send(ada, id, [fileId]);
    const paused = await transferred(
      ada,
      ({ status, doneBytes }) => status === "paused" && doneBytes > 0,
    );
    await ada.mend();
    const row = await sent(ada, messageId);

    expect(paused.transfer).toMatchObject({ id: messageId, totalBytes: 3 * MEBIBYTE });
    // Three pieces, and the one that was cut once more.
    expect(puts).toBe(4);
    expect(await open(ada, id, row)).toMatchObject({ hash: hashOf(bytes) });
  });

  test("[N143] goes on after a restart, without the file it was made of", async () => {
    const { ada, id } = await talking();
    const bytes = bytesOf(2 * MEBIBYTE);
    const fileId = await attach(ada, id, "four.bin", bytes);
    ada.line.onFile = (method) => {
      if (method !== "PUT") return null;
      ada.cut();
      throw new Error("cut");
    };
    const messageId = await send(ada, id, [fileId], "still here");
    await ada.row((row) => row.id === messageId && row.delivery?.status === "queued");
    await ada.leave();

    const again = world.open(ada.profile, { isCut: true });
    const shown = await again.openThread(id);
    await again.mend();
    const row = await sent(again, messageId);

    expect(shown.messages.at(-1)).toMatchObject({
      id: messageId,
      body: { text: "still here" },
      attachments: [{ filename: "four.bin", isHere: true }],
    });
    expect(await open(again, id, row)).toMatchObject({ hash: hashOf(bytes) });
  });

  test("[N144] that is thrown away ends its upload and is forgotten with its files", async () => {
    const { ada, id } = await talking();
    const fileId = await attach(ada, id, "three.bin", bytesOf(3 * MEBIBYTE));
    ada.cut();

    const messageId = await send(ada, id, [fileId]);
    must(await ada.calls.discardFailed({ conversationId: id, messageId }));
    await ada.until(
      (event): event is never =>
        event.type === "messages-removed" && event.messageIds.includes(messageId),
    );
    await ada.leave();
    const thread = await world.open(ada.profile).openThread(id);

    expect(thread.messages.map((row) => row.id)).not.toContain(messageId);
  });

  test("[N144] that the relay refuses says why, keeps its words and files, and can be tried again", async () => {
    const { ada, id } = await talking();
    const fileId = await attach(ada, id, "one.bin", bytesOf(MEBIBYTE));
    const refusal = {
      error: { code: "QUOTA_EXCEEDED", message: "", i18n_key: "", params: { limit: 7 } },
    };
    ada.line.onFile = (method) =>
      method === "PUT" ? Response.json(refusal, { status: 413 }) : null;

    const messageId = await send(ada, id, [fileId], "with words");
    const why = await failed(ada, messageId);
    ada.line.onFile = undefined;
    must(await ada.calls.retrySend({ conversationId: id, messageId }));
    const row = await sent(ada, messageId);

    expect(why).toBe("peer/over-quota");
    expect(row.body).toMatchObject({ text: "with words" });
  });

  test("[N144] whose bytes this device lost says so and keeps its words", async () => {
    const { ada, id } = await talking();
    const answer = await ada.calls.sendFiles({
      conversationId: id,
      text: "kept",
      mentions: [],
      replyToId: null,
      fileIds: ["00000000-0000-7000-8000-000000000000"],
    });

    expect(answer).toMatchObject({ ok: false, failure: { kind: "engine/file-gone" } });
  });
});

describe("opening", () => {
  test("[N145] gives nothing of a file that is not what its message names", async () => {
    const { ada, id } = await talking();
    const bytes = bytesOf(2 * MEBIBYTE);
    const row = await sent(ada, await send(ada, id, [await attach(ada, id, "two.bin", bytes)]));
    ada.line.onFile = async (method, url) => {
      if (method !== "GET") return null;
      const page = await fetch(url, { headers: { range: "bytes=0-1" } });
      await page.body?.cancel();
      return new Response(bytesOf(2 * MEBIBYTE + 33 * 16 + 7, 9));
    };

    const altered = await open(ada, id, row);
    ada.line.onFile = (method) => (method === "GET" ? new Response(null, { status: 404 }) : null);
    const missing = await open(ada, id, row);
    ada.line.onFile = undefined;

    expect(altered).toEqual({ failure: "peer/damaged-file" });
    expect(missing).toEqual({ failure: "peer/not-found" });
    expect(await open(ada, id, row)).toMatchObject({ hash: hashOf(bytes) });
  });

  test("[N145] ends when it is called off", async () => {
    const { ada, id } = await talking();
    const file = await attach(ada, id, "two.bin", bytesOf(2 * MEBIBYTE));
    const row = await sent(ada, await send(ada, id, [file]));
    const abort = new AbortController();
    ada.line.onFile = () => {
      abort.abort();
      return null;
    };
    const call = ada.calls.openFile as (
      input: object,
      options: object,
    ) => ReturnType<typeof ada.calls.openFile>;

    const answer = await call(
      { conversationId: id, messageId: row.id, attachmentId: row.attachments[0]?.attachment_id },
      { signal: abort.signal },
    );

    expect(answer).toMatchObject({ ok: false, failure: { kind: "engine/cancelled" } });
  });

  test("[N146] a small picture that was sent from here is here, by its bytes and not its name", async () => {
    const { ada, id } = await talking();
    const picture = aPng(3, 2);
    const script = utf8('<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>');
    const ids = [
      await attach(ada, id, "really.txt", picture),
      await attach(ada, id, "not-a.png", script),
    ];
    const row = await sent(ada, await send(ada, id, ids));
    const asked: string[] = [];
    ada.line.onFile = (method) => {
      asked.push(method);
      return null;
    };

    const shown = await open(ada, id, row);
    const askedForPicture = [...asked];
    const plain = await open(ada, id, row, 1);

    expect(row.attachments.map(({ mime, width, isHere }) => [mime, width, isHere])).toEqual([
      ["image/png", 3, true],
      ["application/octet-stream", undefined, false],
    ]);
    expect(shown).toMatchObject({ hash: hashOf(picture), type: "image/png" });
    expect(askedForPicture).toEqual([]);
    expect(plain).toMatchObject({ picture: null, type: "application/octet-stream" });
  });

  test("[N149] a photo reaches others without its place, and in a frame of the way up it has", async () => {
    const { ada, bob, id } = await friends();
    await bob.openThread(id);
    const photo = vector("described.jpg");
    const torn = photo.slice();
    torn[4] = 0xff;

    const fileIds = [
      await attach(ada, id, "photo.jpg", photo),
      await attach(ada, id, "t.jpg", torn),
    ];
    const beside = must(await ada.calls.listAttached({ conversationId: id }));
    const { id: messageId } = await sent(ada, await send(ada, id, fileIds));
    const row = await bob.row((one) => one.id === messageId);
    const opened = must(
      await bob.calls.openFile({
        conversationId: id,
        messageId,
        attachmentId: row.attachments[0]?.attachment_id ?? "",
      }),
    );
    const bytes = Buffer.from(await opened.bytes.arrayBuffer());

    expect(photo.length - bytes.length).toBeGreaterThan(3_000);
    expect(bytes.includes("NEEDLE")).toBe(false);
    expect(beside[0]).toMatchObject({
      sizeBytes: bytes.length,
      picture: { width: 16, height: 24 },
    });
    expect(
      row.attachments.map(({ mime, size, width, height }) => [mime, size, width, height]),
    ).toEqual([
      ["image/jpeg", bytes.length, 16, 24],
      ["application/octet-stream", torn.length, undefined, undefined],
    ]);
  });

  test("[N146] a small picture of somebody else is here once it was opened, and a picture's words go with its message", async () => {
    const { ada, bob, id } = await friends();
    await bob.openThread(id);
    const picture = aGif(5, 4);
    const { id: messageId } = await sent(
      ada,
      await send(ada, id, [await attach(ada, id, "a.gif", picture)]),
    );
    const before = await bob.row((row) => row.id === messageId);
    const asked: string[] = [];
    bob.line.onFile = (method) => {
      asked.push(method);
      return null;
    };

    const first = await open(bob, id, before);
    const second = await open(bob, id, before);
    const after = (await bob.openThread(id)).messages.find((row) => row.id === messageId);
    must(await ada.calls.recall({ conversationId: id, messageId }));
    await bob.row((row) => row.id === messageId && row.body.kind === "recalled");

    expect(before.attachments.map(({ isHere }) => isHere)).toEqual([false]);
    expect(first).toMatchObject({ hash: hashOf(picture), picture: { width: 5, height: 4 } });
    expect(second).toEqual(first);
    expect(asked).toEqual(["GET"]);
    expect(after?.attachments.map(({ isHere }) => isHere)).toEqual([true]);
    expect(await open(bob, id, before)).toEqual({ failure: "engine/unknown-file" });
  });
});

describe("a plain agent", () => {
  test("[N147] takes no files: the ability is absent, and asking all the same is refused", async () => {
    const ada = await world.person("Ada");
    const id = must(
      await ada.calls.addAgentByAddress({
        protocol: "myagent",
        url: "http://127.0.0.1:9",
        name: "Nobody",
        apiKey: null,
        model: null,
        remembers: "client",
      }),
    );
    const view = must(await ada.calls.listConversations()).find((one) => one.id === id);

    const answer = await ada.calls.attachFile({
      conversationId: id,
      fileId: crypto.randomUUID(),
      name: "x",
      bytes: new Blob(["x"]),
    });

    expect(view?.can).toEqual([]);
    expect(answer).toMatchObject({ ok: false, failure: { kind: "engine/plain-cannot" } });
  });
});
