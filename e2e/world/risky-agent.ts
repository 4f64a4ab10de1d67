/** An agent that asks for approval of what it hears as "critical: …" and the like, and says what came of it; the rest it heard. */
import { HasheeAgent } from "../../src/sdk/index.ts";
import { runInTerminal } from "../../src/sdk/examples/run-in-terminal.ts";

const RISKS = ["low", "medium", "high", "critical"] as const;

const agent = await HasheeAgent.init();
runInTerminal("risky", agent);
agent.addMessageHandler(async ({ payload, conversation_id: id }) => {
  if (payload.type !== "text") return;
  const [word, title = "Something"] = payload.text.split(": ");
  const risk = RISKS.find((one) => one === word);
  if (risk === undefined) {
    await agent.send(id, { type: "text", text: `heard: ${payload.text}` });
    return;
  }
  const summary = "Only a test of what you are asked.";
  const request = { title, action: "act", summary, request: { what: title }, risk };
  // It listens on while somebody thinks about it.
  void agent.approve(id, request).then((decision) => {
    const outcome = decision?.approved === true ? "approved" : "not approved";
    return agent.send(id, { type: "text", text: `${title}: ${outcome}` });
  });
});
