import { useMemo } from "react";
import { encode } from "uqr";
import styles from "./QrCode.module.css";

type QrCodeProps = {
  /** Text, or bytes as numbers. */
  value: string | readonly number[];
  /** What it is, for who cannot see it. */
  label: string;
  sizePx?: number;
};

/** Modules of quiet ground that a scanner needs around the code. */
const QUIET_MODULES = 4;

/** A QR code, dark on light in every theme, because scanners expect it so. */
export function QrCode({ value, label, sizePx = 176 }: QrCodeProps) {
  const { size, path } = useMemo(() => drawCode(value), [value]);
  return (
    <svg
      className={styles.code}
      role="img"
      aria-label={label}
      viewBox={`0 0 ${size} ${size}`}
      width={sizePx}
      height={sizePx}
      shapeRendering="crispEdges"
    >
      <path d={path} />
    </svg>
  );
}

function drawCode(value: string | readonly number[]): { size: number; path: string } {
  const { data, size } = encode(typeof value === "string" ? value : [...value], {
    ecc: "M",
    border: QUIET_MODULES,
  });
  const steps = data.flatMap((row, y) =>
    row.flatMap((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : [])),
  );
  return { size, path: steps.join("") };
}
