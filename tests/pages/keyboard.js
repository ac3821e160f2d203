// Runs before the scripts of a page: knows what listens for clicks, and what one comes by with the Tab key.

(() => {
  const NATIVE = "button, a[href], input, select, textarea, summary";
  // Each hears clicks on what is within, or beside it, and nothing of its own is pressed.
  const CONTAINERS = "dialog, .column, .list";
  const clickable = new Set();
  let isWalking = false;
  let reached = new Set();
  let pressed = new Map();
  // What there was to press as one began.
  let before = new Set();

  const add = EventTarget.prototype.addEventListener;
  EventTarget.prototype.addEventListener = function (kind, ...rest) {
    if (kind === "click" && this instanceof Element) clickable.add(this);
    return add.call(this, kind, ...rest);
  };
  // While one walks around nothing is done: only that it would have been.
  for (const kind of ["click", "submit"]) {
    add.call(globalThis, kind, (event) => {
      if (!isWalking) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      if (kind === "click") pressed.set(event.target, (pressed.get(event.target) ?? 0) + 1);
    }, true);
  }

  const nameOf = (one) => one.getAttribute("aria-label") || one.textContent.trim() || one.id || one.outerHTML.slice(0, 80);
  const keysFor = (one) => {
    if (one.matches("a[href]")) return ["Enter"];
    return one.matches("button, summary") ? ["Enter", "Space"] : [];
  };
  // Of a tab list and of a group of choices the Tab key comes by the chosen one; arrows lead on from there.
  const groupOf = (one) => {
    if (one.matches("[role=tab]")) return [...one.closest("[role=tablist]").querySelectorAll("[role=tab]")];
    if (one.matches("[type=radio]")) return [...document.getElementsByName(one.name)];
    return [one];
  };

  function all() {
    const dialog = [...document.querySelectorAll("dialog[open]")].at(-1) ?? document.body;
    const found = [...dialog.querySelectorAll("*")].filter((one) => one.matches(NATIVE) || (clickable.has(one) && !one.matches(CONTAINERS)));
    return found.filter((one) => !one.disabled && one.checkVisibility({ visibilityProperty: true }) && !one.closest("[inert]"));
  }

  globalThis.keyboard = {
    begin() {
      isWalking = true;
      before = new Set(all());
      reached = new Set();
      pressed = new Map();
    },
    // Keys that shall press what has the focus; null: once around.
    stop() {
      const one = document.activeElement;
      if (reached.has(one)) return null;
      reached.add(one);
      return keysFor(one);
    },
    end() {
      isWalking = false;
      const ids = new Set([...reached].map((one) => one.id).filter(Boolean)); // forms may be drawn anew meanwhile
      const isReached = (one) => reached.has(one) || ids.has(one.id);
      const unreached = all().filter((one) => !groupOf(one).some(isReached));
      const unpressed = [...reached].filter((one) => (pressed.get(one) ?? 0) < keysFor(one).length);
      const hasChanged = before.symmetricDifference(new Set(all())).size > 0;
      return [unreached.map(nameOf), unpressed.map(nameOf), hasChanged];
    },
  };
})();
