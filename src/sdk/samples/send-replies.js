// Runs the published snippet that a message names, in the conversation it came from, and says "ran <name>".
import { HasheeAgent } from "@hasheeai/agent-sdk-ts";
import { restRequest } from "@hasheeai/agent-sdk-ts";

const AGENT_ID = process.env.HASHEE_AGENT_ID;
const AGENT_TOKEN = process.env.HASHEE_AGENT_TOKEN;
const agent = await HasheeAgent.init({});

async function* llmAnswer() {
  yield { text: "a streamed " };
  yield { text: "answer" };
}
const callExpensiveLLM = async (text) => `thought about ${text}`;

const snippets = {
  async simplest({ conversationId }) {
    // ── published
    await agent.send(conversationId, {
      type: "text",
      text: "你好",
    });
    // ── until here
  },

  async typing({ conversationId }) {
    // ── published
    await agent.typing(conversationId);
    // SDK 默认在 5 秒内自动消失;调 send() 后立即清除
    // ── until here
  },

  async typingPractice({ handlerOf }) {
    const agent = handlerOf();
    // ── published
    agent.addMessageHandler(async (msg) => {
      await agent.typing(msg.conversation_id); // 立即让用户看到响应感
      const reply = await callExpensiveLLM(msg.payload.text);
      await agent.send(msg.conversation_id, {
        type: "text",
        text: reply,
      });
    });
    // ── until here
    await agent.settled();
  },

  async markdown({ conversationId }) {
    // ── published
    await agent.send(conversationId, {
      type: "text",
      text: `# 标题
**加粗** *斜体* ~~删除~~ \`code\`
- 列表 1
- 列表 2
\`\`\`typescript
console.log("Hello");
\`\`\`
[链接](https://hashee.ai) | ![图片 alt 文字](https://example.com/x.png)`,
    });
    // ── until here
  },

  async mention({ conversationId: groupConversationId }) {
    // ── published
    await agent.send(groupConversationId, {
      type: "text",
      text: "请大家关注 @<U:01906abc-...> 提的方案",
      mentions: ["01906abc-..."],
    });
    // ── until here
  },

  async replyTo({ conversationId, msg }) {
    // ── published
    await agent.send(conversationId, {
      type: "text",
      text: "好的,已收到",
      reply_to: {
        message_id: msg.message_id, // 被引用消息的 id
        sender_id: msg.sender_id, // 被引用消息的发送者
        preview_text: msg.payload.text.slice(0, 80), // 给客户端做卡片预览用
      },
    });
    // ── until here
  },

  async recall({ conversationId }) {
    const sent = await agent.send(conversationId, { type: "text", text: "to be recalled" });
    const messageId = sent.message_id;
    // ── published
    await agent.recallMessage(conversationId, messageId);
    // ── until here
  },

  async push({ conversationId: known, msg }) {
    const targetUserId = msg.sender_id;
    const lookupConversationByUserId = async (_userId) => known;
    // ── published
    const conversationId = await lookupConversationByUserId(targetUserId);
    await agent.send(conversationId, { type: "text", text: "提醒:你的部署完成了" });
    // ── until here
  },

  async restPush({ conversationId: targetConversationId }) {
    // ── published
    await restRequest({
      method: "POST",
      baseUrl: "https://api.hashee.ai",
      path: `/agents/${AGENT_ID}/messages`,
      token: AGENT_TOKEN,
      body: {
        conversation_id: targetConversationId,
        payload: { type: "text", text: "提醒:你的部署完成了" },
      },
    });
    // ── until here
  },

  async broadcast({ conversationId: groupConversationId }) {
    // ── published
    await agent.send(groupConversationId, {
      type: "text",
      text: "@<U:user_a> @<U:user_b> 注意这条",
      mentions: ["user_a_id", "user_b_id"],
    });
    // ── until here
  },

  async artifact({ conversationId }) {
    // ── published
    await agent.sendArtifact(conversationId, {
      artifact: {
        subtype: "progress",
        title: "导出进度",
        payload: { percent: 75, eta_s: 120 },
      },
    });
    // ── until here
  },

  async failures({ conversationId }) {
    const cleanupUser = async (_conversationId) => {};
    const retry = () => {};
    // ── published
    try {
      await agent.send(conversationId, { type: "text", text: "..." });
    } catch (err) {
      if (err.code === "RELATION_REVOKED") {
        // 用户已撤销关系,清理本地数据
        await cleanupUser(conversationId);
      } else if (err.code === "RATE_LIMITED") {
        // SDK 已自动 backoff;这里拿到说明是 burst 限速
        setTimeout(() => retry(), err.retry_after_ms);
      } else {
        // 网络抖动等 → SDK 会自动重试,这里通常不会跑到
        throw err;
      }
    }
    // ── until here
  },

  async streaming({ conversationId }) {
    const llmStream = llmAnswer();
    // ── published
    const stream = agent.createStreamSession(conversationId);
    for await (const chunk of llmStream) {
      await stream.delta(chunk.text);
    }
    await stream.done();
    // ── until here
  },
};

agent.addMessageHandler(async (msg) => {
  const conversationId = msg.conversation_id;
  // The practice snippet adds a handler: it is given this one message and nothing after it.
  const handlerOf = () => {
    let handled;
    return {
      typing: (id) => agent.typing(id),
      send: (id, payload) => agent.send(id, payload),
      addMessageHandler: (handler) => (handled = handler(msg)),
      settled: () => handled,
    };
  };
  await snippets[msg.payload.text]({ conversationId, msg, handlerOf });
  await agent.send(conversationId, { type: "text", text: `ran ${msg.payload.text}` });
});
process.on("SIGTERM", async () => {
  await agent.close();
  process.exit(0);
});
console.log(`up, ${agent.status}`);
