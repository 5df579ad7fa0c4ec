// What the page writes about a node, an edge or an entry: its rule, with its numbers.

// Text in pieces: a piece is a string or {text, kind}, where kind gives it its colour.
const piece = (text, kind) => ({ text, kind });
const say = (strings, ...pieces) =>
  strings.flatMap((text, k) => [text, pieces[k] ?? ""].flat()).filter(Boolean);
const plain = (pieces) => pieces.map((it) => it.text ?? it).join("");

const MOST_TERMS = 6;
const named = (node) => piece(node.label, "name");
const nabla = (node) => piece(`∇${node.label}`, "g");
const number = (x, kind) => piece(format(x), kind);
const factor = (x, kind) => (x < 0 ? say`(${number(x, kind)})` : [number(x, kind)]);

// A spot is what can be looked at: {kind: "n", id} is a node, {kind: "v" or "g", id,
// entry} an entry of its value or gradient, {kind: "e", id, operand} an edge into it.
const keyOf = ({ kind, id, entry, operand }) =>
  [kind, id, entry ?? operand ?? 0].join(".");

function symbolOf(node) {
  if (node.op === "**") return `** ${format(node.exponent)}`;
  const axis = node.op === "sum" && node.axis ? ` axis ${node.axis.join(", ")}` : "";
  return ({ "*": "×", "-": "−", neg: "−" }[node.op] ?? node.op) + axis;
}

// What a box has beside its name: the operation, and the shape of an array.
const titleOf = (node) => [
  ...(node.operands.length ? [` ${symbolOf(node)}`] : []),
  ...(node.shape.length ? [` ${node.shape.join("×")}`] : []),
];

// An operation's words, with pieces in place of its capitals.
function fill(words, graph, node, entries = {}) {
  const [A, B] = node.operands.map((k) => named(graph.nodes[k]));
  const p = node.exponent ?? 0;
  const [P, Q] = [format(p), p === 2 ? "" : ` ** ${format(p - 1)}`];
  const given = { A, B, P, Q, Y: named(node), G: nabla(node), ...entries };
  return words.split(/([ABGPQY])/).flatMap((part) => given[part] ?? part);
}

function sumOf(terms, total, kind) {
  const shown = terms.slice(0, MOST_TERMS);
  const sum = shown.flatMap((term, k) => (k ? [" + ", ...term] : term));
  const more = terms.length > MOST_TERMS ? ` + … (${terms.length} terms)` : "";
  return say`${sum}${more}${terms.length ? " = " : ""}${number(total, kind)}`;
}

function definition(graph, node) {
  const name = named(node);
  if (node.op === "leaf") return say`${name} is a leaf: its numbers can be changed`;
  if (node.op === "constant") return say`${name} is a constant`;
  const { term, whole = term } = OPERATIONS[node.op];
  return say`${name} = ${fill(whole, graph, node)}`;
}

// The numbers that an entry of a value is computed from, and where they are.
function valueRule(graph, node, j) {
  const marks = [];
  const terms = node.terms.filter(([to]) => to === j);
  const written = terms.map(([, ...entries]) => {
    const [A, B] = entries.map((entry, p) => {
      const id = node.operands[p];
      marks.push({ kind: "v", id, entry });
      return factor(graph.values[id][entry], "v");
    });
    return fill(OPERATIONS[node.op].term, graph, node, { A, B });
  });
  return { pieces: sumOf(written, graph.values[node.id][j], "v"), marks };
}

// What a use sends back: its rule, and for one entry the sum of upstream times local.
function shareRule(graph, [id, p], entry, start = []) {
  const node = graph.nodes[id];
  const { size, back } = { size: sizeOf(node.shape), ...OPERATIONS[node.op] };
  const line = say`Through ${definition(graph, node)}, upstream × local: ${start}`;
  line.push(...fill(back[p], graph, node));
  if (node.op !== "@" && sizeOf(graph.nodes[node.operands[p]].shape) < size) {
    line.push(", summed over the copies");
  }
  if (entry === undefined) return { line, marks: [] };
  const terms = graph.termsOfShare(id, p, entry);
  const written = terms.map(
    ({ upstream, local }) => say`${factor(upstream, "g")} × ${factor(local, "v")}`,
  );
  line.push(" = ", ...sumOf(written, graph.shares[id][p][entry], "g"));
  if (node.op === "relu" && !terms[0].local) {
    line.push(" (blocked: ReLU passes nothing back here)");
  }
  const marks = terms.flatMap(({ j, read }) => [{ kind: "g", id, entry: j }, read]);
  return { line, marks: marks.filter(Boolean) };
}

function gradientRule(graph, node, entry, at) {
  const start = say`${nabla(node)}${at} = `;
  const { uses } = node;
  if (!uses.length) {
    const one = say`∂${named(node)}/∂${named(node)} = ${number(1, "g")}`;
    return { lines: [say`${start}${one}: here the backward pass begins.`], marks: [] };
  }
  const one = uses.length === 1;
  const rules = uses.map((use) => shareRule(graph, use, entry, one ? start : []));
  const lines = rules.map(({ line }) => line);
  if (!one && entry !== undefined) {
    const shares = uses.map(([id, p]) => factor(graph.shares[id][p][entry], "g"));
    const sum = sumOf(shares, graph.gradients[node.id][entry], "g");
    lines.push(say`${start}sum of the shares = ${sum}`);
  }
  return { lines, marks: rules.flatMap(({ marks }) => marks) };
}

// All that is said of a spot: lines of pieces, and the spots that they speak of.
function explain(graph, spot, explorer) {
  const node = graph.nodes[spot.id];
  if (spot.kind === "e") return explainEdge(graph, spot, explorer);
  const size = sizeOf(node.shape);
  const entry = spot.entry ?? (size === 1 ? 0 : undefined);
  const at = size > 1 && entry !== undefined ? ` at ${placeOf(entry, node.shape)}` : "";
  const lines = spot.kind === "g" ? [] : [definition(graph, node)];
  const marks = [];
  const known = node.operands.length && explorer.shows({ kind: "v", id: node.id });
  if (lines.length && entry !== undefined && known) {
    const { pieces, marks: read } = valueRule(graph, node, entry);
    lines[0].push(at ? `;${at}: ` : " = ", ...pieces);
    if (spot.kind === "v") marks.push(...read);
  }
  if (node.learns && (spot.kind !== "v" || node.op === "leaf")) {
    if (explorer.shows({ kind: "g", id: node.id, entry })) {
      const found = gradientRule(graph, node, entry, at);
      lines.push(...found.lines);
      marks.push(...found.marks);
      if (entry !== undefined) lines.push(checkWords(graph, node.id, entry));
    } else if (spot.kind === "g") lines.push(["Its gradient is not known yet."]);
  }
  if (entry === undefined) {
    const shut = node.op === "relu" ? " ReLU blocks those that are crossed out." : "";
    lines.push([`Choose an entry to see its numbers.${shut}`]);
  }
  return { lines, marks };
}

function explainEdge(graph, spot, explorer) {
  const { id, operand } = spot;
  const from = graph.nodes[graph.nodes[id].operands[operand]];
  if (!from.learns || !explorer.shows(spot)) {
    const use = definition(graph, graph.nodes[id]);
    return { lines: [say`${named(from)} is used in ${use}`], marks: [] };
  }
  const entry = sizeOf(from.shape) === 1 ? 0 : undefined;
  const { line, marks } = shareRule(graph, [id, operand], entry);
  return { lines: [line], marks };
}

// The central difference in words, with the kink explained where the two differ.
function checkWords(graph, id, entry) {
  const { central, left, right, gradient, kinks } = graph.check(id, entry);
  const words = say`Check: central difference ${number(central, "v")}`;
  const scale = Math.max(1, Math.abs(gradient), Math.abs(central));
  if (Math.abs(central - gradient) <= 1e-4 * scale) {
    return say`${words}, as the gradient.`;
  }
  const other = say`${words}, not ${number(gradient, "g")}: `;
  if (!kinks.length) return say`${other}its step is too coarse here.`;
  const [low, high] = [number(left, "v"), number(right, "v")];
  const at = say`the input of ${named(kinks[0])} is at its kink`;
  const rule = "backpropagation takes ReLU’s derivative at 0 as 0";
  const slopes = say`The slope is ${low} on the left, ${high} on the right`;
  return say`${other}${at}. ${slopes}; ${rule}.`;
}

// A step, for a screen reader.
function stepInWords(graph, { kind, id }) {
  const node = graph.nodes[id];
  const forward = kind === "v";
  const [first, ...rest] = (forward ? graph.values : graph.gradients)[id];
  const what = forward
    ? plain(definition(graph, node))
    : `the gradient of ${node.label}`;
  if (rest.length) return `${what} is an array of shape ${inWords(node.shape)}`;
  const shares = node.uses.map(([to, p]) => format(graph.shares[to][p]?.[0]));
  const added = !forward && shares.length > 1;
  const sum = added ? `, the sum of the shares ${shares.join(" and ")}` : "";
  return `${what} is ${format(first)}${sum}`;
}

// What a spot shows, and what it is called.
function spotInWords(graph, spot, explorer) {
  const { kind, id, entry, operand } = spot;
  const node = graph.nodes[id];
  if (kind === "n") {
    // What is seen is part of what is said, for those who say it to press it.
    const beside = titleOf(node).join("");
    const seen = beside ? `${node.label}${beside}: ` : "";
    return { label: seen + plain(definition(graph, node)), shown: true };
  }
  const shown = explorer.shows(spot);
  const told = (x) => (shown ? x : "not known yet");
  if (kind === "e") {
    const from = graph.nodes[node.operands[operand]];
    if (!from.learns) return { text: "", label: `${from.label} to ${node.label}` };
    const [share, ...more] = graph.shares[id][operand];
    const value = more.length ? "an array" : format(share);
    const label = `${from.label}, share of the gradient from ${node.label}`;
    const text = !shown ? "·" : more.length ? "∇" : `∇ ${value}`;
    const added = from.uses.length > 1;
    return { text: added ? text : "", label: `${label}: ${told(value)}`, shown };
  }
  const many = sizeOf(node.shape) > 1;
  const list = kind === "v" ? graph.values : graph.gradients;
  const value = format(list[id][entry], many ? 3 : 4);
  const place = many ? `, ${placeOf(entry, node.shape)}` : "";
  const what = kind === "v" ? "value" : "gradient";
  const sign = kind === "v" || many ? "" : "∇ ";
  const rule = kind === "v" && node.op === "relu" && shown;
  const shut = rule && !(graph.values[node.operands[0]][entry] > 0);
  const start = `${node.label}${place}, ${what}: ${told(value)}`;
  const label = shut ? `${start}, blocked` : start;
  return { text: shown ? sign + value : "·", label, shown, shut };
}
