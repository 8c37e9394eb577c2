// The answer to a question, marked in its passage, and what else it might be.
const OTHERS = 4;

function showPassage(text, { start, end, answer }) {
  const characters = Array.from(text), box = by("found-passage");
  if (answer === null) {
    box.replaceChildren(document.createTextNode(text));
    return;
  }
  const mark = element("mark", "best", characters.slice(start, end).join(""));
  box.replaceChildren(
    document.createTextNode(characters.slice(0, start).join("")), mark,
    document.createTextNode(characters.slice(end).join("")),
  );
}

RENDERERS.push({
  holds: "answer",
  title: "titleAnswer",
  go: "goAnswer",
  file: "fileAnswer",
  about: "aboutAnswer",
  metrics: ["f1", "exact_match"],
  topK: OTHERS + 1,
  clear() { by("found").hidden = true; },
  show(input, result) {
    by("found-answer").textContent = result.answer === null ? t("noAnswer") : result.answer;
    by("found-answer").className = result.answer === null ? "none" : "";
    by("found-share").textContent = result.probability === null ? "" : t("sure", { share: percent(result.probability) });
    showPassage(input[FIELDS[1]], result);
    const others = (result.top || []).filter((one) => one.start !== result.start || one.end !== result.end);
    by("found-others").replaceChildren(...others.slice(0, OTHERS).map((one) =>
      element("li", "", `${one.answer === null ? t("noneEntry") : one.answer} – ${percent(one.probability)}`)));
    by("found-others-title").hidden = others.length === 0;
    by("found").hidden = false;
    if (result.answer !== null) by("found-passage").querySelector("mark").scrollIntoView({ block: "nearest" });
    return "";
  },
  // The columns are those of predict.py --output_format=csv.
  columns: ["answer", "start", "end", "probability"],
  cells: ({ answer, start, end, probability }) => [answer, start, end, probability],
  names: () => [],
});
