/** The five members of a WebSocket that an endpoint uses; browsers and Node packages have them all. */
export interface Socket {
  send(text: string): void;
  close(code?: number, reason?: string): void;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null;
}

/** Starts a connection; what happens next is told by the socket's own events. */
export type OpenSocket = (url: string) => Socket;
