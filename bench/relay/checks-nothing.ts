/**
 * Between the relay and its peer in B9: a server that keeps what it acknowledges, in SQLite by the same promise as the
 * relay (one thread that writes, what came together in one commit, on disk before the ack), and checks nothing.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { WebSocketServer, type WebSocket } from "ws";
import { passOn, type BareMessage } from "./bare-frames.ts";

type Row = readonly [conversation: string, message: string, payload: string];
type Came = { readonly message: BareMessage; readonly sender: WebSocket };

if (isMainThread) serve();
else keep(workerData as string);

function serve(): void {
  const folder = mkdtempSync(join(tmpdir(), "parley-keeps-"));
  const writer = new Worker(new URL(import.meta.url), { workerData: join(folder, "log.sqlite") });
  const server = createServer();
  const sockets = new WebSocketServer({ server, perMessageDeflate: false });
  let underWay: readonly Came[] = [];
  let gathered: Came[] = [];
  const flush = (): void => {
    if (underWay.length > 0 || gathered.length === 0) return;
    [underWay, gathered] = [gathered, []];
    writer.postMessage(
      underWay.map(({ message }): Row => [
        message.conversation_id,
        message.client_message_id,
        message.encrypted_payload,
      ]),
    );
  };
  writer.on("message", (firstSeq: number) => {
    const written = underWay;
    underWay = [];
    flush();
    const lines = [...sockets.clients].map((socket) => lineOf(socket));
    for (const line of lines) line.cork();
    for (const [i, { message, sender }] of written.entries())
      passOn(message, firstSeq + i, sender, sockets.clients);
    for (const line of lines) line.uncork();
  });
  sockets.on("connection", (sender: WebSocket) => {
    sender.on("message", (bytes) => {
      const message = JSON.parse((bytes as Buffer).toString()) as BareMessage;
      if (message.type === "message.send" && gathered.push({ message, sender }) === 1)
        setImmediate(flush);
    });
  });
  server.listen(0, "127.0.0.1", () =>
    process.send?.({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }),
  );
  process.on("SIGTERM", () => {
    rmSync(folder, { recursive: true });
    process.exit(0);
  });
}

/** The thread that writes; answers each lot with the number of its first message. */
function keep(path: string): void {
  const db = new DatabaseSync(path);
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  db.exec("CREATE TABLE entry (seq INTEGER PRIMARY KEY, conv TEXT, msg TEXT, payload TEXT)");
  db.exec("CREATE UNIQUE INDEX entry_by_message ON entry (conv, msg)");
  const insert = db.prepare("INSERT INTO entry VALUES (?, ?, ?, ?)");
  let seq = 0;
  parentPort?.on("message", (rows: readonly Row[]) => {
    const firstSeq = seq + 1;
    db.exec("BEGIN IMMEDIATE");
    for (const row of rows) insert.run(++seq, ...row);
    db.exec("COMMIT");
    parentPort?.postMessage(firstSeq);
  });
}

/** What is written in one turn leaves with one system call, as the relay's does. */
const lineOf = (socket: WebSocket): { cork(): void; uncork(): void } =>
  (socket as unknown as { readonly _socket: { cork(): void; uncork(): void } })._socket;
