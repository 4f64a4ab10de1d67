const SIDE_PX = 320;

/**
 * A small square picture of a person's own file: its middle, drawn anew, so that nothing else of the file goes along.
 * Null for what this browser cannot draw.
 */
export async function faceOfFile(file: Blob): Promise<Blob | null> {
  try {
    const drawn = await createImageBitmap(file);
    const side = Math.min(drawn.width, drawn.height);
    const canvas = new OffscreenCanvas(Math.min(side, SIDE_PX), Math.min(side, SIDE_PX));
    const [x, y] = [(drawn.width - side) / 2, (drawn.height - side) / 2];
    const brush = canvas.getContext("2d");
    brush?.drawImage(drawn, x, y, side, side, 0, 0, canvas.width, canvas.height);
    drawn.close();
    return brush === null ? null : await canvas.convertToBlob({ type: "image/webp", quality: 0.9 });
  } catch {
    return null;
  }
}
