// The operations of engine.py. Each says how its value is computed, and its local
// derivatives: the backward pass and what the page explains both read them here.

// Text in pieces: a piece is a string or {text, kind}, where kind gives it its colour.
const say = (strings, ...pieces) =>
  strings
    .flatMap((string, k) => [string, pieces[k] ?? ""])
    .flat()
    .filter(Boolean);
const plain = (pieces) =>
  [pieces]
    .flat()
    .map((piece) => piece.text ?? piece)
    .join("");

// f: the value. d: the local derivative with respect to each operand; a, b are the
// operands' entries, y the result's, p the exponent. forward, back: both in words.
const ELEMENTWISE = {
  "+": {
    f: (a, b) => a + b,
    d: [() => 1, () => 1],
    forward: (A, B) => say`${A} + ${B}`,
    back: [(G) => G, (G) => G],
  },
  "-": {
    f: (a, b) => a - b,
    d: [() => 1, () => -1],
    forward: (A, B) => say`${A} − ${B}`,
    back: [(G) => G, (G) => say`−${G}`],
  },
  "*": {
    f: (a, b) => a * b,
    d: [(a, b) => b, (a) => a],
    forward: (A, B) => say`${A} × ${B}`,
    back: [(G, A, B) => say`${G} × ${B}`, (G, A) => say`${G} × ${A}`],
  },
  "/": {
    f: (a, b) => a / b,
    d: [(a, b) => 1 / b, (a, b, y) => -y / b],
    forward: (A, B) => say`${A} / ${B}`,
    back: [(G, A, B) => say`${G} / ${B}`, (G, A, B, Y) => say`−${G} × ${Y} / ${B}`],
  },
  "**": {
    f: (a, b, p) => a ** p,
    // At p = 0 the formula gives 0 times infinity where a is 0.
    d: [(a, b, y, p) => (p ? p * a ** (p - 1) : 0)],
    forward: (A, B) => say`${A} ** ${B}`,
    back: [
      (G, A, B, Y, p) =>
        p === 2
          ? say`${G} × 2 ${A}`
          : say`${G} × ${String(p)} ${A} ** ${String(p - 1)}`,
    ],
  },
  neg: {
    f: (a) => -a,
    d: [() => -1],
    forward: (A) => say`−${A}`,
    back: [(G) => say`−${G}`],
  },
  exp: {
    f: (a) => Math.exp(a),
    d: [(a, b, y) => y],
    forward: (A) => say`exp(${A})`,
    back: [(G, A, B, Y) => say`${G} × ${Y}`],
  },
  log: {
    f: (a) => Math.log(a),
    d: [(a) => 1 / a],
    forward: (A) => say`log(${A})`,
    back: [(G, A) => say`${G} / ${A}`],
  },
  tanh: {
    f: (a) => Math.tanh(a),
    d: [(a, b, y) => 1 - y ** 2],
    forward: (A) => say`tanh(${A})`,
    back: [(G, A, B, Y) => say`${G} × (1 − ${Y}²)`],
  },
  relu: {
    f: (a) => Math.max(a, 0),
    d: [(a) => (a > 0 ? 1 : 0)],
    forward: (A) => say`relu(${A})`,
    back: [(G, A) => say`${G} where ${A} > 0, else 0`],
  },
};

const OTHERS = {
  "@": {
    forward: (A, B) => say`${A} @ ${B}`,
    back: [(G, A, B) => say`${G} @ ${B}ᵀ`, (G, A) => say`${A}ᵀ @ ${G}`],
  },
  sum: {
    forward: (A) => say`sum(${A})`,
    back: [(G) => say`${G}, copied to every entry that was added`],
  },
  "[]": {
    forward: (A) => say`entries of ${A}`,
    back: [(G) => say`${G} where an entry was taken, else 0`],
  },
  reshape: {
    forward: (A) => say`reshape(${A})`,
    back: [(G, A) => say`${G} in the shape of ${A}`],
  },
  T: { forward: (A) => say`${A}ᵀ`, back: [(G) => say`${G}ᵀ`] },
};
const OPERATIONS = new Map(Object.entries({ ...ELEMENTWISE, ...OTHERS }));

// The shape of a result, and for each of its entries which entries it is computed from:
// `from[p][j]` is the entry of operand p in entry j; the other way round for a sum.
const WIRES = {
  "@": ([a, b]) => {
    const A = a.length === 1 ? [1, ...a] : a;
    const B = b.length === 1 ? [...b, 1] : b;
    if (!a.length || !b.length || A.at(-1) !== B.at(-2)) {
      throw new Problem(
        `${inWords(a)} @ ${inWords(b)}: expected as many columns left as rows ` +
          "right",
      );
    }
    const full = [
      ...broadcastShape(A.slice(0, -2), B.slice(0, -2)),
      A.at(-2),
      B.at(-1),
    ];
    const batch = (shape) =>
      broadcastStrides(shape.slice(0, -2), full.length - 2).map(
        (stride) => stride * sizeOf(shape.slice(-2)),
      );
    const rows = offsets(full, [...batch(A), A.at(-1), 0]);
    const columns = offsets(full, [...batch(B), 0, 1]);
    const shape = full.filter(
      (_, axis) =>
        !(a.length === 1 && axis === full.length - 2) &&
        !(b.length === 1 && axis === full.length - 1),
    );
    const terms = rows.flatMap((row, j) =>
      Array.from({ length: A.at(-1) }, (_, k) => [
        j,
        row + k,
        columns[j] + k * B.at(-1),
      ]),
    );
    return { shape, terms };
  },
  sum: ([shape], { axis, keepdims }) => {
    const summed = normalAxes(axis ?? shape.map((_, k) => k), shape.length);
    const kept = shape.map((n, k) => (summed.includes(k) ? 1 : n));
    const to = offsets(shape, broadcastStrides(kept, shape.length));
    return { shape: keepdims ? kept : kept.filter((_, k) => !summed.includes(k)), to };
  },
  "[]": (_, { shape, taken }) => ({ shape, from: [taken] }),
  reshape: ([before], { shape }) => {
    if (sizeOf(before) !== sizeOf(shape)) {
      throw new Problem(`${inWords(before)} can't be reshaped to ${inWords(shape)}`);
    }
    return { shape, from: [offsets([sizeOf(shape)], [1])] };
  },
  T: ([before], { axes }) => {
    const order = axes?.length ? axes : before.map((_, k) => -1 - k);
    if (order.length !== before.length) {
      throw new Problem(`expected ${before.length} axes, got ${order.length}`);
    }
    const normal = normalAxes(order, before.length);
    const strides = stridesOf(before);
    const shape = normal.map((k) => before[k]);
    return {
      shape,
      from: [
        offsets(
          shape,
          normal.map((k) => strides[k]),
        ),
      ],
    };
  },
};

function wire(op, shapes, options) {
  if (WIRES[op]) return WIRES[op](shapes, options);
  const shape = shapes.length === 2 ? broadcastShape(...shapes) : shapes[0];
  const from = shapes.map((s) => offsets(shape, broadcastStrides(s, shape.length)));
  return { shape, from };
}

function computeValue(node, operands) {
  const out = Array(sizeOf(node.shape)).fill(0);
  const [a, b] = operands;
  if (node.terms) {
    for (const [j, left, right] of node.terms) out[j] += a[left] * b[right];
  } else if (node.to) {
    node.to.forEach((j, entry) => (out[j] += a[entry]));
  } else {
    const f = ELEMENTWISE[node.op]?.f ?? ((x) => x);
    const [from, other] = node.from;
    for (let j = 0; j < out.length; j++) {
      out[j] = f(a[from[j]], other && b[other[j]], node.exponent);
    }
  }
  return out;
}

// Visit every pair of an operand's entry and an entry of the result computed from it:
// visit(operand, entry, result's entry, local derivative, the entry it is read from).
function eachLocal(node, operands, values, visit) {
  const [a, b] = operands;
  if (node.terms) {
    for (const [j, left, right] of node.terms) {
      visit(0, left, j, b[right], [1, right]);
      visit(1, right, j, a[left], [0, left]);
    }
  } else if (node.to) {
    node.to.forEach((j, entry) => visit(0, entry, j, 1));
  } else {
    const d = ELEMENTWISE[node.op]?.d ?? [() => 1];
    const [from, other] = node.from;
    values.forEach((y, j) => {
      const x = other && b[other[j]];
      node.from.forEach((source, p) => {
        const read = node.op === "*" ? [1 - p, node.from[1 - p][j]] : undefined;
        visit(p, source[j], j, d[p](a[from[j]], x, y, node.exponent), read);
      });
    });
  }
}
