/** Calls of the page that mean a plain agent, and those that mean any conversation as far as it is one with such. */
import { err, ok, type Result } from "#base/result.ts";
import { Secret } from "#base/secret.ts";
import type { AddressView, PlainProtocol } from "#bridge/channel-views.ts";
import type { SecurityView } from "#bridge/views.ts";
import { chatBaseUrl, listModels } from "#channels/chat/endpoint.ts";
import type { ConversationId } from "#protocol/ids.ts";
import type { EngineFailure } from "../failure.ts";
import type { Session } from "../session.ts";
import { checkFor } from "./plain-address.ts";

type Answer<Value> = Promise<Result<Value, EngineFailure>>;
type At = { readonly protocol: PlainProtocol; readonly url: string };

/** Fails with the `channels/…` kinds that say what is wrong with an address. */
export async function checkAgentAddress(
  { deps }: Session,
  { protocol, url }: At,
): Answer<AddressView> {
  const checked = checkFor(protocol, url, deps.origin);
  if (!checked.ok) return checked;
  const { likelyCauses: _causes, ...view } = checked.value;
  return ok(view);
}

/** Fails as the address does, and with `peer/unreachable`, `peer/unauthorized`, `peer/http-status`. */
export async function listAgentModels(
  { deps }: Session,
  { protocol, url, apiKey }: At & { readonly apiKey: string | null },
  signal: AbortSignal,
): Answer<readonly string[]> {
  if (protocol !== "chat" && protocol !== "tpclaw-chat") return ok([]);
  const checked = checkFor(protocol, url, deps.origin);
  if (!checked.ok) return checked;
  return listModels({
    fetch: deps.streamFetch,
    baseUrl: chatBaseUrl(checked.value.url, protocol === "chat" ? "openai" : "tpclaw"),
    apiKey: apiKey === null || apiKey.trim() === "" ? null : new Secret(apiKey.trim()),
    signal,
    likelyCauses: checked.value.likelyCauses,
  });
}

/** Who reads a plain conversation: whoever runs the server, and nobody is known by a key. */
export async function describePlainSecurity(
  { book, people, selfId, account }: Session,
  conversationId: ConversationId,
): Answer<SecurityView> {
  const conversation = book.get(conversationId);
  if (conversation === null) return err({ kind: "engine/unknown-conversation" });
  return ok({
    conversationId,
    encryption: "none",
    suite: "none",
    reduced: true,
    since: conversation.createdAt,
    ledgerSeq: 0,
    readers: conversation.members.map(({ id, kind }) => ({
      id,
      name: id === selfId ? account().record.displayName : people.nameOf(id),
      kind,
      isSelf: id === selfId,
      deviceCount: 0,
      isStateless: false,
      trust: "unverified",
      fingerprintText: "",
      safetyNumber: [],
      safetyCode: [],
      devices: [],
    })),
  });
}
