/** Refusals as the wire spells them: in `error` frames and in REST answers. */
import { ERROR_CODES, errorI18nKey } from "#protocol/error-codes.ts";
import type { MessageId, StreamId } from "#protocol/ids.ts";
import type { RelayFrameOf } from "#protocol/relay-frame.ts";
import type { RestError } from "#protocol/rest.ts";
import type { RelayFailure } from "./failure.ts";

export const errorFrame = (
  failure: RelayFailure,
  ids: {
    readonly req?: string | undefined;
    readonly client_message_id?: MessageId | undefined;
    readonly stream_id?: StreamId | undefined;
  },
): RelayFrameOf<"error"> => ({
  type: "error",
  ...errorBody(failure).error,
  ...ids,
  ...(failure.retryAfterMs === undefined ? {} : { retry_after_ms: failure.retryAfterMs }),
});

export const errorBody = ({ code, params }: RelayFailure): RestError => ({
  error: {
    code,
    message: ERROR_CODES[code].message,
    i18n_key: errorI18nKey(code),
    params: { ...params },
  },
});
