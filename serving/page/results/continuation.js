// A text that goes on.
RENDERERS.push({
  holds: "continuation",
  title: "titleContinued", go: "goContinued", file: "fileAny", about: "aboutContinued",
  metrics: ["causal_lm_accuracy", "prefix_lm_accuracy", "two_way_lm_next_accuracy"],
  clear() { by("continued").hidden = true; },
  show(input, { text, continuation, score }) {
    // What is given stays, but for white space at its end.
    const given = text.slice(0, text.length - continuation.length);
    by("continued-text").replaceChildren(document.createTextNode(given), element("mark", "continuation", continuation));
    by("continued-score").textContent = t("writtenScore", { score: number(score, 2) });
    by("continued").hidden = false;
    return continuation ? "" : t("nothingWritten");
  },
  // The columns are those of predict.py --output_format=csv.
  columns: ["continuation", "text", "score"],
  cells: ({ continuation, text, score }) => [continuation, text, score],
  names: () => [],
});
