// An agent that asks before it acts, and acts only on a decision that was signed over exactly this request.
import { HasheeAgent } from "#sdk/index.ts";
import { runInTerminal } from "./run-in-terminal.ts";

const agent = await HasheeAgent.init();
runInTerminal("approval", agent);
agent.addMessageHandler(async (msg) => {
  if (msg.payload.type !== "text" || !agent.isFor(msg)) return;
  const file = msg.payload.text.slice(0, 200);
  const decision = await agent.approve(msg.conversation_id, {
    title: "Delete a file",
    action: "delete-file",
    summary: "The file will be gone for good.",
    request: { path: file },
    details: [{ label: "Command", value: `rm -- ${JSON.stringify(file)}`, kind: "command" }],
    risk: "high",
  });
  const text =
    decision === null
      ? "Nobody decided in time, so nothing was done."
      : decision.approved
        ? "You approved it. A real agent would delete the file now; this one only says so."
        : "You denied it. Nothing was done.";
  await agent.send(msg.conversation_id, { type: "text", text });
});
