/** The name of the key that commands are given with on this system. */
export const commandKey = (): string =>
  /mac|iphone|ipad/iu.test(navigator.platform) ? "⌘" : "Ctrl";
