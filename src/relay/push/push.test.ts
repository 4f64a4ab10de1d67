import { createDecipheriv, createECDH, createHmac, randomBytes } from "node:crypto";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { importJWK, jwtVerify } from "jose";
import { describe, expect, test } from "vitest";
import { base64UrlToBytes } from "#base/base64.ts";
import { utf8, type Bytes } from "#base/bytes.ts";
import { aMessage, aWorld, onTestEnd, type World } from "../relay-world.contract.ts";
import { aPersonWithAnAgent, aSecondDevice, codeOf } from "../rest-steps.contract.ts";
import { makeEphemeral, sealPush } from "./web-push.ts";

const bytesOf = (text: string): Bytes => base64UrlToBytes(text) ?? new Uint8Array();

type Pushed = { readonly headers: IncomingHttpHeaders; readonly body: Buffer };

/** A push service whose answers the test chooses. */
async function aPushService() {
  const pushed: Pushed[] = [];
  const state = { status: 201 };
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    pushed.push({ headers: request.headers, body: Buffer.concat(chunks) });
    response.writeHead(state.status).end();
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  onTestEnd(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return { pushed, state, url: `http://127.0.0.1:${port}` };
}

/** What a browser makes when it subscribes, and how it opens what comes. */
function aBrowser() {
  const key = createECDH("prime256v1");
  key.generateKeys();
  const auth = randomBytes(16);
  const hmac = (k: Buffer, input: Buffer): Buffer => createHmac("sha256", k).update(input).digest();
  return {
    keys: { p256dh: key.getPublicKey("base64url"), auth: auth.toString("base64url") },
    open(body: Buffer): unknown {
      const theirs = body.subarray(21, 86);
      const info = Buffer.concat([
        Buffer.from("WebPush: info\0"),
        key.getPublicKey(),
        theirs,
        Buffer.of(1),
      ]);
      const prk = hmac(body.subarray(0, 16), hmac(hmac(auth, key.computeSecret(theirs)), info));
      const part = (label: string): Buffer => hmac(prk, Buffer.from(`${label}\0\x01`));
      const contentKey = part("Content-Encoding: aes128gcm").subarray(0, 16);
      const nonce = part("Content-Encoding: nonce").subarray(0, 12);
      const decipher = createDecipheriv("aes-128-gcm", contentKey, nonce);
      decipher.setAuthTag(body.subarray(-16));
      const padded = Buffer.concat([decipher.update(body.subarray(86, -16)), decipher.final()]);
      return JSON.parse(padded.subarray(0, padded.lastIndexOf(2)).toString());
    },
  };
}

async function aSubscribedPerson() {
  const service = await aPushService();
  const lived = await aPersonWithAnAgent(await aWorld({ allowsPrivateTargets: true }));
  const { world, ada, echo } = lived;
  const browser = aBrowser();
  const subscribe = (keys = browser.keys, endpoint = `${service.url}/send/1`) =>
    world.rest("POST", "/push/subscriptions", ada.token, { endpoint, keys });
  const subscribed = await subscribe();
  const agent = await world.online(echo);
  const say = async (change: { push?: "none" | "high"; content_type?: "control" } = {}) => {
    agent.send({ ...aMessage(lived.conversation, echo), ...change });
    return (await agent.next("message.ack")).conversation_seq;
  };
  return { ...lived, service, browser, subscribe, subscribed, say };
}

/** Lets five seconds pass once the relay has looked at so many entries, and what was due leave. */
async function fiveSecondsPass(world: World, entries: number): Promise<void> {
  const considered = (): number =>
    world.lines
      .map((line) => /^push\.considered .*"entries":(\d+)/.exec(line)?.[1] ?? 0)
      .reduce<number>((sum, count) => sum + Number(count), 0);
  await expect.poll(considered).toBe(entries);
  await world.clock.advance(5_000);
  await world.stop();
}

describe("a sealed notification", () => {
  test("[P80] is what RFC 8291 shows in its appendix", () => {
    const ephemeral = createECDH("prime256v1");
    ephemeral.setPrivateKey(bytesOf("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"));
    const publicKey = bytesOf(
      "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    );

    const sealed = sealPush(
      utf8("When I grow up, I want to be a watermelon"),
      { publicKey, auth: bytesOf("BTBZMqHH6r4Tts7J_aSIgg") },
      { salt: bytesOf("DGv6ra1nlYgDCS1FRnbzlw"), ephemeral },
      0,
    );

    expect(Buffer.from(sealed ?? []).toString("base64url")).toBe(
      "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN",
    );
  });
});

describe("a person who is not here", () => {
  test("[P80] is told after 5 s, once for all that came, by place and count alone", async () => {
    const { world, conversation, service, browser, say } = await aSubscribedPerson();
    await say();
    const seq = await say();

    await fiveSecondsPass(world, 2);

    expect(service.pushed).toHaveLength(1);
    const [{ headers, body }] = service.pushed as [Pushed];
    expect(browser.open(body)).toEqual({ v: 1, conversation_id: conversation, seq, badge: 2 });
    expect(headers).toMatchObject({ "content-encoding": "aes128gcm", urgency: "normal" });
    expect(headers.ttl).toBe("86400");
    expect(JSON.stringify(headers)).not.toContain(conversation);
  });

  test("[P80] is told under the relay's own key, which every browser was given", async () => {
    const { world, ada, service, say } = await aSubscribedPerson();
    const given = (await world.rest("GET", "/push/key", ada.token)).body.data.vapid_public_key;
    await say();
    const now = new Date(world.clock.now());
    await fiveSecondsPass(world, 1);

    const [{ headers }] = service.pushed as [Pushed];
    const [, token = "", key] =
      /^vapid t=([^,]+), k=(.+)$/.exec(String(headers.authorization)) ?? [];
    const point = bytesOf(given);
    const x = Buffer.from(point.slice(1, 33)).toString("base64url");
    const y = Buffer.from(point.slice(33)).toString("base64url");
    const publicKey = await importJWK({ kty: "EC", crv: "P-256", x, y }, "ES256");
    const { payload } = await jwtVerify(token, publicKey, { currentDate: now });
    expect(key).toBe(given);
    expect(payload).toMatchObject({ aud: service.url, sub: "mailto:operator@localhost" });
  });

  test("[P80] is not told what a socket of the device acknowledged in time", async () => {
    const { world, ada, conversation, service, say } = await aSubscribedPerson();
    const person = await world.online(ada);
    const seq = await say();
    await person.next("message.new");
    person.send({ type: "message.ack", conversation_id: conversation, seq });
    await person.settle();
    await world.clock.advance(50);
    // The writer answers in order: now the cursor is on disk.
    await world.rest("GET", "/health");

    await fiveSecondsPass(world, 1);

    expect(service.pushed).toEqual([]);
  });

  test("[P80] is not told of a muted conversation, of control entries, or of what asks for silence", async () => {
    const { world, ada, conversation, service, say } = await aSubscribedPerson();
    await say({ push: "none" });
    await say({ content_type: "control" });
    const muted_until = new Date(world.clock.now() + 3_600_000).toISOString();
    await world.rest("PATCH", `/conversations/${conversation}`, ada.token, { muted_until });
    await say();

    await fiveSecondsPass(world, 1);

    expect(service.pushed).toEqual([]);
  });

  test("[P80] is told with haste where the writer asks for it", async () => {
    const { world, service, say } = await aSubscribedPerson();
    await say({ push: "high" });

    await fiveSecondsPass(world, 1);

    expect(service.pushed[0]?.headers.urgency).toBe("high");
  });
});

describe("a notification", () => {
  test("[P80] is as long for a small place and count as for large ones", () => {
    const { p256dh, auth } = aBrowser().keys;
    const keys = { publicKey: bytesOf(p256dh), auth: bytesOf(auth) };
    const lengthOf = (text: string): number | undefined =>
      sealPush(utf8(text), keys, {
        salt: bytesOf("DGv6ra1nlYgDCS1FRnbzlw"),
        ephemeral: makeEphemeral(),
      })?.length;

    expect(lengthOf('{"seq":1}')).toBe(lengthOf('{"seq":1234567890,"badge":1000}'));
  });

  test("[P80] is for each device that did not acknowledge, whatever another one did", async () => {
    const { world, ada, service, browser, conversation, say } = await aSubscribedPerson();
    const phone = await aSecondDevice(world, ada);
    const person = await world.online(phone);
    const seq = await say();
    await person.next("message.new");
    person.send({ type: "message.ack", conversation_id: conversation, seq });
    await person.settle();
    await world.clock.advance(50);
    await world.rest("GET", "/health");

    await fiveSecondsPass(world, 1);

    expect(service.pushed.map(({ body }) => browser.open(body))).toMatchObject([{ seq }]);
  });
});

describe("a subscription", () => {
  test("[P80] is one a device, and ends with the device or by its owner", async () => {
    const { world, ada, service, subscribe, subscribed, say } = await aSubscribedPerson();
    const again = await subscribe(aBrowser().keys, `${service.url}/send/2`);
    const remove = async (id: string) =>
      codeOf(await world.rest("DELETE", `/push/subscriptions/${id}`, ada.token));

    expect(await remove(subscribed.body.data.subscription_id)).toBe("NOT_FOUND");
    expect(await remove(again.body.data.subscription_id)).toBe(200);
    await subscribe();
    await world.rest("DELETE", `/users/me/devices/${ada.deviceId}`, ada.token);
    await say();
    await fiveSecondsPass(world, 1);
    expect(service.pushed).toEqual([]);
  });

  test.each([
    [404, "NOT_FOUND"],
    [410, "NOT_FOUND"],
    [400, 200],
  ])("[P80] answered by %i is then found or not: %s", async (status, found) => {
    const { world, ada, service, subscribed, say } = await aSubscribedPerson();
    service.state.status = status;
    await say();

    await fiveSecondsPass(world, 1);
    await world.restart();

    expect(service.pushed).toHaveLength(1);
    const path = `/push/subscriptions/${subscribed.body.data.subscription_id}`;
    expect(codeOf(await world.rest("DELETE", path, await world.renew(ada)))).toBe(found);
  });

  test("[P80] is its browser's last, and ended by its own person alone", async () => {
    const { world, service, subscribed, browser, say } = await aSubscribedPerson();
    const bob = await world.person("bob");
    const remove = async (id: string) =>
      codeOf(await world.rest("DELETE", `/push/subscriptions/${id}`, bob.token));
    expect(await remove(subscribed.body.data.subscription_id)).toBe("NOT_FOUND");

    // The same browser, signed in as somebody else: its endpoint is that person's now.
    const endpoint = `${service.url}/send/1`;
    const body = { endpoint, keys: browser.keys };
    const his = await world.rest("POST", "/push/subscriptions", bob.token, body);
    await say();
    await fiveSecondsPass(world, 1);
    expect(service.pushed).toEqual([]);
    await world.restart();
    await world.renew(bob);
    expect(await remove(his.body.data.subscription_id)).toBe(200);
  });

  test("[P80] with keys or an address that cannot be is refused", async () => {
    const { subscribe, browser } = await aSubscribedPerson();
    const { p256dh, auth } = browser.keys;

    const refused = [
      await subscribe({ p256dh: auth, auth }),
      await subscribe({ p256dh, auth: "AAAA" }),
      await subscribe(browser.keys, "ftp://push.example/1"),
    ];

    expect(refused.map(({ body }) => body.error.params.path)).toEqual(["keys", "keys", "endpoint"]);
  });
});
