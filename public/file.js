// A file in place of a pasted text: it is read here and put into the text field, so that the form stays what it is. Without scripts
// the text is pasted.
const chooser = document.querySelector(".file-chooser");
const area = chooser.parentElement.querySelector("textarea");
const input = chooser.querySelector("input");
const said = chooser.querySelector("[role=status]");
const words = chooser.dataset;

const filled = (text, values) => text.replace(/\{(\w+)\}/g, (place, name) => values[name] ?? place);
const grouped = (n) => n.toLocaleString("en").replaceAll(",", "\u202f");

async function take(file) {
  const text = await file.text();
  // As long as the form will be: every sign that is no letter or digit takes three.
  if (new URLSearchParams({ [area.name]: text }).toString().length > Number(words.most)) {
    said.className = "error";
    said.textContent = filled(words.large, { name: file.name });
    return;
  }
  area.value = text;
  said.className = "hint";
  said.textContent = filled(words.read, { name: file.name, n: grouped(text.trimEnd().split(/\r\n|\r|\n/).length) });
}

input.addEventListener("change", () => input.files.length && take(input.files[0]));
// A file that is dropped would otherwise be opened instead of this page.
area.addEventListener("dragover", (event) => event.preventDefault());
area.addEventListener("drop", (event) => {
  if (!event.dataTransfer.files.length) return;
  event.preventDefault();
  take(event.dataTransfer.files[0]);
});
chooser.hidden = false;
