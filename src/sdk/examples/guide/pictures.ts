/** Small pictures and a sound, made here: the guide brings no files. */
import { crc32, deflateSync } from "node:zlib";

type Colour = readonly [red: number, green: number, blue: number];

/** A sky from top to bottom with a sun, as PNG. */
export function skyPng(width: number, height: number, sky: Sky): Uint8Array {
  const line = 1 + width * 3;
  const pixels = Buffer.alloc(line * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const distance = Math.hypot(x / height - sky.sunX, y / height - sky.sunY);
      const light = Math.max(0, Math.min(1, (0.11 - distance) * 60));
      const base = between(sky.top, sky.bottom, y / height);
      between(base, sky.sun, light).forEach((part, i) => {
        pixels[y * line + 1 + x * 3 + i] = Math.round(part);
      });
    }
  const size = Buffer.alloc(13);
  size.writeUInt32BE(width, 0);
  size.writeUInt32BE(height, 4);
  size.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const chunks = [chunk("IHDR", size), chunk("IDAT", deflateSync(pixels)), chunk("IEND")];
  return new Uint8Array(Buffer.concat([signature, ...chunks]));
}

type Sky = {
  readonly top: Colour;
  readonly bottom: Colour;
  readonly sun: Colour;
  /** In heights of the picture. */
  readonly sunX: number;
  readonly sunY: number;
};

export const DAWN: Sky = {
  top: [46, 62, 110],
  bottom: [244, 190, 160],
  sun: [255, 236, 200],
  sunX: 0.35,
  sunY: 0.78,
};
export const NOON: Sky = {
  top: [70, 140, 205],
  bottom: [205, 228, 240],
  sun: [255, 252, 235],
  sunX: 0.95,
  sunY: 0.22,
};
export const DUSK: Sky = {
  top: [30, 28, 66],
  bottom: [214, 96, 78],
  sun: [255, 196, 120],
  sunX: 1.1,
  sunY: 0.82,
};

const between = (from: Colour, to: Colour, share: number): Colour => [
  from[0] + (to[0] - from[0]) * share,
  from[1] + (to[1] - from[1]) * share,
  from[2] + (to[2] - from[2]) * share,
];

function chunk(name: string, content = Buffer.alloc(0)): Buffer {
  const body = Buffer.concat([Buffer.from(name, "latin1"), content]);
  const frame = Buffer.alloc(body.length + 8);
  frame.writeUInt32BE(content.length, 0);
  body.copy(frame, 4);
  frame.writeUInt32BE(crc32(body), body.length + 4);
  return frame;
}

const RATE_HZ = 8_000;

/** A soft chord that fades, as WAV: one channel, 8,000 samples a second of 16 bits. */
export function chordWav(seconds: number, notesHz: readonly number[]): Uint8Array {
  const count = Math.round(seconds * RATE_HZ);
  const wav = Buffer.alloc(44 + count * 2);
  wav.write("RIFF", 0, "latin1");
  wav.writeUInt32LE(36 + count * 2, 4);
  wav.write("WAVEfmt ", 8, "latin1");
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(RATE_HZ, 24);
  wav.writeUInt32LE(RATE_HZ * 2, 28);
  wav.writeUInt16LE(2, 32);
  wav.writeUInt16LE(16, 34);
  wav.write("data", 36, "latin1");
  wav.writeUInt32LE(count * 2, 40);
  for (let i = 0; i < count; i++) {
    const at = i / RATE_HZ;
    const swell = Math.min(1, at * 8) * (1 - at / seconds) ** 2;
    const wave = notesHz.reduce((sum, hz) => sum + Math.sin(2 * Math.PI * hz * at), 0);
    wav.writeInt16LE(Math.round((wave / notesHz.length) * swell * 16_000), 44 + i * 2);
  }
  return new Uint8Array(wav);
}
