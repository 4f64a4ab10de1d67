/** Where a picture will stand, known before it comes. Pure. */
const MAX_WIDTH_PX = 320;
const MAX_HEIGHT_PX = 360;
/** Room for words and a press. */
const MIN_SIDE_PX = 120;
const UNKNOWN = { width: 4, height: 3 };

/** The frame of a picture whose size its author told, or did not; a wrong word gives an odd frame and no harm. */
export function pictureFrame(file: {
  readonly width?: number | undefined;
  readonly height?: number | undefined;
}): { readonly widthPx: number; readonly shape: string } {
  const isTold = isSide(file.width) && isSide(file.height);
  const { width, height } = isTold
    ? { width: file.width ?? 0, height: file.height ?? 0 }
    : { width: UNKNOWN.width * MAX_WIDTH_PX, height: UNKNOWN.height * MAX_WIDTH_PX };
  const scale = Math.min(1, MAX_WIDTH_PX / width, MAX_HEIGHT_PX / height);
  const widthPx = Math.round(Math.max(MIN_SIDE_PX, width * scale));
  const heightPx = Math.round(Math.max(MIN_SIDE_PX, height * scale));
  return { widthPx, shape: `${widthPx} / ${heightPx}` };
}

const isSide = (side: number | undefined): boolean =>
  side !== undefined && Number.isFinite(side) && side >= 1 && side <= 100_000;
