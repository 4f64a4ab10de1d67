/**
 * Whether the list follows its end; pure. One rule: text under a reader's eyes never moves by itself.
 * Following ends with any sign that somebody reads further up, and begins again only at the end itself.
 */
export type ScrollFollow = {
  readonly isFollowing: boolean;
  /** Rows that came while the reader was further up. */
  readonly newBelow: number;
};

export type ScrollFact =
  /** The reader moved: by wheel, key, touch, drag or selection. */
  | {
      readonly type: "reader-moved";
      readonly direction: "up" | "down" | "none";
      readonly toEndPx: number;
    }
  /** The position settled, by whatever cause. */
  | { readonly type: "position"; readonly toEndPx: number }
  | { readonly type: "rows-came"; readonly count: number; readonly isOwn: boolean }
  | { readonly type: "content-grew" }
  | { readonly type: "went-to-end" }
  | { readonly type: "went-to-message" };

export type ScrollStep = {
  readonly follow: ScrollFollow;
  /** What the list does now. */
  readonly move: "to-end" | "stay";
};

/** A position this near to the end counts as the end; less than a line. */
export const AT_END_PX = 16;

export const FOLLOWING: ScrollFollow = { isFollowing: true, newBelow: 0 };

/** The next state and the one move that is allowed. */
export function reduceScroll(follow: ScrollFollow, fact: ScrollFact): ScrollStep {
  switch (fact.type) {
    case "reader-moved":
      if (fact.direction === "down" && fact.toEndPx <= AT_END_PX) return stay(FOLLOWING);
      if (fact.direction === "down" && follow.isFollowing) return stay(follow);
      return stay({ ...follow, isFollowing: false });
    case "position":
      return !follow.isFollowing || fact.toEndPx > AT_END_PX ? stay(follow) : stay(FOLLOWING);
    case "rows-came":
      if (fact.isOwn) return toEnd();
      if (follow.isFollowing) return toEnd();
      return stay({ isFollowing: false, newBelow: follow.newBelow + fact.count });
    case "content-grew":
      return follow.isFollowing ? toEnd() : stay(follow);
    case "went-to-end":
      return toEnd();
    case "went-to-message":
      return stay({ ...follow, isFollowing: false });
    default:
      return fact satisfies never;
  }
}

const stay = (follow: ScrollFollow): ScrollStep => ({ follow, move: "stay" });
const toEnd = (): ScrollStep => ({ follow: FOLLOWING, move: "to-end" });
