/** Calls about an open account: what the page sees of it, its password, its name, leaving. */
import { err, ok, type Result } from "#base/result.ts";
import type { AccountView } from "#bridge/views.ts";
import type { BackupContent } from "#crypto/backup-content.ts";
import { OwnProfile } from "#protocol/rest.ts";
import * as account from "./account.ts";
import { saveAccount, type OpenAccount } from "./account-vault.ts";
import { putOut } from "./devices.ts";
import { translated, type EngineFailure } from "./failure.ts";
import { knowPassword, setPassword as replacePassword } from "./set-password.ts";
import { trustContent } from "./account-trust.ts";
import type { Session } from "./session.ts";
import { deleteDB } from "idb";
import { noteTouch } from "./idle-lock.ts";
import { sessionOf, type House } from "./house.ts";
import { lockDoor, removeDoor } from "./store/door.ts";
import type { Database } from "./store/migrations.ts";

type Answer<Value> = Promise<Result<Value, EngineFailure>>;

/** How long messages under way are waited for before the key turns. */
const DRAIN_MS = 1_000;

/** A new account; fails with `engine/already-open` where one is. */
export const create = (
  house: House,
  input: Parameters<typeof account.createAccount>[2],
): Answer<AccountView> =>
  house.atDoor(async (database) => {
    if (house.state().status !== "none") return err({ kind: "engine/already-open" });
    const made = await account.createAccount(house.deps, database, input);
    return made.ok ? ok(await house.begin(made.value)) : made;
  });

/** An account that exists, on this new device. */
export const signIn = (
  house: House,
  input: { readonly handle: string; readonly password: string },
): Answer<AccountView> => moveIn(house, (database) => account.signIn(house.deps, database, input));

/** The account of a recovery file, on this new device. */
export const restoreAccount = (
  house: House,
  input: { readonly file: string; readonly code: string },
): Answer<AccountView> =>
  moveIn(house, (database) => account.restoreAccount(house.deps, database, input));

/** An account that came with a backup moves in, and what the backup remembers with it. */
export const moveIn = (
  house: House,
  open: (
    database: Database,
  ) => Answer<{ readonly account: OpenAccount; readonly backup: BackupContent }>,
): Answer<AccountView> =>
  house.atDoor(async (database) => {
    if (house.state().status !== "none") return err({ kind: "engine/already-open" });
    const opened = await open(database);
    if (!opened.ok) return opened;
    await house.begin(opened.value.account);
    const session = house.session();
    if (session !== null) await restore(house, session, database, opened.value.backup);
    return ok(house.view());
  });

/** Sets or replaces the password; the new backup holds whom this person trusts today. */
export const setPassword = (
  house: House,
  input: { readonly current: string | null; readonly next: string },
): Answer<null> =>
  house.atDoor(async (database) => {
    const session = sessionOf(house);
    if (!session.ok) return session;
    const { endpoint } = session.value;
    const content = await trustContent(session.value);
    const before = session.value.account();
    const changed = await replacePassword(
      house.deps,
      database,
      endpoint.rest,
      before,
      input,
      content,
    );
    if (!changed.ok) {
      if (changed.failure.kind === "engine/wrong-password" && input.current === null)
        await forgetWayIn(house, session.value, database);
      return changed;
    }
    session.value.setAccount(changed.value);
    house.tellAccount();
    return ok(null);
  });

/** A password that was set elsewhere is entered here, and can lock this device from now on. */
export const enterPassword = (
  house: House,
  { password }: { readonly password: string },
): Answer<null> =>
  house.atDoor(async (database) => {
    const session = sessionOf(house);
    if (!session.ok) return session;
    const { endpoint, account: own } = session.value;
    const known = await knowPassword(house.deps, database, endpoint.rest, own(), password);
    if (!known.ok) return known;
    session.value.setAccount(known.value);
    house.tellAccount();
    return ok(null);
  });

/** The way this device came by was taken away meanwhile: from now on the old password is asked for. */
async function forgetWayIn(house: House, session: Session, database: Database): Promise<void> {
  const before = session.account();
  const record = { ...before.record, wayIn: null };
  const saved = await saveAccount(house.deps, database, { ...before, record });
  if (!saved.ok) return;
  session.setAccount(saved.value);
  house.tellAccount();
}

/** Ends the session and turns the key; fails with `engine/no-password`, then nothing changed. */
export const lock = (house: House): Answer<null> =>
  house.atDoor(async (database) => {
    const session = sessionOf(house);
    if (!session.ok) return session;
    const locked = await lockDoor(database);
    if (!locked.ok) return locked;
    await house.end(DRAIN_MS);
    return house.look();
  });

/** Sets after how many minutes without a touch the lock turns by itself; fails with `engine/no-password`. */
export const setIdleLock = (
  house: House,
  { minutes }: { readonly minutes: number | null },
): Answer<null> =>
  house.atDoor(async (database) => {
    const session = sessionOf(house);
    if (!session.ok) return session;
    const before = session.value.account();
    if (!before.hasLock) return err({ kind: "engine/no-password" });
    const record = { ...before.record, lockAfterMinutes: minutes };
    const saved = await saveAccount(house.deps, database, { ...before, record });
    if (!saved.ok) return saved;
    session.value.setAccount(saved.value);
    await noteTouch(saved.value.store, house.deps.clock.now());
    house.tellAccount();
    return ok(null);
  });

export const unlock = (
  house: House,
  { password }: { readonly password: string },
): Answer<AccountView> =>
  house.atDoor(async (database) => {
    const state = house.state();
    if (state.status === "open") return ok(house.view());
    if (state.status === "none") return err({ kind: "engine/not-open" });
    const opened = await account.unlockAccount(house.deps, database, state.greeting, password);
    if (!opened.ok) return opened;
    await noteTouch(opened.value.store, house.deps.clock.now());
    return ok(await house.begin(opened.value));
  });

/** Forgets everything on this device. The wraps go first: whatever stops us after that, what is left cannot be read. */
export const wipe = (house: House): Answer<null> =>
  house.atDoor(async (database) => {
    const session = house.session();
    if (session !== null) await leaveRelay(session);
    await removeDoor(database);
    await house.end(0);
    await deleteDB(house.deps.databaseName);
    return house.look();
  });

/** Changes the name others see. */
export const setDisplayName = (
  house: House,
  input: { readonly displayName: string },
): Answer<AccountView> =>
  house.atDoor(async (database) => {
    const session = sessionOf(house);
    if (!session.ok) return session;
    const name = account.cleanName(input.displayName);
    if (name === "") return err({ kind: "engine/text-empty" });
    const { endpoint } = session.value;
    const said = await endpoint.rest.call("PATCH", "/users/me", OwnProfile, { display_name: name });
    if (!said.ok) return err(translated(said.failure));
    const saved = await rename(house, session.value, database, said.value.display_name);
    return saved.ok ? ok(house.view()) : saved;
  });

async function rename(
  house: House,
  session: Session,
  database: Database,
  displayName: string,
): Answer<null> {
  const before = session.account();
  const record = { ...before.record, displayName };
  const saved = await saveAccount(house.deps, database, { ...before, record });
  if (!saved.ok) return saved;
  session.setAccount(saved.value);
  house.tellAccount();
  return ok(null);
}

/** Tells the relay that this device is gone; without a line it learns that by silence. */
async function leaveRelay(session: Session): Promise<void> {
  await putOut(session, session.endpoint.deviceId);
}

/** Takes up from a backup whom this person trusted, and from the relay how this person is called. */
async function restore(
  house: House,
  session: Session,
  database: Database,
  backup: BackupContent,
): Promise<void> {
  const { people, endpoint } = session;
  for (const { accountId, isVerified, ...known } of backup.pins) {
    const kind = people.get(accountId)?.kind ?? (known.mode === "envelope" ? "agent" : "human");
    await people.note({ id: accountId, kind, isVerified });
    // Whoever was known by another key, or with more protection, is not simply met anew; nor is who shows it later.
    await endpoint.expectAccount(accountId, known);
  }
  const profile = await endpoint.rest.call("GET", "/users/me", OwnProfile);
  if (profile.ok) await rename(house, session, database, profile.value.display_name);
}
