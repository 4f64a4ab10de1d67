/** Small records of a program's own, sealed under the agent's key and kept where its keys are. SPEC §keys. */
import { utf8, utf8ToText } from "#base/bytes.ts";
import type { Vault } from "#crypto/vault.ts";
import { HasheeError } from "../agent-error.ts";
import type { VaultFolder } from "./vault-folder.ts";

/** Texts by name; all processes that share the vault share them, and the last who writes wins. */
export interface AgentNotes {
  /** The text, or null where none was written under this name by this agent. */
  read(name: string): Promise<string | null>;
  /** Replaces the text as a whole; it is on the disk when this resolves. */
  write(name: string, text: string): Promise<void>;
  remove(name: string): Promise<void>;
}

/** Creates the notes of one agent. */
export function createAgentNotes(folder: VaultFolder, seal: Vault): AgentNotes {
  return {
    async read(name) {
      const sealed = await folder.read(fileOf(name));
      const plain = sealed && (await seal.open(placeOf(name), sealed));
      return plain && utf8ToText(plain);
    },
    write: async (name, text) =>
      folder.write(fileOf(name), await seal.seal(placeOf(name), utf8(text))),
    remove: async (name) => folder.remove(fileOf(name)),
  };
}

const placeOf = (name: string) => ({ store: "note", key: name, version: 0 });

function fileOf(name: string): string {
  if (!/^[a-z0-9][a-z0-9.-]{0,79}$/.test(name))
    throw new HasheeError("BAD_REQUEST", { params: { path: "name" } });
  return `note-${name}`;
}
