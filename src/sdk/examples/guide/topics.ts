/** What a person asks the guide for, found in free wording. Pure. */

export const TOPICS = [
  "markdown",
  "stream",
  "stop",
  "cutoff",
  "progress",
  "form",
  "approval",
  "vote",
  "gallery",
  "tools",
  "cards",
  "mention",
  "recall",
  "typing",
  "long",
  "files",
  "menu",
] as const;
export type Topic = (typeof TOPICS)[number];

export const isTopic = (text: string): text is Topic =>
  (TOPICS as readonly string[]).includes(text);

/**
 * The topic a message is about, or null. Words that name one thing only weigh more than words that several share;
 * of equals the first in the menu wins. A bare number picks from the menu.
 */
export function topicOf(text: string): Topic | null {
  const asked = text.toLowerCase().normalize("NFKC");
  const number = /^\s*(\d{1,2})\s*[.)、。]?\s*$/.exec(asked);
  if (number !== null) return TOPICS[Number(number[1]) - 1] ?? null;
  let best: Topic | null = null;
  let bestWeight = 0;
  for (const topic of TOPICS) {
    const weight = weightOf(asked, SIGNS[topic]);
    if (weight > bestWeight) [best, bestWeight] = [topic, weight];
  }
  return best;
}

type Signs = { readonly strong: readonly RegExp[]; readonly weak: readonly RegExp[] };

const weightOf = (asked: string, { strong, weak }: Signs): number =>
  3 * strong.filter((sign) => sign.test(asked)).length +
  weak.filter((sign) => sign.test(asked)).length;

const SIGNS: Readonly<Record<Topic, Signs>> = {
  markdown: {
    strong: [
      /\bmark ?down\b/,
      /\bformat(t(ed|ing))?\b/,
      /\b(table|headings?|code block|gfm)\b/,
      /格式|排版|表格|标题|代码块/,
    ],
    weak: [/\b(bold|italic|code|lists?|links?|quote|syntax)\b/, /代码|列表|链接|加粗|引用块/],
  },
  stream: {
    strong: [
      /\bstream(s|ed|ing)?\b/,
      /\b(bit by bit|piece by piece|word by word|token by token)\b/,
      /流式|逐字|一段一段|边写边/,
    ],
    weak: [/\b(live|slowly|answer|type ?writer)\b/, /回答|慢慢/],
  },
  stop: {
    strong: [/\b(stop|halt|interrupt)(ped|ping|s)?\b/, /停止|停下|打断/],
    weak: [/\b(button|endless|count(ing)?|stream|answer)\b/, /按钮|数数|流式|回答/],
  },
  cutoff: {
    strong: [
      /\b(abort|fail|break|crash)(s|ed|ing|ure)?\b/,
      /\b(errors?|cut short|cut off|broken)\b/,
      /出错|错误|中断|失败|中止|断开/,
    ],
    weak: [/\b(wrong|problem|stream|answer)\b/, /问题|流式|回答/],
  },
  progress: {
    strong: [/\bprogress\b/, /\b(percent(age)?|task|job)\b/, /进度|任务/],
    weak: [/\b(bar|update(s|d)?|steps?|work(ing)?)\b/, /更新|步骤/],
  },
  form: {
    strong: [/\bforms?\b/, /\b(fields?|questionnaire|survey|fill)\b/, /表单|填写|问卷/],
    weak: [/\b(input|ask me|questions?)\b/, /输入|填/],
  },
  approval: {
    strong: [
      /\bapprov(e|al|als|ing)\b/,
      /\b(decide|decision|permission|consent|deny|authori[sz]e)\b/,
      /审批|批准|授权|许可|确认|同意/,
    ],
    weak: [/\b(sign(ed|ature)?|confirm|risk)\b/, /签名|决定|风险/],
  },
  vote: {
    strong: [/\b(vot(e|es|ing)|poll|ballot)\b/, /投票|表决/],
    weak: [/\b(choose|choice|count)\b/, /选择|票/],
  },
  gallery: {
    strong: [
      /\b(pictures?|photos?|images?|gallery|media|sounds?|audio)\b/,
      /图片|照片|相册|画廊|音频|声音/,
    ],
    weak: [/\b(files?|attachments?|listen)\b/, /文件|附件/],
  },
  tools: {
    strong: [/\b(tools?|clock|clipboard|what time)\b/, /工具|时钟|几点|剪贴板/],
    weak: [/\b(device|time|zone)\b/, /设备|时间/],
  },
  cards: {
    strong: [/\bcards?\b/, /\b(artifacts?|suggestions?|quick repl(y|ies))\b/, /卡片|建议|快捷回复/],
    weak: [/\b(buttons?|info|sources?)\b/, /按钮|信息|来源/],
  },
  mention: {
    strong: [
      /\bmention(s|ed|ing)?\b/,
      /\b(quot(e|ing)|repl(y|ies) to)\b/,
      /提及|提到|艾特|引用/,
      /^@\s*$/,
    ],
    weak: [/\b(my name|at me|reply)\b/, /名字|回复/],
  },
  recall: {
    strong: [/\b(recall|unsend|retract|take (it )?back)(s|ed|ing)?\b/, /撤回|收回/],
    weak: [/\b(delete|remove|undo)\b/, /删除/],
  },
  typing: {
    strong: [/\btyping\b/, /正在输入|输入中/],
    weak: [/\b(indicator|dots|writing)\b/, /提示/],
  },
  long: {
    strong: [
      /\b(long|large|huge|big)\b.*\b(text|message|one)\b/,
      /\b(prime(s| numbers?)|wall of text)\b/,
      /长文|长消息|大段|质数|素数/,
    ],
    weak: [/\b(long|large|huge)\b/, /很长|长/],
  },
  files: {
    strong: [/\b(files?|attach(ments?|ed)?|uploads?|downloads?)\b/, /文件|附件/],
    weak: [/\b(send|give) me\b/, /发给我|给我/],
  },
  menu: {
    strong: [
      /\b(menu|help|hello|hi|hey|start|begin|overview|features?)\b/,
      /\bwhat (can|do) you\b/,
      /\b(everything|all of it|show me around|tour)\b/,
      /菜单|帮助|你好|您好|开始|功能|能做什么|会什么|介绍|导览/,
    ],
    weak: [/\b(show|options?|list|who are you)\b/, /看看|你是谁|有什么/],
  },
};
