// The operations of engine.py. Each says how its value is computed, and its local
// derivatives: the backward pass and what the page explains both read them here.

// Text in pieces: a piece is a string or {text, kind}, where kind gives it its colour.
const say = (strings, ...pieces) =>
  strings
    .flatMap((string, k) => [string, pieces[k] ?? ""])
    .flat()
    .filter(Boolean);
const piece = (text, kind) => ({ text, kind });
const plain = (pieces) =>
  [pieces]
    .flat()
    .map((piece) => piece.text ?? piece)
    .join("");

// Each entry of a result is a sum of terms; most have one. A term is [j, a, b]: the
// result's entry, and the entry of each operand that it reads.
const termsOf = (entries, ...lists) =>
  entries.map((j, k) => [j, ...lists.map((list) => list[k])]);
const inOrder = (list) => list.map((_, j) => j);

const copy = { f: (a) => a, d: [() => 1], term: (A) => A };
const product = {
  f: (a, b) => a * b,
  d: [(a, b) => b, (a) => a],
  term: (A, B) => say`${A} × ${B}`,
  // The local derivative is an entry of the other operand.
  swaps: true,
};

// f: a term's value. d: its derivative with respect to each operand; a, b are the
// operands' entries, y the result's, p the exponent. term, forward (where it differs)
// and back: all three in words. wire: shape and terms, where they aren't broadcast.
const OPERATIONS = new Map(
  Object.entries({
    "+": {
      f: (a, b) => a + b,
      d: [() => 1, () => 1],
      term: (A, B) => say`${A} + ${B}`,
      back: [(G) => G, (G) => G],
    },
    "-": {
      f: (a, b) => a - b,
      d: [() => 1, () => -1],
      term: (A, B) => say`${A} − ${B}`,
      back: [(G) => G, (G) => say`−${G}`],
    },
    "*": {
      ...product,
      back: [(G, A, B) => say`${G} × ${B}`, (G, A) => say`${G} × ${A}`],
    },
    "/": {
      f: (a, b) => a / b,
      d: [(a, b) => 1 / b, (a, b, y) => -y / b],
      term: (A, B) => say`${A} / ${B}`,
      back: [(G, A, B) => say`${G} / ${B}`, (G, A, B, Y) => say`−${G} × ${Y} / ${B}`],
    },
    "**": {
      f: (a, b, p) => a ** p,
      // At p = 0 the formula gives 0 times infinity where a is 0.
      d: [(a, b, y, p) => (p ? p * a ** (p - 1) : 0)],
      term: (A, B) => say`${A} ** ${B}`,
      back: [
        (G, A, B, Y, p) =>
          say`${G} × ${String(p)} ${A}${p === 2 ? "" : ` ** ${p - 1}`}`,
      ],
    },
    neg: {
      f: (a) => -a,
      d: [() => -1],
      term: (A) => say`−${A}`,
      back: [(G) => say`−${G}`],
    },
    exp: {
      f: (a) => Math.exp(a),
      d: [(a, b, y) => y],
      term: (A) => say`exp(${A})`,
      back: [(G, A, B, Y) => say`${G} × ${Y}`],
    },
    log: {
      f: (a) => Math.log(a),
      d: [(a) => 1 / a],
      term: (A) => say`log(${A})`,
      back: [(G, A) => say`${G} / ${A}`],
    },
    tanh: {
      f: (a) => Math.tanh(a),
      d: [(a, b, y) => 1 - y ** 2],
      term: (A) => say`tanh(${A})`,
      back: [(G, A, B, Y) => say`${G} × (1 − ${Y}²)`],
    },
    relu: {
      f: (a) => Math.max(a, 0),
      d: [(a) => (a > 0 ? 1 : 0)],
      term: (A) => say`relu(${A})`,
      back: [(G, A) => say`${G} where ${A} > 0, else 0`],
    },
    "@": {
      ...product,
      forward: (A, B) => say`${A} @ ${B}`,
      back: [(G, A, B) => say`${G} @ ${B}ᵀ`, (G, A) => say`${A}ᵀ @ ${G}`],
      wire: ([a, b]) => wireProduct(a, b),
    },
    sum: {
      ...copy,
      forward: (A) => say`sum(${A})`,
      back: [(G) => say`${G}, copied to every entry that was added`],
      wire([before], { axis, keepdims }) {
        const summed = normalAxes(axis ?? inOrder(before), before.length);
        const kept = before.map((n, k) => (summed.includes(k) ? 1 : n));
        const to = offsets(before, broadcastStrides(kept, before.length));
        const shape = keepdims ? kept : kept.filter((_, k) => !summed.includes(k));
        return { shape, terms: termsOf(to, inOrder(to)) };
      },
    },
    "[]": {
      ...copy,
      forward: (A) => say`entries of ${A}`,
      back: [(G) => say`${G} where an entry was taken, else 0`],
      wire: (_, { shape, taken }) => ({ shape, terms: termsOf(inOrder(taken), taken) }),
    },
    reshape: {
      ...copy,
      forward: (A) => say`reshape(${A})`,
      back: [(G, A) => say`${G} in the shape of ${A}`],
      wire([before], { shape }) {
        if (sizeOf(before) !== sizeOf(shape)) {
          const words = `can't be reshaped to ${inWords(shape)}`;
          throw new Problem(`${inWords(before)} ${words}`);
        }
        const all = offsets([sizeOf(shape)], [1]);
        return { shape, terms: termsOf(all, all) };
      },
    },
    T: {
      ...copy,
      forward: (A) => say`${A}ᵀ`,
      back: [(G) => say`${G}ᵀ`],
      wire([before], { axes }) {
        const order = axes?.length ? axes : before.map((_, k) => -1 - k);
        if (order.length !== before.length) {
          throw new Problem(`expected ${before.length} axes, got ${order.length}`);
        }
        const normal = normalAxes(order, before.length);
        const shape = normal.map((k) => before[k]);
        const strides = stridesOf(before);
        const from = offsets(
          shape,
          normal.map((k) => strides[k]),
        );
        return { shape, terms: termsOf(inOrder(from), from) };
      },
    },
  }),
);

// Rows of the left array meet columns of the right one, in each block.
function wireProduct(a, b) {
  const A = a.length === 1 ? [1, ...a] : a;
  const B = b.length === 1 ? [...b, 1] : b;
  if (!a.length || !b.length || A.at(-1) !== B.at(-2)) {
    const expected = "expected as many columns left as rows right";
    throw new Problem(`${inWords(a)} @ ${inWords(b)}: ${expected}`);
  }
  const [rows, inner, columns] = [A.at(-2), A.at(-1), B.at(-1)];
  const blocks = broadcastShape(A.slice(0, -2), B.slice(0, -2));
  const stridesOfBlocks = (shape) =>
    broadcastStrides(shape.slice(0, -2), blocks.length).map(
      (stride) => stride * sizeOf(shape.slice(-2)),
    );
  const full = [...blocks, rows, columns, inner];
  const to = offsets(full, [...stridesOf([...blocks, rows, columns]), 0]);
  const left = offsets(full, [...stridesOfBlocks(A), inner, 0, 1]);
  const right = offsets(full, [...stridesOfBlocks(B), 0, 1, columns]);
  const row = a.length > 1 ? [rows] : [];
  const shape = [...blocks, ...row, ...(b.length > 1 ? [columns] : [])];
  return { shape, terms: termsOf(to, left, right) };
}

function wire(op, shapes, options) {
  const { wire: own } = OPERATIONS.get(op);
  if (own) return own(shapes, options);
  const shape = shapes.reduce(broadcastShape);
  const lists = shapes.map((s) => offsets(shape, broadcastStrides(s, shape.length)));
  return { shape, terms: termsOf(inOrder(lists[0]), ...lists) };
}

function computeValue(node, operands) {
  const { f } = OPERATIONS.get(node.op);
  const [left, right] = operands;
  const out = Array(sizeOf(node.shape)).fill(0);
  for (const [j, a, b] of node.terms) out[j] += f(left[a], right?.[b], node.exponent);
  return out;
}

// Visit every pair of an operand's entry and an entry of the result computed from it:
// visit(operand, entry, result's entry, local derivative, the entry it is read from).
function eachLocal(node, operands, values, visit) {
  const { d, swaps } = OPERATIONS.get(node.op);
  for (const [j, ...entries] of node.terms) {
    const [a, b] = entries.map((entry, p) => operands[p][entry]);
    entries.forEach((entry, p) => {
      const read = swaps && [1 - p, entries[1 - p]];
      visit(p, entry, j, d[p](a, b, values[j], node.exponent), read);
    });
  }
}
