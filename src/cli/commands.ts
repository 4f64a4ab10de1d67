/** The commands by name. */
import type { Command } from "./command.ts";
import { download, sendFile } from "./file-commands.ts";
import { conversations, messages, whoami } from "./read-commands.ts";
import { react, recall, send, sendArtifact, stream, typing } from "./send-commands.ts";

export const COMMANDS: Readonly<Record<string, Command>> = {
  whoami,
  conversations,
  messages,
  send,
  stream,
  typing,
  "send-file": sendFile,
  "send-artifact": sendArtifact,
  react,
  recall,
  download,
};
