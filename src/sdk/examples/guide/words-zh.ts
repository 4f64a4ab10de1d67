import type { GuideWords } from "./words.ts";

const MARKDOWN = `# 格式

智能体用 **GitHub 风格的 Markdown** 写消息。下面每种写法各有一处。

## 文字

**加粗**、*斜体*、***两者***、~~删除线~~和\`行内代码\`。[链接](https://www.rfc-editor.org/rfc/rfc9180)打开之前会先告诉你真实的网址，直接写出的也一样：https://www.w3.org 。

### 列表

- 一个列表
  - 里面还有一个列表
- 第二点

1. 第一
2. 第二
3. 第三

- [x] 做完的事
- [ ] 没做的事

#### 表格

| 层 | 保护 | 防 |
| :--- | :---: | ---: |
| 内容密钥 | 一条消息 | 中继偷看 |
| 会话链 | 之前的消息 | 手机失窃 |
| 签名 | 作者 | 冒名 |

## 引用

> 读不到内容的中继，
> 也就没有什么可说。
>
> > 引用里还可以有引用。

## 代码

\`\`\`ts
import { HasheeAgent } from "#sdk/index.ts";

const agent = await HasheeAgent.init();
agent.addMessageHandler(async (msg) => {
  if (msg.payload.type !== "text") return;
  await agent.send(msg.conversation_id, { type: "text", text: msg.payload.text });
});
\`\`\`

\`\`\`diff
- 去掉的一行
+ 加上的一行
\`\`\`

---

外部图片在你点开之前不会下载：

![黄昏的灯塔](https://example.com/lighthouse.png)

HTML 只当作文字：<b>不会加粗</b>。脚注在最后。[^1]

[^1]: 就像这样。`;

const STREAM = `## 这段回答怎样到你手里

你读到它的时候，它还在写。每一小段都单独加密，并和前一段连在一起，少一段、重复一段、换个地方，都会被发现。

### 一条消息经历什么

1. 先得到一把新的密钥，只用于这一条。
2. 文字补齐到少数几种长度之一，从外面看，短一点和长一点没有区别。
3. 作者签名，签名也在加密里面，只有你看得到。
4. 密钥分别交给每一台可以读的设备，别处没有。

### 中继知道什么

谁在什么时候给谁写了消息，大概有多长。它读不到内容，也不能冒充任何人。

### 文字旁边的那条线

| 还在写 | 写完之后 |
| --- | --- |
| 线是断开的 | 线闭合 |
| 链接还不能打开 | 链接可以打开 |
| 什么都没有证明 | 作者得到证明 |

\`\`\`text
第一段 -> 第二段 -> 第三段 -> 带签名的全文
\`\`\`

最后一段到了之后，全文会再来一次，带着一个覆盖全部内容的签名。两者一致，线才会闭合。如果不一致，你看到的会是签过名的文字，以及一句说明。

就是这样，其余的都是算术。`;

const SUGGESTIONS = [
  { id: "markdown", label: "格式" },
  { id: "stream", label: "流式回答" },
  { id: "progress", label: "进度卡片" },
  { id: "form", label: "表单" },
  { id: "approval", label: "审批" },
  { id: "stop", label: "让我停下" },
];

export const CHINESE: GuideWords = {
  greeting: (
    name,
  ) => `你好${name === "" ? "" : `，${name}`}。我是导览：一段小程序，不是语言模型。我来演示这里的对话能放些什么。

你现在读到的内容由我加密、由你解开，中间的中继只负责传递，读不到。

用你自己的话问，或者发一个数字：

1. **格式**：标题、列表、表格、代码
2. **流式回答**：边写边出现
3. **停止**：一段很长的回答，由你打断
4. **失败**：写到一半断掉的回答
5. **进度**：随工作变化的卡片
6. **表单**：发送前先检查
7. **审批**：由你签名的决定
8. **投票**：每人一票，边投边计
9. **图片和声音**：放在一张卡片里
10. **工具**：你设备上的工具，会先问你
11. **卡片**：事实和按钮
12. **提及和引用**
13. **撤回**：收回一条消息
14. **正在输入**的提示
15. **长文**
16. **文件**：我发来一张图片和一份便条，也能说出你发来的是什么
17. 再看一次**这份菜单**`,
  menu: {
    title: "从哪里开始",
    body: "选一个，或者问别的。You can also ask me in English.",
    suggestions: SUGGESTIONS,
  },
  notUnderstood:
    "我只是一段程序，没有看懂这句话。试试*表格*、*流式*、*表单*、*审批*这样的词，或者说**菜单**。",
  notText: "我只能读文字和文件。说**菜单**，看看我能演示什么。",
  markdown: MARKDOWN,
  stream: STREAM,
  stop: {
    before: "我现在开始慢慢数数，会数一分钟左右。想停的时候就按停止。\n\n",
    count: (n) => `${n} `,
    stopped: (n) => `停在 ${n}。我收到了你的请求，结束了回答；已经说出的部分会保留，并带有签名。`,
    finished: "你让我数完了。再来一次的话，这回按一下停止试试。",
  },
  cutoff: {
    partial: "这段回答开头很好。它有计划，有第一句，也有第二句。可是第三句说到一半，",
    after: "刚才是故意失败的回答。我已经收回：没有写完的内容不会保留，因为没有人为它的全文签过名。",
  },
  progress: {
    title: "准备报告",
    steps: [
      { id: "collect", label: "收集数据" },
      { id: "check", label: "核对" },
      { id: "draw", label: "画图表" },
      { id: "write", label: "写成文字" },
    ],
    working: "进行中可以取消。",
    done: "完成。其实什么都没有计算，但卡片是真的。",
    cancelled: "已按你的要求取消。",
  },
  form: {
    title: "一次来访",
    card: {
      description: "不会真的预约。你的回答和每条消息一样加密，结果会显示在下面。",
      submit_label: "发送",
      cancel_label: "先不填",
      fields: [
        {
          id: "name",
          label: "称呼",
          type: "text",
          required: true,
          max_length: 60,
          placeholder: "你希望怎样被称呼",
        },
        {
          id: "email",
          label: "邮箱",
          type: "text",
          format: "email",
          help: "只用来演示地址怎样检查。",
        },
        {
          id: "day",
          label: "日期",
          type: "date",
          required: true,
          min: "2026-01-01",
          max: "2035-12-31",
        },
        {
          id: "guests",
          label: "人数",
          type: "number",
          required: true,
          min: 1,
          max: 12,
          step: 1,
          default: 2,
        },
        {
          id: "room",
          label: "房间",
          type: "radio",
          required: true,
          options: [
            { value: "garden", label: "朝花园" },
            { value: "street", label: "朝街道" },
          ],
        },
        {
          id: "meal",
          label: "餐食",
          type: "select",
          options: [
            { value: "all", label: "都可以" },
            { value: "vegetarian", label: "素食" },
            { value: "vegan", label: "纯素" },
          ],
          default: "all",
        },
        {
          id: "extras",
          label: "另外",
          type: "checkbox",
          options: [
            { value: "window", label: "靠窗" },
            { value: "quiet", label: "安静的角落" },
          ],
        },
        { id: "note", label: "备注", type: "textarea", max_length: 500 },
        {
          id: "word",
          label: "一个秘密的词",
          type: "secret",
          max_length: 40,
          help: "只有我能打开。我只会告诉你它有多长。",
        },
        { id: "agreed", label: "我知道这不会真的预约", type: "checkbox", required: true },
      ],
    },
    thanks: "谢谢。你的回答检查了两遍，一遍在你的客户端，一遍在我这里。我收到的是：",
    shown: "你的回答",
    cancelled: "好，那就不填了。",
    none: "表单等了一会儿，已经关闭。需要的话可以再要一次。",
  },
  approval: {
    title: "发布 2.0 版",
    summary: "让所有人看到新版本。一小时内可以撤回。",
    details: [
      { label: "命令", value: "release publish --channel stable --version 2.0.0", kind: "command" },
      { label: "改动", value: "- channel: beta\n+ channel: stable", kind: "diff" },
    ],
    approve: "发布",
    deny: "不发布",
    approved:
      "已批准。我核对了你设备的签名，它对应的正是你看到的内容。真正的智能体这时会执行一次，我只是说明一下。",
    denied: (reason) =>
      `已拒绝，什么都没有做。${reason === "" ? "" : "你写的理由会和决定一起保存。"}`,
    none: "没有人在期限内决定。沉默等于不同意，所以什么都没有做。",
  },
  vote: {
    question: "港口的新灯应该是什么样？",
    options: [
      { id: "white", label: "白灯，一长闪" },
      { id: "red", label: "红灯，两短闪" },
      { id: "dark", label: "不要灯，有星星就够了" },
    ],
    result: (leaders, votes) =>
      `投票已经结束，共 ${votes} 票：${leaders.join("、")}。每一票都是加密送到我这里的，中继一票也没看到。`,
    none: "没有人投票，港口就保持原样。",
  },
  gallery: {
    title: "港口上空的一天",
    dawn: { alt: "淡红色天空中低低的太阳", caption: "清晨" },
    noon: { alt: "蓝天中高高的太阳", caption: "正午" },
    dusk: { alt: "暗红色天空中落下的太阳", caption: "黄昏" },
    chord: "钟声，两秒",
  },
  tools: {
    title: "你那里现在几点",
    told: (time, zone) =>
      `你的设备说：${zone} 时间 ${time}。工具由设备自己运行，结果加密后才交给我。`,
    denied: "你拒绝了，或者没有及时回应，所以你的设备什么也没告诉我。我只知道这些。",
    failed: "你的设备没有这个工具，或者运行失败了。",
  },
  cards: {
    info: {
      title: "这条线路",
      card: {
        body: "卡片按顺序列出事实，也可以带按钮。有的按钮会答复我，有的会先问你，再打开网址。",
        tone: "info",
        fields: [
          { label: "加密", value: "从我到你" },
          { label: "中继", value: "只传递，读不到" },
          { label: "密钥", value: "我的在这台机器上，你的在浏览器里" },
        ],
        actions: [
          { id: "understood", label: "明白了", style: "primary" },
          { id: "doubt", label: "我有疑问" },
          { id: "read", label: "阅读标准", url: "https://www.rfc-editor.org/rfc/rfc9180" },
        ],
      },
    },
    link: {
      url: "https://www.rfc-editor.org/rfc/rfc9180",
      title: "RFC 9180：混合公钥加密",
      description: "这段预览是我写的。你的客户端什么也没有下载，真实的网址在下面。",
    },
    self: "导览",
    pressed: (label) => `你按了“${label}”。卡片会记住它已经得到答复。`,
  },
  mention: (id) =>
    `这条是给你的，@<U:${id}>。名字由你自己的客户端显示，我只发送了你的编号。上面是我引用的内容。`,
  recall: {
    before: "这条消息几秒后就会消失。",
    after:
      "我收回了刚才的消息。位置还在，文字没有了：中继已经删去它保存的内容，你也能看到是我收回的。",
  },
  typing: "刚才几秒里，你会看到我正在输入。这个提示一直续期，直到这条消息出现。",
  files: {
    got: (count) => `收到 ${count} 个文件，我已在这边打开：\n`,
    line: (name, mime, sizeBytes, sha256) =>
      `- \`${name.replaceAll("`", "'")}\`：${sizeBytes} 字节，${mime}，SHA-256 \`${sha256}\``,
    after: "\n中继只负责传送，不知道文件名、类型和密钥。说**文件**，我也发几个给你。",
    pictureName: "黄昏.png",
    pictureAlt: "黄昏的天空，太阳低垂",
    noteName: "便条.txt",
    note: "这份便条由导览加密，由你打开。中继保存过它，却读不到内容。\n",
    ask: "这是一张图片和一份便条。用回形针发个文件给我，我告诉你收到了什么。",
  },
  long: {
    title: "前一千个质数",
    intro: "一条很长的消息，可以看看滚动、搜索和复制的表现。",
    section: (from, to) => `第 ${from} 到第 ${to} 个`,
    end: "这是最后一个。",
  },
};
