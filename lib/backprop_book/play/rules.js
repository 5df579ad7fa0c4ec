// What the page writes about a node, an edge or an entry: its rule, with its numbers.

const MOST_TERMS = 6;
const named = (node) => ({ text: node.label, kind: "name" });
const nabla = (node) => ({ text: `∇${node.label}`, kind: "g" });
const number = (x, kind) => ({ text: format(x), kind });
const factor = (x, kind) => (x < 0 ? say`(${number(x, kind)})` : [number(x, kind)]);

// A spot is what can be looked at: {kind: "n", id} is a node, {kind: "v" or "g", id,
// entry} an entry of its value or gradient, {kind: "e", id, operand} an edge into it.
const keyOf = ({ kind, id, entry, operand }) => [kind, id, entry ?? operand ?? 0].join(".");

function sumOf(terms, total, kind) {
  const shown = terms.slice(0, MOST_TERMS);
  const sum = shown.flatMap((term, k) => (k ? [" + ", ...term] : term));
  const more = terms.length > MOST_TERMS ? ` + … (${terms.length} terms)` : "";
  return say`${sum}${more} = ${number(total, kind)}`;
}

function definition(graph, node) {
  if (!node.operands.length) {
    const what = node.op === "leaf" ? "a leaf: its numbers can be changed" : "a constant";
    return say`${named(node)} is ${what}.`;
  }
  const operands = node.operands.map((k) => named(graph.nodes[k]));
  const [A, B = format(node.exponent ?? 0)] = operands;
  return say`${named(node)} = ${OPERATIONS.get(node.op).forward(A, B)}`;
}

// The numbers that an entry of a value is computed from, and where they are.
function valueRule(graph, node, j) {
  const y = graph.values[node.id][j];
  const from = (p, entry) => ({ kind: "v", id: node.operands[p], entry });
  const read = (spot) => graph.values[spot.id][spot.entry];
  if (node.terms) {
    const pairs = node.terms.filter(([out]) => out === j).map(([, a, b]) => [from(0, a), from(1, b)]);
    const products = pairs.map(([a, b]) => say`${factor(read(a), "v")} × ${factor(read(b), "v")}`);
    return { pieces: sumOf(products, y, "v"), marks: pairs.flat() };
  }
  if (node.to) {
    const marks = node.to.flatMap((out, entry) => (out === j ? [from(0, entry)] : []));
    return { pieces: sumOf(marks.map((spot) => factor(read(spot), "v")), y, "v"), marks };
  }
  const marks = node.from.map((entries, p) => from(p, entries[j]));
  const [a, b = [format(node.exponent ?? 0)]] = marks.map((spot) => factor(read(spot), "v"));
  const { forward } = OPERATIONS.get(node.op);
  const shown = Object.hasOwn(ELEMENTWISE, node.op) ? forward(a, b) : a;
  return { pieces: say`${shown} = ${number(y, "v")}`, marks };
}

// One edge: the rule for its share in general, and for one entry upstream times local.
function shareRule(graph, node, p, entry) {
  const operands = node.operands.map((k) => graph.nodes[k]);
  const [A, B] = operands.map(named);
  const G = nabla(node);
  const rule = OPERATIONS.get(node.op).back[p](G, A, B, named(node), node.exponent);
  const share = graph.shares[node.id][p];
  const pieces = say`${[rule].flat()}`;
  if (sizeOf(operands[p].shape) < sizeOf(node.shape) && !node.terms) {
    pieces.push(", summed over the copies");
  }
  const marks = [];
  if (entry === undefined) return { rule: pieces, marks };
  const terms = [];
  let blocked = false;
  graph.eachLocal(node, (operand, k, j, local, read) => {
    if (operand !== p || k !== entry) return;
    blocked ||= node.op === "relu" && !local;
    marks.push({ kind: "g", id: node.id, entry: j });
    if (read) marks.push({ kind: "v", id: node.operands[read[0]], entry: read[1] });
    terms.push(say`${factor(graph.gradients[node.id][j], "g")} × ${factor(local, "v")}`);
  });
  const sum = terms.length ? sumOf(terms, share[entry], "g") : say`${number(0, "g")}`;
  return { rule: pieces, sum, marks, blocked };
}

// All that is said of a spot: lines of pieces, and the spots that they speak of.
function explain(graph, spot, shows) {
  const node = graph.nodes[spot.id];
  const lines = [];
  const marks = [];
  if (spot.kind === "e") {
    const from = graph.nodes[node.operands[spot.operand]];
    const only = sizeOf(from.shape) === 1 ? 0 : undefined;
    lines.push(say`${named(from)} is used in ${definition(graph, node)}.`);
    if (from.learns && shows("g", node.id)) {
      const { rule, sum } = shareRule(graph, node, spot.operand, only);
      lines.push(say`Share of ${nabla(from)}, upstream × local: ${rule}${sum ? say` = ${sum}` : ""}`);
    }
    return { lines, marks };
  }
  const size = sizeOf(node.shape);
  const entry = spot.kind !== "n" ? spot.entry : size === 1 ? 0 : undefined;
  const at = size > 1 && entry !== undefined ? ` at ${placeOf(entry, node.shape)}` : "";
  const first = definition(graph, node);
  if (spot.kind !== "g" && node.operands.length && entry !== undefined && shows("v", node.id)) {
    const { pieces, marks: read } = valueRule(graph, node, entry);
    first.push(...(at ? say`,${at}: ` : [" = "]), ...pieces);
    if (spot.kind === "v") marks.push(...read);
  }
  lines.push(first);
  const both = spot.kind !== "v" || node.op === "leaf";
  if (both && node.learns && shows("g", node.id)) {
    lines.push(...gradientRule(graph, node, entry, at, marks));
  } else if (spot.kind === "g") lines.push(say`Its gradient is not known yet.`);
  if (entry === undefined) lines.push(say`Choose an entry to see its numbers.`);
  return { lines, marks };
}

function gradientRule(graph, node, entry, at, marks) {
  const title = say`${nabla(node)}${at}`;
  if (!node.uses.length) return [say`${title} = ∂${named(node)}/∂${named(node)} = ${number(1, "g")}`];
  const several = node.uses.length > 1;
  const lines = node.uses.map(([id, p]) => {
    const user = graph.nodes[id];
    const { rule, sum, blocked, marks: read } = shareRule(graph, user, p, entry);
    marks.push(...read);
    const start = several ? say`Share from ${named(user)}: ` : say`${title} = `;
    const stop = blocked ? " (blocked: ReLU passes nothing back here)" : "";
    return say`${start}${rule}${sum ? say` = ${sum}` : ""}${stop}`;
  });
  if (several && entry !== undefined) {
    const shares = node.uses.map(([id, p]) => factor(graph.shares[id][p][entry], "g"));
    const total = graph.gradients[node.id][entry];
    lines.push(say`${title} = sum of the shares = ${sumOf(shares, total, "g")}`);
  }
  return lines;
}

// The central difference in words, with the kink explained where the two differ.
function checkWords(graph, id, entry) {
  const { central, left, right, gradient, kinks } = graph.check(id, entry);
  const words = say`Check: central difference ${number(central, "v")}`;
  const scale = Math.max(1, Math.abs(gradient), Math.abs(central));
  if (Math.abs(central - gradient) <= 1e-4 * scale) return say`${words}, as the gradient.`;
  if (!kinks.length) return say`${words}, not the gradient: the step is too coarse here.`;
  return say`${words}, not the gradient ${number(gradient, "g")}: there is a kink. The input
    of ${named(kinks[0])} is 0 or as near as the step, so the slope is ${number(left, "v")} on the
    left and ${number(right, "v")} on the right. Backpropagation takes ReLU’s derivative at 0
    as 0.`;
}
