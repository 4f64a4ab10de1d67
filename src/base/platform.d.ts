// The few globals that browsers, workers and Node share. Layers below `engine` see only these.
declare function setTimeout(task: () => void, delayMs?: number): number;
declare function clearTimeout(timer: number | undefined): void;
declare function queueMicrotask(task: () => void): void;
declare function structuredClone<Value>(value: Value): Value;

declare class TextEncoder {
  encode(text?: string): Uint8Array<ArrayBuffer>;
}
declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  decode(bytes?: Uint8Array, options?: { stream?: boolean }): string;
}

interface CryptoKey {
  readonly type: string;
  readonly extractable: boolean;
}
interface SubtleCrypto {
  importKey(
    format: string,
    keyData: unknown,
    algorithm: unknown,
    extractable: boolean,
    usages: readonly string[],
  ): Promise<CryptoKey>;
  exportKey(format: string, key: CryptoKey): Promise<ArrayBuffer>;
  generateKey(
    algorithm: unknown,
    extractable: boolean,
    usages: readonly string[],
  ): Promise<CryptoKey & { readonly publicKey: CryptoKey; readonly privateKey: CryptoKey }>;
  sign(algorithm: unknown, key: CryptoKey, message: Uint8Array): Promise<ArrayBuffer>;
  verify(
    algorithm: unknown,
    key: CryptoKey,
    signature: Uint8Array,
    message: Uint8Array,
  ): Promise<boolean>;
  encrypt(algorithm: unknown, key: CryptoKey, plaintext: Uint8Array): Promise<ArrayBuffer>;
  decrypt(algorithm: unknown, key: CryptoKey, ciphertext: Uint8Array): Promise<ArrayBuffer>;
  deriveBits(algorithm: unknown, key: CryptoKey, length: number): Promise<ArrayBuffer>;
  digest(algorithm: string, message: Uint8Array): Promise<ArrayBuffer>;
}
declare const crypto: {
  getRandomValues<Target extends Uint8Array>(target: Target): Target;
  readonly subtle: SubtleCrypto;
};

declare class AbortSignal {
  readonly aborted: boolean;
  addEventListener(type: "abort", listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: "abort", listener: () => void): void;
}
declare class AbortController {
  readonly signal: AbortSignal;
  abort(): void;
}
declare class URL {
  constructor(text: string, base?: string);
  readonly href: string;
  readonly origin: string;
  readonly protocol: string;
  readonly host: string;
  readonly hostname: string;
  readonly username: string;
  readonly password: string;
  readonly pathname: string;
  readonly search: string;
  hash: string;
}
declare class Blob {
  constructor(parts?: readonly (Uint8Array | Blob | string)[], options?: { type?: string });
  readonly size: number;
  readonly type: string;
  slice(start?: number, end?: number, type?: string): Blob;
  arrayBuffer(): Promise<ArrayBuffer>;
}
