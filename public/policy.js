// The editor of policies: line numbers, and what the check of the server says whenever somebody stops typing. Without scripts the
// same check answers when the form is posted.
const frame = document.querySelector(".policy-editor");
const area = frame.querySelector("textarea");
const gutter = frame.querySelector(".gutter");
const said = frame.querySelector(".said");
const words = frame.dataset;
const PAUSE = 250;

function element(name, text, className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

const filled = (text, values) => text.replace(/\{(\w+)\}/g, (place, name) => values[name] ?? place);

// Puts the cursor where a finding begins; columns count characters, the browser counts units of UTF-16.
function select({ line, column }) {
  const lines = area.value.split("\n");
  const before = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);
  const at = before + [...(lines[line - 1] ?? "")].slice(0, column - 1).join("").length;
  area.focus();
  area.setSelectionRange(at, at + 1);
}

function item(finding) {
  const line = element("li", "", finding.warning ? "warn" : "bad");
  const place = element("button", filled(words.place, finding), "quiet compact");
  place.type = "button";
  place.addEventListener("click", () => select(finding));
  const text = element("span", finding.warning ? `${words.warning} ` : "");
  if (finding.path) text.append(element("code", finding.path), " ");
  text.append(finding.message);
  line.append(place, text);
  return line;
}

function show({ size, most, findings }) {
  const list = element("ol", "", "findings");
  list.setAttribute("role", "list");
  list.append(...findings.map(item));
  const shown = [element("p", filled(words.size, { n: size.toLocaleString("en").replaceAll(",", "\u202f") }), size > most ? "error" : "hint")];
  if (!findings.length) shown.push(element("p", words.good, "fine"));
  said.replaceChildren(...shown, list);
  area.toggleAttribute("aria-invalid", false);
  if (findings.some((finding) => !finding.warning)) area.setAttribute("aria-invalid", "true");
}

let asked = 0;
async function check() {
  const question = ++asked;
  if (!area.value.trim()) {
    said.replaceChildren();
    area.removeAttribute("aria-invalid");
    return;
  }
  try {
    const answer = await fetch(words.check, { method: "POST", body: new URLSearchParams({ inline_policy: area.value }) });
    const report = answer.ok && (await answer.json());
    // Whoever types on has asked again meanwhile.
    if (report && question === asked) show(report);
  } catch {
    // Without an answer what was said before stays; saving checks again.
  }
}

function number() {
  const lines = area.value.split("\n").length;
  area.rows = Math.max(lines, 12);
  gutter.textContent = Array.from({ length: lines }, (_, index) => index + 1).join("\n");
}

let waiting;
area.addEventListener("input", () => {
  number();
  clearTimeout(waiting);
  waiting = setTimeout(check, PAUSE);
});
number();
check();
