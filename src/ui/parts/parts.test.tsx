import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { createStores } from "#stores/create-stores.ts";
import { createFakeEngine } from "#stores/fake-engine.ts";
import { checkFormValues, type FieldProblem } from "#stores/form.ts";
import { aMessage } from "#stores/sample-views.ts";
import type {
  ArtifactView,
  BodyView,
  ContactView,
  MessageView,
  StreamView,
} from "#stores/views.ts";
import { StoresProvider } from "#ui/StoresContext.tsx";
import { createRouter } from "#ui/router.ts";
import { KitProvider } from "#ui/kit/KitProvider.tsx";
import { MarkdownProvider } from "#ui/markdown/MarkdownContext.tsx";
import { en } from "#ui/text/en.ts";
import { makeText, TextProvider, useText } from "#ui/text/text.tsx";
import { cutStretches } from "./approval-lines.ts";
import type { FormField } from "./card-types.ts";
import { draftOf, readNumber, startingValues } from "./form-values.ts";
import { problemToWords } from "./form-words.ts";
import { UnreadablePart } from "./NoteParts.tsx";
import { MessageMeta } from "./MessageMeta.tsx";
import { partFor, sealOf, type PartActions } from "./part-for.tsx";
import { Reactions } from "./Reactions.tsx";
import { ReplyQuote } from "./ReplyQuote.tsx";
import { anAnswer, anApproval, anApprovalState, anArtifact, NOW } from "./sample-artifacts.ts";

const TEXT = makeText("en", en);
const STORES = createStores(createFakeEngine(), createFakeClock(), {
  load: () => null,
  save: () => {},
} as never);
const ROUTER = createRouter(
  {
    location: { pathname: "/", search: "", hash: "" },
    history: { pushState() {}, replaceState() {}, back() {}, state: null },
    onMove: () => {},
  },
  () => {},
);
const ACTIONS: PartActions = {
  checkForm: checkFormValues,
  onDraft: () => Promise.resolve(true),
  onAnswer: () => {},
  onDecide: () => {},
  lookAtTool: () => ({ kind: "ready", floor: "low" }),
  onTool: () => {},
};

function Part({ message }: { message: MessageView }) {
  const t = useText();
  return partFor(message, { actions: ACTIONS, isBusy: false, t });
}

const drawNode = (node: React.ReactNode): string =>
  renderToStaticMarkup(
    <StoresProvider stores={STORES} router={ROUTER}>
      <TextProvider text={TEXT}>
        <KitProvider>
          <MarkdownProvider jobs={null}>{node}</MarkdownProvider>
        </KitProvider>
      </TextProvider>
    </StoresProvider>,
  );
const drawMessage = (part: Partial<MessageView>): string =>
  drawNode(<Part message={aMessage(1, part)} />);
const drawBody = (body: BodyView): string => drawMessage({ body });
const drawCard = (artifact: ArtifactView): string => drawBody({ kind: "card", artifact });
const wordsOf = (html: string): string =>
  html
    .replaceAll(/<[^>]+>/g, " ")
    .replaceAll(/\s+/g, " ")
    .trim();

const aStream = (part: Partial<StreamView> = {}): StreamView => ({
  streamId: "00000000-0000-7000-8000-00000000b001" as StreamView["streamId"],
  text: "So far **so** good",
  status: "live",
  reason: null,
  markdown: true,
  startedAt: NOW,
  ...part,
});

describe("words and streams", () => {
  test("[U40] a stream that lives is open and busy; one that is proven is text with a closed edge", () => {
    const live = drawBody({ kind: "stream", stream: aStream() });
    const proven = drawBody({ kind: "text", text: "So far **so** good", markdown: true });

    expect(live).toContain('data-seal="open"');
    expect(live).toContain('aria-busy="true"');
    expect(proven).toContain('data-seal="proven"');
    expect(proven).not.toContain("aria-busy");
  });

  test("[U40] a person's words have no edge", () => {
    const message = {
      body: { kind: "text", text: "hi", markdown: false },
      authorKind: "human",
    } as const;

    expect(drawMessage(message)).toContain('data-seal="none"');
    expect(sealOf(aMessage(1, message))).toBe("none");
  });

  test.each(["aborted", "orphaned", "timeout", "limit", "altered", "stopped"] as const)(
    "[U41] a stream that ended short (%s) is broken and says why in words",
    (reason) => {
      const whole = drawBody({ kind: "stream", stream: aStream() });
      const broken = drawBody({ kind: "stream", stream: aStream({ status: "cut-short", reason }) });

      expect(broken).toContain('data-seal="broken"');
      expect(wordsOf(broken).length).toBeGreaterThan(wordsOf(whole).length + 20);
    },
  );

  test("[U40] a stream without a word yet says who is writing", () => {
    expect(wordsOf(drawBody({ kind: "stream", stream: aStream({ text: "" }) }))).toBe(
      "Guide is writing",
    );
  });

  test("[U42] the mark by the time says in words how far a message is proven or delivered", () => {
    expect(drawNode(<MessageMeta at={NOW} seal="proven" delivery={null} />)).toContain(
      "Complete, signature verified",
    );
    expect(drawNode(<MessageMeta at={NOW} delivery={{ status: "queued" }} />)).toContain(
      "Not sent yet. It will go when you are back online.",
    );
    expect(
      drawNode(<MessageMeta at={NOW} delivery={{ status: "failed", failure: "peer/x" }} />),
    ).toContain("Not sent");
  });
});

test.each([
  ["tag", "This could not be opened"],
  ["malformed", "This was not understood"],
  ["crypto/bad-signature", "The signature does not hold"],
])("[U48] a message that failed by %s says what that means", (failure, words) => {
  expect(drawNode(<UnreadablePart failure={failure} />)).toContain(words);
});

describe("approvals", () => {
  const rows = [
    { label: "Command", value: "rm -rf /tmp/\u202ex\nls", warning: "Holds hidden characters." },
  ];
  const anOpenApproval = (part: Partial<ArtifactView> = {}): ArtifactView =>
    anArtifact(anApproval(), {
      approval: anApprovalState({ rows }),
      expiresAt: Date.UTC(2099, 0, 1),
      ...part,
    });
  const buttonsOf = (html: string): readonly string[] =>
    [...html.matchAll(/<button[^>]*>.*?<\/button>/g)].map(([button]) => button);

  test("[U43] every row is drawn whole, with its own warning and hidden characters as marks", () => {
    const long = `${"line of a payload\n".repeat(400)}end`;
    const html = drawCard(
      anOpenApproval({
        approval: anApprovalState({
          rows: [
            ...rows,
            { label: "Long", value: long, warning: "" },
            { label: "Risk", value: "Critical", warning: "This cannot be undone." },
          ],
        }),
      }),
    );

    expect(html).toContain("Hidden character U+202E");
    expect(html.match(/line of a payload/g)).toHaveLength(400);
    expect(html.match(/Holds hidden characters\./g)).toHaveLength(1);
    expect(html.match(/This cannot be undone\./g)).toHaveLength(1);
  });

  test("[U43] cutting a payload into stretches loses nothing and leaves none longer than a glance", () => {
    const value = `${"x".repeat(2_000)}\n${"y\n".repeat(50)}\n\n`;
    const stretches = cutStretches(value);

    expect(stretches.join("")).toBe(value);
    expect(Math.max(...stretches.map((stretch) => stretch.length))).toBeLessThanOrEqual(1_200);
    expect(Math.max(...stretches.map((stretch) => stretch.split("\n").length))).toBeLessThanOrEqual(
      9,
    );
  });

  test("[U44] the buttons sleep until everything was seen, and deny comes first", () => {
    const buttons = buttonsOf(drawCard(anOpenApproval()));

    expect(buttons.map(wordsOf)).toEqual(["Deny", "Deploy"]);
    expect(buttons.every((button) => button.includes("disabled"))).toBe(true);
  });

  test("[U45] risk is a word and a shape", () => {
    const shapes = (["low", "medium", "high", "critical"] as const).map((risk) =>
      /<path d="([^"]+)"[^>]*><\/path><\/svg>(Low risk|Medium risk|High risk|Critical)/.exec(
        drawCard({ ...anOpenApproval(), card: anApproval({ risk }) }),
      ),
    );

    expect(shapes.map((shape) => shape?.[2])).toEqual([
      "Low risk",
      "Medium risk",
      "High risk",
      "Critical",
    ]);
    expect(new Set(shapes.map((shape) => shape?.[1])).size).toBe(4);
  });

  test.each(["digest-mismatch", "key-changed", "fork"] as const)(
    "[U46] an approval blocked by %s says so, with no button and nobody else to decide",
    (blockedBecause) => {
      const html = drawCard(
        anOpenApproval({ approval: anApprovalState({ rows, blockedBecause }), canRespond: false }),
      );

      expect(html).toContain('role="alert"');
      expect(html).not.toContain('type="checkbox"');
      expect(buttonsOf(html)).toEqual([]);
      expect(html).not.toContain("Somebody else decides");
    },
  );

  test.each([
    ["low", "note", "and approve all the same"],
    ["medium", "note", "and approve all the same"],
    ["high", "alert", "take the risk of approving it"],
    ["critical", "alert", "take the risk of approving it"],
  ] as const)(
    "[U46] at %s risk missing verification is a %s and takes a tick in words of its weight",
    (risk, role, words) => {
      const approval = anApprovalState({ rows, blockedBecause: "unverified" });
      const html = drawCard({ ...anOpenApproval({ approval }), card: anApproval({ risk }) });

      expect(html).toContain(`role="${role}"`);
      expect(html).toContain(words);
      expect(html).toContain('type="checkbox"');
    },
  );

  test("[U46] a request whose digest does not hold draws no payload", () => {
    const html = drawCard(anOpenApproval({ approval: null }));

    expect(html).toContain("Nothing can be approved here.");
    expect(html).not.toContain("<dl");
  });

  test("[U47] a decision is shown in place of the buttons, with who, when and why", () => {
    const answer = anAnswer({ decision: "deny", actionId: "no", reason: "Not on a Friday" });
    const approval = anApprovalState({ rows, outcome: "denied" });
    const html = drawCard(
      anOpenApproval({ answer, answers: [answer], canRespond: false, approval }),
    );

    expect(buttonsOf(html)).toEqual([]);
    expect(wordsOf(html)).toContain("Grace denied this · Deny Not on a Friday");
  });

  test("[U47] an approval nobody decided in time counts as denied and can no longer be given", () => {
    const past = drawCard(anOpenApproval({ expiresAt: 1 }));
    const expired = drawCard(anOpenApproval({ expired: true, canRespond: false }));

    for (const html of [past, expired]) {
      expect(buttonsOf(html)).toEqual([]);
      expect(html).toContain("This counts as denied.");
    }
  });
});

describe("quorums", () => {
  const quorum = { required: 2, approvers: ["a", "b", "c"] };
  const drawn = (part: Partial<ArtifactView>) =>
    drawCard({
      ...anArtifact(anApproval({ quorum })),
      expiresAt: Date.UTC(2099, 0, 1),
      ...part,
    });
  const grace = anAnswer({ decision: "approve", actionId: "yes" });

  test("[U122] a request says how many have to agree and how many have, and can still be decided", () => {
    const approval = anApprovalState({ approvedCount: 1 });
    const html = drawn({ approval, answer: grace, answers: [grace] });

    expect(wordsOf(html)).toContain("1 of 2 approvals given, 3 people asked");
    expect(wordsOf(html)).toContain("Grace approved this");
    expect(html.match(/<button/g)).toHaveLength(2);
  });

  test("[U122] a reached quorum and a missed one say so, with no button left", () => {
    const reached = drawn({
      approval: anApprovalState({ outcome: "approved", approvedCount: 2 }),
      answers: [grace],
      canRespond: false,
    });
    const missed = drawn({
      approval: anApprovalState({ outcome: "denied", approvedCount: 1 }),
      answers: [grace],
      canRespond: false,
    });

    expect(wordsOf(reached)).toContain("Approved: 2 of 3 asked agreed.");
    expect(wordsOf(missed)).toContain("Not approved: 1 of 2 approvals were given.");
    expect(reached + missed).not.toContain("<button");
  });
});

describe("votes", () => {
  const card = {
    subtype: "app",
    payload: {
      ui: "vote_card",
      question: "Tea or coffee?",
      options: [
        { id: "tea", label: "Tea", votes: 0 },
        { id: "coffee", label: "Coffee", votes: 0 },
      ],
      closesAt: Date.UTC(2099, 0, 1),
      closed: false,
    },
  } as const satisfies ArtifactView["card"];
  const aVote = (votes: readonly [number, number], part: Partial<ArtifactView> = {}) =>
    anArtifact(
      { ...card, payload: { ...card.payload, options: [...card.payload.options] } },
      {
        vote: {
          options: card.payload.options.map((option, i) => ({ ...option, votes: votes[i] ?? 0 })),
          ownOptionId: null,
        },
        expiresAt: card.payload.closesAt,
        ...part,
      },
    );

  test("[U120] an open vote is a choice of one and a button that waits for it; nobody's share is shown before", () => {
    const html = drawCard(aVote([3, 1]));

    expect(html.match(/type="radio"/g)).toHaveLength(2);
    expect(html).toMatch(/<button[^>]*disabled[^>]*>.*Vote/);
    expect(wordsOf(html)).toContain("A vote cannot be changed.");
    expect(wordsOf(html)).toContain("4 votes");
    expect(wordsOf(html)).not.toContain("3 votes");
  });

  test("[U120] who has voted sees each option's count in words, and their own choice", () => {
    const base = aVote([3, 1], { canRespond: false });
    const vote = base.vote === null ? null : { ...base.vote, ownOptionId: "coffee" };
    const words = wordsOf(drawCard({ ...base, vote }));

    expect(words).toMatch(/Tea 3 3 votes Coffee Your vote 1 1 vote/);
    expect(words).not.toContain("cannot be changed");
  });

  test("[U120] a closed vote says so and names what leads", () => {
    const html = drawCard(aVote([1, 4], { expired: true, canRespond: false }));

    expect(wordsOf(html)).toContain("Closed");
    expect(html.match(/data-leads/g)).toHaveLength(1);
    expect(html).not.toContain("<button");
  });
});

describe("media cards and shown answers", () => {
  test("[U121] a media card shows each file with its caption, and says which did not come", () => {
    const card: ArtifactView["card"] = {
      subtype: "media",
      payload: {
        items: [
          { attachment_id: "a1", kind: "image", alt: "A red sky", caption: "Dusk" },
          { attachment_id: "a2", kind: "audio" },
        ],
      },
    };
    const file = {
      attachment_id: "a1",
      mime: "image/png",
      size: 2_048,
      filename: "dusk.png",
      isHere: false,
    };
    const html = drawMessage({
      body: { kind: "card", artifact: anArtifact(card, { title: "A day" }) },
      attachments: [file],
    });

    expect(html).toContain("<figcaption");
    expect(wordsOf(html)).toContain("dusk.png");
    expect(wordsOf(html)).toContain("2 items");
    expect(html.match(/This file did not come with the message\./g)).toHaveLength(1);
  });

  test("[U121] a shown answer reads by the labels of its card, and of a secret only the length", () => {
    const card: ArtifactView["card"] = {
      subtype: "response",
      payload: {
        ref_artifact: "f",
        ref_action: "submit",
        values: { city: "b", pin: { secret_length: 4 } },
      },
    };
    const form: ArtifactView["card"] = {
      subtype: "form",
      payload: {
        fields: [
          { id: "city", label: "City", type: "select", options: [{ value: "b", label: "Berlin" }] },
          { id: "pin", label: "Pin", type: "secret" },
        ],
      },
    };
    const known = wordsOf(
      drawCard(anArtifact(card, { refersTo: { title: "Your trip", card: form } })),
    );
    const stray = wordsOf(drawCard(anArtifact(card)));

    expect(known).toContain("To: Your trip City Berlin Pin 4 characters, sealed");
    expect(stray).toContain("city b pin 4 characters, sealed");
  });
});

test("[U123] a card's blocks are drawn in order, nothing of an image is fetched, and an unknown one is named", () => {
  const html = drawCard(
    anArtifact({
      subtype: "info",
      payload: {
        body: "",
        blocks: [
          { tag: "status", text: "Deployed", tone: "success" },
          { tag: "table", columns: ["Host", "Load"], rows: [["web"]] },
          { tag: "image", alt: "A chart", url: "https://example.com/chart.png" },
          { tag: "unknown", original_tag: "orrery" },
        ],
      },
    }),
  );

  expect(wordsOf(html)).toMatch(
    /Deployed Host Load web A chart · not loaded A part of this card \(orrery\)/,
  );
  expect(html.match(/<td/g)).toHaveLength(2);
  expect(html).not.toContain("<img");
});

describe("a call for a tool", () => {
  const card: ArtifactView["card"] = {
    subtype: "tool_call",
    payload: {
      call_id: "c1",
      tool_name: "clock_read",
      arguments: { zone: "a\u202eb" },
      permission_scope: "device:clock",
    },
  };
  const decideUntil = Date.UTC(2099, 0, 1);

  test("[U125] shows tool, scope and arguments, and asks: deny first, then allow, with the time left", () => {
    const tool = { sensitivity: "high", isAllowed: false, decideUntil } as const;
    const html = drawCard(anArtifact(card, { tool }));
    const buttons = [...html.matchAll(/<button[^>]*>.*?<\/button>/g)].map(([one]) => wordsOf(one));

    expect(wordsOf(html)).toContain("clock_read May: device:clock Arguments");
    expect(html).toContain("Hidden character U+202E");
    expect(html).toContain("wants to use a tool of this device");
    expect(buttons.filter((words) => words === "Deny" || words === "Allow")).toEqual([
      "Deny",
      "Allow",
    ]);
    expect(wordsOf(html)).toContain("Denied in");
    expect(wordsOf(html)).not.toContain("for a day");
  });

  test("[U125] a harmless call and one allowed before are not asked", () => {
    const low = { sensitivity: "low", isAllowed: false, decideUntil } as const;
    const medium = { sensitivity: "medium", isAllowed: true, decideUntil } as const;

    for (const tool of [low, medium])
      expect(drawCard(anArtifact(card, { tool }))).not.toContain("Allow");
    expect(
      wordsOf(drawCard(anArtifact(card, { tool: { ...medium, isAllowed: false } }))),
    ).toContain("for a day");
  });

  test("[U125] an answered call says how it ended", () => {
    const answer = anAnswer({
      actionId: "tool_result",
      values: { call_id: "c1", status: "denied", reason: "user_denied" },
    });

    expect(wordsOf(drawCard(anArtifact(card, { answer, answers: [answer] })))).toContain(
      "Denied · You denied it.",
    );
  });
});

describe("forms", () => {
  const fields: readonly FormField[] = [
    { id: "name", label: "Full name", type: "text", required: true },
    { id: "about", label: "About", type: "textarea" },
    { id: "age", label: "Age", type: "number", default: 30 },
    { id: "city", label: "City", type: "select", options: [{ value: "b", label: "Berlin" }] },
    {
      id: "tags",
      label: "Tags",
      type: "select",
      multiple: true,
      options: [{ value: "t", label: "T" }],
    },
    { id: "seat", label: "Seat", type: "radio", options: [{ value: "w", label: "Window" }] },
    { id: "ok", label: "Agreed", type: "checkbox" },
    { id: "extras", label: "Extras", type: "checkbox", options: [{ value: "m", label: "Meal" }] },
    { id: "day", label: "Day", type: "date" },
    { id: "pin", label: "Pin", type: "secret" },
  ];
  const aForm = (part: Partial<ArtifactView> = {}): ArtifactView =>
    anArtifact({ subtype: "form", payload: { fields: [...fields] } }, part);

  test("[U36] every type of field has a control with its label", () => {
    const html = drawCard(aForm());

    for (const { label } of fields) expect(html).toContain(`<bdi>${label}</bdi>`);
    expect(html).toContain('type="date"');
    expect(html).toContain('type="password"');
    expect(html).toContain("<textarea");
  });

  test("[U36] a form begins with its kept draft over the agent's defaults", () => {
    expect(startingValues(fields, { name: "Ada" })).toEqual({ name: "Ada", age: 30 });
  });

  test("[U37] a draft never holds a secret", () => {
    expect(draftOf(fields, { name: "Ada", pin: { secret: "1234" } })).toEqual({ name: "Ada" });
    expect(startingValues([{ id: "pin", label: "P", type: "secret", default: "x" }], null)).toEqual(
      {},
    );
  });

  test("[U37] an answered form shows labels of choices and only the length of secrets", () => {
    const answer = anAnswer({ values: { name: "Ada", city: "b", pin: { secret_length: 4 } } });
    const words = wordsOf(drawCard(aForm({ canRespond: false, answer, answers: [answer] })));

    expect(words).toContain("City Berlin");
    expect(words).toContain("Pin 4 characters, sealed");
    expect(words).toContain("Answered by Grace");
  });

  test.each<FieldProblem>([
    { kind: "required" },
    { kind: "wrong-type" },
    { kind: "too-short", limit: 2 },
    { kind: "too-long", limit: 2 },
    { kind: "too-small", limit: 2 },
    { kind: "too-large", limit: "2026-01-01" },
    { kind: "off-step", step: 5 },
    { kind: "bad-format", format: "email" },
    { kind: "bad-format", format: "one-to-come" },
    { kind: "not-an-option" },
    { kind: "not-a-date" },
  ])("[U38] a problem %j has words of its own", (problem) => {
    const Words = () => problemToWords(problem, useText());

    expect(drawNode(<Words />)).toMatch(/^[A-Z0-9].*\.$/);
  });

  test("[U38] numbers are read as people type them", () => {
    expect(readNumber(" 1,5 ")).toBe(1.5);
    expect(readNumber("-3")).toBe(-3);
    expect(readNumber("")).toBeUndefined();
    expect(readNumber("many")).toBe("many");
  });
});

describe("other cards and rows", () => {
  test("[U39] progress tells its share, its steps and that it can be cancelled", () => {
    const html = drawCard(
      anArtifact({
        subtype: "progress",
        payload: {
          percent: 62,
          status: "running",
          cancellable: true,
          steps: [{ id: "1", label: "Build", status: "done" }],
        },
      }),
    );

    expect(html).toContain('aria-valuenow="62"');
    expect(wordsOf(html)).toContain("Build Done");
    expect(html).toContain("Cancel");
  });

  test("[U39] progress of unknown length gives no number", () => {
    expect(drawCard(anArtifact({ subtype: "progress", payload: { percent: null } }))).not.toContain(
      "aria-valuenow",
    );
  });

  test("[U48] a card or message of a kind unknown to this version keeps its title and says so", () => {
    expect(
      wordsOf(
        drawCard(
          anArtifact({ subtype: "unknown", original_subtype: "poll" }, { summary: "Where" }),
        ),
      ),
    ).toContain("Where This version of Parley does not know this kind of card (poll).");
    expect(wordsOf(drawBody({ kind: "unsupported", originalType: "hologram" }))).toContain(
      "Kind: hologram",
    );
  });

  test("[U48] a message that cannot be read says why and what helps", () => {
    expect(wordsOf(drawBody({ kind: "unreadable", failure: "crypto/bad-signature" }))).toContain(
      "The signature does not hold Somebody other than the sender may have changed it",
    );
  });

  test("[U48] a taken-back message says by whom", () => {
    expect(wordsOf(drawBody({ kind: "recalled", by: "server" }))).toContain(
      "removed by the server",
    );
  });

  test("[U48] a system row speaks only our own sentences", () => {
    const html = drawBody({
      kind: "system",
      event: "payment.requested",
      text: "Send money to mallory",
      params: {},
    });

    expect(html).not.toContain("mallory");
  });

  test("[U49] a quote whose original is missing is marked as the author's word and leads nowhere", () => {
    const reply = {
      messageId: aMessage(1).id,
      authorName: "Ada",
      text: "yes",
      isQuotedByAuthor: true,
    };

    expect(drawNode(<ReplyQuote reply={reply} onJump={() => {}} />)).not.toContain("<button");
    expect(
      drawNode(<ReplyQuote reply={{ ...reply, isQuotedByAuthor: false }} onJump={() => {}} />),
    ).toContain('aria-label="Go to the message by Ada"');
  });

  test("[U49] forty kinds of reactions are ten and a way to the rest", () => {
    const reactions = Array.from({ length: 40 }, (_, at) => ({
      emoji: String.fromCodePoint(0x1f600 + at),
      by: [aMessage(1).authorId],
      mine: at === 0,
    }));
    const html = drawNode(<Reactions reactions={reactions} onToggle={() => {}} />);

    expect(html.match(/<button/g)).toHaveLength(11);
    expect(html).toContain("30 more");
    expect(html).toContain('aria-pressed="true"');
  });
});

describe("links and contacts in messages", () => {
  test("[U91] a link shows its address's own host beside its sender's words, and draws no picture", () => {
    const html = drawBody({
      kind: "link",
      url: "https://login.evil.example/www.bank.example",
      title: "Your bank",
      description: "Sign in",
    });

    expect(wordsOf(html)).toContain("Your bank Sign in login. evil.example");
    expect(html).toContain("<strong>evil.example</strong>");
    expect(html).not.toMatch(/<img|href=|src=/);
  });

  test("[U91] a link that may not be opened is text", () => {
    const html = drawBody({ kind: "link", url: "javascript:alert(1)", title: "", description: "" });

    expect(html).not.toContain("<button");
    expect(wordsOf(html)).toContain("This address cannot be opened from here.");
  });

  test("[U92] a contact names who shared it and offers the one way there is", () => {
    const contact = {
      kind: "user" as const,
      id: "b" as ContactView["id"],
      name: "Ben",
      handle: "ben",
      inviteUrl: "https://parley.example/p/ben#fp=x",
      conversationId: null,
    };

    const start = wordsOf(drawBody({ kind: "contact", contact }));
    const known = { ...contact, conversationId: "c" as ContactView["conversationId"] };

    expect(start).toContain("shares a contact");
    expect(start).toContain("Start a conversation");
    expect(wordsOf(drawBody({ kind: "contact", contact: known }))).toContain(
      "Open the conversation",
    );
    expect(
      wordsOf(drawBody({ kind: "contact", contact: { ...contact, inviteUrl: null } })),
    ).toContain("Ask for an invite link");
  });
});
