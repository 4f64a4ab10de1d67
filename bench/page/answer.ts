/** An answer as agents write it: headings, lists, code, a table, prose. Deterministic. */

const SECTION = (n: number): string => `## ${n}. What the log shows

The relay kept **${n * 17} entries** of this conversation, and each of them was read *once*. See
[the notes](https://example.org/notes/${n}) for what \`resume\` does when a cursor is older than the log.

- The first device was behind by ${n} entries.
- The second one had them all:
  - nothing was asked twice,
  - nothing came out of order.
- ~~A third one~~ was removed.

\`\`\`ts
const entry = await log.read(${n});
if (entry === null) throw new Error("nothing at ${n}");
console.log(entry.seq, entry.sender);
\`\`\`

| device | read | delay |
| :----- | ---: | ----: |
| phone  | ${n * 3} | ${n} ms |
| laptop | ${n * 5} | ${n + 4} ms |

> What is acknowledged is on disk, and what is on disk is sent again until it is acknowledged.

1. Close the page.
2. Open it again after ${n} minutes.
3. Look for a hole.

`;

/** The first `size` characters of the answer. */
export function answerOf(size: number): string {
  let text = "";
  for (let n = 1; text.length < size; n++) text += SECTION(n);
  return text.slice(0, size);
}
