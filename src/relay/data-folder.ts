/** Names inside the relay's data folder: everything that must survive lies there. */

export const DATABASE_FILE = "relay.sqlite";
/** 32 random bytes from which the relay's own keys are derived. */
export const KEY_FILE = "relay.key";
export const BLOB_FOLDER = "blobs";
