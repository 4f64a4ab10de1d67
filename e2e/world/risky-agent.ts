/** An agent that asks for approval of whatever it hears; "critical: …" and the like name the risk. It says what came of it. */
import { HasheeAgent } from "../../src/sdk/index.ts";
import { runInTerminal } from "../../src/sdk/examples/run-in-terminal.ts";

const RISKS = ["low", "medium", "high", "critical"] as const;

const agent = await HasheeAgent.init();
runInTerminal("risky", agent);
agent.addMessageHandler(async (msg) => {
  if (msg.payload.type !== "text") return;
  const [word, title = "Something"] = msg.payload.text.split(": ");
  const risk = RISKS.find((one) => one === word);
  if (risk === undefined) return;
  const decision = await agent.approve(msg.conversation_id, {
    title,
    action: "act",
    summary: "Only a test of what you are asked.",
    request: { what: title },
    risk,
  });
  const outcome = decision?.approved === true ? "approved" : "not approved";
  await agent.send(msg.conversation_id, { type: "text", text: `${title}: ${outcome}` });
});
