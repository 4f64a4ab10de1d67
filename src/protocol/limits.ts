/**
 * Every number the protocol fixes, with its unit and its reason. Crypto's own numbers stand in its limits.
 */

// Sizes. The largest envelope (512 KiB payload, 64 wraps) in base64 still fits one frame.
/** UTF-16 units of one message's text. */
export const MAX_TEXT_UNITS = 100_000;
/** Bytes of a payload's JSON: 100,000 CJK characters need 300 KB. */
export const MAX_PAYLOAD_BYTES = 524_288;
/** Bytes of a sealed envelope. */
export const MAX_ENVELOPE_BYTES = 655_360;
/** Bytes of one frame's text. */
export const MAX_FRAME_BYTES = 1_048_576;
/** Bytes of a REST body that is not a file. */
export const MAX_BODY_BYTES = 1_048_576;
/** Bytes of one file's plaintext. */
export const MAX_FILE_BYTES = 104_857_600;
/** Files that one message carries. */
export const MAX_FILES_PER_MESSAGE = 20;
/** Characters of an agent's capability manifest as JSON. */
export const MAX_MANIFEST_BYTES = 65_536;
/** Files one agent may have announced and not confirmed. */
export const MAX_OPEN_UPLOADS = 5;
/** Levels of JSON: payloads and frames need four; more is an attack on a recursive reader. */
export const MAX_JSON_DEPTH = 32;
/** Characters of an id or of `req`. */
export const MAX_ID_CHARACTERS = 64;
/** Bytes of one signed ledger entry. */
export const MAX_LEDGER_ENTRY_BYTES = 2_048;

// Names.
/** A handle as the server stores it. */
export const HANDLE = /^[a-z0-9_]{3,32}$/;
export const MAX_DISPLAY_NAME_CHARACTERS = 64;
export const MAX_TITLE_CHARACTERS = 200;
export const MAX_PREVIEW_CHARACTERS = 80;
export const MAX_DESCRIPTION_CHARACTERS = 1_000;
/** Mentions in one payload. */
export const MAX_MENTIONS = 100;

// People, agents, groups.
/** Passkeys of one account: more than anybody carries, few enough to be looked through. */
export const MAX_PASSKEYS = 8;
export const MAX_DEVICES_PER_HUMAN = 5;
/** Characters of a device's name. */
export const MAX_DEVICE_NAME_CHARACTERS = 64;
/** Base64 of the longest name of a device, sealed. */
export const MAX_SEALED_NAME_CHARACTERS = 400;
/** Characters of the name a person gives a contact: as many as {@link MAX_DISPLAY_NAME_CHARACTERS}. */
export const MAX_REMARK_CHARACTERS = 64;
/** A sealed remark: nonce 24, revision 8, length 2, room for 64 characters of 4 bytes, tag 16. Always the same. */
export const SEALED_REMARK_BYTES = 306;
/** Seconds a reader of a device link waits for the next note: under the time after which proxies give up. */
export const MAX_NOTE_WAIT_S = 20;
/** Notes of history that wait for one device: a few requests ahead of it, and little memory. */
export const MAX_WAITING_HISTORY_NOTES = 8;
export const MAX_SOCKETS_PER_DEVICE = 4;
export const MAX_SOCKETS_PER_AGENT = 3;
/** A session opens to at most this many devices, so a group can hold no more. */
export const MAX_GROUP_MEMBERS = 64;
/** Prekeys one device may publish at once: the current one of each suite, and its successor. */
export const MAX_PREKEYS = 4;
/** Members above which streams are off, so that one author cannot flood a crowd. */
export const MAX_STREAMING_MEMBERS = 200;
/** Unread entries of one conversation that are counted; a thousand stands for more. */
export const MAX_UNREAD_COUNT = 1_000;

// Time on a socket.
/** A socket that has not signed in by then is closed. */
export const AUTH_TIMEOUT_MS = 5_000;
export const PING_INTERVAL_MS = 30_000;
/** Three missed pings: the other side is gone. */
export const SILENCE_LIMIT_MS = 90_000;
/** How long the relay waits for `resume` before it uses the cursors it has. */
export const RESUME_WAIT_MS = 1_000;
export const ACCESS_TOKEN_LIFETIME_S = 300;
/** `auth.expiring` is sent this long before the end. */
export const ACCESS_TOKEN_WARNING_S = 60;
export const REFRESH_TOKEN_LIFETIME_S = 2_592_000;
/** Two tabs may present the same refresh token within this time of its change. */
export const REFRESH_GRACE_MS = 30_000;
export const CHALLENGE_LIFETIME_S = 60;

// Delivery.
/** Pushed and unacknowledged durable entries per socket; the rest waits in the log. */
export const MAX_UNACKED_ENTRIES = 256;
export const MAX_UNACKED_BYTES = 4_194_304;
/** Durable frames one socket may have unanswered. */
export const MAX_IN_FLIGHT = 64;
/** An endpoint acknowledges after this many entries … */
export const ACK_EVERY_ENTRIES = 32;
/** … or this long after the first of them. */
export const ACK_WITHIN_MS = 1_000;
/** A human's backlog per conversation; a longer one is fetched in pages instead. */
export const MAX_PUSHED_BACKLOG = 100;
export const MAX_RESUME_CURSORS = 2_000;
/** Bytes waiting in a socket above which typing, presence and deltas are dropped. */
export const EPHEMERA_BUFFER_BYTES = 1_048_576;
/** Bytes waiting in a socket above which it is closed to resume later. */
export const MAX_BUFFER_BYTES = 8_388_608;

// Messages and what hangs on them.
/** From storing to the last moment a recall is taken. */
export const RECALL_WINDOW_MS = 120_000;
export const TYPING_EXPIRES_MS = 5_000;
export const TYPING_RENEW_MS = 4_000;
export const MAX_ARTIFACT_UPDATES = 100;
/** Bytes of one artifact's payload as JSON. */
export const MAX_ARTIFACT_PAYLOAD_BYTES = 65_536;
export const MAX_ARTIFACT_LIFETIME_MS = 30 * 86_400_000;

// Streams.
export const STREAM_LIFETIME_MS = 300_000;
/** Silence after which a stream counts as abandoned. */
export const STREAM_SILENCE_MS = 30_000;
export const MAX_STREAM_DELTAS = 4_096;
/** Bytes of delta ciphertext the relay keeps in memory per stream. */
export const MAX_STREAM_BYTES = 1_048_576;
export const MAX_LIVE_STREAMS = 4;

// Paging.
/** Entries of one poll unless it asks otherwise. */
export const DEFAULT_POLL = 100;
/** How long a poll may wait for the first entry. */
export const MAX_POLL_WAIT_S = 25;
export const DEFAULT_PAGE = 50;
export const MAX_PAGE = 200;

// Password.
export const MIN_PASSWORD_CHARACTERS = 12;
export const LOGIN_FAILURES_BEFORE_LOCK = 5;
export const LOGIN_LOCK_MS = 900_000;
