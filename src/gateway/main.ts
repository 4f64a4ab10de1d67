/**
 * `npm run bridge -- --to ws://…|http://… --protocol myagent|tpclaw|chat`: an agent that offers a plain agent server
 * to Parley users. From the person to this program every word is end-to-end encrypted; from here to the server it is
 * not, so run it where the server runs.
 */
import { HasheeAgent } from "#sdk/index.ts";
import { createConversation, type Conversation } from "./conversation.ts";
import { loadMemory } from "./memory.ts";
import { openChannel } from "./open-channel.ts";
import { readSettings, type SettingsFault } from "./settings.ts";

const USAGE: Readonly<Record<SettingsFault, string>> = {
  usage: "Usage: npm run bridge -- --to <address> --protocol myagent|tpclaw|chat [--model <name>]",
  protocol: "--protocol is one of myagent, tpclaw, chat.",
  address: "--to is an address that begins with ws://, wss://, http:// or https://.",
  model: "--protocol chat needs --model, the name the server knows its model by.",
};

const settings = readSettings(process.argv.slice(2), process.env);
if (!settings.ok) {
  console.error(USAGE[settings.failure]);
  process.exit(2);
}

const conversations = new Map<string, Promise<Conversation>>();
const agent = await HasheeAgent.init();

const openConversation = async (id: string): Promise<Conversation> => {
  const memory = await loadMemory(agent.notes, id, settings.value);
  return createConversation(agent, id, openChannel(settings.value, memory), memory);
};
const conversationOf = (id: string): Promise<Conversation> => {
  const known = conversations.get(id);
  if (known !== undefined) return known;
  const made = openConversation(id);
  conversations.set(id, made);
  return made;
};

agent.addMessageHandler(async (message) => {
  if (message.sender_type !== "human" || message.payload.type !== "text") return;
  const conversation = await conversationOf(message.conversation_id);
  await conversation.ask(message, message.payload.text);
});

agent.addEventHandler(async (event) => {
  if (event.type !== "relation.revoked") return;
  const id = event.conversation_id;
  const conversation = conversations.get(id);
  conversations.delete(id);
  await (await conversation)?.close();
  await agent.notes.remove(id);
});

console.log(`[bridge] fingerprint ${agent.fingerprintText}`);
agent.addStatusHandler((status) => {
  console.log(`[bridge] ${status}`);
  if (status === "connected") process.send?.({ fingerprint: agent.fingerprint });
});
agent.addErrorHandler((error) => {
  console.error(`[bridge] ${error.code}: ${error.message}`);
  if (error.fatal) void end(1);
});

let isEnding = false;
async function end(code: number): Promise<void> {
  if (isEnding) return;
  isEnding = true;
  for (const conversation of conversations.values()) await (await conversation).close();
  await agent.close();
  process.exit(code);
}
process.on("SIGINT", () => void end(0));
process.on("SIGTERM", () => void end(0));
process.on("disconnect", () => void end(0));
