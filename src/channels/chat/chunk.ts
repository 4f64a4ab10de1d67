/**
 * One chunk of a chat completion, read leniently: two families of servers say tools in two ways, and neither ids nor
 * model names nor roles can be relied on.
 */
import { displayOf, isJsonObject, parseForeignJson, textOf, type JsonObject } from "../json.ts";
import type { Json } from "#peer/channel.ts";

export type ToolPiece =
  /** A tool the server runs itself; arguments come whole. */
  | {
      readonly type: "server-call";
      readonly callId: string;
      readonly name: string;
      readonly args: Json;
    }
  | {
      readonly type: "server-result";
      readonly callId: string;
      readonly name: string;
      readonly text: string;
      readonly isError: boolean;
    }
  /** The standard shape: pieces of a call, joined by their index. */
  | {
      readonly type: "standard";
      readonly index: number;
      readonly callId: string;
      readonly name: string;
      readonly argsText: string;
    };

export type Chunk = {
  readonly text: string;
  readonly reasoning: string;
  readonly tools: readonly ToolPiece[];
  readonly finish: string | null;
  readonly usage: { readonly inputTokens: number; readonly outputTokens: number } | null;
  readonly model: string;
  /** The server's words where the chunk is an error. */
  readonly error: string | null;
};

/** A chunk or a whole answer; null when the text is no JSON object. */
export function parseChunk(text: string): Chunk | null {
  const value = parseForeignJson(text);
  if (!isJsonObject(value)) return null;
  const choices = value["choices"];
  const choice = Array.isArray(choices) && isJsonObject(choices[0]) ? choices[0] : {};
  const said = choice["delta"] ?? choice["message"];
  const delta = isJsonObject(said) ? said : {};
  const calls = delta["tool_calls"];
  return {
    text: contentOf(delta["content"]),
    // Two names are in use for the same thing.
    reasoning: textOf(delta["reasoning_content"]) || textOf(delta["reasoning"]),
    tools: Array.isArray(calls) ? calls.flatMap(toolOf) : [],
    finish: textOf(choice["finish_reason"]) || null,
    usage: usageOf(value["usage"]),
    model: textOf(value["model"]),
    error: errorOf(value),
  };
}

/** The words of a refusal's body: JSON whatever its content type says, or plain text. */
export function refusalWords(body: string): string {
  const value = parseForeignJson(body);
  return (isJsonObject(value) ? errorOf(value) : null) ?? body.trim().slice(0, 2_000);
}

function errorOf(value: JsonObject): string | null {
  const error = value["error"];
  if (isJsonObject(error)) return displayOf(error["message"]) || JSON.stringify(error);
  return typeof error === "string" ? error : null;
}

/** Text, or the text parts of a list. */
const contentOf = (content: unknown): string =>
  Array.isArray(content)
    ? content.map((part) => (isJsonObject(part) ? textOf(part["text"]) : "")).join("")
    : textOf(content);

function toolOf(call: unknown, at: number): readonly ToolPiece[] {
  if (!isJsonObject(call)) return [];
  const callId = textOf(call["toolCallId"]);
  const name = textOf(call["toolCallName"]);
  if (call["type"] === "TOOL_CALL_START")
    return [{ type: "server-call", callId, name, args: argsOf(textOf(call["arguments"])) }];
  if (call["type"] === "TOOL_CALL_RESULT") {
    const text = displayOf(call["content"]);
    return [{ type: "server-result", callId, name, text, isError: call["error"] === true }];
  }
  const made = call["function"];
  if (!isJsonObject(made)) return [];
  return [
    {
      type: "standard",
      index: typeof call["index"] === "number" ? call["index"] : at,
      callId: textOf(call["id"]),
      name: textOf(made["name"]),
      argsText: isJsonObject(made["arguments"])
        ? JSON.stringify(made["arguments"])
        : textOf(made["arguments"]),
    },
  ];
}

/** Arguments as JSON; as text while they are incomplete or none. */
export const argsOf = (text: string): Json =>
  text === "" ? null : (parseForeignJson(text) ?? text);

function usageOf(usage: unknown): Chunk["usage"] {
  if (!isJsonObject(usage)) return null;
  const count = (name: string): number => (typeof usage[name] === "number" ? usage[name] : 0);
  const total = { inputTokens: count("prompt_tokens"), outputTokens: count("completion_tokens") };
  return total.inputTokens + total.outputTokens === 0 ? null : total;
}
