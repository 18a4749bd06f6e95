// Keys: "/" goes to the search field, "j" and "k" or the arrows along the lines of a list, "s" marks a favourite, "?" shows them
// all. Whoever does not want them switches them off in that list; the browser remembers.
const help = document.getElementById("keys");
const wanted = help?.querySelector("input");
const stored = "vestibule-keys";
const search = () => document.querySelector("main input[type=search]");
const lines = () =>
  [...document.querySelectorAll("main tbody th a, main .items > li a, main .places summary")].filter((line) => line.checkVisibility());
const focus = (step) => {
  const all = lines();
  const at = all.indexOf(document.activeElement);
  all[at < 0 ? 0 : Math.min(Math.max(at + step, 0), all.length - 1)]?.focus();
};
// Arrows move from the field into the list and within it; elsewhere they scroll.
const arrow = (step) => {
  const at = lines().indexOf(document.activeElement);
  if (at < 0 && (step < 0 || document.activeElement !== search())) return false;
  if (at === 0 && step < 0) search()?.focus();
  else focus(step);
};

if (help && wanted) {
  wanted.checked = localStorage.getItem(stored) !== "off";
  wanted.addEventListener("change", () => localStorage.setItem(stored, wanted.checked ? "on" : "off"));
  for (const button of document.querySelectorAll('[popovertarget="keys"]')) button.hidden = false;
  document.addEventListener("keydown", (event) => {
    if (!wanted.checked || event.ctrlKey || event.metaKey || event.altKey) return;
    const leavesField = event.key === "ArrowDown" && event.target === search();
    if (event.target.closest("input, select, textarea, [popover]") && !leavesField) return;
    const act = {
      "/": () => search()?.focus(),
      j: () => focus(1),
      k: () => focus(-1),
      ArrowDown: () => arrow(1),
      ArrowUp: () => arrow(-1),
      s: () => document.activeElement.closest(".places > li")?.querySelector(".star").click(),
      "?": () => help.showPopover(),
    }[event.key];
    if (!act || act() === false) return;
    event.preventDefault();
  });
}
