// The form, and how the page speaks with the service. It knows no task: boxes follow from the fields
// of an input, and a result is shown by the renderer of what it holds (results/*.js).
const by = (id) => document.getElementById(id);
// { fields: { name: "text" or "texts" }, optional: [fields that may be empty],
//   result: [the keys of a result], explains: true or false }
const TASK = JSON.parse(document.body.dataset.task);
const FIELDS = Object.keys(TASK.fields);
// What a renderer has; `metrics` to `ready` by choice:
//   holds: the key that its results have
//   title, about, go, file: names of strings: the page's heading, what it is for, its two buttons
//   metrics: the names of the metrics to show, those of them that there are
//   topK: how many alternatives to ask for
//   ready(model, labels): what /v1/model and /v1/labels have answered
//   clear(): hides what is shown
//   show(input, result): shows it; gives what to say, as `t` gives it, or nothing. May be async.
//   columns, cells(result): of a table of results; names(result): what its summary counts
const RENDERERS = [];
// Of the service: filled when it has answered.
let model = null;
let newest = 0, examplesShown = 0;
// By field, the box that it is written into; filled by `makeBoxes`.
const BOXES = {};

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
  return `${number(100 * share, 1)} %`;
}

// An input is { field: text, or a list of texts }.
function textsOf(input) {
  return FIELDS.flatMap((name) => input[name]);
}

function isBlank(value) {
  return Array.isArray(value) ? value.every(isBlank) : !value.trim();
}

// The first field that lacks its text; undefined: none.
function missing(input) {
  return FIELDS.find((name) => !TASK.optional.includes(name) && isBlank(input[name]));
}

// As the service takes it: a single text is an input of its own.
function bodyOf(input) {
  return FIELDS.length === 1 && TASK.fields[FIELDS[0]] === "text" ? input[FIELDS[0]] : input;
}

// A list has one text per line.
function readBoxes() {
  const read = (name) => TASK.fields[name] === "text"
    ? BOXES[name].value
    : BOXES[name].value.split("\n").map((line) => line.trim()).filter((line) => line);
  return Object.fromEntries(FIELDS.map((name) => [name, read(name)]));
}

function fillBoxes(input) {
  for (const name of FIELDS) {
    BOXES[name].value = Array.isArray(input[name]) ? input[name].join("\n") : input[name];
  }
}

function fieldName(name) {
  const key = `field_${name}`;
  const known = key in LANGUAGES.en.strings ? t(key) : name;
  return TASK.fields[name] === "text" ? known : t("onePerLine", { name: known });
}

function makeBoxes() {
  for (const name of FIELDS) {
    const box = element("textarea"), label = element("label", "", fieldName(name));
    box.id = label.htmlFor = name.replaceAll("_", "-");
    box.spellcheck = false;
    box.setAttribute("aria-describedby", "status");
    box.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) by("form").requestSubmit();
    });
    BOXES[name] = box;
    by("boxes").append(label, box);
  }
}

async function submit(event) {
  event.preventDefault();
  const input = readBoxes(), lacking = missing(input), texts = textsOf(input);
  const mine = ++newest;
  if (renderer.clear) renderer.clear();
  if (lacking !== undefined) {
    say(t({ 1: "noText", 2: "noTexts" }[FIELDS.length] || "noField", { name: fieldName(lacking) }), true);
    BOXES[lacking].focus();
    return;
  }
  if (isTooLong(texts)) {
    say(tooLong(texts, model.max_characters), true);
    return;
  }
  by("go").setAttribute("aria-disabled", "true");
  say(t("reading"));
  try {
    const answer = await post("v1/predict", { input: bodyOf(input), top_k: renderer.topK || 0 });
    if (mine !== newest) return;
    showCommand(input);
    const said = await renderer.show(input, answer.results[0]);
    if (said !== undefined && mine === newest) say(said);
  } catch (error) {
    if (mine === newest) say(plain(error, texts), true);
  } finally {
    by("go").removeAttribute("aria-disabled");
  }
}

function showCommand(input) {
  // Within single quotes a shell takes everything as it is, but for the quote itself.
  const body = JSON.stringify({ input: bodyOf(input) }).replaceAll("'", "'\\''");
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
  fillBoxes(model.examples[examplesShown++ % model.examples.length]);
  by("form").requestSubmit();
}

function showModel(known) {
  model = known;
  const parts = [t(known.labels ? "model" : "modelWithoutLabels", {
    name: known.name, backbone: known.backbone, count: number(known.labels),
    length: number(known.sequence_length),
  })];
  const figures = (renderer.metrics || []).filter((name) => name in known.metrics)
    .map((name) => `${name.replaceAll("_f1", " F1").replaceAll("_", " ")} ${number(known.metrics[name], 3)}`);
  if (figures.length) {
    const count = known.examples_measured === null ? "" : number(known.examples_measured);
    parts.push(t("measured", { figures: figures.join(", "), count, split: t(known.measured_on) }).replace("  ", " "));
  }
  by("model").textContent = parts.join(language().betweenClauses);
  by("model").hidden = false;
  by("smoke").hidden = !known.test_mode;
  by("example").hidden = known.examples.length === 0;
  by("about").textContent = t(renderer.about, { count: number(known.labels) });
}
