// A text that was written, with how sure the model is, and the next best ones.
RENDERERS.push({
  holds: "text",
  title: "titleWritten", go: "goWritten", file: "fileAny", about: "aboutWritten",
  metrics: ["bleu", "chrf", "rouge_l"],
  topK: 4,
  clear() { by("written").hidden = true; },
  show(input, result) {
    by("written-text").textContent = result.text;
    by("written-score").textContent = t("writtenScore", { score: number(result.score, 2) });
    const others = (result.top || []).slice(1);
    by("written-others").hidden = others.length === 0;
    by("written-list").replaceChildren(...others.map((each) => element("li", "", each.text)));
    by("written").hidden = false;
    return result.text ? "" : t("nothingWritten");
  },
  // The columns are those of predict.py --output_format=csv.
  columns: ["text", "score"],
  cells: ({ text, score }) => [text, score],
  names: () => [],
});
