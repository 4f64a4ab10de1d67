/** What of `fetch` a streamed answer needs; the platform's own fits. Rejects when nobody answers. */
export type StreamFetch = (
  url: string,
  request: {
    readonly method: string;
    readonly headers: Record<string, string>;
    readonly body?: string;
    /** No cookie of ours belongs to a foreign server. */
    readonly credentials: "omit";
    readonly signal: AbortSignal;
  },
) => Promise<StreamResponse>;

export type StreamResponse = {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: { getReader(): StreamReader } | null;
};

export type StreamReader = {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
  cancel(): Promise<void>;
};
