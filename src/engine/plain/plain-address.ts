/** What can be said of a plain agent's address before its channel's code is here. */
import type { PlainProtocol } from "#bridge/channel-views.ts";
import { checkAddress, type AddressFailure, type CheckedAddress } from "#channels/address.ts";
import type { Result } from "#base/result.ts";

/** Checks an address for a protocol, from the page that runs this. */
export const checkFor = (
  protocol: PlainProtocol,
  url: string,
  pageOrigin: string,
): Result<CheckedAddress, AddressFailure> =>
  checkAddress(url, isSocket(protocol) ? "socket" : "http", pageOrigin);

const isSocket = (protocol: PlainProtocol): boolean =>
  protocol === "myagent" || protocol === "tpclaw-socket";

/** The model that is asked where none was named. */
export const DEFAULT_MODEL: Readonly<Record<PlainProtocol, string>> = {
  myagent: "",
  "tpclaw-socket": "main",
  "tpclaw-chat": "main",
  chat: "",
};
