/** Tabs, walked with arrows; one panel is shown. */

export class Tabs {
  #tabs;
  #chosen;
  /** The name of the one that is shown. */
  name = "";

  /** @param {HTMLElement} list @param {(name: string) => void} chosen */
  constructor(list, chosen) {
    this.#tabs = /** @type {HTMLElement[]} */ ([...list.querySelectorAll("[role=tab]")]);
    this.#chosen = chosen;
    for (const tab of this.#tabs) tab.addEventListener("click", () => this.show(tab.dataset.name ?? ""));
    list.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      const shown = this.#tabs.filter((tab) => tab.checkVisibility());
      const at = shown.indexOf(/** @type {HTMLElement} */ (document.activeElement));
      const next = shown[(at + step + shown.length) % shown.length];
      next.focus();
      this.show(next.dataset.name ?? "");
    });
  }

  /** @param {string} name */
  show(name) {
    this.name = name;
    for (const tab of this.#tabs) {
      const isChosen = tab.dataset.name === name;
      tab.setAttribute("aria-selected", String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
      const panel = document.getElementById(tab.getAttribute("aria-controls") ?? "");
      if (panel !== null) panel.hidden = !isChosen;
    }
    this.#chosen(name);
  }

  /** @param {string} name @param {number} count */
  count(name, count) {
    const badge = this.#tabs.find((tab) => tab.dataset.name === name)?.querySelector(".badge");
    if (!badge) return;
    badge.textContent = String(count);
    /** @type {HTMLElement} */ (badge).hidden = count === 0;
  }
}
