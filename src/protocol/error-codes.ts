/**
 * Every refusal a relay can give, over REST and in `error` frames: its HTTP status, a sentence for logs and
 * developers, and what a client does about it. SPEC §8.
 */

/**
 * no: the same request fails again. later: after `retry_after`, or with back-off. refresh: with a new access token.
 * reread: after reading what changed. new-stream: the message goes on in another stream, or whole.
 */
export type RetryAdvice = "no" | "later" | "refresh" | "reread" | "new-stream";

type Refusal = { readonly status: number; readonly message: string; readonly retry: RetryAdvice };

const refusal = (status: number, message: string, retry: RetryAdvice = "no"): Refusal => ({
  status,
  message,
  retry,
});

export const ERROR_CODES = {
  BAD_REQUEST: refusal(400, "The request does not have the expected shape."),
  BAD_FRAME: refusal(400, "The frame does not have the expected shape."),
  UNAUTHENTICATED: refusal(401, "No valid token was given.", "refresh"),
  TOKEN_EXPIRED: refusal(401, "The access token has expired.", "refresh"),
  INVALID_CREDENTIALS: refusal(401, "The credentials are wrong."),
  FORBIDDEN: refusal(403, "This account may not do that."),
  NOT_MEMBER: refusal(403, "The account is not in this conversation."),
  ROLE_REQUIRED: refusal(403, "A higher role is needed."),
  ORIGIN_REFUSED: refusal(403, "Requests from this origin are refused."),
  REGISTRATION_CLOSED: refusal(403, "Registration is closed."),
  NOT_CONVERSATION_MEMBER_UPLOAD: refusal(403, "Only members upload to a conversation."),
  RELATION_REVOKED: refusal(403, "The other side ended the relation."),
  RELATION_SUSPENDED: refusal(403, "The relation is paused."),
  BLOCKED: refusal(403, "The other side blocked this account."),
  NOT_FOUND: refusal(404, "There is no such thing, or it is not yours to see."),
  ID_TAKEN: refusal(409, "The id is taken."),
  HANDLE_TAKEN: refusal(409, "The handle is taken."),
  MESSAGE_ID_CONFLICT: refusal(409, "Another sender used this message id."),
  IDEMPOTENCY_MISMATCH: refusal(409, "The key was used for another request."),
  DEVICE_LIMIT: refusal(409, "The account has as many devices as it may."),
  AGENT_KEY_MISMATCH: refusal(409, "The agent has registered other keys."),
  POLL_BUSY: refusal(409, "Another poll of this agent is waiting.", "later"),
  PASSKEY_LIMIT: refusal(409, "The account has as many passkeys as it may."),
  REVISION_CONFLICT: refusal(409, "The artifact has a newer revision.", "reread"),
  LEDGER_CONFLICT: refusal(409, "The ledger has a newer head.", "reread"),
  BACKUP_CONFLICT: refusal(409, "A newer backup is stored.", "reread"),
  RECALL_WINDOW_EXPIRED: refusal(409, "The message is too old to recall."),
  RECALL_NOT_OWNER: refusal(409, "Only its author recalls a message."),
  ARTIFACT_EXPIRED: refusal(409, "The artifact has expired."),
  ARTIFACT_LIMIT: refusal(409, "The artifact was updated as often as it may."),
  UPLOAD_OFFSET: refusal(409, "Another part of the file is here already.", "reread"),
  GROUP_FULL: refusal(409, "The group has as many members as it may."),
  STREAM_GAP: refusal(409, "A delta before this one is missing.", "new-stream"),
  STREAM_TIMEOUT: refusal(409, "The stream lasted too long.", "new-stream"),
  STREAM_ORPHANED: refusal(409, "The stream's author fell silent.", "new-stream"),
  STREAM_LIMIT: refusal(409, "The stream, or their number, is at its limit.", "new-stream"),
  STREAM_DISABLED: refusal(409, "Streams are off in this conversation.", "new-stream"),
  STREAM_UNKNOWN: refusal(409, "The stream is not live.", "new-stream"),
  INVITE_EXPIRED: refusal(410, "The invite is used up or expired."),
  TOO_LARGE: refusal(413, "The content is too large."),
  QUOTA_EXCEEDED: refusal(413, "The storage quota is used up."),
  PLAINTEXT_REFUSED: refusal(422, "Only sealed messages are taken."),
  ENVELOPE_MISMATCH: refusal(422, "The envelope names another conversation, message or sender."),
  ENVELOPE_INVALID: refusal(422, "The envelope is malformed."),
  MANIFEST_INVALID: refusal(422, "The capability manifest does not have the expected shape."),
  SHA256_MISMATCH: refusal(422, "The uploaded bytes have another hash."),
  ACCOUNT_LOCKED: refusal(423, "Too many failed logins.", "later"),
  RATE_LIMITED: refusal(429, "Too many requests.", "later"),
  TOO_MANY_IN_FLIGHT: refusal(429, "Too many unanswered frames.", "later"),
  INTERNAL: refusal(500, "The relay failed.", "later"),
  NOT_ENABLED: refusal(501, "This is switched off here."),
  UNAVAILABLE: refusal(503, "The relay is not available.", "later"),
  STORAGE_FAILED: refusal(503, "The relay cannot write.", "later"),
  STORAGE_FULL: refusal(507, "The relay's disk is full.", "later"),
} as const satisfies Record<string, Refusal>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** Whether a relay's code is one we know; an unknown one is treated as final. */
export const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(ERROR_CODES, code);

/** The translation key of a code. */
export const errorI18nKey = (code: ErrorCode): string => `error.code.${code.toLowerCase()}`;
