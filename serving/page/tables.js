// Files of texts, and the table of their labels.
const TEXT_NAMES = PAIRS
  ? [["text_a", "text_b"], ["sentence1", "sentence2"]]
  : [["text"], ["fact"], ["sentence"]];

// Text in UTF-8, or in GB18030, as spreadsheets in China write it; null: neither.
function decoded(buffer) {
  for (const encoding of ["utf-8", "gb18030"]) {
    try {
      return { text: new TextDecoder(encoding, { fatal: true }).decode(buffer), encoding };
    } catch (error) { /* The next one. */ }
  }
  return null;
}

// The texts of a file: [{ texts: [...], id }]. Throws an Error with a message for people.
function recordsOf(name, content) {
  const ending = name.toLowerCase().replace(/^.*\./, "");
  if (ending === "csv" || ending === "tsv") {
    return fromTable(rowsOf(content, ending === "tsv" ? "\t" : delimiterOf(content)));
  }
  if (/^\s*\[\s*\{/.test(content)) return JSON.parse(content).map((one, place) => fromObject(one, place + 1));
  const lines = content.split("\n").map((line) => line.trim());
  while (lines.length && !lines[lines.length - 1]) lines.pop();
  const json = ending === "jsonl" || ending === "json" || /^\s*\{/.test(content);
  return lines.map((line, place) => json ? fromJson(line, place + 1) : fromLine(line, place + 1));
}

function fromLine(line, place) {
  if (!PAIRS) return { texts: [line] };
  const texts = line.split("\t").map((text) => text.trim());
  if (texts.length !== 2 && line) throw new Error(t("noPair", { line: place }));
  return { texts: line ? texts : ["", ""] };
}

function fromJson(line, place) {
  if (!line) return { texts: FIELDS.map(() => "") };
  let record = null;
  try { record = JSON.parse(line); } catch (error) { /* fromObject says so. */ }
  return fromObject(record, place);
}

function fromObject(record, place) {
  const names = TEXT_NAMES.find((all) => all.every((name) => record && typeof record[name] === "string"));
  if (!names) throw new Error(t("noRecord", { line: place, wanted: FIELDS.map((name) => `"${name}"`).join(", ") }));
  return { texts: names.map((name) => record[name]), id: record.id };
}

function fromTable(rows) {
  const header = (rows[0] || []).map((cell) => cell.trim().toLowerCase());
  const names = TEXT_NAMES.find((all) => all.every((name) => header.includes(name)));
  // A single column without a header is a list of texts.
  if (!names && !PAIRS && rows.every((row) => row.length === 1)) return rows.map(([text]) => ({ texts: [text] }));
  if (!names) {
    const wanted = FIELDS.map((name) => `“${name}”`).join(", ");
    throw new Error(t("noColumn", { wanted, columns: (rows[0] || []).slice(0, 10).join(", ").slice(0, 200) }));
  }
  const places = names.map((name) => header.indexOf(name)), id = header.indexOf("id");
  return rows.slice(1).map((row) => ({
    texts: places.map((place) => row[place] || ""),
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

// The columns are those of predict.py --output_format=csv --with_text.
function tableOf(done) {
  const ids = done.some((one) => one.id !== undefined && one.id !== null);
  const ofFirst = ["label", "probability", "above_threshold"];
  const rows = [[...(ids ? ["id"] : []), ...FIELDS, ...ofFirst, "labels", "error"]];
  for (const { id, texts, labels, error } of done) {
    const first = labels[0] || {};
    rows.push([...(ids ? [id] : []), ...texts, ...ofFirst.map((name) => first[name]),
      labels.map((entry) => entry.label).join("|"), error]);
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
