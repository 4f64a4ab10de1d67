/** Whether the last two groups of a code were typed, however they were written. */
export const isRetyped = (code: string, typed: string): boolean => {
  const plain = (text: string): string => text.toUpperCase().replaceAll(/[^0-9A-Z]/g, "");
  return plain(typed) === plain(code.split("-").slice(-2).join(""));
};
