// The masks of a text, filled in.
const MASK = "[MASK]";

// The text with a chip in the place of each mask, and for each mask its candidates, of which one is
// in the text.
function showFilled(text, masks) {
  const parts = text.split(MASK), pieces = [document.createTextNode(parts[0])];
  const lists = masks.map((candidates, place) => {
    const chip = element("mark", "chip");
    const list = element("ul", "candidates"), item = element("li");
    const buttons = candidates.map((one) => candidateButton(one, () => choose(one)));
    const choose = (chosen) => {
      chip.textContent = chosen.token.replace(/^##(?=.)/, "");
      chip.title = percent(chosen.probability);
      buttons.forEach((button, at) => button.setAttribute("aria-pressed", String(candidates[at] === chosen)));
    };
    choose(candidates[0]);
    pieces.push(chip, document.createTextNode(parts[place + 1]));
    list.append(...buttons.map((button) => {
      const entry = element("li");
      entry.append(button);
      return entry;
    }));
    list.setAttribute("aria-label", t("maskNumber", { number: number(place + 1) }));
    if (masks.length > 1) item.append(element("h3", "", t("maskNumber", { number: number(place + 1) })));
    item.append(list);
    return item;
  });
  by("masks-text").replaceChildren(...pieces);
  by("masks-list").replaceChildren(...lists);
}

function candidateButton(one, choose) {
  const button = element("button"), track = element("span", "track"), bar = element("span", "bar");
  button.type = "button";
  bar.style.width = `${100 * one.probability}%`;
  track.append(bar);
  track.setAttribute("aria-hidden", "true");
  button.append(element("span", "name", one.token), element("span", "", percent(one.probability)), track);
  button.addEventListener("click", choose);
  return button;
}

RENDERERS.push({
  holds: "masks",
  title: "titleMasks", go: "goMasks", file: "fileAny", about: "aboutMasks",
  metrics: ["masked_lm_accuracy"],
  topK: 5,
  clear() { by("masks").hidden = true; },
  show(input, { masks }) {
    showFilled(input[FIELDS[0]], masks);
    by("masks").hidden = false;
    return "";
  },
  // The columns are those of predict.py --output_format=csv.
  columns: ["masks", "text"],
  cells: ({ masks, text }) => [masks, text],
  names: () => [],
});
