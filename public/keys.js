// Keys: "/" goes to the search field, "j" and "k" along the lines of a list, "?" shows them all. Whoever does not want them
// switches them off in that list; the browser remembers.
const help = document.getElementById("keys");
const wanted = help?.querySelector("input");
const stored = "vestibule-keys";
const focus = (step) => {
  const lines = [...document.querySelectorAll("main tbody th a, main .items > li a")];
  const at = lines.indexOf(document.activeElement);
  lines[at < 0 ? 0 : Math.min(Math.max(at + step, 0), lines.length - 1)]?.focus();
};

if (help && wanted) {
  wanted.checked = localStorage.getItem(stored) !== "off";
  wanted.addEventListener("change", () => localStorage.setItem(stored, wanted.checked ? "on" : "off"));
  for (const button of document.querySelectorAll('[popovertarget="keys"]')) button.hidden = false;
  document.addEventListener("keydown", (event) => {
    if (!wanted.checked || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, select, textarea, [popover]")) return;
    const act = {
      "/": () => document.querySelector("main input[type=search]")?.focus(),
      j: () => focus(1),
      k: () => focus(-1),
      "?": () => help.showPopover(),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}
