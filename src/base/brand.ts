/** The same shape with a different meaning: a `Brand<string, "MessageId">` is not any string. */
export type Brand<Shape, Name extends string> = Shape & { readonly __brand: Name };
