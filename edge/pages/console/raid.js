/** Raid mode of one room: one press begins it; then until when it lasts, and how to end it. */

import { element } from "../shared/element.js";
import { language, t } from "../shared/language.js";

const SECONDS = 600;
const TICK_MS = 1_000;
const clock = new Intl.DateTimeFormat(language(), { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

export class Raid {
  /** Until when it lasts. */
  until = element("span", "badge bad raid-until");
  button = /** @type {HTMLButtonElement} */ (element("button", "", t("raid.on")));
  #act;
  #untilMs = 0;
  #timer = 0;

  /** @param {(seconds: number) => Promise<any>} act 0 seconds end it */
  constructor(act) {
    this.#act = act;
    this.button.type = "button";
    this.button.hidden = true;
    this.button.title = t("raid.hint");
    this.button.addEventListener("click", () => void this.#press());
    this.show(0);
  }

  /** One may. */
  offer() {
    this.button.hidden = false;
  }

  /** @param {number} untilMs 0: it is off */
  show(untilMs) {
    this.#untilMs = untilMs;
    clearInterval(this.#timer);
    if (this.#isOn) this.#timer = setInterval(() => this.#draw(), TICK_MS);
    this.#draw();
  }

  stop() {
    clearInterval(this.#timer);
  }

  get #isOn() {
    return this.#untilMs > Date.now();
  }

  #draw() {
    if (!this.#isOn) clearInterval(this.#timer);
    this.until.hidden = !this.#isOn;
    const until = t("raid.until", { time: clock.format(this.#untilMs) });
    if (this.until.textContent !== until) this.until.textContent = until;
    this.button.textContent = t(this.#isOn ? "raid.off" : "raid.on");
  }

  async #press() {
    const answer = await this.#act(this.#isOn ? 0 : SECONDS);
    if (answer !== null) this.show(answer.raid_until_ms);
  }
}
