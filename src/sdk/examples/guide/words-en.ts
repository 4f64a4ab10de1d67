import type { GuideWords } from "./words.ts";

const MARKDOWN = `# Formatting

Agents write **GitHub-flavoured Markdown**. This message holds one of each kind.

## Words

**Bold**, *italic*, ***both***, ~~struck out~~ and \`inline code\`. A [link](https://www.rfc-editor.org/rfc/rfc9180) names its true host before it opens, and so does a bare one: https://www.w3.org.

### Lists

- A list
  - with a list inside
- and a second point

1. First
2. Second
3. Third

- [x] A task that is done
- [ ] A task that is not

#### A table

| layer | protects | from |
| :--- | :---: | ---: |
| content key | one message | the relay |
| session chain | the messages before | a stolen phone |
| signature | the author | forgery |

## Quotation

> A relay that cannot read
> cannot be asked to tell.
>
> > And a quotation may hold another.

## Code

\`\`\`ts
import { HasheeAgent } from "#sdk/index.ts";

const agent = await HasheeAgent.init();
agent.addMessageHandler(async (msg) => {
  if (msg.payload.type !== "text") return;
  await agent.send(msg.conversation_id, { type: "text", text: msg.payload.text });
});
\`\`\`

\`\`\`diff
- a line that goes
+ a line that comes
\`\`\`

---

A picture from elsewhere is not fetched until you ask for it:

![A lighthouse at dusk](https://example.com/lighthouse.png)

HTML is taken out: <b>not bold</b>. A footnote stands at the end.[^1]

[^1]: Like this one.`;

const STREAM = `## How this answer reaches you

You are reading it while it is being written. Each piece is sealed on its own and bound to the piece before it, so that nothing can be left out, repeated or put elsewhere without being noticed.

### What happens to a message

1. It gets a fresh key, used for this message and no other.
2. The text is padded to one of a few sizes. A short answer and a slightly longer one look the same from outside.
3. It is signed by its author, inside the encryption, so that only you see the signature.
4. The key is wrapped for every device that may read, and for nothing else.

### What the relay learns

That somebody wrote to somebody, when, and roughly how much. It cannot read, and it cannot write in anyone's name.

### The line beside this text

| while it grows | after it ends |
| --- | --- |
| the line is dashed | the line is closed |
| links do not open yet | links open |
| nothing is proven | the author is proven |

\`\`\`text
piece 1 -> piece 2 -> piece 3 -> the whole text, signed
\`\`\`

When the last piece has come, the whole text comes once more with one signature over all of it. Only if the two agree does the line close. If they differed, you would see the signed text, and a note that it differs.

That is all there is to it. The rest is arithmetic.`;

const SUGGESTIONS = [
  { id: "markdown", label: "Formatting" },
  { id: "stream", label: "A streamed answer" },
  { id: "progress", label: "A progress card" },
  { id: "form", label: "A form" },
  { id: "approval", label: "An approval" },
  { id: "stop", label: "Stopping me" },
];

export const ENGLISH: GuideWords = {
  greeting: (
    name,
  ) => `Hello${name === "" ? "" : `, ${name}`}. I am the guide: a short script, no language model. I show what a conversation here can hold.

What you read now was encrypted by me and opened by you; the relay between us carried it without being able to read it.

Ask in your own words, or send a number:

1. **Formatting**: headings, lists, tables, code
2. **Streaming**: an answer that appears while it is written
3. **Stopping**: a long answer that you cut short
4. **A failure**: an answer that breaks off
5. **Progress**: a card that changes while work goes on
6. **A form**: fields that are checked before they are sent
7. **An approval**: a decision that you sign
8. **A vote**: one for each member, counted as they come
9. **Pictures and a sound** in one card
10. **A tool** of your device, which asks you first
11. **Cards**: facts with buttons
12. **Mentions and quotes**
13. **Recall**: a message taken back
14. **Typing**: the sign that somebody writes
15. **A long text**
16. **Files**: a picture and a note from me, and what I read of yours
17. **This list** again`,
  menu: {
    title: "Where to begin",
    body: "Pick one, or ask for something else. 你也可以用中文问我。",
    suggestions: SUGGESTIONS,
  },
  notUnderstood:
    "I am a script and did not recognise that. Try a word such as *table*, *stream*, *form* or *approve*, or ask for the **menu**.",
  notText: "I can only read text and files. Ask for the **menu** to see what I can show.",
  markdown: MARKDOWN,
  stream: STREAM,
  stop: {
    before: "I count now, slowly, and would go on for a minute. Press stop whenever you like.\n\n",
    count: (n) => `${n} `,
    stopped: (n) =>
      `Stopped at ${n}. Your wish reached me, I ended the answer, and what I had said stays and is signed.`,
    finished: "You let me finish. Ask again and press stop this time.",
  },
  cutoff: {
    partial:
      "This answer begins well. It has a plan, a first sentence and a second. And then, in the middle of the third, something",
    after:
      "That was an answer that failed on purpose. I took it back: what was never finished is not kept, because nobody signed it as a whole.",
  },
  progress: {
    title: "Preparing the report",
    steps: [
      { id: "collect", label: "Collect the figures" },
      { id: "check", label: "Check them" },
      { id: "draw", label: "Draw the charts" },
      { id: "write", label: "Write it up" },
    ],
    working: "You can cancel while this runs.",
    done: "Ready. Nothing was really computed, but the card is real.",
    cancelled: "Cancelled, as you asked.",
  },
  form: {
    title: "A visit",
    card: {
      description:
        "Nothing is booked. Your answers are sealed like every message and come back to you below.",
      submit_label: "Send",
      cancel_label: "Not now",
      fields: [
        {
          id: "name",
          label: "Name",
          type: "text",
          required: true,
          max_length: 60,
          placeholder: "As you like to be called",
        },
        {
          id: "email",
          label: "Email",
          type: "text",
          format: "email",
          help: "Only to show how an address is checked.",
        },
        {
          id: "day",
          label: "Day",
          type: "date",
          required: true,
          min: "2026-01-01",
          max: "2035-12-31",
        },
        {
          id: "guests",
          label: "People",
          type: "number",
          required: true,
          min: 1,
          max: 12,
          step: 1,
          default: 2,
        },
        {
          id: "room",
          label: "Room",
          type: "radio",
          required: true,
          options: [
            { value: "garden", label: "To the garden" },
            { value: "street", label: "To the street" },
          ],
        },
        {
          id: "meal",
          label: "Meal",
          type: "select",
          options: [
            { value: "all", label: "No preference" },
            { value: "vegetarian", label: "Vegetarian" },
            { value: "vegan", label: "Vegan" },
          ],
          default: "all",
        },
        {
          id: "extras",
          label: "Also",
          type: "checkbox",
          options: [
            { value: "window", label: "A window seat" },
            { value: "quiet", label: "A quiet corner" },
          ],
        },
        { id: "note", label: "Note", type: "textarea", max_length: 500 },
        {
          id: "word",
          label: "A secret word",
          type: "secret",
          max_length: 40,
          help: "Sealed to me alone. I only tell you how long it was.",
        },
        { id: "agreed", label: "I know that nothing is booked", type: "checkbox", required: true },
      ],
    },
    thanks:
      "Thank you. Your answers were checked twice, by your client and by me. This is what reached me:",
    shown: "Your answers",
    cancelled: "Fine, no form then.",
    none: "The form waited a while and has closed. Ask for it again if you like.",
  },
  approval: {
    title: "Publish version 2.0",
    summary: "Makes the new version visible to everybody. It can be taken back within an hour.",
    details: [
      {
        label: "Command",
        value: "release publish --channel stable --version 2.0.0",
        kind: "command",
      },
      {
        label: "Change",
        value: "- channel: beta\n+ channel: stable",
        kind: "diff",
      },
    ],
    approve: "Publish",
    deny: "Do not publish",
    approved:
      "Approved. I checked your device's signature against exactly what you were shown. A real agent would act now, once; I only say so.",
    denied: (reason) =>
      `Denied. Nothing was done.${reason === "" ? "" : " I keep your reason with the decision."}`,
    none: "Nobody decided in time. Silence counts as no, so nothing was done.",
  },
  vote: {
    question: "What should the next harbour light look like?",
    options: [
      { id: "white", label: "White, one long flash" },
      { id: "red", label: "Red, two short ones" },
      { id: "dark", label: "No light, the stars will do" },
    ],
    result: (leaders, votes) =>
      `The vote has closed with ${votes === 1 ? "one vote" : `${votes} votes`}: ${leaders.join(" and ")}. Every vote reached me sealed; the relay saw none of them.`,
    none: "Nobody voted, so the harbour stays as it is.",
  },
  gallery: {
    title: "A day over the harbour",
    dawn: { alt: "A low sun in a pale red sky", caption: "Dawn" },
    noon: { alt: "A high sun in a blue sky", caption: "Noon" },
    dusk: { alt: "A setting sun in a dark red sky", caption: "Dusk" },
    chord: "The bell, two seconds",
  },
  tools: {
    title: "What time is it where you are",
    told: (time, zone) =>
      `Your device says ${time} in ${zone}. It ran the tool itself and sealed the result for me.`,
    denied: "You said no, or nothing in time, so your device told me nothing. That is all I learn.",
    failed: "Your device has no such tool, or it did not work.",
  },
  cards: {
    info: {
      title: "This line",
      card: {
        body: "A card shows facts in order and may carry buttons. Some answer to me, some open an address after asking you.",
        tone: "info",
        fields: [
          { label: "Encrypted", value: "From me to you" },
          { label: "Relay", value: "Carries, cannot read" },
          { label: "Keys", value: "Mine on this machine, yours in your browser" },
        ],
        actions: [
          { id: "understood", label: "Understood", style: "primary" },
          { id: "doubt", label: "I have doubts" },
          { id: "read", label: "Read the standard", url: "https://www.rfc-editor.org/rfc/rfc9180" },
        ],
      },
    },
    link: {
      url: "https://www.rfc-editor.org/rfc/rfc9180",
      title: "RFC 9180: Hybrid Public Key Encryption",
      description:
        "I wrote this preview. Your client fetched nothing, and names the true host below.",
    },
    self: "Guide",
    pressed: (label) => `You pressed “${label}”. The card remembers that it was answered.`,
  },
  mention: (id) =>
    `This is for you, @<U:${id}>. The name is drawn by your own client: I sent only your id. Above stands what I quote.`,
  recall: {
    before: "This message will be gone in a few seconds.",
    after:
      "I took my message back. Its place stays, its text does not: the relay has erased what it kept, and you see that I did it.",
  },
  typing:
    "I showed for a few seconds that I was writing. The sign was renewed until this message took it away.",
  files: {
    got: (count) =>
      count === 1
        ? "One file came, and I opened it here:\n"
        : `${count} files came, and I opened them here:\n`,
    line: (name, mime, sizeBytes, sha256) =>
      `- \`${name.replaceAll("`", "'")}\`: ${sizeBytes} bytes, ${mime}, SHA-256 \`${sha256}\``,
    after:
      "\nThe relay carried them without name, kind or key. Ask for **files** and I send you some.",
    pictureName: "dusk.png",
    pictureAlt: "The sun low in an evening sky",
    noteName: "note.txt",
    note: "This note was sealed by the guide and opened by you. The relay held it and could not read it.\n",
    ask: "Here are a picture and a note. Send me a file with the paper clip, and I tell you what arrived.",
  },
  long: {
    title: "The first thousand primes",
    intro: "A long message, so that you can see how scrolling, search and copying behave.",
    section: (from, to) => `Primes ${from} to ${to}`,
    end: "That was the last of them.",
  },
};
