// What the page writes about a node, an edge or an entry: its rule, with its numbers.

// Text in pieces: a piece is a string or {text, kind, spots}, where kind gives it its
// colour, and spots are the places on the page that show this number.
const piece = (text, kind, ...spots) => ({ text, kind, spots });
const say = (strings, ...pieces) =>
  strings.flatMap((text, k) => [text, pieces[k] ?? ""].flat()).filter(Boolean);
const plain = (pieces) => pieces.map((it) => it.text ?? it).join("");

const MOST_TERMS = 6;
const named = (node) => piece(node.label, "name");
const nabla = (node) => piece(`∇${node.label}`, "g");
const number = (x, kind, ...spots) => piece(format(x), kind, ...spots);
const factor = (x, ...more) =>
  x < 0 ? say`(${number(x, ...more)})` : [number(x, ...more)];
const nameAt = (node, entry) =>
  node.size > 1 ? `${node.label} at ${placeOf(entry, node.shape)}` : node.label;

// A spot is what can be looked at: {kind: "n", id} is a node, {kind: "v" or "g", id,
// entry} an entry of its value or gradient, {kind: "e", id, operand} an edge into it.
const keyOf = ({ kind, id, entry, operand }) =>
  [kind, id, entry ?? operand ?? 0].join(".");

// What a box has beside its name: the operation, and the shape of an array.
function titleOf({ op, operands, shape, exponent, axis }) {
  const power = `** ${format(exponent ?? 0)}`;
  const sum = axis ? `sum axis ${axis.join(", ")}` : "sum";
  const sign = { "*": "×", "-": "−", neg: "−", "**": power, sum }[op] ?? op;
  const title = operands.length ? [` ${sign}`] : [];
  return shape.length ? [...title, ` ${shape.join("×")}`] : title;
}

// An operation's words, with pieces in place of its capitals.
function fill(words, graph, node, entries = {}) {
  const [A, B] = node.operands.map((k) => named(graph.nodes[k]));
  const p = node.exponent ?? 0;
  const [P, Q] = [format(p), p === 2 ? "" : ` ** ${format(p - 1)}`];
  const given = { A, B, P, Q, Y: named(node), G: nabla(node), ...entries };
  return words.split(/([ABGPQY])/).flatMap((part) => given[part] ?? part);
}

function sumOf(terms, total, kind) {
  const [shown, rest] = [terms.slice(0, MOST_TERMS), terms.slice(MOST_TERMS)];
  const sum = shown.flatMap((term, k) => (k ? [" + ", ...term] : term));
  const spots = rest.flat().flatMap((it) => it.spots ?? []);
  const more = piece(` + … (${terms.length} terms)`, "more", ...spots);
  if (rest.length) sum.push(more);
  return say`${sum}${terms.length ? " = " : ""}${number(total, kind)}`;
}

function definition(graph, node) {
  const name = named(node);
  if (node.op === "leaf") return say`${name} is a leaf: its numbers can be changed`;
  if (node.op === "constant") return say`${name} is a constant`;
  const { term, whole = term } = OPERATIONS[node.op];
  return say`${name} = ${fill(whole, graph, node)}`;
}

// What a node is, and the numbers that an entry of its value is computed from.
function valueRule(graph, node, entry) {
  const line = definition(graph, node);
  if (!node.operands.length) return line;
  const { term } = OPERATIONS[node.op];
  const terms = node.terms.filter(([to]) => to === entry);
  const written = terms.map(([, ...entries]) => {
    const [A, B] = entries.map((from, p) => {
      const id = node.operands[p];
      const write = term.includes("(A)") ? number : factor;
      return write(graph.values[id][from], "v", { kind: "v", id, entry: from });
    });
    return fill(term, graph, node, { A, B });
  });
  const place = node.size > 1 ? `; at ${placeOf(entry, node.shape)}: ` : " = ";
  return say`${line}${place}${sumOf(written, graph.values[node.id][entry], "v")}`;
}

// What a use sends back: its rule, and for one entry the sum of upstream times local.
function shareRule(graph, [id, p], entry, start = []) {
  const node = graph.nodes[id];
  const line = say`Through ${definition(graph, node)}, upstream × local: ${start}`;
  line.push(...fill(OPERATIONS[node.op].back[p], graph, node));
  if (node.op !== "@" && graph.nodes[node.operands[p]].size < node.size) {
    line.push(", summed over the copies");
  }
  if (entry === undefined) return line;
  const terms = graph.termsOfShare(id, p, entry);
  const written = terms.map(({ upstream, local, j, read }) => {
    const from = factor(upstream, "g", { kind: "g", id, entry: j });
    return say`${from} × ${factor(local, "v", ...(read ? [read] : []))}`;
  });
  line.push(" = ", ...sumOf(written, graph.shares[id][p][entry], "g"));
  if (node.op === "relu" && !terms[0].local) {
    line.push(" (blocked: ReLU passes nothing back here)");
  }
  return line;
}

function gradientRule(graph, node, entry) {
  const { uses } = node;
  const place = node.size > 1 ? ` at ${placeOf(entry, node.shape)}` : "";
  const start = say`${nabla(node)}${place} = `;
  if (!uses.length) {
    const one = say`∂${named(node)}/∂${named(node)} = ${number(1, "g")}`;
    return [say`${start}${one}: here the backward pass begins`];
  }
  const one = uses.length === 1;
  const lines = uses.map((use) => shareRule(graph, use, entry, one ? start : []));
  if (!one) {
    const shares = uses.map(([id, operand]) => {
      const share = graph.shares[id][operand][entry];
      return factor(share, "g", { kind: "e", id, operand });
    });
    const sum = sumOf(shares, graph.gradients[node.id][entry], "g");
    lines.push(say`${start}sum of the shares = ${sum}`);
  }
  return lines;
}

// All that is said of a spot, in lines of pieces. Where no entry of an array is chosen,
// the first one is the example.
function explain(graph, spot, explorer) {
  if (spot.kind === "e") return [explainEdge(graph, spot, explorer)];
  const node = graph.nodes[spot.id];
  const { kind, entry = 0 } = spot;
  const lines = [];
  if (kind !== "g") {
    const known = explorer.shows({ kind: "v", id: node.id });
    lines.push(known ? valueRule(graph, node, entry) : definition(graph, node));
  }
  if (node.learns && (kind !== "v" || node.op === "leaf")) {
    if (explorer.shows({ kind: "g", id: node.id, entry })) {
      lines.push(...gradientRule(graph, node, entry));
      lines.push(checkWords(graph, node.id, entry));
    } else if (kind === "g") lines.push(["Its gradient is not known yet."]);
  }
  const more = node.size > 1 && node.op !== "constant";
  if (more && spot.entry === undefined) {
    const shut = node.op === "relu" ? " ReLU blocks those that are crossed out." : "";
    lines.push([`Choose another entry to see its numbers.${shut}`]);
  }
  return lines;
}

function explainEdge(graph, spot, explorer) {
  const { id, operand } = spot;
  const from = graph.nodes[graph.nodes[id].operands[operand]];
  if (!from.learns || !explorer.shows(spot)) {
    return say`${named(from)} is used in ${definition(graph, graph.nodes[id])}`;
  }
  return shareRule(graph, [id, operand], 0);
}

// The central difference in words, with the kink explained where the two differ.
function checkWords(graph, id, entry) {
  const { central, left, right, gradient, kinks } = graph.check(id, entry);
  // Rounding of the difference is not shown: beside a gradient of 0 it would puzzle.
  const words = say`Check: central difference ${number(+central.toFixed(9), "v")}`;
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

// A step, for a screen reader: what is written of it, without the check.
function stepInWords(graph, { kind, id }) {
  const node = graph.nodes[id];
  const forward = kind === "v";
  const lines = forward ? [valueRule(graph, node, 0)] : gradientRule(graph, node, 0);
  return lines.map(plain).join("; ").replaceAll("∇", "gradient of ");
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
  const list = kind === "v" ? graph.values : graph.gradients;
  const value = format(list[id][entry], node.size > 1 ? 3 : 4);
  const what = kind === "v" ? "value" : "gradient";
  const sign = kind === "v" || node.size > 1 ? "" : "∇ ";
  const rule = kind === "v" && node.op === "relu" && shown;
  const shut = rule && !(graph.values[node.operands[0]][entry] > 0);
  const start = `${nameAt(node, entry)}, ${what}: ${told(value)}`;
  const label = shut ? `${start}, blocked` : start;
  return { text: shown ? sign + value : "·", label, shown, shut };
}
