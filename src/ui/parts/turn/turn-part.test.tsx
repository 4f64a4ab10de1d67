import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { createFakeEngine } from "#stores/fake-engine.ts";
import { createStores } from "#stores/create-stores.ts";
import { aConversation, aMember, CONVERSATION } from "#stores/sample-views.ts";
import type { ChannelHeadView, ConversationView, PromptPartView, TurnView } from "#stores/views.ts";
import { KitProvider } from "#ui/kit/KitProvider.tsx";
import { MarkdownProvider } from "#ui/markdown/MarkdownContext.tsx";
import { createRouter } from "#ui/router.ts";
import { ChannelBar } from "#ui/screens/channels/ChannelBar.tsx";
import { DetailsPanel } from "#ui/screens/contact/DetailsPanel.tsx";
import { StoresProvider } from "#ui/StoresContext.tsx";
import { en } from "#ui/text/en.ts";
import { makeText, TextProvider } from "#ui/text/text.tsx";
import { TurnPart } from "./TurnPart.tsx";

const TEXT = makeText("en", en);

function draw(node: React.ReactNode): string {
  const stores = createStores(createFakeEngine(), createFakeClock(), {
    load: () => null,
    save: () => {},
  } as never);
  const location = { pathname: "/", search: "", hash: "" };
  const history = { pushState() {}, replaceState() {}, back() {}, state: null };
  const router = createRouter({ location, history, onMove: () => {} }, () => {});
  return renderToStaticMarkup(
    <StoresProvider stores={stores} router={router}>
      <TextProvider text={TEXT}>
        <KitProvider>
          <MarkdownProvider jobs={null}>{node}</MarkdownProvider>
        </KitProvider>
      </TextProvider>
    </StoresProvider>,
  )
    .replaceAll(/<[^>]+>/g, " ")
    .replaceAll("&#x27;", "'")
    .replaceAll(/\s+/g, " ");
}

const aTurn = (part: Partial<TurnView> = {}): TurnView => ({
  turnId: "t",
  trigger: "message",
  status: "running",
  outcome: null,
  startedAt: 0,
  endedAt: null,
  heardAt: null,
  parts: [],
  text: "",
  textState: "none",
  isSummarizing: false,
  plan: null,
  usage: null,
  ...part,
});
const drawTurn = (part: Partial<TurnView>): string =>
  draw(
    <TurnPart
      turn={aTurn(part)}
      conversationId={CONVERSATION}
      authorName="Weather"
      mentionNameById={{}}
    />,
  );
const aPrompt = (part: Partial<PromptPartView> = {}): PromptPartView => ({
  kind: "prompt",
  promptId: "p",
  about: { subject: "tool", name: "delete_file", description: "", args: { path: "demo.txt" } },
  openedAt: 0,
  state: "open",
  deadBecause: null,
  ...part,
});
const head: ChannelHeadView = {
  status: { status: "online", since: 0 },
  capabilities: ["stop"],
  agentName: "demo-chat",
  heardAt: null,
  notes: [],
  protocol: "myagent",
  url: "ws://localhost:8080/",
  model: "",
  hasKey: false,
  isReadableOnTheWay: false,
};
const plainView = (part: Partial<ChannelHeadView> = {}): ConversationView =>
  aConversation({ can: [], channel: { ...head, ...part }, peer: aMember({ name: "Weather" }) });

describe("a turn", () => {
  test("[U81] draws its parts in order and hides the server's own way to finish", () => {
    const tool = {
      kind: "tool",
      args: {},
      text: "",
      error: "",
      extra: null,
      chart: null,
      startedAt: 0,
      endedAt: 1,
    } as const;
    const words = drawTurn({
      status: "ended",
      outcome: "done",
      text: "It rains.",
      parts: [
        { kind: "reasoning", partId: "r", text: "Let me look." },
        { ...tool, callId: "a", name: "get_weather", status: "ok", isInternal: false },
        { ...tool, callId: "b", name: "terminate", status: "ok", isInternal: true },
      ],
      usage: { calls: 1, inputTokens: 1_200, outputTokens: 4, isShared: true },
    });

    expect(words).toMatch(/Thinking.*Let me look.*get_weather.*It rains.*1,200 tokens in/);
    expect(words).not.toContain("terminate");
  });

  test("[U81] a prompt can be answered while its run is there, and never after", () => {
    const open = drawTurn({ parts: [aPrompt()] });
    const over = drawTurn({ status: "ended", outcome: "lost", parts: [aPrompt()] });
    const dead = drawTurn({ parts: [aPrompt({ state: "dead", deadBecause: "line-lost" })] });

    expect(open).toMatch(/Run delete_file\?.*demo\.txt.*Deny.*Allow/);
    expect(over).not.toContain("Allow");
    expect(dead).not.toContain("Allow");
    expect(dead).toContain("The connection that asked is gone.");
  });

  test("[U81] a failure has our words, the server's words and what may be the cause", () => {
    const words = drawTurn({
      status: "ended",
      outcome: "failed",
      parts: [
        {
          kind: "note",
          at: 0,
          note: {
            kind: "fault",
            failure: "peer/unreachable",
            params: { causes: "server-down cross-origin-refused" },
            words: "<b>bad gateway</b>",
          },
        },
      ],
    });

    expect(words).toContain("The agent server does not answer.");
    expect(words).toContain("&lt;b&gt;bad gateway&lt;/b&gt;");
    expect(words).toMatch(/Is the server running\?.*Access-Control-Allow-Origin/);
  });

  test("[U81] a control says what was asked, what the server said and what happened", () => {
    const words = drawTurn({
      parts: [
        {
          kind: "control",
          controlId: "c",
          action: "restart-task",
          taskId: "2",
          said: "accepted",
          outcome: "nothing",
        },
      ],
    });

    expect(words).toContain("Restart task 2: the server accepted; nothing happened.");
  });
});

describe("a conversation with a plain agent", () => {
  test("[U82] says that it is not end-to-end encrypted and how its line is", () => {
    const words = draw(<ChannelBar view={plainView({ isReadableOnTheWay: true })} />);

    expect(words).toContain("Not end-to-end encrypted");
    expect(words).toContain("Without TLS, anyone on the way can read along.");
    expect(words).toContain("Connected · demo-chat");
    expect(words).not.toContain("New session");
    expect(draw(<ChannelBar view={aConversation()} />)).not.toContain("end-to-end");
  });

  test("[U82] is forgotten, not ended, and has no keys to compare", () => {
    const words = draw(<DetailsPanel view={plainView()} onSecurity={() => {}} />);

    expect(words).toContain("Remove this agent");
    expect(words).not.toContain(en["details.verify"]);
    expect(words).not.toContain(en["details.end"]);
  });
});
