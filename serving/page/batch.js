// A file in, a table out: the inputs are sent some at a time.
const MOST_MEGABYTES = 50, TRIES = 6, COUNTED = 6;
let batch = null;

async function labelFile(file) {
  const mine = batch = { stopped: false, done: [], name: file.name };
  by("batch").hidden = true;
  say("");
  try {
    if (file.size > MOST_MEGABYTES * 2 ** 20) throw new Error(t("bigFile", { most: MOST_MEGABYTES }));
    const content = decoded(await file.arrayBuffer());
    if (!content || content.text.includes("\0")) throw new Error(t("noUtf8"));
    const records = recordsOf(file.name, content.text);
    if (!records.some((one) => !textsOf(one.input).every(isBlank))) throw new Error(t("emptyFile"));
    say(content.encoding === "utf-8" ? "" : t("gb18030"));
    await labelAll(mine, records);
  } catch (error) {
    if (mine === batch) say(error instanceof ServiceError ? plain(error, [""]) : error.message, true);
  }
}

async function labelAll(mine, records) {
  const began = Date.now();
  by("batch-title").textContent = t("batch", { name: mine.name });
  by("batch-progress").max = records.length;
  by("batch").hidden = by("batch-stop").hidden = by("batch-progress").hidden = false;
  by("batch-save").hidden = true;
  try {
    for (const some of groupsOf(records)) {
      if (mine.stopped || mine !== batch) break;
      showBatchProgress(mine.done.length, records.length, began);
      mine.done.push(...await labelSome(some));
    }
  } finally {
    // What was done before an error can be saved, too.
    if (mine === batch) endBatch(mine, records.length);
  }
}

function showBatchProgress(done, all, began) {
  by("batch-progress").value = done;
  const seconds = (Date.now() - began) / 1000;
  const values = { done: number(done), all: number(all) };
  if (done && seconds > 3) {
    const left = seconds / done * (all - done);
    values.left = left < 90 ? t("seconds", { count: Math.ceil(left) }) : t("minutes", { count: Math.round(left / 60) });
  }
  by("batch-said").textContent = t(values.left ? "left" : "progress", values);
}

function endBatch(mine, all) {
  by("batch-stop").hidden = by("batch-progress").hidden = true;
  by("batch-save").hidden = mine.done.length === 0;
  const counts = new Map();
  for (const { result } of mine.done) {
    for (const name of result ? renderer.names(result) : []) counts.set(name, (counts.get(name) || 0) + 1);
  }
  const most = [...counts].sort((one, other) => other[1] - one[1]);
  const named = most.slice(0, COUNTED).map(([name, count]) => `${name} ${number(count)}`);
  if (most.length > COUNTED) named.push(t("others", { count: most.length - COUNTED }));
  const wrong = mine.done.filter((one) => one.error).length;
  const said = [mine.done.length < all
    ? t("stopped", { done: number(mine.done.length), all: number(all) })
    : t(named.length ? "done" : "doneWithoutCounts", {
      all: number(all - wrong), counts: named.join(language().betweenNames),
    })];
  if (wrong) said.push(t("wrong", { count: number(wrong) }));
  by("batch-said").textContent = said.join(" ");
  if (mine.done.length) by("batch-save").focus();
}

// As many inputs as one request may have.
function* groupsOf(records) {
  const mostTexts = model ? model.max_texts : 1, mostBytes = (model ? model.max_body_bytes : 1e5) * 0.9 - 100;
  let group = [], bytes = 0;
  for (const record of records) {
    const size = new TextEncoder().encode(JSON.stringify(bodyOf(record.input))).length + 1;
    if (group.length && (group.length === mostTexts || bytes + size > mostBytes)) {
      yield group;
      group = [];
      bytes = 0;
    }
    group.push(record);
    bytes += size;
  }
  if (group.length) yield group;
}

async function labelSome(records) {
  const results = records.map((record) => ({ ...record }));
  const given = results.filter((one) => missing(one.input) === undefined);
  const sent = given.filter((one) => !isTooLong(textsOf(one.input)));
  for (const one of given) {
    if (!sent.includes(one)) one.error = tooLong(textsOf(one.input), model.max_characters);
  }
  if (!sent.length) return results;
  try {
    const answer = await postPatiently({ input: sent.map((one) => bodyOf(one.input)) });
    sent.forEach((one, place) => { one.result = answer.results[place]; });
  } catch (error) {
    if (!["invalid_request", "too_large"].includes(error.code)) throw error;
    // One input of them is at fault.
    if (records.length > 1) {
      const alone = [];
      for (const record of records) alone.push(...await labelSome([record]));
      return alone;
    }
    sent[0].error = plain(error, textsOf(sent[0].input));
  }
  return results;
}

async function postPatiently(body) {
  for (let trial = 1; ; trial++) {
    try {
      return await post("v1/predict", body);
    } catch (error) {
      if (error.code !== "overloaded" || trial === TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1000 * trial));
    }
  }
}

function saveTable() {
  const link = element("a");
  link.href = URL.createObjectURL(new Blob([tableOf(batch.done)], { type: "text/csv;charset=utf-8" }));
  link.download = `${batch.name.replace(/\.[^.]*$/, "")}_${renderer.holds || "results"}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

by("file").addEventListener("change", () => {
  const [file] = by("file").files;
  if (file) labelFile(file);
  by("file").value = "";
});
by("batch-stop").addEventListener("click", () => { batch.stopped = true; });
by("batch-save").addEventListener("click", saveTable);
