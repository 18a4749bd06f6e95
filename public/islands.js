// Loads the wasm of the islands once the page is idle, and wakes each island in it. Its own address carries nothing:
// the two files it needs are named by data attributes of the element that loads it.
const { js, wasm } = document.getElementById("islands").dataset;

async function wake(node, module) {
  if (node.tagName === "LEPTOS-ISLAND") {
    const start = module[node.dataset.component];
    if (start) await start(node);
  }
  for (const child of node.children) await wake(child, module);
}

(window.requestIdleCallback ?? setTimeout)(async () => {
  const module = await import(js);
  await module.default({ module_or_path: wasm });
  module.hydrate();
  await wake(document.body, module);
});
