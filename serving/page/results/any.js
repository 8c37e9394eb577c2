// A result that no renderer knows, as the service gives it.
const ANY_RESULT = {
  title: "titleAny", go: "goAny", file: "fileAny", about: "aboutAny",
  get columns() { return TASK.result; },
  cells: (result) => TASK.result.map((name) => result[name]),
  names: () => [],
  clear() { by("any").hidden = true; },
  show(input, result) {
    by("any-result").textContent = JSON.stringify(result, null, 2);
    by("any").hidden = false;
    return "";
  },
};
