/** The versions both sides speak. There is one of each; an unknown one is refused, never guessed. */

/** Name of frames and REST shapes as a whole, offered in `auth` and answered in `auth.ok`. */
export const PROTOCOL = "parley-1";

/** The only envelope format with a codec; meant when a frame names none. */
export const ENVELOPE_FORMAT = "parley-envelope-v1";

/** Whether a side that offers `offered` can be spoken to; no offer means ours. */
export const isSpokenProtocol = (offered: string | undefined): boolean =>
  offered === undefined || offered === PROTOCOL;
