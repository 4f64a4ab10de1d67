/** An agent that, asked the question, says everything an agent can say, each with words of its own to look for. */
import { HasheeAgent } from "../../src/sdk/index.ts";
import { runInTerminal } from "../../src/sdk/examples/run-in-terminal.ts";
import { CANARIES } from "./canaries.ts";

const agent = await HasheeAgent.init();
runInTerminal("canary", agent);
agent.addMessageHandler(async (msg) => {
  if (msg.payload.type !== "text" || msg.payload.text !== CANARIES.question) return;
  const at = msg.conversation_id;
  await agent.send(at, { type: "text", text: CANARIES.answer });
  const stream = agent.createStreamSession(at);
  for (let i = 0; i < 12; i++) await stream.delta(`${CANARIES.delta} ${i}. `);
  await stream.done();
  const regret = await agent.send(at, { type: "text", text: CANARIES.agentRegret });
  await agent.recallMessage(at, regret.message_id);
  await agent.uploadFile(at, {
    filename: CANARIES.fileName,
    mime: "text/plain",
    data: Buffer.from(`${CANARIES.fileText} `.repeat(200)),
    send_as: "file",
  });
  const answer = await agent.ask(at, {
    title: CANARIES.formTitle,
    fields: [{ id: "f", label: CANARIES.formLabel, type: "text" }],
  });
  const decision = await agent.approve(at, {
    title: CANARIES.approvalTitle,
    action: "publish",
    summary: CANARIES.approvalSummary,
    request: { version: CANARIES.approvalRequest },
    risk: "high",
  });
  const isHeard = answer?.values["f"] === CANARIES.formField && decision?.approved === true;
  await agent.send(at, { type: "text", text: isHeard ? CANARIES.farewell : "misheard" });
});
