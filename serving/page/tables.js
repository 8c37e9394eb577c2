// Files of inputs, and the table of their results.
const OTHER_NAMES = {
  text: [["fact"], ["sentence"]], prompt: [["text"]], "text_a,text_b": [["sentence1", "sentence2"]],
};
// The names that the fields may have in a file.
const NAMES = [FIELDS, ...(OTHER_NAMES[FIELDS] || [])];
const LISTS = FIELDS.filter((name) => TASK.fields[name] !== "text");

function fileHelp() {
  const kind = LISTS.length ? "fileHelpLists" : FIELDS.length > 1 ? "fileHelpSeveral" : "fileHelp";
  return t(kind, { wanted: wantedOf("“", "”") });
}

function wantedOf(before, after) {
  return FIELDS.map((name) => `${before}${name}${after}`).join(", ");
}

// Text in UTF-8, or in GB18030, as spreadsheets in China write it; null: neither.
function decoded(buffer) {
  for (const encoding of ["utf-8", "gb18030"]) {
    try {
      return { text: new TextDecoder(encoding, { fatal: true }).decode(buffer), encoding };
    } catch (error) { /* The next one. */ }
  }
  return null;
}

// The inputs of a file: [{ input, id }]. Throws an Error with a message for people.
function recordsOf(name, content) {
  const ending = name.toLowerCase().replace(/^.*\./, "");
  if (ending === "csv" || ending === "tsv") {
    return fromTable(rowsOf(content, ending === "tsv" ? "\t" : delimiterOf(content)));
  }
  if (/^\s*\[\s*\{/.test(content)) return JSON.parse(content).map((one, place) => fromObject(one, place + 1));
  const lines = content.split("\n").map((line) => line.trim());
  while (lines.length && !lines[lines.length - 1]) lines.pop();
  const json = LISTS.length || ending === "jsonl" || ending === "json" || /^\s*\{/.test(content);
  return lines.map((line, place) => json ? fromJson(line, place + 1) : fromLine(line, place + 1));
}

function inputFrom(values) {
  return Object.fromEntries(FIELDS.map((name, place) => [name, values[place]]));
}

function fromLine(line, place) {
  if (FIELDS.length === 1) return { input: inputFrom([line]) };
  const texts = line.split("\t").map((text) => text.trim());
  if (texts.length !== FIELDS.length && line) throw new Error(t("noPair", { line: place, wanted: wantedOf("“", "”") }));
  return { input: inputFrom(line ? texts : FIELDS.map(() => "")) };
}

function fromJson(line, place) {
  if (!line) return { input: inputFrom(FIELDS.map((name) => LISTS.includes(name) ? [] : "")) };
  let record = null;
  try { record = JSON.parse(line); } catch (error) { /* fromObject says so. */ }
  return fromObject(record, place);
}

function fromObject(record, place) {
  const isOne = (name, field) => LISTS.includes(field)
    ? Array.isArray(record[name]) && record[name].every((text) => typeof text === "string")
    : typeof record[name] === "string" || (TASK.optional.includes(field) && record[name] === undefined);
  const names = NAMES.find((all) => record && all.every((name, at) => isOne(name, FIELDS[at])));
  if (!names) throw new Error(t("noRecord", { line: place, wanted: wantedOf('"', '"') }));
  const values = names.map((name) => record[name] === undefined ? "" : record[name]);
  return { input: inputFrom(values), id: record.id };
}

function fromTable(rows) {
  const header = (rows[0] || []).map((cell) => cell.trim().toLowerCase());
  const names = LISTS.length ? undefined : NAMES.find((all) => all.every((name) => header.includes(name)));
  // A single column without a header is a list of texts.
  if (!names && !LISTS.length && FIELDS.length === 1 && rows.every((row) => row.length === 1)) {
    return rows.map(([text]) => ({ input: inputFrom([text]) }));
  }
  if (!names) {
    const columns = (rows[0] || []).slice(0, 10).join(", ").slice(0, 200);
    throw new Error(t("noColumn", { wanted: wantedOf("“", "”"), columns }));
  }
  const places = names.map((name) => header.indexOf(name)), id = header.indexOf("id");
  return rows.slice(1).map((row) => ({
    input: inputFrom(places.map((place) => row[place] || "")),
    id: id < 0 ? undefined : row[id],
  }));
}

// Of Excel: a semicolon where the comma is the decimal point.
function delimiterOf(content) {
  const first = content.slice(0, content.indexOf("\n") + 1 || undefined);
  return first.includes(",") || !first.includes(";") ? "," : ";";
}

// RFC 4180; a blank line is no row.
function rowsOf(content, delimiter) {
  const rows = [];
  let row = [], cell = "", quoted = false;
  const endRow = () => {
    row.push(cell);
    if (row.length > 1 || cell.trim()) rows.push(row);
    row = [];
    cell = "";
  };
  for (let place = 0; place < content.length; place++) {
    const character = content[place];
    if (quoted) {
      if (character !== '"') cell += character;
      else if (content[place + 1] === '"') { cell += '"'; place++; }
      else quoted = false;
    } else if (character === '"' && !cell) quoted = true;
    else if (character === delimiter) { row.push(cell); cell = ""; }
    else if (character === "\n") endRow();
    else if (character !== "\r" || content[place + 1] !== "\n") cell += character;
  }
  endRow();
  return rows;
}

// One row per input: its fields, and the renderer's columns of its result.
function tableOf(done) {
  const ids = done.some((one) => one.id !== undefined && one.id !== null);
  const { columns } = renderer;
  const rows = [[...(ids ? ["id"] : []), ...FIELDS, ...columns, "error"]];
  for (const { id, input, result, error } of done) {
    const cells = result ? renderer.cells(result) : columns.map(() => null);
    rows.push([...(ids ? [id] : []), ...FIELDS.map((name) => input[name]), ...cells, error]);
  }
  // The mark makes spreadsheets read UTF-8.
  return "\ufeff" + rows.map((row) => row.map(cellOf).join(",") + "\r\n").join("");
}

function cellOf(value) {
  if (value === undefined || value === null) return '""';
  if (typeof value === "number") return String(value);
  let text = typeof value === "string" ? value : JSON.stringify(value);
  // Spreadsheets would compute it.
  if (/^[=+\-@＝＋－＠\t\r\n]/.test(text) && !/^[+-]?\d+([.,]\d+)?$/.test(text)) text = `'${text}`;
  return `"${text.replaceAll('"', '""')}"`;
}
