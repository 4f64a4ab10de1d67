/** Calls about ways into the account beside its password: the recovery code, and passkeys. */
import { err, ok, type Result } from "#base/result.ts";
import type { AccountView, PasskeyInput, RecoveryView } from "#bridge/views.ts";
import type { WayProof } from "#protocol/rest.ts";
import { moveIn } from "./account-calls.ts";
import { trustContent } from "./account-trust.ts";
import type { EngineFailure } from "./failure.ts";
import { sessionOf, type House } from "./house.ts";
import { noteTouch } from "./idle-lock.ts";
import * as passkeys from "./passkeys.ts";
import * as recovery from "./recovery.ts";
import type { Session } from "./session.ts";
import { dropWay, listWays, putWay } from "./ways.ts";

type Answer<Value> = Promise<Result<Value, EngineFailure>>;

/** What the relay is to know of the code made last, until its person has code and file. */
const madeBySession = new WeakMap<Session, WayProof>();

/** A fresh recovery code and file of what this person trusts today. */
export const makeRecovery = async (house: House): Answer<RecoveryView> => {
  const session = sessionOf(house);
  if (!session.ok) return session;
  const content = await trustContent(session.value);
  const { view, way } = recovery.makeRecovery(house.deps, session.value.account().record, content);
  madeBySession.set(session.value, way);
  return ok(view);
};

/** The code made last counts from now on. Fails with `engine/no-recovery-made`. */
export const keepRecovery = async (house: House): Answer<null> => {
  const session = sessionOf(house);
  if (!session.ok) return session;
  const way = madeBySession.get(session.value);
  if (way === undefined) return err({ kind: "engine/no-recovery-made" });
  const put = await putWay(session.value.endpoint.rest, "recovery-code", way, null);
  if (put.ok) madeBySession.delete(session.value);
  return put;
};

/** No recovery code counts from now on. */
export const withdrawRecovery = async (session: Session): Answer<null> => {
  const { rest } = session.endpoint;
  const listed = await recovery.findRecovery(rest);
  if (!listed.ok) return listed;
  return listed.value === null ? ok(null) : dropWay(rest, listed.value);
};

export { listWays };

export const describePasskey = async (session: Session) =>
  ok(passkeys.describePasskey(session.account()));

export const addPasskey = (house: House, input: PasskeyInput): Answer<null> =>
  house.atDoor(async (database) => {
    const session = sessionOf(house);
    if (!session.ok) return session;
    const { endpoint, account } = session.value;
    const added = await passkeys.addPasskey(house.deps, database, endpoint.rest, account(), input);
    if (!added.ok) return added;
    session.value.setAccount(added.value);
    return ok(null);
  });

export const removePasskey = (house: House, input: { readonly id: string }): Answer<null> =>
  house.atDoor(async (database) => {
    const session = sessionOf(house);
    if (!session.ok) return session;
    const { endpoint, account } = session.value;
    const removed = await passkeys.removePasskey(
      house.deps,
      database,
      endpoint.rest,
      account(),
      input,
    );
    if (!removed.ok) return removed;
    session.value.setAccount(removed.value);
    return ok(null);
  });

export const unlockByPasskey = (house: House, input: PasskeyInput): Answer<AccountView> =>
  house.atDoor(async (database) => {
    const state = house.state();
    if (state.status === "open") return ok(house.view());
    if (state.status === "none") return err({ kind: "engine/not-open" });
    const opened = await passkeys.unlockByPasskey(house.deps, database, state.greeting, input);
    if (!opened.ok) return opened;
    await noteTouch(opened.value.store, house.deps.clock.now());
    return ok(await house.begin(opened.value));
  });

/** The account of a passkey, on this new device. */
export const signInByPasskey = (
  house: House,
  input: Parameters<typeof passkeys.signInByPasskey>[2],
): Answer<AccountView> =>
  moveIn(house, (database) => passkeys.signInByPasskey(house.deps, database, input));
