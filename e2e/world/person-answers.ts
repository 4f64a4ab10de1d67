/** How a person answers cards: what the page does when somebody fills in a form or decides. */
import { base64ToBytes, bytesToBase64 } from "../../src/base/base64.ts";
import { signApproval } from "../../src/crypto/approval.ts";
import { fingerprint } from "../../src/crypto/identity.ts";
import type { Primitives } from "../../src/crypto/primitives.ts";
import type { Entry } from "../../src/peer/endpoint.ts";
import { must, type Person } from "../../src/peer/endpoint-world.contract.ts";
import { parseCard } from "../../src/protocol/artifact.ts";
import type { KnownPayload } from "../../src/protocol/payload.ts";

/** The next card of this kind, told before or to come. */
export const cardOf = (person: Person, subtype: string): Promise<Entry> =>
  person.entry(
    ({ content }) =>
      content.kind === "message" &&
      content.payload.type === "artifact" &&
      content.payload.artifact.subtype === subtype,
  );

/** Fills in a form. */
export async function submit(
  person: Person,
  form: Entry,
  values: Readonly<Record<string, string>>,
): Promise<void> {
  await answer(person, form, "submit", { values });
}

/** Presses the cancel of a progress card. */
export async function cancel(person: Person, progress: Entry): Promise<void> {
  await answer(person, progress, "cancel", { values: {} });
}

/** Decides a request for approval, signed over exactly what it shows. */
export async function decide(
  person: Person,
  primitives: Primitives,
  request: Entry,
  optionId: string,
): Promise<void> {
  const { content, conversationId, authorId } = request;
  if (content.kind !== "message" || content.payload.type !== "artifact") throw new Error("no card");
  const card = must(parseCard("approval", content.payload.artifact.payload));
  if (card.subtype !== "approval") throw new Error("no approval");
  const ledger = await person.endpoint.ledger(conversationId);
  const plaintextHash = base64ToBytes(content.plaintextHash);
  if (ledger === null || plaintextHash === null) throw new Error("nothing to sign over");
  const account = must(await person.endpoint.account(authorId));
  const approval = must(
    await signApproval(
      primitives,
      {
        conversationId,
        messageId: content.messageId,
        plaintextHash,
        card: card.payload,
        agent: {
          accountId: authorId,
          fingerprint: fingerprint(primitives, authorId, account.identityKey),
        },
      },
      {
        choice: { optionId },
        locale: "en",
        approver: { accountId: person.endpoint.accountId, deviceId: person.endpoint.deviceId },
        signer: person.device,
        ledger: { seq: ledger.seq, head: ledger.head },
        now: Date.now(),
      },
    ),
  );
  const decision = { option_id: optionId, approval: bytesToBase64(approval) };
  await answer(person, request, "decide", { values: {}, decision });
}

async function answer(
  person: Person,
  card: Entry,
  action: string,
  said: Pick<Extract<KnownPayload, { type: "artifact_response" }>, "values" | "decision">,
): Promise<void> {
  const { content, conversationId } = card;
  if (content.kind !== "message" || content.payload.type !== "artifact") throw new Error("no card");
  must(
    await person.endpoint.send(conversationId, {
      type: "artifact_response",
      response_id: crypto.randomUUID(),
      ref_artifact: content.payload.artifact.artifact_id ?? "",
      ref_revision: 0,
      ref_action: action,
      ...said,
    }),
  );
}
