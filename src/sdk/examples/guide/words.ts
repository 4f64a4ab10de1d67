/** Everything the guide says, in English and Simplified Chinese. */
import type { FormCard, InfoCard, ReplyCard } from "#sdk/index.ts";
import type { Language } from "../language.ts";
import { ENGLISH } from "./words-en.ts";
import { CHINESE } from "./words-zh.ts";

export type GuideWords = {
  readonly greeting: (name: string) => string;
  readonly menu: { readonly title: string } & Pick<ReplyCard, "body" | "suggestions">;
  readonly notUnderstood: string;
  readonly notText: string;
  readonly markdown: string;
  readonly stream: string;
  readonly stop: {
    readonly before: string;
    readonly count: (n: number) => string;
    readonly stopped: (n: number) => string;
    readonly finished: string;
  };
  readonly cutoff: { readonly partial: string; readonly after: string };
  readonly progress: {
    readonly title: string;
    readonly steps: readonly { readonly id: string; readonly label: string }[];
    readonly working: string;
    readonly done: string;
    readonly cancelled: string;
  };
  readonly form: {
    readonly title: string;
    readonly card: FormCard;
    readonly thanks: string;
    /** Over the answer as it is shown again. */
    readonly shown: string;
    readonly cancelled: string;
    readonly none: string;
  };
  readonly approval: {
    readonly title: string;
    readonly summary: string;
    readonly details: readonly {
      readonly label: string;
      readonly value: string;
      readonly kind: "text" | "code" | "diff" | "json" | "command";
    }[];
    readonly approve: string;
    readonly deny: string;
    readonly approved: string;
    readonly denied: (reason: string) => string;
    readonly none: string;
  };
  readonly vote: {
    readonly question: string;
    readonly options: readonly { readonly id: string; readonly label: string }[];
    readonly result: (leaders: readonly string[], votes: number) => string;
    readonly none: string;
  };
  readonly gallery: {
    readonly title: string;
    readonly dawn: Picture;
    readonly noon: Picture;
    readonly dusk: Picture;
    readonly chord: string;
  };
  readonly tools: {
    readonly title: string;
    readonly told: (time: string, zone: string) => string;
    readonly denied: string;
    readonly failed: string;
  };
  readonly cards: {
    readonly info: { readonly title: string; readonly card: InfoCard };
    readonly link: { readonly url: string; readonly title: string; readonly description: string };
    /** What the guide calls itself on its contact card. */
    readonly self: string;
    readonly pressed: (label: string) => string;
  };
  readonly mention: (id: string) => string;
  readonly recall: { readonly before: string; readonly after: string };
  readonly typing: string;
  readonly files: {
    readonly got: (count: number) => string;
    readonly line: (name: string, mime: string, sizeBytes: number, sha256: string) => string;
    readonly after: string;
    readonly pictureName: string;
    readonly pictureAlt: string;
    readonly noteName: string;
    readonly note: string;
    readonly ask: string;
  };
  readonly long: {
    readonly title: string;
    readonly intro: string;
    readonly section: (from: number, to: number) => string;
    readonly end: string;
  };
};

type Picture = { readonly alt: string; readonly caption: string };

export const WORDS: Readonly<Record<Language, GuideWords>> = { en: ENGLISH, zh: CHINESE };
