/**
 * Messages in the order in which they came, though what is compressed takes a moment.
 *
 * What a room shows may come as a zlib stream; inflating it is not done at once, so what comes meanwhile waits behind.
 */

const INFLATED_BYTES = 16 * 1024 * 1024; // no service says more at one time
const DEFLATED = 0x78; // with which no frame begins

export const CAN_INFLATE = "DecompressionStream" in globalThis;

export class Turns {
  #read;
  #failed;
  /** The last message that is being inflated, or waits behind one that is. @type {Promise<void> | null} */
  #behind = null;

  /** @param {(frames: string | ArrayBuffer) => void} read @param {(error: unknown) => void} failed */
  constructor(read, failed) {
    this.#read = read;
    this.#failed = failed;
  }

  /** @param {string | ArrayBuffer} message */
  take(message) {
    if (this.#behind === null && !isPacked(message)) {
      this.#read(message);
      return;
    }
    const turn = this.#readBehind(this.#behind, message).finally(() => {
      if (this.#behind === turn) this.#behind = null;
    });
    this.#behind = turn;
  }

  /** @param {Promise<void> | null} before @param {string | ArrayBuffer} message */
  async #readBehind(before, message) {
    try {
      const frames = isPacked(message) ? await inflate(/** @type {ArrayBuffer} */ (message)) : message;
      await before;
      this.#read(frames);
    } catch (error) {
      this.#failed(error);
    }
  }
}

/** @param {string | ArrayBuffer} message */
function isPacked(message) {
  return typeof message !== "string" && new Uint8Array(message)[0] === DEFLATED;
}

/** @param {ArrayBuffer} message @returns {Promise<ArrayBuffer>} @throws {Error} also where it grows too large */
async function inflate(message) {
  const reader = new Blob([message]).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
  const parts = [];
  let size = 0;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    parts.push(next.value);
    size += next.value.length;
    if (size > INFLATED_BYTES) {
      void reader.cancel();
      throw new Error("it is too large");
    }
  }
  return await new Blob(parts).arrayBuffer();
}
