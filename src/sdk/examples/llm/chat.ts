/** One answer of an OpenAI-compatible server, piece by piece. */
import { readEvents } from "./sse.ts";

export type ChatMessage = {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
};

export type ModelSettings = {
  /** Address up to and including `/v1`. */
  readonly baseUrl: string;
  /** Null for servers that ask for none. */
  readonly apiKey: string | null;
  readonly model: string;
};

const DEFAULT_BASE_URL = "https://api.openai.com/v1";

/** The server to ask, or null when the environment names none. */
export function readModelSettings(
  env: Readonly<Record<string, string | undefined>>,
): ModelSettings | null {
  const apiKey = env["OPENAI_API_KEY"] || null;
  const baseUrl = env["OPENAI_BASE_URL"] || null;
  const model = env["OPENAI_MODEL"];
  if (!model || (apiKey === null && baseUrl === null)) return null;
  return { baseUrl: (baseUrl ?? DEFAULT_BASE_URL).replace(/\/+$/, ""), apiKey, model };
}

/** Why no answer came; `status` is the server's, null when it was not reached or broke off. */
export class ModelError extends Error {
  override readonly name = "ModelError";
  readonly status: number | null;
  constructor(status: number | null) {
    super(
      status === null
        ? "The model server cannot be reached."
        : `The model server answered ${status}.`,
    );
    this.status = status;
  }
}

/** The pieces of an answer as they come. Ends early, without an error, when `signal` aborts. */
export async function* streamChat(
  settings: ModelSettings,
  messages: readonly ChatMessage[],
  signal: AbortSignal,
): AsyncGenerator<string> {
  try {
    const response = await fetch(`${settings.baseUrl}/chat/completions`, {
      method: "POST",
      signal,
      headers: {
        "content-type": "application/json",
        accept: "text/event-stream",
        ...(settings.apiKey === null ? {} : { authorization: `Bearer ${settings.apiKey}` }),
      },
      body: JSON.stringify({ model: settings.model, messages, stream: true }),
    });
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      throw new ModelError(response.status);
    }
    if (response.headers.get("content-type")?.includes("application/json") === true) {
      // A server without streaming answers whole.
      yield wholeOf(await response.json());
      return;
    }
    for await (const event of readEvents(response.body)) {
      if (event === "[DONE]") return;
      const piece = pieceOf(event);
      if (piece !== "") yield piece;
    }
  } catch (error) {
    if (signal.aborted) return;
    throw error instanceof ModelError ? error : new ModelError(null);
  }
}

type Choice = {
  readonly delta?: { readonly content?: unknown };
  readonly message?: { readonly content?: unknown };
};

const firstChoice = (answer: unknown): Choice | undefined =>
  (answer as { readonly choices?: readonly Choice[] } | null)?.choices?.[0];

const textOf = (content: unknown): string => (typeof content === "string" ? content : "");

const wholeOf = (answer: unknown): string => textOf(firstChoice(answer)?.message?.content);

// Keep-alives, usage reports and the like carry no text.
function pieceOf(event: string): string {
  let answer: unknown;
  try {
    answer = JSON.parse(event);
  } catch {
    return "";
  }
  if (typeof answer === "object" && answer !== null && "error" in answer)
    throw new ModelError(null);
  return textOf(firstChoice(answer)?.delta?.content);
}
