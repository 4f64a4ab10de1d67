/**
 * Who is at home: the account that is open on this device, if any, and the pages that look at it. Opening and closing
 * happen one at a time; everything else asks for the open session and gets it or `engine/not-open`.
 */
import { createEmitter } from "#base/emitter.ts";
import { createKeyedQueue } from "#base/queue.ts";
import { err, ok, type Result } from "#base/result.ts";
import type { EngineEvent } from "#bridge/events.ts";
import type { AccountView } from "#bridge/views.ts";
import { openDevice, type Opening } from "./account.ts";
import type { OpenAccount } from "./account-vault.ts";
import { viewAccount } from "./account-view.ts";
import type { EngineDeps } from "./deps.ts";
import type { EngineFailure } from "./failure.ts";
import { createPageThreads, type PageThreads } from "./page-threads.ts";
import { openSession, type Session, type SessionSinks } from "./session.ts";
import { wasIdle } from "./idle-lock.ts";
import { forgetRemovedPasskeys } from "./passkeys.ts";
import { lockDoor, type Greeting } from "./store/door.ts";
import { openDatabase, type Database } from "./store/migrations.ts";

export type HouseState =
  | { readonly status: "none" }
  | { readonly status: "locked"; readonly greeting: Greeting }
  | { readonly status: "open"; readonly session: Session };

/** A page's seat: its events, and the threads it has open while an account is. */
export interface Seat {
  emit(event: EngineEvent): void;
  onEvent(listener: (event: EngineEvent) => void): () => void;
  threads(): PageThreads | null;
  isVisible(): boolean;
  setVisible(visible: boolean): void;
  close(): void;
}

type Task<Value> = (database: Database) => Promise<Result<Value, EngineFailure>>;

export interface House {
  readonly deps: EngineDeps;
  readonly sinks: SessionSinks;
  state(): HouseState;
  session(): Session | null;
  view(): AccountView;
  /** Resolves when the device was looked at; a look that failed is tried once more, as the disk may be back by now. */
  started(): Promise<Result<null, EngineFailure>>;
  /** Runs a task that opens, closes or changes the account, after those before it. */
  atDoor<Value>(task: Task<Value>): Promise<Result<Value, EngineFailure>>;
  /** Inside `atDoor`: an account moves in. */
  begin(account: OpenAccount): Promise<AccountView>;
  /** Inside `atDoor`: whoever is there leaves; the database is closed. */
  end(drainMs: number): Promise<void>;
  /** Inside `atDoor`: looks at the device again. */
  look(): Promise<Result<null, EngineFailure>>;
  tellAccount(): void;
  redrawAll(): void;
  openSeat(): Seat;
}

/** Creates the house and looks at the device. */
export function createHouse(deps: EngineDeps): House {
  const seats = createSeats();
  const doing = createKeyedQueue();
  let database: Database | null = null;
  let state: HouseState = { status: "none" };
  let isPersisted = false;

  const session = (): Session | null => (state.status === "open" ? state.session : null);
  const view = (): AccountView =>
    viewAccount(
      state.status === "open" ? { status: "open", account: state.session.account() } : state,
      deps,
      isPersisted,
    );
  const become = (next: HouseState): AccountView => {
    state = next;
    seats.rearrange(session());
    const account = view();
    seats.sinks.emit({ type: "account", account });
    return account;
  };
  const begin = async (account: OpenAccount): Promise<AccountView> => {
    isPersisted = await deps.isStoragePersisted();
    const sinks = {
      ...seats.sinks,
      level: () => {
        seats.check();
        void atDoor(forgetPasskeys);
      },
    };
    return become({ status: "open", session: await openSession(deps, account, sinks) });
  };
  const disk = async (): Promise<Result<Database, EngineFailure>> => {
    if (database !== null) return ok(database);
    const opened = await openDatabase(deps.databaseName, lose);
    if (opened.ok) database = opened.value;
    return opened;
  };
  const atDoor: House["atDoor"] = (task) =>
    doing.run("door", async () => {
      const opened = await disk();
      return opened.ok ? task(opened.value) : opened;
    });
  /** A passkey that was removed on another device opens this one's lock no longer. */
  const forgetPasskeys: Task<null> = async (database) => {
    const open = session();
    if (open === null) return ok(null);
    const kept = await forgetRemovedPasskeys(deps, database, open.endpoint.rest, open.account());
    if (kept.ok && kept.value !== null) open.setAccount(kept.value);
    return ok(null);
  };
  const end = async (drainMs: number): Promise<void> => {
    const leaving = session();
    state = { status: "none" };
    seats.rearrange(null);
    await leaving?.close(drainMs);
    await leaving?.store.close();
    database?.close();
    database = null;
  };
  /** The disk was taken away, by the browser or by a newer version elsewhere: whoever was open has nothing under them. */
  const lose = (): void => {
    database = null;
    looking = doing.run("door", async () => {
      const leaving = session();
      state = { status: "none" };
      seats.rearrange(null);
      // First, so that nothing of the session asks a disk that is gone.
      await leaving?.store.close();
      await leaving?.close(0);
      return look();
    });
    const tell = (): void => seats.sinks.emit({ type: "engine-restarted" });
    void looking.then(tell, tell);
  };
  const look = async (): Promise<Result<null, EngineFailure>> => {
    const opened = await disk();
    if (!opened.ok) return opened;
    const opening = await lockedIfIdle(deps, opened.value, await openDevice(deps, opened.value));
    if (opening.status === "open") await begin(opening.account);
    else become(opening);
    return ok(null);
  };

  let looking = atDoor(look);
  const started: House["started"] = async () => {
    const looked = looking;
    const answer = await looked;
    if (answer.ok) return answer;
    if (looking === looked) looking = atDoor(look);
    return looking;
  };

  return {
    deps,
    sinks: seats.sinks,
    state: () => state,
    session,
    view,
    started,
    atDoor,
    begin,
    end,
    look,
    tellAccount: () => seats.sinks.emit({ type: "account", account: view() }),
    redrawAll: seats.redrawAll,
    openSeat: () => seats.open(session()),
  };
}

/** A device left alone for too long is found locked, also when nothing ran that could have locked it. */
async function lockedIfIdle(
  deps: EngineDeps,
  database: Database,
  opening: Opening,
): Promise<Opening> {
  if (opening.status !== "open") return opening;
  const { record, store } = opening.account;
  const minutes = record.lockAfterMinutes ?? null;
  if (minutes === null || !(await wasIdle(store, minutes, deps.clock.now()))) return opening;
  const locked = await lockDoor(database);
  return locked.ok ? openDevice(deps, database) : opening;
}

/** The open session, or why there is none. */
export const sessionOf = (house: House): Result<Session, EngineFailure> => {
  const session = house.session();
  return session === null ? err({ kind: "engine/not-open" }) : ok(session);
};

function createSeats() {
  type Taken = { readonly emit: (event: EngineEvent) => void; threads: PageThreads | null };
  const seats = new Set<Taken>();
  const rearrangeOne = (seat: Taken, session: Session | null): void => {
    seat.threads?.close();
    seat.threads = session === null ? null : createPageThreads(session, seat.emit);
  };
  const sinks: SessionSinks = {
    emit: (event) => {
      for (const { emit } of seats) emit(event);
    },
    thread: (id, events) => {
      for (const { threads } of seats) threads?.hear(id, events);
    },
    level: () => undefined,
    redraw: (id) => {
      for (const { threads } of seats) threads?.redraw(id);
    },
  };
  return {
    sinks,
    rearrange(session: Session | null) {
      for (const seat of seats) rearrangeOne(seat, session);
    },
    check() {
      for (const { threads } of seats) threads?.check();
    },
    redrawAll() {
      for (const { threads } of seats) threads?.redrawAll();
    },
    open(session: Session | null): Seat {
      const events = createEmitter<EngineEvent>();
      const seat: Taken = { emit: events.emit, threads: null };
      let isVisible = true;
      seats.add(seat);
      rearrangeOne(seat, session);
      return {
        emit: events.emit,
        onEvent: events.on,
        threads: () => seat.threads,
        isVisible: () => isVisible,
        setVisible: (visible) => (isVisible = visible),
        close() {
          seats.delete(seat);
          seat.threads?.close();
        },
      };
    },
  };
}
