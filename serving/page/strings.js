"use strict";
// What the page says, in the language of the browser where a file in languages/ has it:
// { locale, betweenNames, betweenClauses, strings: { name: text, in which {name} stands for a value } }
const LANGUAGES = {};

function language() {
  const wanted = (navigator.language || "").toLowerCase().split("-")[0];
  return Object.hasOwn(LANGUAGES, wanted) ? LANGUAGES[wanted] : LANGUAGES.en;
}

function t(name, values = {}) {
  return language().strings[name].replace(/\{(\w+)\}/g, (whole, key) =>
    key in values ? String(values[key]) : whole);
}

function number(value, digits = 0) {
  const fixed = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return value.toLocaleString(language().locale, digits ? fixed : {});
}
