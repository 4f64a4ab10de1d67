/** Limits of the protocol that a screen shows while somebody types. */
export {
  MAX_DEVICE_NAME_CHARACTERS,
  MAX_DEVICES_PER_HUMAN,
  MAX_DISPLAY_NAME_CHARACTERS,
  MAX_REMARK_CHARACTERS,
  MAX_TEXT_UNITS,
  MAX_TITLE_CHARACTERS,
  MIN_PASSWORD_CHARACTERS,
} from "#bridge/limits.ts";
