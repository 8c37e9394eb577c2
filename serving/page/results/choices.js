// The choices of a question in their order, with bars for their probabilities.
RENDERERS.push({
  holds: "choice",
  title: "titleChoices", go: "goChoices", file: "fileAny", about: "aboutChoices",
  metrics: ["accuracy"],
  clear() { by("choices").hidden = true; },
  show(input, { choice, probabilities }) {
    if (!probabilities.length) return t("noChoices");
    by("choice-list").replaceChildren(...probabilities.map((probability, place) => {
      const item = element("li"), track = element("span", "track"), bar = element("span", "bar");
      item.classList.toggle("decided", place === choice);
      bar.style.width = `${100 * probability}%`;
      track.append(bar);
      track.setAttribute("aria-hidden", "true");
      item.append(element("span", "name", input.choices[place]), element("span", "", percent(probability)), track);
      return item;
    }));
    by("choices").hidden = false;
    return "";
  },
  columns: ["choice", "probabilities"],
  cells: ({ choice, probabilities }) => [choice, JSON.stringify(probabilities)],
  names: ({ choice }) => choice === undefined ? [] : [t("choiceNumber", { number: choice })],
});
