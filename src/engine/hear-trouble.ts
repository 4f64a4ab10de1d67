/** What an endpoint tells that is no news of a conversation: doubts about keys and ledgers, and failures. */
import type { EndpointEvent } from "#peer/endpoint.ts";
import type { PeerFailure } from "#peer/failure.ts";
import type { AccountId } from "#protocol/ids.ts";
import type { Book } from "./conversations/book.ts";
import type { EngineDeps } from "./deps.ts";
import type { LiveStreams } from "./live-streams.ts";
import type { People } from "./people.ts";
import type { Session, SessionSinks } from "./session.ts";

/** What stops sending until it is settled. */
export function hearDoubt(
  event: Extract<EndpointEvent, { type: "fork" | "ledger-withheld" | "identity-changed" }>,
  { people, book, sinks }: Pick<Session, "people" | "book"> & { readonly sinks: SessionSinks },
): void {
  if (event.type === "identity-changed") {
    const { accountId: id, change } = event;
    return void people.note({ id, kind: kindOf(people, book, id), isChanged: true, change });
  }
  const { conversationId } = event;
  book.change(
    conversationId,
    event.type === "fork" ? { type: "forked" } : { type: "withheld", isWithheld: event.isWithheld },
  );
  sinks.redraw(conversationId);
}

/** What an account is, as far as it is known; a person where nothing is. */
const kindOf = (people: People, book: Book, accountId: AccountId): "human" | "agent" =>
  people.get(accountId)?.kind ??
  book
    .list()
    .flatMap(({ members }) => members)
    .find(({ id }) => id === accountId)?.kind ??
  "human";

/** What is told of a failure that no call waits for. */
export function hearFailure(
  failure: PeerFailure,
  deps: EngineDeps,
  liveStreams: LiveStreams,
  sinks: SessionSinks,
): void {
  deps.log.warn("engine.endpoint-failure", { kind: failure.kind });
  if (failure.kind === "peer/stream-ended") {
    const { streamId } = failure;
    const id = liveStreams.lose(streamId);
    if (id !== null) sinks.thread(id, [{ type: "stream-lost", streamId }]);
  }
  if (failure.kind === "peer/store-full") sinks.emit({ type: "failed", failure: failure.kind });
}
