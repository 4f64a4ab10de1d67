import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bytesToBase64 } from "#base/base64.ts";
import { systemRandom } from "#base/random.ts";
import { Secret } from "#base/secret.ts";
import type { EngineEvent } from "#bridge/events.ts";
import type { AccountView } from "#bridge/views.ts";
import { makeSigner } from "#crypto/identity.ts";
import { startAccount } from "#crypto/ledger/account.ts";
import { primitives } from "#peer/endpoint-world.contract.ts";
import {
  fingerprintIn,
  must,
  startEngineWorld,
  type EngineWorld,
  type Seat,
} from "./engine-world.contract.ts";

let world: EngineWorld;
beforeAll(async () => {
  world = await startEngineWorld();
});
afterAll(() => world.close());

const PASSWORD = "correct horse battery";
const open = (view: AccountView) => {
  if (view.status !== "open") throw new Error(view.status);
  return view;
};

/** Makes a code and its file and keeps them, as the dialog does at "Done". */
const made = async (seat: Seat) => {
  const view = must(await seat.calls.makeRecovery());
  must(await seat.calls.keepRecovery());
  return view;
};

describe("a recovery file and its code", () => {
  test("[N63] bring an account without a password back, with whom it trusted", async () => {
    const ada = await world.person("Ada");
    const guide = await world.agent();
    const agentId = guide.endpoint.accountId;
    must(await ada.calls.acceptInvite({ url: guide.link }));
    must(
      await ada.calls.setVerified({
        accountId: agentId,
        verified: true,
        fingerprintText: fingerprintIn(guide.link),
      }),
    );
    const before = open(must(await ada.calls.loadAccount()));
    const { code, file, fileName } = await made(ada);
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

  test("[N90] let their person set a new password without the old one, once", async () => {
    const ada = await world.person("Ada", PASSWORD);
    const { handle } = open(must(await ada.calls.loadAccount()));
    const { code, file } = await made(ada);
    const laptop = world.newcomer();
    const restored = open(must(await laptop.calls.restoreAccount({ file, code })));
    expect(restored).toMatchObject({ hasPassword: true, mayReplacePassword: true });
    expect(await laptop.calls.lock()).toMatchObject({ failure: { kind: "engine/no-password" } });

    must(await laptop.calls.setPassword({ current: null, next: "another horse battery" }));

    const after = open(must(await laptop.calls.loadAccount()));
    expect(after).toMatchObject({ hasPassword: true, mayReplacePassword: false });
    expect(
      await laptop.calls.setPassword({ current: null, next: "a third horse battery" }),
    ).toMatchObject({ failure: { kind: "engine/wrong-password" } });
    must(await laptop.calls.lock());
    expect(await laptop.calls.unlock({ password: PASSWORD })).toMatchObject({
      failure: { kind: "engine/wrong-password" },
    });
    must(await laptop.calls.unlock({ password: "another horse battery" }));
    const phone = world.newcomer();
    expect(await phone.calls.signIn({ handle, password: PASSWORD })).toMatchObject({
      failure: { kind: "engine/wrong-password" },
    });
    must(await phone.calls.signIn({ handle, password: "another horse battery" }));
  });

  test("[N90] let who remembers the old password change it as ever", async () => {
    const ada = await world.person("Ada", PASSWORD);
    const { code, file } = await made(ada);
    const laptop = world.newcomer();
    must(await laptop.calls.restoreAccount({ file, code }));

    expect(
      await laptop.calls.setPassword({
        current: "a wrong horse battery",
        next: "never horse battery",
      }),
    ).toMatchObject({ failure: { kind: "engine/wrong-password" } });
    must(await laptop.calls.setPassword({ current: PASSWORD, next: "another horse battery" }));

    must(await laptop.calls.lock());
    must(await laptop.calls.unlock({ password: "another horse battery" }));
  });

  test("[N91] count for nothing once a newer code is kept, or they are withdrawn", async () => {
    const ada = await world.person("Ada");
    const older = await made(ada);
    const newer = must(await ada.calls.makeRecovery());
    const restore = async ({ file, code }: { file: string; code: string }) => {
      const seat = world.newcomer();
      const answer = await seat.calls.restoreAccount({ file, code });
      return answer.ok ? "restored" : answer.failure.kind;
    };
    // Until its person has both, a new code counts for nothing and the old one goes on.
    expect(await restore(newer)).toBe("engine/recovery-withdrawn");
    expect(await restore(older)).toBe("restored");

    must(await ada.calls.keepRecovery());

    expect(await restore(older)).toBe("engine/recovery-withdrawn");
    expect(await restore(newer)).toBe("restored");
    expect(must(await ada.calls.listWays()).recoveryMadeAt).not.toBeNull();
    must(await ada.calls.withdrawRecovery());
    expect(await restore(newer)).toBe("engine/recovery-withdrawn");
    expect(must(await ada.calls.listWays()).recoveryMadeAt).toBeNull();
    expect(await ada.calls.keepRecovery()).toMatchObject({
      failure: { kind: "engine/no-recovery-made" },
    });
  });

  /** Ada's recovery, with an agent she compared keys with, and what a relay shows that takes its place. */
  const trustedAndForged = async () => {
    const ada = await world.person("Ada");
    const guide = await world.agent();
    const agentId = guide.endpoint.accountId;
    must(await ada.calls.acceptInvite({ url: guide.link }));
    must(
      await ada.calls.setVerified({
        accountId: agentId,
        verified: true,
        fingerprintText: fingerprintIn(guide.link),
      }),
    );
    const { code, file } = await made(ada);
    const forged = await startAccount(primitives, {
      accountId: agentId,
      kind: "agent",
      identity: makeSigner(primitives, new Secret(systemRandom(32))),
      mode: "session",
      suiteFloor: 1,
      bootstrapKey: null,
      createdAt: Date.now(),
    });
    const row = {
      ledger_seq: 0,
      prev_hash: bytesToBase64(new Uint8Array(32)),
      entry: bytesToBase64(forged.entry),
    };
    const isAsked = (url: string): boolean => url.includes(`/keys/ledger/${agentId}`);
    return { isAsked, code, file, forged: { data: [row], next_cursor: null } };
  };
  const comesBackChanged = async (seat: Seat) => {
    const { conversation } = await seat.until(
      (event): event is Extract<EngineEvent, { type: "conversation" }> =>
        event.type === "conversation" && event.conversation.peer?.trust === "changed",
    );
    expect(conversation.sending).toEqual({ allowed: false, because: "key-changed" });
  };

  test("[N92] show a contact with another key by then as changed, and nothing is written to it", async () => {
    const { isAsked, forged, code, file } = await trustedAndForged();
    const laptop = world.newcomer();
    laptop.line.lie = (url) => (isAsked(url) ? forged : null);

    must(await laptop.calls.restoreAccount({ file, code }));

    await comesBackChanged(laptop);
  });

  test("[N92] compare a contact's key also when the relay shows it only later", async () => {
    const { isAsked, forged, code, file } = await trustedAndForged();
    const laptop = world.newcomer();
    let isShown = false;
    laptop.line.lie = (url) => (isAsked(url) ? (isShown ? forged : { data: "later" }) : null);

    must(await laptop.calls.restoreAccount({ file, code }));
    isShown = true;
    await laptop.leave();
    const again = world.open(laptop.profile, { isCut: false, lie: laptop.line.lie });

    await comesBackChanged(again);
  });

  test("[N64] make no device of an account whose ledger the relay replaced", async () => {
    const ada = await world.person("Ada");
    const { userId } = open(must(await ada.calls.loadAccount()));
    const { code, file } = await made(ada);
    const forged = await startAccount(primitives, {
      accountId: userId,
      kind: "human",
      identity: makeSigner(primitives, new Secret(systemRandom(32))),
      mode: "session",
      suiteFloor: 1,
      bootstrapKey: null,
      createdAt: Date.now(),
    });
    const prev_hash = bytesToBase64(new Uint8Array(32));
    const row = { ledger_seq: 0, prev_hash, entry: bytesToBase64(forged.entry) };
    const laptop = world.newcomer();
    const told: string[] = [];
    laptop.line.lie = (url) => {
      told.push(new URL(url).pathname);
      return url.includes(`/keys/ledger/${userId}`) ? { data: [row], next_cursor: null } : null;
    };

    const restored = await laptop.calls.restoreAccount({ file, code });

    expect(restored).toMatchObject({ failure: { kind: "engine/bad-backup" } });
    expect(told.at(-1)).toContain(userId);
    expect(must(await laptop.calls.loadAccount()).status).toBe("none");
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
});
