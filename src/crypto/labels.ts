/**
 * Every domain-separation label of the crypto layer, each with its one use. SPEC C4.
 *
 * The labels of what a relay reads stand with their layouts in `protocol/envelope.ts` and `protocol/vouch.ts`. No byte string that is valid under one label is valid under another.
 */
export const LABEL = {
  // Message.
  /** Padded plaintext. */
  plaintext: "pt",
  /** Info of the key that seals a body. */
  bodyKey: "body",
  /** Info of the commitment to a content key. */
  contentCommitment: "commit",
  /** Info of the key of a session wrap. */
  sessionWrapKey: "wrap",
  /** HPKE info of an envelope wrap. */
  envelopeWrap: "cek",
  /** Hash of the recipient list. */
  recipients: "rcpts",
  /** What a message's signature covers. */
  messageSignature: "msg-sig",

  // Session.
  /** Hash that is an identity's fingerprint. */
  identity: "ik",
  /** Prekey certificate. */
  prekey: "prekey",
  /** What a prekey certificate's signature covers. */
  prekeySignature: "prekey-sig",
  /** HPKE info of a session seed. */
  openInfo: "open-info",
  /** What a session open's signature covers. */
  openSignature: "open-sig",
  /** Control record: a session's end. */
  close: "close",
  /** Control record: how far each session has come. */
  beat: "beat",
  /** Control record: a message sealed to an unknown prekey. */
  notice: "notice",
  /** What a control record's signature covers. */
  controlSignature: "ctl-sig",

  // Ledger.
  /** Ledger entry. */
  grant: "grant",
  /** What a ledger entry's signature covers. */
  grantSignature: "grant-sig",
  /** What the signature of a creator's word for an agent covers. */
  vouchSignature: "vouch-sig",

  // Stream and file.
  /** Associated data of a delta. */
  delta: "delta",
  /** Info of a stream's delta key. */
  deltaKey: "delta-key",
  /** Padded plaintext of a delta. */
  deltaPlaintext: "delta-pt",
  /** Associated data of a file chunk. */
  file: "file",

  // Approval.
  /** Hash of the request that is decided. */
  approvalRequest: "ap-req",
  /** Hash of the list that was drawn. */
  approvalView: "ap-view",
  /** Approval record. */
  approval: "approval",
  /** Hash of what the person changed or wrote. */
  approvalEdits: "ap-edits",
  /** What an approval's signature covers. */
  approvalSignature: "approval-sig",

  // Form.
  /** HPKE info of a form's secret. */
  formSecret: "form-secret",
  /** Padded plaintext of a form's secret. */
  formSecretPlaintext: "form-secret-pt",

  // Password, backup, disk.
  /** Hash that is the Argon2id salt. */
  passwordSalt: "pw-salt",
  /** Info of the secret that logs in. */
  passwordAuth: "pw-auth",
  /** Info of the wrapping key of a password. */
  passwordKek: "pw-kek",
  /** Info of the wrapping key of a recovery code. */
  recoveryKek: "rc-kek",
  /** Info of the wrapping key of a passkey. */
  passkeyKek: "prf-kek",
  /** Info of what a recovery code shows the relay. */
  recoveryAuth: "rc-auth",
  /** Info of what a passkey shows the relay. */
  passkeyAuth: "prf-auth",
  /** Associated data of a wrapped backup key. */
  backupWrap: "bk-wrap",
  /** Info of the commitment to a backup's wrapping key. */
  backupCommitment: "bk-commit",
  /** Info of the key that seals a backup. */
  backupKey: "bk-key",
  /** Associated data of a sealed backup. */
  backup: "backup",
  /** Plaintext of a backup. */
  backupPlaintext: "bk-pt",
  /** Info of the key that seals the names of a person's devices. */
  deviceNameKey: "dev-name-key",
  /** Associated data of a sealed device name. */
  deviceName: "dev-name",
  /** Info of the key that seals the names a person gives contacts. */
  contactRemarkKey: "remark-key",
  /** Associated data of a sealed remark. */
  contactRemark: "remark",
  /** Info of the key of one store and conversation on disk. */
  vaultKey: "vault-key",
  /** Associated data of a record on disk. */
  vault: "vault",
  /** Info of the key that hides the names of records on disk. */
  vaultNameKey: "vault-name-key",
  /** Name of a record on disk, under that key. */
  vaultName: "vault-name",
  /** Info of the key that wraps a vault key while the lock is on. */
  vaultLockKey: "vk-kek",
  /** Info of the commitment to a vault's lock. */
  vaultLockCommitment: "vk-commit",
  /** Associated data of a wrapped vault key. */
  vaultLock: "vk-wrap",

  /** Info of the key that seals what an agent's processes share on a server. */
  sharedPlace: "shared-place",

  // Device link and history.
  /** Info of a device link's name at the relay. */
  linkId: "link-id",
  /** Info of the key that seals a device link's notes. */
  linkKey: "link-key",
  /** Associated data of a device link's note. */
  linkNote: "link-note",
  /** First note: who offers. */
  linkOffer: "link-offer",
  /** Hash that commits an offer to its nonce. */
  linkCommitment: "link-commit",
  /** Second note: who asks. */
  linkAsk: "link-ask",
  /** What an ask's signature covers. */
  linkAskSignature: "link-ask-sig",
  /** Third note: the nonce. */
  linkShow: "link-show",
  /** Hash of everything both ends have seen. */
  linkSeen: "link-seen",
  /** HPKE info of a grant. */
  linkInfo: "link-info",
  /** Fourth note: the sealed identity. */
  linkGrant: "link-grant",
  /** Head of a slice of history. */
  history: "hist",
  /** What a slice's head says openly. */
  historyFacts: "hist-facts",
  /** What the signature of a slice's head covers. */
  historySignature: "hist-sig",
  /** HPKE info of a slice's key. */
  historyInfo: "hist-info",
  /** Info of the key that seals a slice's parts. */
  historyPartKey: "hist-part-key",
  /** Associated data of a slice's part. */
  historyPart: "hist-part",

  // People.
  /** What a safety number digests. */
  safetyNumber: "sn",
} as const;
