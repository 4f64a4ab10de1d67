/** The peer: a Matrix room with one member, in the engine that Element runs, with its store in memory. */
import {
  DecryptionSettings,
  DeviceId,
  EncryptionSettings,
  initAsync,
  OlmMachine,
  RoomId,
  TrustRequirement,
  UserId,
} from "@matrix-org/matrix-sdk-crypto-wasm";

const USER = "@ann:example.org";
const ROOM = "!room:example.org";
const TYPE = "m.room.message";

export interface MatrixRoom {
  /** An encrypted event as the server would hand it out. */
  encrypt(body: string): Promise<string>;
  decrypt(event: string): Promise<void>;
}

/** Creates the room; its key is renewed every `messagesPerKey`, like our sessions. */
export async function createMatrixRoom(messagesPerKey: number): Promise<MatrixRoom> {
  await initAsync();
  const machine = await OlmMachine.initialize(new UserId(USER), new DeviceId("DEVICE"));
  // A machine does nothing before its first requests were at least made.
  await machine.outgoingRequests();
  const room = new RoomId(ROOM);
  const settings = new EncryptionSettings();
  settings.rotationPeriodMessages = BigInt(messagesPerKey);
  const decryption = new DecryptionSettings(TrustRequirement.Untrusted);
  let count = 0;
  return {
    async encrypt(body) {
      if (count % messagesPerKey === 0)
        await machine.shareRoomKey(room, [new UserId(USER)], settings);
      count += 1;
      const content = JSON.stringify({ msgtype: "m.text", body });
      return JSON.stringify({
        type: "m.room.encrypted",
        event_id: `$${count}:example.org`,
        room_id: ROOM,
        sender: USER,
        origin_server_ts: count,
        content: JSON.parse(await machine.encryptRoomEvent(room, TYPE, content)) as object,
      });
    },
    async decrypt(event) {
      const opened = await machine.decryptRoomEvent(event, room, decryption);
      if (!opened.event.includes(TYPE)) throw new Error("the event opens");
    },
  };
}
