/** The limits that a screen shows before a call would be refused: the same numbers that refuse it. */
export {
  MAX_DEVICE_NAME_CHARACTERS,
  MAX_DEVICES_PER_HUMAN,
  MAX_DISPLAY_NAME_CHARACTERS,
  MAX_REMARK_CHARACTERS,
  MAX_TEXT_UNITS,
  MAX_TITLE_CHARACTERS,
  MIN_PASSWORD_CHARACTERS,
} from "#protocol/limits.ts";
