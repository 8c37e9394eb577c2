// The value of a text or of two texts.
RENDERERS.push({
  holds: "value",
  title: "titleValue", go: "goValue", file: "fileAny", about: "aboutValue",
  metrics: ["pearson", "spearman"],
  clear() { by("value").hidden = true; },
  show(input, { value }) {
    if (value === undefined) return t("nothing");
    by("value-number").textContent = value.toPrecision(4);
    by("value").hidden = false;
    return "";
  },
  columns: ["value"],
  cells: ({ value }) => [value],
  names: () => [],
});
