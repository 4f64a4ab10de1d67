/** What a call can fail with: the engine's own kind, kept as text so that the page needs none of the lower layers. */
export type BridgeFailure = {
  /** `layer/what-happened`, stable; words for people are found by it. */
  readonly kind: string;
  /** Facts for the words: counts, limits, seconds. Never text from a person. */
  readonly params?: Readonly<Record<string, string | number>>;
};
