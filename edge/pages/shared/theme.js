/**
 * Light, dark, or as the system has it. Every page loads this first, with `blocking="render"`: nothing is
 * painted in the wrong theme.
 */

import { ever, read, write } from "./storage.js";

export const THEMES = ["system", "light", "dark"];
const KEY = "danmaku.theme";

/** What was chosen; `system` where nothing was. */
export function theme() {
  const kept = read(ever, KEY) ?? "";
  return THEMES.includes(kept) ? kept : "system";
}

/** @param {string} chosen one of THEMES */
export function chooseTheme(chosen) {
  write(ever, KEY, chosen === "system" ? "" : chosen);
  apply();
}

function apply() {
  const chosen = theme();
  if (chosen === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
}

apply();
addEventListener("storage", apply); // chosen in another tab
