import { decodeMentions } from "#stores/mentions.ts";
import type { AccountId, MessageView } from "#stores/views.ts";

/** The words of a message as one could quote them: names in place of placeholders, a card by its title. */
export function plainText({ attachments, body, mentionNameById }: MessageView): string {
  switch (body.kind) {
    case "text":
      return body.text === ""
        ? namesOf(attachments)
        : decodeMentions(body.text, choicesOf(mentionNameById));
    case "stream":
      return decodeMentions(body.stream.text, choicesOf(mentionNameById));
    case "turn":
      return body.turn.text;
    case "card":
      return body.artifact.title;
    case "media":
      return body.alt === "" ? namesOf(attachments) : body.alt;
    case "link":
      return body.url;
    case "contact":
      return body.contact.name;
    case "system":
      return body.text;
    case "missing":
    case "recalled":
    case "unreadable":
    case "unsupported":
      return "";
    default:
      return body satisfies never;
  }
}

const namesOf = (attachments: MessageView["attachments"]): string =>
  attachments.flatMap(({ filename }) => filename ?? []).join(", ");

const choicesOf = (nameById: Readonly<Record<string, string>>) =>
  Object.entries(nameById).map(([id, label]) => ({ accountId: id as AccountId, label }));
