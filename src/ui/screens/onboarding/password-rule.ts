import { MIN_PASSWORD_CHARACTERS } from "#stores/limits.ts";

/** How many characters a new password still lacks, counted as a person counts them. */
export const missingCharacters = (password: string): number =>
  Math.max(0, MIN_PASSWORD_CHARACTERS - Array.from(password.normalize("NFKC")).length);
