/**
 * The one class the SDK throws. `code` is stable and comes from the relay's error table or from the SDK itself
 * (`KEYS_REQUIRED`, `APPROVAL_INVALID`, `ARTIFACT_INVALID`, `DECRYPT_FAILED`, `CLOSED`, `TIMEOUT`); `message` is for people who read logs.
 */
export class HasheeError extends Error {
  override readonly name = "HasheeError";
  /** `RELATION_REVOKED`, `RATE_LIMITED`, …: what to branch on. */
  readonly code: string;
  /** HTTP status, where the relay answered by REST. */
  readonly status: number | undefined;
  /** How long the relay asks to wait, after the SDK's own waiting. */
  readonly retry_after_ms: number | undefined;
  readonly params: Readonly<Record<string, unknown>>;
  /** Nothing the SDK does by itself will help: wrong token, deleted agent, refused version. */
  readonly fatal: boolean;

  constructor(code: string, facts: HasheeErrorFacts = {}) {
    super(
      facts.message ?? wordsByCode[code] ?? `The relay refused (${safeCode(code)}).`,
      facts.cause === undefined ? undefined : { cause: facts.cause },
    );
    this.code = code;
    this.status = facts.status;
    this.retry_after_ms = facts.retryAfterMs;
    this.params = facts.params ?? {};
    this.fatal = facts.fatal ?? false;
  }
}

export type HasheeErrorFacts = {
  readonly message?: string;
  readonly status?: number | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly params?: Readonly<Record<string, unknown>> | undefined;
  readonly fatal?: boolean;
  readonly cause?: unknown;
};

// A code is a short capital word; anything else a relay sends in its place is not repeated.
const safeCode = (code: string): string => (/^[A-Z0-9_]{1,64}$/.test(code) ? code : "unknown code");

const wordsByCode: Readonly<Record<string, string>> = {
  ARTIFACT_EXPIRED: "The card has expired; nobody can answer it any more.",
  ARTIFACT_INVALID: "The card or the answer does not have the shape its kind asks for.",
  ARTIFACT_LIMIT: "The card was updated as often as a card may be.",
  AGENT_KEY_MISMATCH:
    "The relay knows other keys for this agent. Give it its first keys back (vault or environment); if they are lost, make a new agent.",
  APPROVAL_INVALID: "The decision does not match the request that was shown.",
  BAD_REQUEST: "A value has the wrong shape.",
  BLOCKED: "This agent is blocked.",
  CLOSED: "The agent is closed.",
  DECRYPT_FAILED: "The message could not be opened.",
  FORBIDDEN: "This agent may not do that.",
  HANDLER_FAILED: "A handler of this program threw; its error is the cause.",
  KEYS_REQUIRED:
    "Sending needs the agent's keys: start the agent in this process, or set HASHEE_X25519_PRIVATE_BASE64 and HASHEE_ED25519_PRIVATE_BASE64.",
  KEYS_UNUSABLE:
    "A member's keys cannot be used: they changed, are missing, or their ledger does not verify.",
  NOT_ENABLED: "This is not switched on here.",
  NOT_FOUND: "The relay does not know this agent or conversation.",
  NOT_MEMBER: "The agent is not a member of this conversation.",
  RATE_LIMITED: "Too much at once; the relay asks to wait.",
  RECALL_NOT_OWNER: "Only the author of a message can recall it.",
  RECALL_WINDOW_EXPIRED: "The message is too old to be recalled.",
  RELATION_REVOKED: "The person ended the relation with this agent.",
  RELATION_SUSPENDED: "The relation with this person is suspended.",
  REVISION_CONFLICT: "The card was changed by somebody else in the meantime.",
  TIMEOUT: "No answer came in time.",
  TOO_LARGE: "The message is larger than a message may be.",
  UNAUTHENTICATED:
    "The relay does not accept the agent's token: it was renewed, or the agent was shut out.",
  UNAVAILABLE:
    "The relay cannot be reached: does it run, and is its address right (HASHEE_BASE_URL)?",
};
