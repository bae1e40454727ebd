// Light and dark: as the system says, until the button is pressed. Others hear of it by the event "colours".
"use strict";
(() => {
  const isDark = () => {
    const chosen = document.documentElement.style.colorScheme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  };
  const toggle = document.getElementById("theme");
  const told = () => {
    toggle.textContent = isDark() ? "Light" : "Dark";
    toggle.setAttribute("aria-label", `Change to ${isDark() ? "light" : "dark"} colours`);
    document.dispatchEvent(new CustomEvent("colours", { detail: { dark: isDark() } }));
  };
  toggle.hidden = false;
  toggle.addEventListener("click", () => {
    document.documentElement.style.colorScheme = isDark() ? "light" : "dark";
    told();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", told);
  told();
})();
