/** What a line's troubles are told as, with the turn they fall into; an outage once, however many tries fail. */
import type { TurnId } from "#peer/channel.ts";
import type { UnreachableCause } from "#peer/channel-failure.ts";
import { MAX_INCOMING_CHARACTERS } from "./line.ts";
import type { Teller } from "./tell.ts";

export interface LineComplaints {
  opened(): void;
  unreadable(): void;
  oversized(): void;
  /** The line went, or never came. */
  lost(code: number | null, hadOpened: boolean): void;
}

/** Creates complaints that name the turn open at the time. */
export function createLineComplaints(
  teller: Teller,
  likelyCauses: readonly UnreachableCause[],
  openTurnId: () => TurnId | null,
): LineComplaints {
  let isOutageTold = false;
  let unreadable = 0;
  return {
    opened() {
      unreadable = 0;
      isOutageTold = false;
    },
    unreadable() {
      unreadable += 1;
      const notice = { kind: "unreadable-frames", count: unreadable } as const;
      teller.tell({ type: "notice", turnId: openTurnId(), notice });
    },
    oversized() {
      const failure = { kind: "peer/frame-too-large", limit: MAX_INCOMING_CHARACTERS } as const;
      teller.tell({ type: "fault", turnId: openTurnId(), failure, words: "" });
    },
    lost(code, hadOpened) {
      const turnId = openTurnId();
      if (hadOpened && turnId !== null) {
        const failure = { kind: "peer/line-lost", code } as const;
        teller.tell({ type: "fault", turnId, failure, words: "" });
      }
      if (hadOpened || isOutageTold) return;
      isOutageTold = true;
      const failure = { kind: "peer/unreachable", causes: likelyCauses } as const;
      teller.tell({ type: "fault", turnId: null, failure, words: "" });
    },
  };
}
