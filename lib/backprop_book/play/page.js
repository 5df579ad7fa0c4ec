// Small helpers for what is on the page.

const SVG = "http://www.w3.org/2000/svg";
const IN_SVG = ["svg", "path", "polyline"];

// An element with attributes, listeners (onclick, …) and children. Text stays text.
function h(tag, attributes = {}, ...children) {
  const element = IN_SVG.includes(tag)
    ? document.createElementNS(SVG, tag)
    : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value);
  }
  element.append(...children.flat());
  return element;
}

const button = (label, act, attributes = {}) =>
  h("button", { type: "button", onclick: act, ...attributes }, label);

const write = (pieces) =>
  pieces.map((it) => (it.kind ? h("span", { class: it.kind }, it.text) : it));

function numberField(label, value = "") {
  const field = h("input", { inputmode: "decimal", size: 7, "aria-label": label });
  field.value = String(value);
  return field;
}

// The number in a field, with either minus and either decimal sign. What is none is
// marked, and `tell` gets the words, or nothing where all is well.
function numberOf(field, tell) {
  const text = field.value.trim().replace("−", "-").replace(",", ".");
  const x = text === "" ? NaN : Number(text);
  const fine = Number.isFinite(x);
  field.setAttribute("aria-invalid", !fine);
  tell(fine ? "" : "Expected a number, such as 0.5.");
  return fine ? x : undefined;
}
