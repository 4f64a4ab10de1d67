/** What an operator can put right, in a sentence each: why a command was refused, why a start failed. SPEC §operation. */
import type { Config } from "../config.ts";
import { UnfitKey, type UnfitKeyReason } from "../relay-key.ts";
import { ConnectionLost, isDamage, isUnwritable, sqlStateOf } from "../store/fault.ts";
import { UNFIT_SAYS, UnfitDatabase } from "../store/unfit.ts";

export const KEY_SAYS: Readonly<Record<UnfitKeyReason, string>> = {
  damaged: "The relay's key is damaged: put it back from a backup.",
  another:
    "This relay has another key than the others on its database: set the same PARLEY_KEY for all of them.",
};

const SAYS: Readonly<Record<string, string>> = {
  NOT_FOUND: "No agent has this id; `agent list` shows them.",
  MANIFEST_INVALID: "A suggestion has 1 to 80 characters, and there are at most 8.",
  "relay/no-database": "There is no database in the data folder: PARLEY_DATA is not the relay's.",
  "relay/not-a-database":
    "What lies at the database's place in the data folder is no database, or not a whole one: put the folder back from a copy first.",
  "relay/no-address": "PARLEY_DATABASE names no server to move to.",
  "relay/backup-target-in-use":
    "The folder holds something already: a copy goes into an empty one.",
  "relay/no-pg-dump":
    "pg_dump is not installed: install the client programs of PostgreSQL, or back the server up by pg_basebackup and its log archive; relay.key and the folder of files go with it.",
  "relay/pg-dump-failed": "pg_dump failed: is it as new as the server, and may the user read all?",
  "relay/relay-is-running": "A relay runs on this folder: end it first.",
  "relay/source-damaged": "The database is damaged: put the folder back from a copy first.",
  "relay/move-target-in-use": "The database on the server is not empty: name another one.",
  "relay/move-altered": "What arrived is not what left; nothing of it stands.",
  STORAGE_FULL: "The disk is full.",
  STORAGE_FAILED: "The disk or the database server failed.",
};

/** Words for a refusal; a code nobody put words to stands for itself. */
export const sentenceOf = (code: string): string => SAYS[code] ?? `Refused: ${code}.`;

/** Words for what a start or a command threw, or null for a bug, which shows where it is. */
export function sentenceOfFault(fault: unknown, config: Config): string | null {
  if (fault instanceof UnfitDatabase) return UNFIT_SAYS[fault.because];
  if (fault instanceof UnfitKey) return KEY_SAYS[fault.because];
  if (fault instanceof ConnectionLost) return sentenceOfLoss(fault);
  const failing = listenSentence(fault, config);
  if (failing !== null) return failing;
  if (isDamage(fault))
    return "The database is damaged: put the data folder back from a copy; `verify` knows a sound one.";
  if (isNoFolder(fault)) return "PARLEY_DATA is a file, not a folder.";
  if (isUnwritable(fault))
    return "The data folder takes no writes: it must be the relay's own, on a disk that is neither full nor read-only. The doctor says more.";
  return null;
}

/** Why no server took the connection. */
export function sentenceOfLoss({ cause }: ConnectionLost): string {
  const state = sqlStateOf(cause) ?? "";
  if (state.startsWith("28"))
    return "The database server refuses the user or the password of PARLEY_DATABASE.";
  if (state === "3D000") return "The database server has no database of that name: make it first.";
  return "The database server does not answer.";
}

const callOf = (fault: unknown): { readonly syscall: unknown; readonly code: unknown } | null =>
  fault instanceof Error && "syscall" in fault && "code" in fault
    ? { syscall: fault.syscall, code: fault.code }
    : null;

function listenSentence(fault: unknown, { host = "", port = 0 }: Config): string | null {
  const call = callOf(fault);
  const isName = call?.syscall === "getaddrinfo";
  if (!isName && call?.syscall !== "listen") return null;
  if (call.code === "EADDRINUSE")
    return `Another program listens on port ${port} already: end it, or set PARLEY_PORT.`;
  if (call.code === "EACCES")
    return `This user may not listen on port ${port}: set PARLEY_PORT to one from 1024 on, behind a proxy.`;
  return `PARLEY_HOST is no address of this machine: ${host}.`;
}

const isNoFolder = (fault: unknown): boolean => {
  const call = callOf(fault);
  return call?.syscall === "mkdir" && (call.code === "EEXIST" || call.code === "ENOTDIR");
};
