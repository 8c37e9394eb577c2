// The last of the scripts: chooses the renderer, and starts the page.
// By the first entry of a result for which there is one.
const held = TASK.result.find((name) => RENDERERS.some((one) => one.holds === name));
const renderer = RENDERERS.find((one) => one.holds === held) || ANY_RESULT;

makeBoxes();
document.documentElement.lang = language().locale;
for (const one of document.querySelectorAll("[data-text]")) one.textContent = t(one.dataset.text);
document.title = by("title").textContent = t(renderer.title);
by("about").textContent = t(renderer.about, { count: "…" });
by("go").textContent = t(renderer.go);
by("file-name").textContent = t(renderer.file);
by("file-help").textContent = fileHelp();
by("form").addEventListener("submit", submit);
by("example").addEventListener("click", showExample);
by("copy").addEventListener("click", copyCommand);
Promise.all(["v1/model", "v1/labels"].map((path) => fetch(path).then((answer) => answer.json())))
  .then(([known, labels]) => {
    if (renderer.ready) renderer.ready(known, labels.labels);
    showModel(known);
  }).catch(() => {});
