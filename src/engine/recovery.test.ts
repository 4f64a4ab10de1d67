import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bytesToBase64 } from "#base/base64.ts";
import { utf8 } from "#base/bytes.ts";
import type { AccountView } from "#bridge/views.ts";
import { identityChallengeText } from "#protocol/rest.ts";
import { must, startEngineWorld, type EngineWorld } from "./engine-world.contract.ts";
import { openRecovery } from "./recovery.ts";

let world: EngineWorld;
beforeAll(async () => {
  world = await startEngineWorld();
});
afterAll(() => world.close());

const open = (view: AccountView) => {
  if (view.status !== "open") throw new Error(view.status);
  return view;
};

describe("a recovery file and its code", () => {
  test("[N63] bring an account without a password back, with whom it trusted", async () => {
    const ada = await world.person("Ada");
    const guide = await world.agent();
    const agentId = guide.endpoint.accountId;
    must(await ada.calls.acceptInvite({ url: guide.link }));
    must(await ada.calls.setVerified({ accountId: agentId, verified: true }));
    const before = open(must(await ada.calls.loadAccount()));
    const { code, file, fileName } = must(await ada.calls.makeRecovery());
    expect(fileName).toBe(`parley-recovery-${before.handle}.json`);
    const laptop = world.newcomer();

    const after = open(must(await laptop.calls.restoreAccount({ file, code: code.toLowerCase() })));

    expect(after).toMatchObject({
      userId: before.userId,
      handle: before.handle,
      displayName: "Ada",
      inviteUrl: before.inviteUrl,
      hasPassword: false,
    });
    expect(after.deviceId).not.toBe(before.deviceId);
    await laptop.until(
      (event): event is never =>
        event.type === "conversation" && event.conversation.peer?.trust === "verified",
    );
    must(await laptop.calls.setPassword({ current: null, next: "correct horse battery" }));
    const phone = world.newcomer();
    must(await phone.calls.signIn({ handle: before.handle, password: "correct horse battery" }));
    expect(must(await phone.calls.listDevices())).toHaveLength(3);
  });

  test("[N63] leave a password as it was: it can be changed by who knows it", async () => {
    const ada = await world.person("Ada", "correct horse battery");
    const { code, file } = must(await ada.calls.makeRecovery());
    const laptop = world.newcomer();
    expect(open(must(await laptop.calls.restoreAccount({ file, code }))).hasPassword).toBe(true);
    const change = (current: string) =>
      laptop.calls.setPassword({ current, next: "another horse battery" });

    expect(await change("wrong horse battery")).toMatchObject({
      failure: { kind: "engine/wrong-password" },
    });
    must(await change("correct horse battery"));
    must(await laptop.calls.lock());
    must(await laptop.calls.unlock({ password: "another horse battery" }));
  });

  test("[N64] open nothing when one of them is another's, damaged or mistyped", async () => {
    const ada = await world.person("Ada");
    const mine = must(await ada.calls.makeRecovery());
    const later = must(await ada.calls.makeRecovery());
    const laptop = world.newcomer();
    const restore = async (file: string, code: string) => {
      const answer = await laptop.calls.restoreAccount({ file, code });
      return answer.ok ? "restored" : answer.failure.kind;
    };

    expect(await restore(mine.file, later.code)).toBe("engine/bad-recovery-code");
    expect(await restore(mine.file, mine.code.slice(0, -1))).toBe("engine/bad-recovery-code");
    expect(await restore("{}", mine.code)).toBe("engine/bad-recovery-file");
    const elsewhere = mine.file.replace(world.relay.url, "https://other.example");
    expect(await restore(elsewhere, mine.code)).toBe("engine/bad-recovery-file");
    const parsed = JSON.parse(mine.file) as { sealed: string };
    const cut = JSON.stringify({ ...parsed, sealed: parsed.sealed.slice(4) });
    expect(await restore(cut, mine.code)).toBe("engine/bad-recovery-file");
    expect(mine.file).not.toContain("Ada");
    expect(must(await laptop.calls.loadAccount()).status).toBe("none");
  });

  test("[P29] the relay takes a challenge signed by the identity once, and after a wrong try not at all", async () => {
    const ada = await world.person("Ada");
    const { userId } = open(must(await ada.calls.loadAccount()));
    const { code, file } = must(await ada.calls.makeRecovery());
    const recovered = await openRecovery(world.deps, { file, code });
    if (!recovered.ok) throw new Error(recovered.failure.kind);
    const post = (path: string, body: object) =>
      fetch(`${world.relay.url}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
    const challenge = async () => {
      const answer = await post("/auth/challenge", { device_id: userId });
      return ((await answer.json()) as { data: { challenge: string } }).data.challenge;
    };
    const login = async (asked: string, signed = asked) => {
      const text = identityChallengeText({ origin: world.relay.url, userId, challenge: signed });
      const signature = bytesToBase64(await recovered.value.identity.sign(utf8(text)));
      return (await post("/auth/identity", { user_id: userId, challenge: asked, signature }))
        .status;
    };
    const good = await challenge();
    const spoilt = await challenge();

    expect([await login(good), await login(good)]).toEqual([200, 401]);
    expect([await login(spoilt, good), await login(spoilt)]).toEqual([401, 401]);
  });
});
