import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemRandom } from "#base/random.ts";
import type { AccountView } from "#bridge/views.ts";
import { must, startEngineWorld, type EngineWorld, type Seat } from "./engine-world.contract.ts";

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

/** An authenticator with one passkey: the same secret at every use, in a fresh copy as browsers give it. */
function aPasskey() {
  const [credentialId, secret] = [systemRandom(24), systemRandom(32)];
  return { use: () => ({ credentialId: credentialId.slice(), prfOutput: secret.slice() }) };
}
type Passkey = ReturnType<typeof aPasskey>;

async function someoneWithAPasskey() {
  const ada = await world.person("Ada", PASSWORD);
  const passkey = aPasskey();
  const { userHandle } = must(await ada.calls.describePasskey());
  must(await ada.calls.addPasskey(passkey.use()));
  return { ada, passkey, userHandle };
}

const wayIds = async (seat: Seat) => must(await seat.calls.listWays()).passkeys.map(({ id }) => id);
const signIn = (seat: Seat, passkey: Passkey, userHandle: Uint8Array<ArrayBuffer>) =>
  seat.calls.signInByPasskey({ ...passkey.use(), userHandle });

describe("a passkey", () => {
  test("[N93] opens the lock beside the password, without a line too, and no other does", async () => {
    const { ada, passkey } = await someoneWithAPasskey();
    const input = passkey.use();
    const second = aPasskey();
    must(await ada.calls.addPasskey(second.use()));
    must(await ada.calls.lock());
    ada.cut();
    const locked = must(await ada.calls.loadAccount());
    const passkeyIds = [expect.any(String), expect.any(String)];
    expect(locked).toMatchObject({ status: "locked", passkeyIds });

    expect(await ada.calls.unlockByPasskey(aPasskey().use())).toMatchObject({
      failure: { kind: "engine/bad-passkey" },
    });
    const forged = { ...passkey.use(), prfOutput: systemRandom(32) };
    expect(await ada.calls.unlockByPasskey(forged)).toMatchObject({
      failure: { kind: "engine/bad-passkey" },
    });
    expect(open(must(await ada.calls.unlockByPasskey(input))).displayName).toBe("Ada");

    expect([...input.prfOutput]).toEqual(Array(32).fill(0));
    await ada.leave();
    const again = world.open(ada.profile, { isCut: true });
    open(must(await again.calls.loadAccount()));
    must(await again.calls.lock());
    open(must(await again.calls.unlockByPasskey(second.use())));
    must(await again.calls.lock());
    open(must(await again.calls.unlock({ password: PASSWORD })));
  });

  test("[N93] is never the only way in: without a password there is none", async () => {
    const ada = await world.person("Ada");
    const input = aPasskey().use();

    expect(must(await ada.calls.listWays()).canAddPasskey).toBe(false);
    expect(await ada.calls.addPasskey(input)).toMatchObject({
      failure: { kind: "engine/password-first" },
    });
    expect([...input.prfOutput]).toEqual(Array(32).fill(0));
  });

  test("[N94] brings the account to a new browser, which may then set a new password", async () => {
    const { ada, passkey, userHandle } = await someoneWithAPasskey();
    const { handle, deviceId } = open(must(await ada.calls.loadAccount()));
    const laptop = world.newcomer();

    const view = open(must(await signIn(laptop, passkey, userHandle)));

    expect(view).toMatchObject({ handle, displayName: "Ada", mayReplacePassword: true });
    expect(view.deviceId).not.toBe(deviceId);
    must(await laptop.calls.setPassword({ current: null, next: "another horse battery" }));
    must(await laptop.calls.lock());
    must(await laptop.calls.unlockByPasskey(passkey.use()));
    expect(must(await laptop.calls.listWays()).passkeys).toMatchObject([{ opensThisDevice: true }]);
  });

  test("[N94] outlives a change of the password, on a third browser too", async () => {
    const { ada, passkey, userHandle } = await someoneWithAPasskey();
    must(await ada.calls.setPassword({ current: PASSWORD, next: "another horse battery" }));
    const phone = world.newcomer();

    open(must(await signIn(phone, passkey, userHandle)));

    must(await ada.calls.lock());
    must(await ada.calls.unlockByPasskey(passkey.use()));
  });

  test("[N95] that is removed opens nothing: no new browser, no lock here, no lock elsewhere", async () => {
    const { ada, passkey, userHandle } = await someoneWithAPasskey();
    const laptop = world.newcomer();
    must(await signIn(laptop, passkey, userHandle));
    must(await laptop.calls.setPassword({ current: null, next: "another horse battery" }));
    await ada.online();
    const [id = ""] = await wayIds(ada);

    must(await ada.calls.removePasskey({ id }));

    expect(await wayIds(ada)).toEqual([]);
    must(await ada.calls.lock());
    expect(await ada.calls.unlockByPasskey(passkey.use())).toMatchObject({
      failure: { kind: "engine/bad-passkey" },
    });
    const phone = world.newcomer();
    expect(await signIn(phone, passkey, userHandle)).toMatchObject({
      failure: { kind: "engine/bad-passkey" },
    });
    // The laptop learns it with its next line.
    await laptop.leave();
    const again = world.open(laptop.profile);
    await again.online();
    await expect.poll(async () => must(await again.calls.describePasskey()).excludeIds).toEqual([]);
    must(await again.calls.lock());
    expect(must(await again.calls.loadAccount())).toMatchObject({ passkeyIds: [] });
  });

  test("[N95] opens the lock on while the relay does not say which it takes", async () => {
    const { ada, passkey } = await someoneWithAPasskey();
    await ada.leave();
    let asked = 0;
    const lie = (url: string) => (url.includes("/keys/ways") ? { data: ++asked } : null);
    const again = world.open(ada.profile, { isCut: false, lie });
    await expect.poll(() => asked).toBeGreaterThan(0);

    must(await again.calls.lock());

    open(must(await again.calls.unlockByPasskey(passkey.use())));
  });

  test("[N95] whose backup key is gone is told so: a password set anew by a recovery file ends passkeys", async () => {
    const { ada, passkey, userHandle } = await someoneWithAPasskey();
    const { code, file } = must(await ada.calls.makeRecovery());
    must(await ada.calls.keepRecovery());
    const laptop = world.newcomer();
    must(await laptop.calls.restoreAccount({ file, code }));
    expect(must(await laptop.calls.listWays()).canAddPasskey).toBe(false);

    must(await laptop.calls.setPassword({ current: null, next: "another horse battery" }));

    expect(await wayIds(laptop)).toEqual([]);
    // The first device still has the key that was, and makes no passkey for it.
    expect(await ada.calls.addPasskey(aPasskey().use())).toMatchObject({
      failure: { kind: "engine/password-first" },
    });
    expect(must(await laptop.calls.listWays()).canAddPasskey).toBe(true);
    expect(await signIn(world.newcomer(), passkey, userHandle)).toMatchObject({
      failure: { kind: "engine/bad-passkey" },
    });
    must(await laptop.calls.addPasskey(aPasskey().use()));
  });
});
