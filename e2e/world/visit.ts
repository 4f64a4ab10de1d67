/** What somebody does who looks in: signs in, talks, streams, shares a file, leaves. Frames by hand, nothing sealed. */
import { createHash } from "node:crypto";
import type WebSocket from "ws";
import type { ConversationId, StreamId } from "../../src/protocol/ids.ts";
import { aMessage, anId, type Account } from "../../src/relay/hand-made.contract.ts";
import { call, online } from "./cast.ts";

export type Two = {
  readonly url: string;
  readonly person: Account;
  readonly agent: Account;
  readonly conversationId: ConversationId;
};

const MESSAGES = 5;
const DELTAS = 20;
const FILE = Buffer.alloc(16_384, 5);

/** Both sign in, say what there is to say and leave, one of them without a word. What was acknowledged, and what came. */
export async function visit(
  two: Two,
): Promise<{ readonly acked: readonly string[]; readonly read: readonly string[] }> {
  const { url, person, agent, conversationId } = two;
  const read: string[] = [];
  let tellAllRead = (): void => undefined;
  const allRead = new Promise<void>((resolve) => (tellAllRead = resolve));
  const [near, far] = await Promise.all([
    online(url, person, (socket) => keepUp(socket, () => undefined)),
    online(url, agent, (socket) =>
      keepUp(socket, (frame) => {
        if (frame["conversation_id"] !== conversationId) return;
        if (read.push(frame["client_message_id"] ?? "") === MESSAGES) tellAllRead();
      }),
    ),
  ]);

  near.send(JSON.stringify({ type: "typing", conversation_id: conversationId, typing: true }));
  const frames = Array.from({ length: MESSAGES }, () => aMessage(conversationId, person));
  const acked = await Promise.all(
    frames.map(async (frame) => {
      const id: string = frame.client_message_id;
      await answerTo(
        near,
        frame,
        (answer) => answer["type"] === "message.ack" && answer["client_message_id"] === id,
      );
      return id;
    }),
  );
  await allRead;
  await stream(far, near, two);
  await share(two);
  near.close();
  far.terminate();
  await Promise.all([near, far].map(closed));
  return { acked, read };
}

type Frame = Readonly<Record<string, string>>;

const parse = (bytes: WebSocket.RawData): Frame =>
  JSON.parse((bytes as Buffer).toString()) as Frame;

/** Acknowledges whatever takes a place in a log. */
function keepUp(socket: WebSocket, tell: (frame: Frame) => void): void {
  socket.on("message", (bytes) => {
    const frame = parse(bytes);
    const { conversation_id, conversation_seq: seq } = frame;
    if (frame["type"] === "message.new") tell(frame);
    if (seq !== undefined && frame["type"] !== "message.ack")
      socket.send(JSON.stringify({ type: "message.ack", conversation_id, seq }));
  });
}

/** Sends a frame; resolves with the first frame that answers it. */
const answerTo = (
  socket: WebSocket,
  frame: object,
  isAnswer: (answer: Frame) => boolean,
): Promise<Frame> =>
  new Promise((resolve, reject) => {
    const hear = (bytes: WebSocket.RawData): void => {
      const answer = parse(bytes);
      if (answer["type"] === "error") reject(new Error(JSON.stringify(answer)));
      if (!isAnswer(answer)) return;
      socket.off("message", hear);
      resolve(answer);
    };
    socket.on("message", hear);
    socket.send(JSON.stringify(frame));
  });

async function stream(
  author: WebSocket,
  reader: WebSocket,
  { agent, conversationId }: Two,
): Promise<void> {
  const stream_id = anId<StreamId>();
  const head = { ...aMessage(conversationId, agent), stream_id };
  await answerTo(
    author,
    { ...head, type: "stream.start" },
    ({ type, stream_id: id }) => type === "stream.ack" && id === stream_id,
  );
  const done = new Promise<void>((resolve) => {
    reader.on("message", (bytes) => {
      if (parse(bytes)["type"] === "stream.done") resolve();
    });
  });
  const piece = { type: "stream.delta", conversation_id: conversationId, stream_id };
  for (let index = 0; index < DELTAS; index++)
    author.send(JSON.stringify({ ...piece, index, encrypted_payload: "AAAA" }));
  author.send(
    JSON.stringify({
      ...aMessage(conversationId, agent),
      type: "stream.done",
      stream_id,
      delta_count: DELTAS,
    }),
  );
  await done;
}

/** The person puts a file up, the agent takes it down. */
async function share({ url, person, agent, conversationId }: Two): Promise<void> {
  const made = (await call(url, "/files", person.token, {
    conversation_id: conversationId,
    filename: "blob",
    content_type: "application/octet-stream",
    size: FILE.length,
  })) as {
    readonly upload_id: string;
    readonly upload_url: string;
    readonly attachment_id: string;
  };
  const bearer = ({ token }: Account) => ({ authorization: `Bearer ${token}` });
  await fetch(`${url}${made.upload_url}`, { method: "PUT", headers: bearer(person), body: FILE });
  const sha256 = createHash("sha256").update(FILE).digest("hex");
  await call(url, "/files/confirm", person.token, { upload_id: made.upload_id, sha256 });
  const answer = await fetch(`${url}/files/${made.attachment_id}`, { headers: bearer(agent) });
  const { byteLength } = await answer.arrayBuffer();
  if (byteLength !== FILE.length) throw new Error(`${byteLength} bytes came down`);
}

const closed = (socket: WebSocket): Promise<void> =>
  new Promise((resolve) => {
    if (socket.readyState === socket.CLOSED) resolve();
    else socket.once("close", () => resolve());
  });
