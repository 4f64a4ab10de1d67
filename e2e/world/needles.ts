/** Looks for many byte strings at once in a lot of bytes: one pass, however many there are. */

export interface Search {
  /** Names of what stands in `bytes`, in the order they were given. */
  in(bytes: Buffer): readonly string[];
  readonly longestBytes: number;
  readonly count: number;
}

/** Shapes: each needle at least 8 bytes, so that none stands anywhere by chance. */
export function createSearch(needles: ReadonlyMap<string, Buffer>): Search {
  const byStart = new Map<number, { readonly name: string; readonly needle: Buffer }[]>();
  // Almost every place is passed over by its first three bytes alone.
  const starts = new Uint8Array(2 ** 21);
  for (const [name, needle] of needles) {
    if (needle.length < 8) throw new Error(`${name} is too short to be looked for`);
    const start = needle.readUIntBE(0, 3);
    starts[start >> 3] = (starts[start >> 3] ?? 0) | (1 << (start & 7));
    byStart.set(start, [...(byStart.get(start) ?? []), { name, needle }]);
  }
  return {
    longestBytes: Math.max(0, ...[...needles.values()].map((needle) => needle.length)),
    count: needles.size,
    in(bytes) {
      const found = new Set<string>();
      let start = bytes.length < 2 ? 0 : bytes.readUInt16BE(0);
      for (let end = 2; end < bytes.length; end++) {
        start = ((start << 8) | (bytes[end] as number)) & 0xff_ff_ff;
        if (((starts[start >> 3] as number) & (1 << (start & 7))) === 0) continue;
        for (const { name, needle } of byStart.get(start) ?? [])
          if (!found.has(name) && needle.equals(bytes.subarray(end - 2, end - 2 + needle.length)))
            found.add(name);
      }
      return [...needles.keys()].filter((name) => found.has(name));
    },
  };
}

/** Every form in which somebody would know a text again. */
export const formsOfText = (name: string, text: string): readonly (readonly [string, Buffer])[] => [
  [`${name} as UTF-8`, Buffer.from(text)],
  [`${name} as UTF-16`, Buffer.from(text, "utf16le")],
  ...base64Forms(name, Buffer.from(text)),
];

/** Every form in which somebody would know a key again. */
export const formsOfKey = (hex: string): readonly (readonly [string, Buffer])[] => {
  const [name, bytes] = [`key ${hex.slice(0, 8)}…`, Buffer.from(hex, "hex")];
  return [
    [`${name} raw`, bytes],
    [`${name} as hex`, Buffer.from(hex)],
    ...base64Forms(name, bytes),
  ];
};

// Inside a longer text the groups of base64 may begin at any of three places.
function base64Forms(name: string, bytes: Buffer): readonly (readonly [string, Buffer])[] {
  return [0, 1, 2].flatMap((shift): (readonly [string, Buffer])[] => {
    const whole = bytes.subarray(shift, shift + Math.floor((bytes.length - shift) / 3) * 3);
    const plain = whole.toString("base64");
    const forUrls = whole.toString("base64url");
    return [
      [`${name} as base64, from byte ${shift}`, Buffer.from(plain)],
      ...(plain === forUrls
        ? []
        : [[`${name} as base64url, from byte ${shift}`, Buffer.from(forUrls)] as const]),
    ];
  });
}
