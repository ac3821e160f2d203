/** Wakes whoever waits for it. */
export class Bell {
  /** @type {Set<() => void>} */
  #waiting = new Set();

  ring() {
    for (const wake of [...this.#waiting]) wake();
  }

  /** Until it rings, or `signal` says to wait no longer. @param {AbortSignal} [signal] @returns {Promise<void>} */
  heard(signal) {
    return new Promise((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake);
        signal?.removeEventListener("abort", wake);
        resolve();
      };
      if (signal?.aborted) return resolve();
      this.#waiting.add(wake);
      signal?.addEventListener("abort", wake);
    });
  }
}
