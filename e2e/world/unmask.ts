/** What an endpoint said on a connection, its WebSocket frames freed of the mask that hides every word from a search. */
export function unmasked(said: Buffer): Buffer {
  const head = said.indexOf("\r\n\r\n");
  if (head < 0 || !said.subarray(0, head).toString("latin1").toLowerCase().includes("upgrade"))
    return said;
  const pieces = [said.subarray(0, head + 4)];
  for (let at = head + 4; at + 6 <= said.length;) {
    const length = (said[at + 1] ?? 0) & 0x7f;
    const extraBytes = length === 126 ? 2 : length === 127 ? 8 : 0;
    if (at + 6 + extraBytes > said.length) break;
    const sizeBytes =
      extraBytes === 0 ? length : Number(`0x${said.toString("hex", at + 2, at + 2 + extraBytes)}`);
    const mask = said.subarray(at + 2 + extraBytes, at + 6 + extraBytes);
    const payload = Buffer.from(
      said.subarray(at + 6 + extraBytes, at + 6 + extraBytes + sizeBytes),
    );
    for (let i = 0; i < payload.length; i++) payload[i] = (payload[i] ?? 0) ^ (mask[i & 3] ?? 0);
    pieces.push(payload);
    at += 6 + extraBytes + sizeBytes;
  }
  return Buffer.concat(pieces);
}
