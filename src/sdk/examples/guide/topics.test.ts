import { describe, expect, test } from "vitest";
import { languageOf } from "../language.ts";
import { TOPICS, topicOf, type Topic } from "./topics.ts";

const ASKED: readonly (readonly [string, Topic])[] = [
  ["hi", "menu"],
  ["Hello there", "menu"],
  ["what can you do?", "menu"],
  ["你好", "menu"],
  ["你会什么", "menu"],
  ["Show me some formatting", "markdown"],
  ["a table please", "markdown"],
  ["can I see a code block", "markdown"],
  ["给我看看表格", "markdown"],
  ["stream a long answer", "stream"],
  ["Streaming!", "stream"],
  ["流式输出怎么样", "stream"],
  ["let me stop you", "stop"],
  ["can I interrupt?", "stop"],
  ["怎么让你停下", "stop"],
  ["what happens on an error", "cutoff"],
  ["abort a stream", "cutoff"],
  ["回答中断会怎样", "cutoff"],
  ["progress bar", "progress"],
  ["显示进度", "progress"],
  ["I want to fill in a form", "form"],
  ["来个表单", "form"],
  ["ask me for approval", "approval"],
  ["需要审批的操作", "approval"],
  ["let us vote", "vote"],
  ["来投票", "vote"],
  ["show me pictures", "gallery"],
  ["发几张图片", "gallery"],
  ["use a tool of mine", "tools"],
  ["现在几点", "tools"],
  ["show a card with buttons", "cards"],
  ["卡片", "cards"],
  ["mention me", "mention"],
  ["引用一下我的话", "mention"],
  ["unsend something", "recall"],
  ["撤回消息", "recall"],
  ["typing indicator", "typing"],
  ["正在输入是什么样", "typing"],
  ["a really long text", "long"],
  ["发一段长文", "long"],
  ["7", "approval"],
  ["send me a file", "files"],
  ["发个附件", "files"],
  [" 17. ", "menu"],
];

describe("the guide's matcher", () => {
  test.each(ASKED)("hears %j as %s", (text, topic) => {
    expect(topicOf(text)).toBe(topic);
  });

  test("says so when it recognises nothing", () => {
    expect(["what is the weather in Oslo", "99", "", "我饿了"].map(topicOf)).toEqual([
      null,
      null,
      null,
      null,
    ]);
  });

  test("finds every topic in at least one wording of each language", () => {
    const found = (isChinese: boolean) =>
      new Set(
        ASKED.filter(([text]) => (languageOf(text) === "zh") === isChinese).map(
          ([, topic]) => topic,
        ),
      );

    expect([...found(false)].sort()).toEqual([...TOPICS].sort());
    expect([...found(true)].sort()).toEqual([...TOPICS].sort());
  });
});
