// The labels of a text or of two texts, as bars, and the characters that support one of them.
const TOP = 8;
// Beyond the first few, labels that are less probable than this are shown on request.
const FEW = 3, LEAST = 0.005;
const PAIRS = FIELDS.length === 2;
const MARKED = [by("marked"), by("marked-b")];
const thresholds = new Map();

function isAbove(entry) {
  if ("above_threshold" in entry) return entry.above_threshold;
  return !thresholds.has(entry.label) || entry.probability >= thresholds.get(entry.label);
}

function rowOf(input, entry, decided) {
  const button = element("button");
  button.type = "button";
  button.setAttribute("aria-pressed", "false");
  button.dataset.label = entry.label;
  button.classList.toggle("decided", decided);
  button.classList.toggle("below", decided && thresholds.has(entry.label) && !isAbove(entry));
  const track = element("span", "track");
  const bar = element("span", "bar");
  bar.style.width = `${100 * entry.probability}%`;
  track.append(bar);
  if (thresholds.has(entry.label)) {
    const threshold = element("span", "threshold");
    threshold.style.left = `${100 * thresholds.get(entry.label)}%`;
    track.append(threshold);
    button.title = t("threshold", { share: percent(thresholds.get(entry.label)) });
  }
  track.setAttribute("aria-hidden", "true");
  button.append(element("span", "name", entry.label), element("span", "", percent(entry.probability)), track);
  if (TASK.explains) button.addEventListener("click", () => explain(input, entry.label));
  const item = element("li");
  item.append(button);
  return item;
}

function showLabels(input, result) {
  const decided = new Set(result.labels.map((entry) => entry.label));
  const shown = [...result.labels];
  for (const entry of result.top || []) {
    if (!decided.has(entry.label)) shown.push(entry);
  }
  shown.length = Math.min(shown.length, Math.max(TOP, decided.size));
  const rows = shown.map((entry) => rowOf(input, entry, decided.has(entry.label)));
  const rest = rows.filter((row, place) => {
    row.hidden = place >= FEW && !decided.has(shown[place].label) && shown[place].probability < LEAST;
    return row.hidden;
  });
  by("more").hidden = rest.length === 0;
  by("more").textContent = t("more", { count: rest.length });
  by("more").onclick = () => {
    for (const row of rest) row.hidden = false;
    by("more").hidden = true;
    rest[0].firstChild.focus();
  };
  by("labels").replaceChildren(...rows);
  showHelp(result);
  by("answer").hidden = rows.length === 0;
  return shown;
}

function showHelp(result) {
  const help = [t("help")];
  if (thresholds.size) help.push(" ", element("span", "sign"), t("helpThreshold"));
  if (result.labels.length === 0) help.push(` ${t("noneReaches")}`);
  else if (thresholds.size && !result.labels.some(isAbove)) help.push(` ${t("belowThreshold")}`);
  by("labels-help").replaceChildren(...help);
}

function showParts(texts, answer) {
  const explained = PAIRS ? FIELDS.map((name) => answer[name]) : [answer];
  const parts = explained.flatMap((one) => one.parts);
  const strongest = Math.max(1e-6, ...parts.map((part) => Math.abs(part.importance)));
  let read = 0, all = 0;
  explained.forEach((one, place) => {
    const cut = paint(MARKED[place], texts[place], one.parts, strongest);
    const size = sizeOf(texts[place]);
    read += size - cut;
    all += size;
  });
  by("why-title").textContent = t("why", { label: answer.label });
  by("read").textContent = read === all
    ? t("readAll", { all: number(all) })
    : t("readPart", { read: number(read), all: number(all), share: percent(read / all) });
  if (PAIRS) {
    for (const id of ["marked-title", "marked-second"]) by(id).hidden = false;
    by("marked").setAttribute("aria-labelledby", "why-title marked-title");
  }
  by("why").hidden = false;
}

// Colours what supports the label; returns how many characters were not read.
function paint(box, text, parts, strongest) {
  const characters = Array.from(text);
  const pieces = [];
  let place = 0;
  for (const part of parts) {
    pieces.push(document.createTextNode(characters.slice(place, part.start).join("")));
    const mark = element("mark", "", characters.slice(part.start, part.end).join(""));
    const share = Math.abs(part.importance) / strongest;
    if (share >= 0.08) {
      const colour = part.importance > 0 ? "--for" : "--against";
      mark.style.backgroundColor = `rgba(var(${colour}), ${(0.65 * share).toFixed(3)})`;
    }
    mark.title = `${part.importance >= 0 ? "+" : ""}${number(part.importance, 2)}`;
    pieces.push(mark);
    place = part.end;
  }
  const rest = characters.slice(place);
  const wasCut = rest.join("").trim() !== "";
  pieces.push(wasCut ? element("span", "cut", rest.join("")) : document.createTextNode(rest.join("")));
  box.replaceChildren(...pieces);
  return wasCut ? rest.length : 0;
}

async function explain(input, label) {
  const mine = ++newest, texts = textsOf(input);
  for (const button of by("labels").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.dataset.label === label));
  }
  say(t("looking"));
  try {
    const answer = await post("v1/explain", { input: bodyOf(input), label });
    if (mine !== newest) return;
    showParts(texts, answer);
    say("");
  } catch (error) {
    if (mine === newest) say(plain(error, texts), true);
  }
}

RENDERERS.push({
  holds: "labels",
  title: PAIRS ? "titlePairs" : "title",
  go: "go",
  file: "file",
  about: PAIRS ? "aboutPairs" : "aboutLabels",
  metrics: ["micro_f1", "macro_f1", "accuracy"],
  topK: TOP,
  ready(known, labels) {
    // Where a text has exactly one label, thresholds decide nothing.
    for (const one of known.exclusive ? [] : labels) thresholds.set(one.label, one.threshold);
  },
  clear() { by("why").hidden = by("answer").hidden = true; },
  async show(input, result) {
    const shown = showLabels(input, result);
    if (!shown.length) return t("nothing");
    if (!TASK.explains) return "";
    await explain(input, shown[0].label);
  },
  // The columns are those of predict.py --output_format=csv.
  columns: ["label", "probability", "above_threshold", "labels"],
  cells({ labels }) {
    const first = labels[0] || {};
    return [first.label, first.probability, first.above_threshold, labels.map((entry) => entry.label).join("|")];
  },
  names: ({ labels }) => labels.length ? labels.map((entry) => entry.label) : [t("unlabelled")],
});
