/** Mentions between what a person types (`@Ada`) and what is sent (`@<U:id>`); pure. */
import type { AccountId, MemberView } from "./views.ts";

/** A member as the composer offers and writes it; labels are unique within a conversation. */
export type MentionChoice = {
  readonly accountId: AccountId;
  readonly label: string;
  /** The name this person gave them: it finds them and is shown, and is never written. */
  readonly remark?: string;
  readonly kind: "human" | "agent";
};

/** The unfinished mention at the caret: where its `@` stands and what was typed after it. */
export type MentionQuery = { readonly start: number; readonly query: string };

const PLACEHOLDER = /@<U:([0-9a-f-]{36})>/gu;
/** No name is longer, so a longer stretch after `@` is ordinary text. */
const MAX_QUERY_CHARACTERS = 32;

/** Everyone else in the conversation, by their own names; members of one name are told apart by the end of their id. */
export function makeMentionChoices(members: readonly MemberView[]): readonly MentionChoice[] {
  const others = members.filter((member) => !member.isSelf);
  return others.map((member) => {
    const { id, kind, ownName } = member;
    const name = writtenName(member);
    const isShared = others.filter((other) => writtenName(other) === name).length > 1;
    return {
      accountId: id,
      kind,
      label: isShared ? `${name} ${id.slice(-4)}` : name,
      ...(ownName !== undefined && { remark: member.name }),
    };
  });
}

/** The mention being typed at the caret, or null. An `@` inside a word, as in an address, is none. */
export function findMentionQuery(text: string, caret: number): MentionQuery | null {
  const start = text.lastIndexOf("@", caret - 1);
  if (start < 0 || caret - start - 1 > MAX_QUERY_CHARACTERS) return null;
  if (/[\p{L}\p{N}_.]/u.test(text.slice(0, start).at(-1) ?? " ")) return null;
  const query = text.slice(start + 1, caret);
  return /[\n<>@]|^\s|\s{2}/u.test(query) ? null : { start, query };
}

/** The members that fit what was typed, those whose name begins with it first. */
export function matchMentions(
  choices: readonly MentionChoice[],
  query: string,
): readonly MentionChoice[] {
  const wanted = query.toLocaleLowerCase();
  const rankOf = (text: string): number => {
    const name = text.toLocaleLowerCase();
    if (name.startsWith(wanted)) return 0;
    return name.split(/\s+/u).some((word) => word.startsWith(wanted)) ? 1 : 2;
  };
  const rank = ({ label, remark = label }: MentionChoice): number =>
    Math.min(rankOf(label), rankOf(remark));
  return choices
    .filter((choice) => rank(choice) < 2)
    .toSorted((a, b) => rank(a) - rank(b) || a.label.localeCompare(b.label));
}

/** The text with the unfinished mention replaced by a whole one, and the caret after it. */
export function pickMention(
  text: string,
  at: MentionQuery,
  choice: MentionChoice,
): { readonly text: string; readonly caret: number } {
  const before = `${text.slice(0, at.start)}@${choice.label} `;
  const after = text.slice(at.start + 1 + at.query.length).replace(/^ /u, "");
  return { text: before + after, caret: before.length };
}

/** What is sent for what was typed: placeholders, and who they name, once each. */
export function encodeMentions(
  text: string,
  choices: readonly MentionChoice[],
): { readonly text: string; readonly mentions: readonly AccountId[] } {
  const byLength = choices.toSorted((a, b) => b.label.length - a.label.length);
  if (byLength.length === 0) return { text, mentions: [] };
  const labels = byLength.map(({ label }) => escapePattern(label)).join("|");
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}_.])@(${labels})(?![\\p{L}\\p{N}_])`, "gu");
  const named = new Set<AccountId>();
  const encoded = text.replace(pattern, (whole, label: string) => {
    const choice = byLength.find((each) => each.label === label);
    if (choice === undefined) return whole;
    named.add(choice.accountId);
    return `@<U:${choice.accountId}>`;
  });
  return { text: encoded, mentions: [...named] };
}

/** What is shown for saved text: names in place of placeholders; an unknown id stays as it is. */
export function decodeMentions(
  text: string,
  choices: readonly { readonly accountId: AccountId; readonly label: string }[],
): string {
  return text.replace(PLACEHOLDER, (whole, id: string) => {
    const choice = choices.find(({ accountId }) => accountId === id);
    return choice === undefined ? whole : `@${choice.label}`;
  });
}

/** What others read for a mention of this member. */
const writtenName = ({ name, ownName = name }: MemberView): string => ownName;

const escapePattern = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/gu, "\\$&");
