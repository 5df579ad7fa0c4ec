// The operations of engine.py. Each says how its value is computed, and its local
// derivatives: the backward pass and what the page explains both read them here.

// Each entry of a result is a sum of terms; most have one. A term is [j, a, b]: the
// result's entry, and the entry of each operand that it reads.
const termsOf = (entries, ...lists) =>
  entries.map((j, k) => [j, ...lists.map((list) => list[k])]);
const inOrder = (list) => list.map((_, j) => j);

const copy = { f: (a) => a, d: [() => 1], term: "A" };
const product = {
  f: (a, b) => a * b,
  d: [(a, b) => b, (a) => a],
  term: "A × B",
  // The local derivative is an entry of the other operand.
  swaps: true,
};

// f: a term's value. d: its derivative with respect to each operand; a, b are the
// operands' entries, y the result's, p the exponent. The same in words, where capitals
// stand for these, G for the result's gradient and Q for the power that is left: term,
// whole (where it reads otherwise) and back. wire: shape and terms, where they aren't
// broadcast.
const OPERATIONS = {
  "+": {
    f: (a, b) => a + b,
    d: [() => 1, () => 1],
    term: "A + B",
    back: ["G", "G"],
  },
  "-": {
    f: (a, b) => a - b,
    d: [() => 1, () => -1],
    term: "A − B",
    back: ["G", "−G"],
  },
  "*": { ...product, back: ["G × B", "G × A"] },
  "/": {
    f: (a, b) => a / b,
    d: [(a, b) => 1 / b, (a, b, y) => -y / b],
    term: "A / B",
    back: ["G / B", "−G × Y / B"],
  },
  "**": {
    f: (a, b, p) => a ** p,
    // At p = 0 the formula gives 0 times infinity where a is 0.
    d: [(a, b, y, p) => (p ? p * a ** (p - 1) : 0)],
    term: "A ** P",
    back: ["G × P AQ"],
  },
  neg: { f: (a) => -a, d: [() => -1], term: "−A", back: ["−G"] },
  exp: { f: Math.exp, d: [(a, b, y) => y], term: "exp(A)", back: ["G × Y"] },
  log: { f: Math.log, d: [(a) => 1 / a], term: "log(A)", back: ["G / A"] },
  tanh: {
    f: Math.tanh,
    d: [(a, b, y) => 1 - y ** 2],
    term: "tanh(A)",
    back: ["G × (1 − Y²)"],
  },
  relu: {
    f: (a) => Math.max(a, 0),
    d: [(a) => (a > 0 ? 1 : 0)],
    term: "relu(A)",
    back: ["G × 1[A > 0]"],
  },
  "@": {
    ...product,
    whole: "A @ B",
    back: ["G @ Bᵀ", "Aᵀ @ G"],
    wire: ([a, b]) => wireProduct(a, b),
  },
  sum: {
    ...copy,
    whole: "sum(A)",
    back: ["G, copied to every entry that was added"],
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
    whole: "entries of A",
    back: ["G, put back where its entries were taken"],
    wire: (_, { shape, taken }) => ({ shape, terms: termsOf(inOrder(taken), taken) }),
  },
  reshape: {
    ...copy,
    whole: "reshape(A)",
    back: ["G in the shape of A"],
    wire([before], { shape }) {
      const all = offsets([sizeOf(shape)], [1]);
      return { shape, terms: termsOf(all, all) };
    },
  },
  T: {
    ...copy,
    whole: "Aᵀ",
    back: ["Gᵀ"],
    wire([before], { axes }) {
      const order = axes?.length ? axes : before.map((_, k) => -1 - k);
      const normal = normalAxes(order, before.length);
      const [shape, strides] = [before, stridesOf(before)].map((list) =>
        normal.map((k) => list[k]),
      );
      const from = offsets(shape, strides);
      return { shape, terms: termsOf(inOrder(from), from) };
    },
  },
};

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
  const { wire: own } = OPERATIONS[op];
  if (own) return own(shapes, options);
  const shape = shapes.reduce(broadcastShape);
  const lists = shapes.map((s) => offsets(shape, broadcastStrides(s, shape.length)));
  return { shape, terms: termsOf(inOrder(lists[0]), ...lists) };
}

function computeValue({ op, shape, terms, exponent }, [left, right]) {
  const { f } = OPERATIONS[op];
  const out = Array(sizeOf(shape)).fill(0);
  for (const [j, a, b] of terms) out[j] += f(left[a], right?.[b], exponent);
  return out;
}
