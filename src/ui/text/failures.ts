import type { TextKey } from "./tables.ts";

/** What a person can do about a failure, at most one thing. */
export type FailureAction = "retry" | "verify" | "update" | "report" | "unlock" | "none";

/** A failure in words: keys for {@link useText}, and the one button beside them. */
export type FailureWords = {
  readonly title: TextKey;
  readonly advice: TextKey;
  readonly action: FailureAction;
};

type Reason = TextKey extends infer Key
  ? Key extends `failure.${infer Name}.title`
    ? Name
    : never
  : never;

const ACTION_BY_REASON: Readonly<Record<Reason, FailureAction>> = {
  offline: "none",
  unreadable: "none",
  altered: "report",
  missingKey: "retry",
  newer: "update",
  malformed: "report",
  tooLarge: "none",
  fileTooLarge: "none",
  filesTooMany: "none",
  noPicture: "none",
  fileUnreadable: "none",
  fileGone: "none",
  fileDamaged: "retry",
  fileMissing: "none",
  quota: "none",
  wrongPassword: "none",
  weakPassword: "none",
  longPassword: "none",
  recoveryCode: "none",
  recoveryFile: "none",
  recoveryWithdrawn: "none",
  recoveryUnmade: "none",
  passkeyForeign: "none",
  passkeySecretless: "none",
  passkeyThere: "none",
  passkeyMany: "none",
  passwordFirst: "none",
  alreadyHere: "none",
  deviceLimit: "none",
  linkBad: "none",
  linkGone: "none",
  linkUsed: "none",
  linkAltered: "none",
  deviceNotCome: "none",
  deviceAway: "none",
  noHistory: "none",
  historyAltered: "none",
  approvalExpired: "none",
  approvalRefused: "none",
  ended: "none",
  keyChanged: "verify",
  withheld: "retry",
  fork: "verify",
  storage: "retry",
  storageFull: "retry",
  storageForbidden: "retry",
  storageNewer: "update",
  storageBlocked: "retry",
  taken: "none",
  slowDown: "none",
  invite: "none",
  notAllowed: "none",
  notFound: "none",
  conflict: "retry",
  timedOut: "retry",
  cancelled: "none",
  locked: "unlock",
  notFetched: "retry",
  server: "retry",
  ours: "report",
  agentUnreachable: "none",
  agentKey: "none",
  agentRefused: "none",
  agentFailed: "none",
  agentLineLost: "none",
  agentCutShort: "none",
  agentNoChat: "none",
  agentCannot: "none",
  agentPromptGone: "none",
  addressBad: "none",
  addressScheme: "none",
  addressCredentials: "none",
  addressMixed: "none",
  stopped: "none",
  leaderGone: "retry",
};

/** Kinds whose words differ from what their ending or layer says. */
const REASON_BY_KIND: Readonly<Record<string, Reason>> = {
  "crypto/bad-signature": "altered",
  "crypto/file-hash-mismatch": "fileDamaged",
  "crypto/file-size-mismatch": "fileDamaged",
  "crypto/file-too-large": "fileTooLarge",
  "peer/damaged-file": "fileDamaged",
  "bridge/gone": "stopped",
  "bridge/leader-gone": "leaderGone",
  "peer/store-full": "storageFull",
  "peer/store-failed": "storage",
  "peer/store-closed": "storage",
  "engine/store-unavailable": "storageForbidden",
  "engine/store-newer": "storageNewer",
  "engine/store-blocked": "storageBlocked",
  "peer/file-gone": "fileGone",
  "peer/over-quota": "quota",
  "engine/file-gone": "fileGone",
  "engine/unknown-file": "fileMissing",
  "engine/file-too-large": "fileTooLarge",
  "engine/too-many-files": "filesTooMany",
  "engine/no-picture": "noPicture",
  "engine/file-unreadable": "fileUnreadable",
  "crypto/approval-expired": "approvalExpired",
  "crypto/approval-mismatch": "approvalRefused",
  "crypto/approval-digest-mismatch": "approvalRefused",
  "crypto/approval-request-malformed": "approvalRefused",
  "crypto/password-too-short": "weakPassword",
  "crypto/password-too-long": "longPassword",
  "crypto/wrong-unlock-key": "wrongPassword",
  "protocol/too-large": "tooLarge",
  "protocol/revision-conflict": "conflict",
  "protocol/unknown-frame": "newer",
  "peer/unreachable": "agentUnreachable",
  "peer/unauthorized": "agentKey",
  "peer/http-status": "agentRefused",
  "peer/session-refused": "agentRefused",
  "peer/request-refused": "agentRefused",
  "peer/tasks-refused": "agentRefused",
  "peer/agent-failed": "agentFailed",
  "peer/summary-failed": "agentFailed",
  "peer/line-lost": "agentLineLost",
  "peer/cut-short": "agentCutShort",
  "peer/no-chat-here": "agentNoChat",
  "peer/not-supported": "agentCannot",
  "peer/unknown-prompt": "agentPromptGone",
  "peer/no-open-turn": "agentPromptGone",
  "peer/turn-open": "agentCannot",
  "engine/not-fetched": "notFetched",
  "engine/plain-cannot": "agentCannot",
  "engine/own-device": "notAllowed",
  "engine/already-open": "alreadyHere",
  "engine/device-limit": "deviceLimit",
  "engine/bad-device-link": "linkBad",
  "engine/device-link-gone": "linkGone",
  "engine/device-link-used": "linkUsed",
  "engine/device-not-come": "deviceNotCome",
  "engine/device-away": "deviceAway",
  "engine/no-history": "noHistory",
  "crypto/bad-link": "linkAltered",
  "crypto/bad-history": "historyAltered",
  "engine/bad-recovery-code": "recoveryCode",
  "engine/bad-recovery-file": "recoveryFile",
  "engine/recovery-withdrawn": "recoveryWithdrawn",
  "engine/no-recovery-made": "recoveryUnmade",
  "engine/bad-passkey": "passkeyForeign",
  "engine/passkey-limit": "passkeyMany",
  "engine/password-first": "passwordFirst",
  "engine/no-password": "passwordFirst",
  "engine/account-locked": "slowDown",
  "stores/passkey-without-secret": "passkeySecretless",
  "stores/passkey-already-there": "passkeyThere",
  "channels/bad-address": "addressBad",
  "channels/scheme-not-allowed": "addressScheme",
  "channels/credentials-in-address": "addressCredentials",
  "channels/mixed-content": "addressMixed",
};

/** Endings that mean the same in every layer. The first that is found in a kind counts. */
const REASON_BY_ENDING: readonly (readonly [ending: RegExp, reason: Reason])[] = [
  [/offline|not-connected|unreachable|no-connection/, "offline"],
  [/cancelled/, "cancelled"],
  [/locked/, "locked"],
  [/timed?-?out/, "timedOut"],
  [/key-changed|identity-changed|pin-mismatch/, "keyChanged"],
  [/ledger-withheld/, "withheld"],
  [/fork/, "fork"],
  [/altered|bad-signature|forged/, "altered"],
  [/unknown-suite|unknown-version|unsupported|newer-version/, "newer"],
  [
    /unknown-key|missing-key|unknown-session|no-session|no-key|missing-prekey|no-prekey/,
    "missingKey",
  ],
  [/wrong-password|wrong-unlock|bad-credentials|unauthorized|unauthenticated/, "wrongPassword"],
  [/quota|storage|disk|database/, "storage"],
  [/taken|exists|already/, "taken"],
  [/rate-limit|too-many|slow-down|busy/, "slowDown"],
  [/invite/, "invite"],
  [/ended|revoked|suspended/, "ended"],
  [/forbidden|not-allowed|not-a-member|refused-member|blocked/, "notAllowed"],
  [/not-found|unknown-conversation|unknown-message|gone/, "notFound"],
  [/conflict|stale/, "conflict"],
  [/too-large|too-long|limit/, "tooLarge"],
  [/server|unavailable|bad-gateway|relay-error/, "server"],
  [/cannot-read|unreadable|bad-tag|malformed-envelope/, "unreadable"],
  [/malformed|bad-shape|not-json|bad-payload|bad-artifact/, "malformed"],
];

const REASON_BY_LAYER: Readonly<Record<string, Reason>> = {
  crypto: "unreadable",
  protocol: "malformed",
  relay: "server",
};

/**
 * The words for a failure's kind (`layer/what-happened`). Every kind has some: its own, else those of what it ends in,
 * else those of its layer, else "our fault".
 */
export function failureWords(kind: string): FailureWords {
  const reason = reasonOf(kind);
  return {
    title: `failure.${reason}.title`,
    advice: `failure.${reason}.advice`,
    action: ACTION_BY_REASON[reason],
  };
}

function reasonOf(kind: string): Reason {
  if (Object.hasOwn(REASON_BY_KIND, kind)) return REASON_BY_KIND[kind] ?? "ours";
  const [layer = "", ...rest] = kind.toLowerCase().split("/");
  const what = rest.join("/");
  for (const [ending, reason] of REASON_BY_ENDING) if (ending.test(what)) return reason;
  return Object.hasOwn(REASON_BY_LAYER, layer) ? (REASON_BY_LAYER[layer] ?? "ours") : "ours";
}
