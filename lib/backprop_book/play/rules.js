// What the page writes about a node, an edge or an entry: its rule, with its numbers.

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

function sumOf(terms, total, kind) {
  const shown = terms.slice(0, MOST_TERMS);
  const sum = shown.flatMap((term, k) => (k ? [" + ", ...term] : term));
  const more = terms.length > MOST_TERMS ? ` + … (${terms.length} terms)` : "";
  return say`${sum}${more} = ${number(total, kind)}`;
}

function definition(graph, node) {
  if (node.op === "leaf")
    return say`${named(node)} is a leaf: its numbers can be changed`;
  if (node.op === "constant") return say`${named(node)} is a constant`;
  const [A, B = format(node.exponent ?? 0)] = node.operands.map((k) =>
    named(graph.nodes[k]),
  );
  const { term, forward = term } = OPERATIONS.get(node.op);
  return say`${named(node)} = ${forward(A, B)}`;
}

// The numbers that an entry of a value is computed from, and where they are.
function valueRule(graph, node, j) {
  const terms = node.terms.filter(([to]) => to === j);
  const spots = terms.map(([, ...entries]) =>
    entries.map((entry, p) => ({ kind: "v", id: node.operands[p], entry })),
  );
  const read = (spot) => factor(graph.values[spot.id][spot.entry], "v");
  const written = spots.map((pair) => {
    const [a, b = format(node.exponent ?? 0)] = pair.map(read);
    return say`${OPERATIONS.get(node.op).term(a, b)}`;
  });
  const pieces = sumOf(written, graph.values[node.id][j], "v");
  return { pieces, marks: spots.flat() };
}

// An edge's share: its rule, and for one entry the sum of upstream times local.
function shareRule(graph, node, p, entry) {
  const operands = node.operands.map((k) => graph.nodes[k]);
  const [A, B] = operands.map(named);
  const { back } = OPERATIONS.get(node.op);
  const rule = say`${back[p](nabla(node), A, B, named(node), node.exponent)}`;
  if (node.op !== "@" && sizeOf(operands[p].shape) < sizeOf(node.shape)) {
    rule.push(", summed over the copies");
  }
  const [marks, terms] = [[], []];
  if (entry === undefined) return { rule, line: rule, marks };
  let stop = "";
  graph.eachLocal(node, (operand, k, j, local, read) => {
    if (operand !== p || k !== entry) return;
    if (node.op === "relu" && !local)
      stop = " (blocked: ReLU passes nothing back here)";
    marks.push({ kind: "g", id: node.id, entry: j });
    if (read) marks.push({ kind: "v", id: node.operands[read[0]], entry: read[1] });
    terms.push(
      say`${factor(graph.gradients[node.id][j], "g")} × ${factor(local, "v")}`,
    );
  });
  const share = graph.shares[node.id][p][entry];
  const sum = terms.length ? sumOf(terms, share, "g") : [number(0, "g")];
  return { rule, line: say`${rule} = ${sum}${stop}`, marks };
}

function gradientRule(graph, node, entry, at) {
  const start = say`${nabla(node)}${at} = `;
  if (!node.uses.length) {
    return {
      lines: [say`${start}∂${named(node)}/∂${named(node)} = ${number(1, "g")}`],
      marks: [],
    };
  }
  const rules = node.uses.map(([id, p]) => shareRule(graph, graph.nodes[id], p, entry));
  const marks = rules.flatMap((rule) => rule.marks);
  if (rules.length === 1) return { lines: [say`${start}${rules[0].line}`], marks };
  const lines = rules.map(
    ({ line }, k) => say`Share from ${named(graph.nodes[node.uses[k][0]])}: ${line}`,
  );
  if (entry === undefined) return { lines, marks };
  const shares = node.uses.map(([id, p]) => factor(graph.shares[id][p][entry], "g"));
  const total = graph.gradients[node.id][entry];
  return {
    lines: [...lines, say`${start}sum of the shares = ${sumOf(shares, total, "g")}`],
    marks,
  };
}

// All that is said of a spot: lines of pieces, and the spots that they speak of.
function explain(graph, spot, explorer) {
  const node = graph.nodes[spot.id];
  if (spot.kind === "e") return explainEdge(graph, spot, explorer);
  const size = sizeOf(node.shape);
  const entry = spot.entry ?? (size === 1 ? 0 : undefined);
  const at = size > 1 && entry !== undefined ? ` at ${placeOf(entry, node.shape)}` : "";
  const lines = [definition(graph, node)];
  const marks = [];
  const known = node.operands.length && explorer.shows({ kind: "v", id: node.id });
  if (spot.kind !== "g" && entry !== undefined && known) {
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
    } else if (spot.kind === "g") lines.push(say`Its gradient is not known yet.`);
  }
  if (entry === undefined) lines.push(say`Choose an entry to see its numbers.`);
  return { lines, marks };
}

function explainEdge(graph, spot, explorer) {
  const { operand } = spot;
  const node = graph.nodes[spot.id];
  const from = graph.nodes[node.operands[operand]];
  const lines = [say`${named(from)} is used in ${definition(graph, node)}`];
  if (!from.learns || !explorer.shows(spot)) return { lines, marks: [] };
  const entry = sizeOf(from.shape) === 1 ? 0 : undefined;
  const { line, marks } = shareRule(graph, node, operand, entry);
  lines.push(say`Share of ${nabla(from)}, upstream × local: ${line}`);
  return { lines, marks };
}

// The central difference in words, with the kink explained where the two differ.
function checkWords(graph, id, entry) {
  const { central, left, right, gradient, kinks } = graph.check(id, entry);
  const words = say`Check: central difference ${number(central, "v")}`;
  const scale = Math.max(1, Math.abs(gradient), Math.abs(central));
  if (Math.abs(central - gradient) <= 1e-4 * scale)
    return say`${words}, as the gradient.`;
  const other = say`${words}, not ${number(gradient, "g")}: `;
  if (!kinks.length) return say`${other}its step is too coarse here.`;
  const sides = [number(left, "v"), number(right, "v")];
  const slopes = say`${sides[0]} on the left, ${sides[1]} on the right`;
  const at = say`the input of ${named(kinks[0])} is at its kink`;
  const rule = "backpropagation takes ReLU’s derivative at 0 as 0";
  return say`${other}${at}. The slope is ${slopes}; ${rule}.`;
}

// A step, for a screen reader.
function stepInWords(graph, kind, id) {
  const node = graph.nodes[id];
  const [first, ...rest] = (kind === "v" ? graph.values : graph.gradients)[id];
  const what =
    kind === "v" ? plain(definition(graph, node)) : `the gradient of ${node.label}`;
  if (rest.length) return `${what} is an array of shape ${inWords(node.shape)}`;
  const shares = node.uses.map(([to, p]) => format(graph.shares[to][p]?.[0] ?? 0));
  const sum =
    kind === "g" && shares.length > 1
      ? `, the sum of the shares ${shares.join(" and ")}`
      : "";
  return `${what} is ${format(first)}${sum}`;
}

// What a spot shows, and what it is called.
function spotInWords(graph, spot, explorer) {
  const { kind, id, entry = 0, operand } = spot;
  const node = graph.nodes[id];
  if (kind === "n") {
    // What is seen is part of what is said, for those who say it to press it.
    const seen = titleOf(node).length ? `${node.label}${titleOf(node).join("")}: ` : "";
    return { label: seen + plain(definition(graph, node)), shown: true };
  }
  const from = kind === "e" ? graph.nodes[node.operands[operand]] : node;
  if (!from.learns && kind === "e")
    return { text: "", label: `${from.label} to ${node.label}` };
  const many = sizeOf(from.shape) > 1;
  const list = { v: graph.values, g: graph.gradients, e: graph.shares[id] };
  const x = list[kind][kind === "e" ? operand : id][entry];
  const shown = explorer.shows(spot);
  const rounded = format(x, many ? 3 : 4);
  const value = kind === "e" && many ? "an array" : rounded;
  const place = many && kind !== "e" ? `, ${placeOf(entry, from.shape)}` : "";
  const what = {
    v: "value",
    g: "gradient",
    e: `share of the gradient from ${node.label}`,
  }[kind];
  const label = `${from.label}${place}, ${what}: ${shown ? value : "not known yet"}`;
  if (kind === "e" && from.uses.length < 2) return { text: "", label, shown };
  const written = kind === "e" && many ? "∇" : rounded;
  const sign = kind === "v" || many ? "" : "∇ ";
  return { text: shown ? sign + written : "·", label, shown };
}
