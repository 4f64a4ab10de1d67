/** Writes about one device alone. */
import { ok } from "#base/result.ts";
import type { DeviceId, UserId } from "#protocol/ids.ts";
import { refuse } from "../failure.ts";
import type { Command } from "../store/transaction.ts";

export const renameDevice: Command<
  { userId: UserId; deviceId: DeviceId; nameSealed: string },
  null
> = async (tx, { userId, deviceId, nameSealed }) => {
  const renamed = await tx.sql.run(
    "UPDATE devices SET name_sealed = ? WHERE device_id = ? AND user_id = ? AND revoked_at IS NULL",
    nameSealed,
    deviceId,
    userId,
  );
  return renamed === 0 ? refuse("NOT_FOUND") : ok(null);
};
