/** Ledgers of accounts and conversations: appended by compare-and-set, read from any entry on, never judged. */
import { base64ToBytes, base64UrlToBytes, bytesToBase64 } from "#base/base64.ts";
import { hexToBytes, type Bytes } from "#base/bytes.ts";
import { ok } from "#base/result.ts";
import type { AccountId, ConversationId } from "#protocol/ids.ts";
import { LedgerRow } from "#protocol/rest.ts";
import { decodeBase64 } from "../envelope-check.ts";
import { refuse } from "../failure.ts";
import {
  answer,
  answerPage,
  queryCount,
  type Api,
  type Http,
  type RelayApp,
  type Route,
} from "./api.ts";

export function serveLedgers(app: RelayApp, api: Api): void {
  app.get("/keys/ledger/:id", readAccountLedger(api));
  app.post("/keys/ledger/:id", appendAccountLedger(api));
  app.get("/conversations/:id/ledger", readConversationLedger(api));
  app.post("/conversations/:id/ledger", appendConversationLedger(api));
  app.get("/conversations/:id/sessions/:sid", readSessionOpen(api));
}

/** The row's bytes, for compare-and-set. */
export function ledgerAppendOf(row: LedgerRow) {
  const prevHash = base64ToBytes(row.prev_hash);
  const entry = decodeBase64(row.entry);
  return prevHash === null || entry === null
    ? refuse("BAD_REQUEST", { path: "entry" })
    : ok({ ledgerSeq: row.ledger_seq, prevHash, entry });
}

const readAccountLedger = (api: Api): Route => {
  const read = async (http: Http) => {
    const accountId = api.id<AccountId>(http, "id");
    if (!accountId.ok) return accountId;
    const rows = await api.directory.accountLedger(accountId.value, afterOf(http));
    return answerPage(rows.map((row) => rowOf(row.seq, row.prev_hash, row.entry)));
  };
  const forAgents = api.agent(read);
  // A browser that is about to enrol reads its own ledger before it has a device.
  const forPeople = api.enrolling(read);
  return (http, next) => {
    const isAgent = http.req.header("authorization")?.startsWith("Bearer hsk_") === true;
    return isAgent ? forAgents(http, next) : forPeople(http, next);
  };
};

const appendAccountLedger = (api: Api): Route =>
  api.either(async (http, who) => {
    const accountId = api.id<AccountId>(http, "id");
    if (!accountId.ok) return accountId;
    if (accountId.value !== who.accountId) return refuse("FORBIDDEN");
    const body = await api.body(http, LedgerRow);
    if (!body.ok) return body;
    const append = ledgerAppendOf(body.value);
    if (!append.ok) return append;
    const appended = await api.writer.run("appendAccountLedger", {
      accountId: accountId.value,
      ...append.value,
    });
    if (!appended.ok) return appended;
    await api.relay.tellKeysChanged({ type: who.type, id: who.accountId }, "identity");
    return answer({});
  }, 201);

const readConversationLedger = (api: Api): Route =>
  api.either(async (http, who) => {
    const id = api.id<ConversationId>(http, "id");
    if (!id.ok) return id;
    if (!(await isOrWasMember(api, id.value, who.accountId))) return refuse("NOT_MEMBER");
    const rows = await api.log.ledgerAfter(id.value, afterOf(http));
    return answerPage(rows.map((row) => rowOf(row.ledgerSeq, row.prevHash, row.entry)));
  });

const appendConversationLedger = (api: Api): Route =>
  api.either(async (http, who) => {
    const id = api.id<ConversationId>(http, "id");
    if (!id.ok) return id;
    const body = await api.body(http, LedgerRow);
    if (!body.ok) return body;
    const append = ledgerAppendOf(body.value);
    if (!append.ok) return append;
    const appended = await api.log.appendLedger(
      id.value,
      { now: api.clock.now(), ...append.value },
      { accountId: who.accountId, deviceId: who.endpointId },
    );
    return appended.ok ? answer({}) : appended;
  }, 201);

const readSessionOpen = (api: Api): Route =>
  api.either(async (http, who) => {
    const id = api.id<ConversationId>(http, "id");
    if (!id.ok) return id;
    if (!(await isOrWasMember(api, id.value, who.accountId))) return refuse("NOT_MEMBER");
    const text = http.req.param("sid") ?? "";
    const sid = text.length === 32 ? hexToBytes(text) : base64UrlToBytes(text);
    const open = sid === null ? null : await api.log.sessionOpen(id.value, sid);
    return open === null ? refuse("NOT_FOUND") : answer({ session_open: bytesToBase64(open) });
  });

// Former members still read what was said of them.
const isOrWasMember = async (
  api: Api,
  conversationId: ConversationId,
  accountId: AccountId,
): Promise<boolean> =>
  (await api.log.members(conversationId)).some((member) => member.id === accountId);

/** `?after=` a seq; absent: from the first entry. */
const afterOf = (http: Http): number => queryCount(http, "after") ?? -1;

const rowOf = (seq: number, prevHash: Bytes, entry: Bytes): LedgerRow => ({
  ledger_seq: seq,
  prev_hash: bytesToBase64(prevHash),
  entry: bytesToBase64(entry),
});
