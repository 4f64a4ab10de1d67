/** Holds a secret that prints as «secret» everywhere and opens in one way only: {@link Secret.reveal}. */
export class Secret<Value> {
  readonly #value: Value;
  constructor(value: Value) {
    this.#value = value;
  }
  /** The value itself; the name makes each use easy to find. */
  reveal(): Value {
    return this.#value;
  }
  toString(): string {
    return "«secret»";
  }
  toJSON(): string {
    return "«secret»";
  }
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return "«secret»";
  }
}
