/** What the bridge itself says to people, in the language it was last spoken to. Servers' words follow as they came. */
import type { ChannelFact } from "#peer/channel.ts";

type Language = "en" | "zh";

export const languageOf = (text: string): Language => (/\p{Script=Han}/u.test(text) ? "zh" : "en");

const TEXTS = {
  unreachable: ["The agent server cannot be reached.", "无法连接到智能体服务器。"],
  lineLost: ["The line to the agent server broke.", "与智能体服务器的连接中断了。"],
  unauthorized: ["The agent server wants another key.", "智能体服务器要求其他密钥。"],
  refused: ["The agent server refused.", "智能体服务器拒绝了请求。"],
  failed: ["The agent failed.", "智能体出错了。"],
  cutShort: ["The answer stopped before its end.", "回答在结束前中断了。"],
  noChat: [
    "This server reports activity only; it takes no chat.",
    "该服务器只提供动态，不接受对话。",
  ],
  memoryLost: ["The agent has forgotten what was said so far.", "智能体已忘记之前的对话内容。"],
  retry: ["The agent server tries again by itself.", "智能体服务器正在自动重试。"],
  interrupted: [
    "The bridge was restarted while this was being answered. It was not asked again; send it once more if you still want it.",
    "回答过程中桥接程序重启了。没有再次提问；如仍需要，请重新发送。",
  ],
  tooLong: ["That is too long for the agent server.", "对智能体服务器来说太长了。"],
  notShown: [
    "The agent asked for a decision that is too long to be shown whole. It was denied.",
    "智能体请求的内容过长，无法完整显示，已拒绝。",
  ],
  tooLate: ["The agent no longer waits for this decision.", "智能体已不再等待此决定。"],
  working: ["Working on it", "正在处理"],
  worked: ["Worked on it", "处理结束"],
  stopped: ["Stopped.", "已停止。"],
  declined: ["The plan was not carried out.", "计划未执行。"],
} as const satisfies Record<string, readonly [en: string, zh: string]>;

export type Saying = keyof typeof TEXTS;

export const say = (saying: Saying, language: Language): string =>
  TEXTS[saying][language === "en" ? 0 : 1];

/** A fault in words; null for those that the end of the turn will tell. */
export function wordsOfFault(
  { failure, words }: Extract<ChannelFact, { type: "fault" }>,
  language: Language,
): string | null {
  const saying = SAYING_OF[failure.kind];
  if (saying === undefined) return null;
  const quoted = words === "" ? "" : `\n\n> ${words.slice(0, 2_000).replaceAll("\n", "\n> ")}`;
  return `${say(saying, language)}${quoted}`;
}

const SAYING_OF: Readonly<Record<string, Saying>> = {
  "peer/unreachable": "unreachable",
  "peer/line-lost": "lineLost",
  "peer/unauthorized": "unauthorized",
  "peer/http-status": "refused",
  "peer/session-refused": "refused",
  "peer/request-refused": "refused",
  "peer/agent-failed": "failed",
  "peer/tasks-refused": "refused",
  "peer/cut-short": "cutShort",
  "peer/no-chat-here": "noChat",
};
