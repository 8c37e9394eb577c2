// The entities of a text, coloured in it, and how many there are of each label.
const HUES = 8;
const hueOf = new Map();

function hueClass(label) {
  if (!hueOf.has(label)) hueOf.set(label, hueOf.size % HUES);
  return `hue-${hueOf.get(label)}`;
}

function showEntities(text, entities) {
  const characters = Array.from(text), pieces = [], counts = new Map();
  let place = 0;
  for (const one of entities) {
    pieces.push(document.createTextNode(characters.slice(place, one.start).join("")));
    const mark = element("mark", `entity ${hueClass(one.label)}`, characters.slice(one.start, one.end).join(""));
    mark.dataset.label = one.label;
    mark.title = `${one.label}: ${percent(one.probability)}`;
    pieces.push(mark);
    counts.set(one.label, (counts.get(one.label) || 0) + 1);
    place = one.end;
  }
  pieces.push(document.createTextNode(characters.slice(place).join("")));
  by("entities-text").replaceChildren(...pieces);
  by("entities-help").textContent = t(entities.length ? "entitiesHelp" : "noEntities");
  const sorted = [...counts].sort((one, other) => other[1] - one[1]);
  by("entities-legend").replaceChildren(
    ...sorted.map(([label, count]) => element("li", hueClass(label), `${label} ${number(count)}`)));
  by("entities").hidden = false;
}

RENDERERS.push({
  holds: "entities",
  title: "titleEntities", go: "goEntities", about: "aboutEntities", file: "fileAny",
  metrics: ["entity_f1", "precision", "recall"],
  ready(known, labels) { labels.forEach((one) => hueClass(one.label)); },
  clear() { by("entities").hidden = true; },
  show(input, result) {
    showEntities(textsOf(input)[0], result.entities);
    return "";
  },
  columns: ["entities"],
  cells: ({ entities }) => [entities],
  names: ({ entities }) => entities.length ? entities.map((one) => one.label) : [t("unlabelled")],
});
