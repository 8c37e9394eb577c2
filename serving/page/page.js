const by = (id) => document.getElementById(id);
const TOP = 8;
// Beyond the first few, labels that are less probable than this are shown on request.
const FEW = 3, LEAST = 0.005;
// The service writes 2 where a checkpoint labels pairs of texts.
const PAIRS = document.body.dataset.texts === "2";
const FIELDS = PAIRS ? ["text_a", "text_b"] : ["text"];
const BOXES = PAIRS ? [by("text"), by("text-b")] : [by("text")];
const MARKED = [by("marked"), by("marked-b")];
// Of the service: filled when it has answered.
let model = null;
const thresholds = new Map();
let newest = 0, examplesShown = 0;

class ServiceError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

function say(text, bad) {
  by("status").textContent = text;
  by("status").className = bad ? "bad" : "";
}

function element(tag, name, text) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  // Always as text: nothing that a user or a label holds is ever read as HTML.
  if (text !== undefined) made.textContent = text;
  return made;
}

async function post(path, body) {
  let answer;
  try {
    answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  } catch (error) {
    throw new ServiceError("unreachable", String(error));
  }
  const content = await answer.json().catch(() => null);
  if (!answer.ok) {
    const error = content && content.error;
    throw new ServiceError(error ? error.code : "", error ? error.message : `HTTP ${answer.status}`);
  }
  return content;
}

// What the service has said, in words for people and in their language.
function plain(error, texts) {
  const known = {
    unreachable: "unreachable", too_large: "tooLarge", too_slow: "slow", overloaded: "busy",
    internal_error: "failed",
  }[error.code];
  if (known) return t(known);
  const most = /at most (\d+) characters/.exec(error.message);
  if (most) return tooLong(texts, Number(most[1]));
  if (/surrogate/.test(error.message)) return t("broken");
  return t("refused", { message: error.message });
}

// JavaScript counts UTF-16 units, the service counts characters.
function sizeOf(text) {
  return Array.from(text).length;
}

function tooLong(texts, most) {
  return t("tooLong", { size: number(Math.max(...texts.map(sizeOf))), most: number(most) });
}

function isTooLong(texts) {
  return model !== null && texts.some((text) => sizeOf(text) > model.max_characters);
}

function percent(share) {
  return `${(100 * share).toFixed(1)} %`;
}

function inputOf(texts) {
  return PAIRS ? { text_a: texts[0], text_b: texts[1] } : texts[0];
}

function isAbove(entry) {
  if ("above_threshold" in entry) return entry.above_threshold;
  return !thresholds.has(entry.label) || entry.probability >= thresholds.get(entry.label);
}

function rowOf(texts, entry, decided) {
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
  button.addEventListener("click", () => explain(texts, entry.label));
  const item = element("li");
  item.append(button);
  return item;
}

function showLabels(texts, result) {
  const decided = new Set(result.labels.map((entry) => entry.label));
  const shown = [...result.labels];
  for (const entry of result.top || []) {
    if (!decided.has(entry.label)) shown.push(entry);
  }
  shown.length = Math.min(shown.length, Math.max(TOP, decided.size));
  const rows = shown.map((entry) => rowOf(texts, entry, decided.has(entry.label)));
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
  const explained = PAIRS ? [answer.text_a, answer.text_b] : [answer];
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
    mark.title = `${part.importance >= 0 ? "+" : ""}${part.importance.toFixed(2)}`;
    pieces.push(mark);
    place = part.end;
  }
  const rest = characters.slice(place);
  const wasCut = rest.join("").trim() !== "";
  pieces.push(wasCut ? element("span", "cut", rest.join("")) : document.createTextNode(rest.join("")));
  box.replaceChildren(...pieces);
  return wasCut ? rest.length : 0;
}

async function explain(texts, label) {
  const mine = ++newest;
  for (const button of by("labels").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.dataset.label === label));
  }
  say(t("looking"));
  try {
    const answer = await post("v1/explain", { input: inputOf(texts), label });
    if (mine !== newest) return;
    showParts(texts, answer);
    say("");
  } catch (error) {
    if (mine === newest) say(plain(error, texts), true);
  }
}

async function submit(event) {
  event.preventDefault();
  const texts = BOXES.map((box) => box.value);
  const empty = BOXES.find((box) => !box.value.trim());
  const mine = ++newest;
  by("why").hidden = by("answer").hidden = true;
  if (empty) {
    say(t(PAIRS ? "noTexts" : "noText"), true);
    empty.focus();
    return;
  }
  if (isTooLong(texts)) {
    say(tooLong(texts, model.max_characters), true);
    return;
  }
  by("go").setAttribute("aria-disabled", "true");
  say(t("reading"));
  try {
    const answer = await post("v1/predict", { input: inputOf(texts), top_k: TOP });
    if (mine !== newest) return;
    const shown = showLabels(texts, answer.results[0]);
    showCommand(texts);
    say(shown.length ? "" : t("nothing"));
    if (shown.length) await explain(texts, shown[0].label);
  } catch (error) {
    if (mine === newest) say(plain(error, texts), true);
  } finally {
    by("go").removeAttribute("aria-disabled");
  }
}

function showCommand(texts) {
  // Within single quotes a shell takes everything as it is, but for the quote itself.
  const body = JSON.stringify({ input: inputOf(texts) }).replaceAll("'", "'\\''");
  const address = new URL("v1/predict", document.baseURI).href;
  by("command").textContent = `curl ${address} -H 'Content-Type: application/json' -d '${body}'`;
  by("copied").textContent = "";
  by("curl").hidden = false;
}

async function copyCommand() {
  try {
    await navigator.clipboard.writeText(by("command").textContent);
    by("copied").textContent = t("copied");
  } catch (error) {
    // Browsers have a clipboard for pages of this machine and of HTTPS only.
    getSelection().selectAllChildren(by("command"));
    by("copied").textContent = t("selected");
  }
}

function showExample() {
  const example = model.examples[examplesShown++ % model.examples.length];
  BOXES.forEach((box, place) => { box.value = example[FIELDS[place]]; });
  by("form").requestSubmit();
}

function showModel(known) {
  model = known;
  const parts = [t("model", {
    name: known.name, backbone: known.backbone, count: number(known.labels),
    length: number(known.sequence_length),
  })];
  const figures = Object.entries(known.metrics)
    .filter(([name]) => ["micro_f1", "macro_f1", "accuracy"].includes(name))
    .map(([name, value]) => `${name.replace("_f1", " F1")} ${value.toFixed(3)}`);
  if (figures.length) {
    const count = known.examples_measured === null ? "" : number(known.examples_measured);
    parts.push(t("measured", { figures: figures.join(", "), count, split: t(known.measured_on) }).replace("  ", " "));
  }
  by("model").textContent = parts.join(LANGUAGE === "zh" ? "；" : "; ");
  by("model").hidden = false;
  by("smoke").hidden = !known.test_mode;
  by("example").hidden = known.examples.length === 0;
  by("about").textContent = t(PAIRS ? "aboutPairs" : "aboutLabels", { count: number(known.labels) });
}

document.documentElement.lang = LANGUAGE === "zh" ? "zh-CN" : "en";
for (const one of document.querySelectorAll("[data-text]")) one.textContent = t(one.dataset.text);
by("file-help").textContent = t(PAIRS ? "fileHelpPairs" : "fileHelp");
document.title = t(PAIRS ? "titlePairs" : "title");
by("title").textContent = document.title;
if (PAIRS) {
  by("text-name").textContent = t("first");
  for (const id of ["second", "marked-title", "marked-second"]) by(id).hidden = false;
  by("marked").setAttribute("aria-labelledby", "why-title marked-title");
}
by("form").addEventListener("submit", submit);
by("example").addEventListener("click", showExample);
by("copy").addEventListener("click", copyCommand);
for (const box of BOXES) {
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) by("form").requestSubmit();
  });
}
Promise.all(["v1/model", "v1/labels"].map((path) => fetch(path).then((answer) => answer.json())))
  .then(([known, labels]) => {
    // Where a text has exactly one label, thresholds decide nothing.
    if (!known.exclusive) {
      for (const one of labels.labels) thresholds.set(one.label, one.threshold);
    }
    showModel(known);
  }).catch(() => {});
