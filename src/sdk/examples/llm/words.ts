/** What the bridge itself says, in English and Simplified Chinese. */
import { languageOf } from "../language.ts";

/** How to give this agent a model; told when none is configured. */
export const setupText = (heard: string): string =>
  languageOf(heard) === "zh" ? SETUP_ZH : SETUP_EN;

const SETUP_EN = `I pass your words to a language model, but no model is set up yet.

Any server that speaks the OpenAI chat API will do, on this machine or elsewhere. Stop Parley, set these variables, and start it again:

| variable | what it says | example |
| --- | --- | --- |
| \`OPENAI_MODEL\` | which model; always needed | \`llama3.2\` |
| \`OPENAI_BASE_URL\` | where the server is, up to \`/v1\` | \`http://127.0.0.1:11434/v1\` |
| \`OPENAI_API_KEY\` | the key, if the server asks for one | \`sk-…\` |

With a model on this machine:

\`\`\`sh
OPENAI_BASE_URL=http://127.0.0.1:11434/v1 OPENAI_MODEL=llama3.2 npm start
\`\`\`

With OpenAI, where the address can be left out:

\`\`\`sh
OPENAI_API_KEY=sk-… OPENAI_MODEL=gpt-4o-mini npm start
\`\`\`

What you write here is encrypted up to this agent. From here it goes to the server you name, which reads it.`;

const SETUP_ZH = `我会把你的话转给一个语言模型，但现在还没有配置模型。

任何兼容 OpenAI 聊天接口的服务都可以，在本机或别处都行。先停止 Parley，设好下面的变量，再重新启动：

| 变量 | 含义 | 示例 |
| --- | --- | --- |
| \`OPENAI_MODEL\` | 使用哪个模型，必填 | \`llama3.2\` |
| \`OPENAI_BASE_URL\` | 服务地址，写到 \`/v1\` 为止 | \`http://127.0.0.1:11434/v1\` |
| \`OPENAI_API_KEY\` | 密钥，服务要求时才需要 | \`sk-…\` |

模型在本机：

\`\`\`sh
OPENAI_BASE_URL=http://127.0.0.1:11434/v1 OPENAI_MODEL=llama3.2 npm start
\`\`\`

使用 OpenAI 时可以不写地址：

\`\`\`sh
OPENAI_API_KEY=sk-… OPENAI_MODEL=gpt-4o-mini npm start
\`\`\`

你写的内容在到达本智能体之前都是加密的。之后会发给你指定的服务，那一方能读到内容。`;

/** Why no answer came, and what helps. `status` null: the server was not reached, or broke off. */
export const refusalText = (status: number | null, heard: string): string =>
  languageOf(heard) === "zh" ? refusalZh(status) : refusalEn(status);

function refusalEn(status: number | null): string {
  if (status === null)
    return "The model server did not answer, or broke off. Check that it runs and that `OPENAI_BASE_URL` is its address; then ask again.";
  if (status === 401 || status === 403)
    return `The model server refused the key (${status}). Check \`OPENAI_API_KEY\`.`;
  if (status === 404)
    return "The model server does not know this model or this address (404). Check `OPENAI_MODEL`, and that `OPENAI_BASE_URL` ends in `/v1`.";
  if (status === 429)
    return "The model server is busy or your quota is used up (429). Wait a little and ask again.";
  return `The model server answered with an error (${status}). Ask again in a moment; its own log says more.`;
}

function refusalZh(status: number | null): string {
  if (status === null)
    return "模型服务没有应答，或中途断开。请确认它在运行，且 `OPENAI_BASE_URL` 是它的地址，然后再问一次。";
  if (status === 401 || status === 403)
    return `模型服务不接受这个密钥（${status}）。请检查 \`OPENAI_API_KEY\`。`;
  if (status === 404)
    return "模型服务找不到这个模型或地址（404）。请检查 `OPENAI_MODEL`，并确认 `OPENAI_BASE_URL` 以 `/v1` 结尾。";
  if (status === 429) return "模型服务繁忙，或额度已用完（429）。请稍等再问。";
  return `模型服务返回错误（${status}）。请稍后再问；它的日志里有更多说明。`;
}
