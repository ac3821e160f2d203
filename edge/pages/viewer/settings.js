/**
 * The viewer's own settings, which this browser keeps: how comments look, what is not wanted, how the page reads.
 *
 * @typedef {import("../shared/memory.js").Memory} Memory
 * @typedef {import("./blocks.js").Blocks} Blocks
 * @typedef {{isOn: boolean, area: number, opacity: number, scale: number, seconds: number, most: number, isStill: boolean}} Look
 *   options of the overlay
 */

import { makeClosable, part } from "../shared/dialog.js";

const USUAL = { area: 100, opacity: 100, scale: 100, speed: 9, density: 240 };
const MOST_SPEAKERS = 40; // that are offered to be blocked

export class SettingsDialog {
  #memory;
  #blocks;
  #changed;
  #blocked;
  #motion = matchMedia("(prefers-reduced-motion: reduce)");
  #on = /** @type {HTMLInputElement} */ (part("look-on"));
  #aloud = /** @type {HTMLInputElement} */ (part("look-aloud"));
  #fields = {
    area: /** @type {HTMLInputElement} */ (part("look-area")),
    opacity: /** @type {HTMLInputElement} */ (part("look-opacity")),
    scale: /** @type {HTMLInputElement} */ (part("look-scale")),
    speed: /** @type {HTMLInputElement} */ (part("look-speed")),
    density: /** @type {HTMLSelectElement} */ (part("look-density")),
  };
  /** Who spoke last, by uid. @type {Map<string, string>} */
  #speakers = new Map();
  /** @type {import("./block-lists.js").BlockLists | null} */
  #lists = null;

  /**
   * @param {Memory} memory @param {Blocks} blocks
   * @param {() => void} changed how comments look, or whether they are read aloud
   * @param {() => void} blocked somebody or something else is blocked now
   */
  constructor(memory, blocks, changed, blocked) {
    this.#memory = memory;
    this.#blocks = blocks;
    this.#changed = changed;
    this.#blocked = blocked;
    const kept = /** @type {Record<string, any>} */ ({ ...USUAL, ...memory.readLook() });
    this.#on.checked = kept.on !== false;
    this.#aloud.checked = kept.aloud === true;
    for (const [name, field] of Object.entries(this.#fields)) field.value = String(kept[name]);
    if (this.#fields.density.value === "") this.#fields.density.value = String(USUAL.density);
    const dialog = /** @type {HTMLDialogElement} */ (part("settings-dialog"));
    makeClosable(dialog);
    part("look-button").addEventListener("click", () => void this.#open(dialog));
    part("look").addEventListener("input", () => this.#keep());
    this.#aloud.addEventListener("change", () => this.#keep());
    this.#motion.addEventListener("change", () => changed());
  }

  /** @returns {Look} */
  get look() {
    const { area, opacity, scale, speed, density } = this.#fields;
    return {
      isOn: this.#on.checked,
      area: Number(area.value) / 100,
      opacity: Number(opacity.value) / 100,
      scale: Number(scale.value) / 100,
      seconds: 18 - Number(speed.value), // to the right is faster
      most: Number(density.value),
      isStill: this.#motion.matches,
    };
  }

  get isAloud() {
    return this.#aloud.checked;
  }

  /** Somebody who may be blocked. @param {string} uid @param {string} name */
  heard(uid, name) {
    this.#speakers.delete(uid);
    this.#speakers.set(uid, name);
    if (this.#speakers.size > MOST_SPEAKERS) this.#speakers.delete([...this.#speakers.keys()][0]);
  }

  /** Block somebody, from elsewhere. @param {string} uid @param {string} name */
  block(uid, name) {
    this.#blocks.blockUser(uid, name);
    this.#blocked();
  }

  /** What else it needs is loaded meanwhile, and left out where there is no service. @param {HTMLDialogElement} dialog */
  async #open(dialog) {
    part("blocks").hidden = this.#lists === null;
    dialog.showModal();
    const wanted = Promise.all([import("../shared/preferences.js"), import("./block-lists.js")]);
    await wanted.then(([{ offerPreferences }, { BlockLists }]) => {
      offerPreferences(part("preferences"));
      this.#lists ??= new BlockLists(this.#blocks, this.#speakers, this.#blocked);
      this.#lists.show();
      part("blocks").hidden = false;
    }, () => {});
  }

  #keep() {
    const values = Object.entries(this.#fields).map(([name, field]) => [name, Number(field.value)]);
    this.#memory.keepLook({ on: this.#on.checked, aloud: this.#aloud.checked, ...Object.fromEntries(values) });
    this.#changed();
  }
}
