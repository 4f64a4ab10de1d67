/**
 * The world of the engine's stories: the endpoints' world (a real relay, agents) and people who sit at engines of
 * their own, each with a browser profile's disk in memory that outlives the engine.
 */
import "fake-indexeddb/auto";
import { WebSocket } from "ws";
import { base64UrlToBytes, bytesToBase64Url } from "#base/base64.ts";
import { fingerprintText } from "#base/fingerprint-text.ts";
import { systemClock } from "#base/clock.ts";
import { silentLog } from "#base/log.ts";
import { systemRandom } from "#base/random.ts";
import type { Result } from "#base/result.ts";
import type { EngineEvent } from "#bridge/events.ts";
import type { BridgeFailure } from "#bridge/failure.ts";
import type { MessageView, ThreadView } from "#bridge/views.ts";
import { fingerprint } from "#crypto/identity.ts";
import { ARGON2_FLOOR } from "#crypto/limits.ts";
import { onItsWay, primitives, startWorld, type Member } from "#peer/endpoint-world.contract.ts";
import type { Socket } from "#peer/socket.ts";
import type { ConversationId } from "#protocol/ids.ts";
import type { RelayFrame } from "#protocol/relay-frame.ts";
import type { EngineDeps } from "./deps.ts";
import type { RunningEngine } from "./election.ts";
import { createEngine } from "./engine.ts";
import { createFetchLine } from "./files/fetch-line.ts";

export type Seat = ReturnType<typeof sitDown>;
export type EngineWorld = Awaited<ReturnType<typeof startEngineWorld>>;

/** How the way to the relay is: cut, or with somebody on it who answers in the relay's place. */
type Line = {
  isCut: boolean;
  /** Before each request that moves bytes; an answer in the relay's place where it gives one. */
  onFile?:
    | ((method: string, url: string) => Promise<Response | null> | Response | null)
    | undefined;
  lie?: ((url: string, request: { readonly body?: unknown }) => object | null) | undefined;
  /** What the relay's frames become on their way in. */
  hears?: ((frame: RelayFrame) => readonly RelayFrame[]) | undefined;
};

let profiles = 0;

export async function startEngineWorld() {
  const relay = await startWorld();
  const seats: Seat[] = [];
  /** What every engine here is made with, its own profile and line aside. */
  const deps: EngineDeps = {
    clock: systemClock,
    random: systemRandom,
    primitives,
    log: silentLog,
    fetch: (url, request) => fetch(url, request),
    streamFetch: (url, request) => fetch(url, request),
    fileLine: createFetchLine((url, request) => fetch(url, request)),
    openSocket: (url) => new WebSocket(url, { origin: relay.url }) as unknown as Socket,
    origin: relay.url,
    databaseName: "nobody",
    deviceName: "",
    isStoragePersisted: async () => true,
    passwordCost: ARGON2_FLOOR,
    gatherMs: 5,
  };
  const open = (profile: string, line: Line = { isCut: false }, clock = systemClock): Seat => {
    const sockets: WebSocket[] = [];
    const engine = createEngine({
      ...deps,
      clock,
      async fetch(url, request) {
        if (line.isCut) throw new Error("cut");
        const lie = line.lie?.(url, request) ?? null;
        return lie === null ? fetch(url, request) : Response.json(lie);
      },
      fileLine: createFetchLine(async (url, request) => {
        if (line.isCut) throw new Error("cut");
        return (await line.onFile?.(request.method, url)) ?? fetch(url, request);
      }),
      openSocket(url) {
        // A cut line is an address where nobody listens.
        const socket = new WebSocket(line.isCut ? "ws://127.0.0.1:9" : url, { origin: relay.url });
        socket.on("error", () => {});
        sockets.push(socket);
        return onItsWay(socket, (frame) => line.hears?.(frame) ?? [frame]);
      },
      databaseName: profile,
      deviceName: `Browser of ${profile}`,
    });
    const seat = sitDown(engine, profile, line, () => {
      for (const socket of sockets) socket.terminate();
    });
    seats.push(seat);
    return seat;
  };
  return {
    relay,
    deps,
    open,
    /** A fresh profile without an account. */
    newcomer: (): Seat => open(`profile-${profiles++}`),
    /** A person with an account. */
    async person(displayName: string, password: string | null = null): Promise<Seat> {
      const seat = open(`profile-${profiles++}`);
      must(await seat.calls.createAccount({ displayName, handle: null, password }));
      await seat.online();
      return seat;
    },
    /** An agent, and the whole link to it. */
    async agent(
      mode: "session" | "envelope" = "session",
    ): Promise<Member & { readonly link: string }> {
      const agent = await relay.agent({}, mode);
      const account = must(await agent.endpoint.account(agent.endpoint.accountId));
      const shown = fingerprint(primitives, agent.endpoint.accountId, account.identityKey);
      return { ...agent, link: `${relay.url}/i/${agent.invite}#fp=${bytesToBase64Url(shown)}` };
    },
    async close() {
      for (const seat of seats) await seat.leave();
      await relay.end();
    },
  };
}

function sitDown(engine: RunningEngine, profile: string, line: Line, dropSockets: () => void) {
  const page = engine.openPage();
  const events: EngineEvent[] = [];
  const waiting = new Set<() => void>();
  page.onEvent((event) => {
    events.push(event);
    for (const look of [...waiting]) look();
  });
  /** The first event, past or to come, that is wanted. */
  const until = <Wanted extends EngineEvent>(
    wants: (event: EngineEvent) => event is Wanted,
  ): Promise<Wanted> =>
    new Promise((resolve) => {
      const look = (): void => {
        const found = events.find(wants);
        if (found === undefined) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  let hasLeft = false;
  return {
    engine,
    profile,
    line,
    calls: page.calls,
    events,
    until,
    /** Forgets what was heard, so that the next wait is for something new. */
    listenAnew: () => events.splice(0),
    online: () =>
      until(
        (event): event is EngineEvent =>
          event.type === "connection" && event.connection.status === "online",
      ),
    /** A row of an open thread that looks as wanted, told or to come. */
    async row(wants: (message: MessageView) => boolean): Promise<MessageView> {
      const event = await until(
        (one): one is Extract<EngineEvent, { type: "messages" }> =>
          one.type === "messages" && one.messages.some(wants),
      );
      return event.messages.find(wants) as MessageView;
    },
    async openThread(conversationId: ConversationId): Promise<ThreadView> {
      return must(await page.calls.openThread({ conversationId, aroundMessageId: null }));
    },
    cut() {
      line.isCut = true;
      dropSockets();
    },
    mend() {
      line.isCut = false;
      return page.calls.hint({ type: "network-online" });
    },
    openPage: () => engine.openPage(),
    async leave() {
      if (hasLeft) return;
      hasLeft = true;
      page.close();
      await engine.close();
    },
  };
}

export function must<Value>(
  result: Result<Value, BridgeFailure | { readonly kind: string }>,
): Value {
  if (!result.ok) throw new Error(`refused: ${JSON.stringify(result.failure)}`);
  return result.value;
}

/** The words a row shows; its kind where it shows none. */
export const words = ({ body }: MessageView): string =>
  body.kind === "text" ? body.text : body.kind === "stream" ? body.stream.text : body.kind;

/** The fingerprint that a link carries, as the screen shows it. */
export const fingerprintIn = (link: string): string =>
  fingerprintText(base64UrlToBytes(link.split("#fp=")[1] ?? "") ?? new Uint8Array());
