import type { CSSProperties } from "react";
import type { TrustView } from "#stores/views.ts";
import { useText } from "#ui/text/text.tsx";
import styles from "./Avatar.module.css";
import { hueOf, initialsOf } from "./avatar-face.ts";
import { classNames } from "./class-names.ts";

type AvatarSize = 20 | 24 | 28 | 32 | 40 | 56 | 72;

export type AvatarProps = {
  id: string;
  name: string;
  kind: "human" | "agent";
  /** Side length in px. */
  size?: AvatarSize;
  /** Draws the ring and says it; left out where trust is not the point. */
  trust?: TrustView | undefined;
  presence?: "online" | "away" | "offline" | "unknown" | undefined;
};

/** Who it is at a glance: circles are people, rounded squares are agents. The name beside it does the talking. */
export function Avatar({ id, name, kind, size = 32, trust, presence }: AvatarProps) {
  const t = useText();
  const initials = initialsOf(name);
  return (
    <span
      className={classNames(styles.avatar, kind === "agent" && styles.agent)}
      style={{ "--size": `${size}px`, "--hue": hueOf(id) } as CSSProperties}
      {...(trust === undefined
        ? { "aria-hidden": true }
        : { role: "img", "aria-label": t(`trust.${trust}`), "data-trust": trust })}
    >
      <span className={classNames(styles.face, initials.length === 1 && styles.one)} aria-hidden>
        {initials}
      </span>
      {trust !== undefined && <Ring trust={trust} kind={kind} size={size} />}
      {(presence === "online" || presence === "away") && (
        <span className={classNames(styles.presence, presence === "away" && styles.away)} />
      )}
    </span>
  );
}

type RingProps = { trust: TrustView; kind: "human" | "agent"; size: number };

function Ring({ trust, kind, size }: RingProps) {
  const side = size + 7;
  const radius = kind === "agent" ? size * 0.28 + 3 : side / 2;
  return (
    <svg
      className={classNames(styles.ring, styles[trust])}
      viewBox={`0 0 ${side} ${side}`}
      aria-hidden
    >
      <rect
        x={0.75}
        y={0.75}
        width={side - 1.5}
        height={side - 1.5}
        rx={Math.min(radius, (side - 1.5) / 2)}
        pathLength={100}
      />
    </svg>
  );
}

type PairAvatarProps = {
  /** The group's id gives its own hue when nobody else is there. */
  id: string;
  name: string;
  members: readonly {
    readonly id: string;
    readonly name: string;
    readonly kind: "human" | "agent";
  }[];
  size?: 32 | 40;
  /** The group's own picture, in the place of its members. */
  pictureUrl?: string | null;
};

/** A group: its first two others, one over the other. */
export function PairAvatar({ id, name, members, size = 40, pictureUrl = null }: PairAvatarProps) {
  if (pictureUrl !== null)
    return (
      <span className={styles.pair} style={{ "--pair": `${size}px` } as CSSProperties} aria-hidden>
        <img className={styles.picture} src={pictureUrl} alt="" draggable={false} />
      </span>
    );
  const shown = members.length === 0 ? [{ id, name, kind: "human" as const }] : members.slice(0, 2);
  return (
    <span className={styles.pair} style={{ "--pair": `${size}px` } as CSSProperties} aria-hidden>
      {shown.map((member) => (
        <Avatar key={member.id} {...member} size={size === 40 ? 28 : 24} />
      ))}
    </span>
  );
}
