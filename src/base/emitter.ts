/** Tells any number of listeners about values of one type. */
export interface Emitter<Value> {
  /** Adds a listener; the returned function removes it. */
  on(listener: (value: Value) => void): () => void;
  emit(value: Value): void;
}

/** Creates an emitter; a listener removed while a value is emitted does not hear it. */
export function createEmitter<Value>(): Emitter<Value> {
  const listeners = new Set<{ readonly hear: (value: Value) => void }>();
  return {
    on(listener) {
      const entry = { hear: listener };
      listeners.add(entry);
      return () => listeners.delete(entry);
    },
    emit(value) {
      for (const entry of [...listeners]) if (listeners.has(entry)) entry.hear(value);
    },
  };
}
