// Numbers the crypto SPEC fixes for sessions, prekeys, ledgers, files, approvals and passwords, each with its reason. SPEC §14.

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Messages of one session: spreads the cost of an X-Wing wrap to 18 bytes a message. */
export const SESSION_MESSAGES = 64;
/** A session's life: bounds what one stolen chain opens. */
export const SESSION_AGE_MS = DAY_MS;
/** How far a signed time may lie behind a session's end: a queue drained late. */
export const SESSION_GRACE_MS = HOUR_MS;
/** Steps a receiver takes forward at once: the longest gap a session can have. */
export const MAX_SKIP = 63;
/** Sessions kept per writer's device and conversation: three processes that restarted twice. */
export const MAX_OPEN_SESSIONS = 8;
/** Life of a message key kept for a late message. */
export const SKIPPED_TTL_MS = 7 * DAY_MS;

/** Difference of clocks that is forgiven: phones drift. */
export const CLOCK_SKEW_MS = 10 * MINUTE_MS;
/** An agent is online and renews daily; who writes to it may not be, so a prekey stays usable for two weeks. */
export const AGENT_PREKEY_MS = { rotate: DAY_MS, usable: 14 * DAY_MS } as const;
/** A browser is rarely open. */
export const BROWSER_PREKEY_MS = { rotate: 7 * DAY_MS, usable: 60 * DAY_MS } as const;
/** A stateless agent cannot renew; this is disclosed. */
export const ENVELOPE_PREKEY_MS = { rotate: 366 * DAY_MS, usable: 366 * DAY_MS } as const;
/** A private half outlives its successor's publication by this: fewer messages sealed anew. */
export const PREKEY_ERASE_MS = 48 * HOUR_MS;
/** An envelope message older than this is shown but never executed: rows against replay live longer. */
export const ENVELOPE_WINDOW_MS = 14 * DAY_MS;

/** UTF-8 bytes of a content type. */
export const MAX_CONTENT_TYPE_BYTES = 64;
/** Entries of one ledger: bounds the cost of a replay. */
export const MAX_LEDGER_ENTRIES = 10_000;
/** Sessions named in one heartbeat. */
export const MAX_BEAT_SESSIONS = 64;
/** Until the first heartbeat after a message; doubled after each, up to the longest: silence costs little. */
export const HEARTBEAT_MS = { first: 60_000, longest: HOUR_MS } as const;

/** Padded delta plaintexts are multiples of this: hides token lengths. */
export const DELTA_BUCKET_BYTES = 256;
/** Text of a whole stream, counted as it stands escaped in JSON: the closing message must hold it. */
export const MAX_STREAM_TEXT_BYTES = 491_520;

/** Plaintext bytes of one file chunk: streams through little memory. */
export const FILE_CHUNK_BYTES = 65_536;

/** Longest life of an approval's request: a decision ages. */
export const MAX_APPROVAL_MS = DAY_MS;

/** UTF-8 bytes of a password: bounds the work of normalising it. */
export const MAX_PASSWORD_BYTES = 1_024;
/** Cost of a new password: RFC 9106 §4, second choice. */
export const ARGON2 = { memoryKiB: 65_536, passes: 3, lanes: 4 } as const;
/** A relay that asks for less wants to guess cheaply: OWASP's least cost. */
export const ARGON2_FLOOR = { memoryKiB: 19_456, passes: 2, lanes: 1 } as const;
/** A relay that asks for more wants to stall the browser. */
export const ARGON2_CEILING = { memoryKiB: 1_048_576, passes: 10, lanes: 16 } as const;

/** People and agents pinned in one backup. */
export const MAX_BACKUP_PINS = 10_000;
/** Ledger heads in one backup: an account ledger for each pin, and conversations. */
export const MAX_BACKUP_HEADS = 30_000;

/** Hash rounds of a safety number: makes a search for a look-alike dear. */
export const SAFETY_NUMBER_ROUNDS = 5_200;

/** UTF-8 bytes of a name in a device link: 64 characters of the longest. */
export const MAX_LINK_NAME_BYTES = 256;
