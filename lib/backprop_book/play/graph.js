// A graph with its values, its gradients, and the share that each edge carries.

const LIMITS = { nodes: 60, entries: 60, depth: 40, text: 2000, address: 4000 };
const STEP = 1e-5;

// A node with its shape and its wires to the nodes that it is computed from.
function wired(nodes, node) {
  const { operands = [] } = node;
  const shapes = operands.map((k) => nodes[k].shape);
  const found = node.data ? {} : wire(node.op, shapes, node);
  const made = { ...node, ...found, operands };
  if (sizeOf(made.shape) > LIMITS.entries) {
    const expected = `expected at most ${LIMITS.entries} numbers in an array`;
    throw new Problem(`${expected}, got shape ${inWords(made.shape)}`);
  }
  return made;
}

class Graph {
  // Nodes come after what they are computed from; the last one is L, a single number.
  // A node is {op, name, operands, shape} and what its operation was told; leaves and
  // constants, whose op is "leaf" or "constant", bring their data.
  constructor(nodes) {
    if (nodes.length > LIMITS.nodes) {
      throw new Problem(`expected at most ${LIMITS.nodes} nodes, got ${nodes.length}`);
    }
    this.nodes = [];
    for (const node of nodes) this.add(node);
    this.root = this.nodes.length - 1;
    const { shape, size } = this.nodes[this.root];
    if (size !== 1) {
      const expected = "expected a single number as the result, such as its .sum()";
      throw new Problem(`${expected}, got shape ${inWords(shape)}`);
    }
    this.nameAll();
    this.update();
  }

  add(node) {
    const added = { ...wired(this.nodes, node), uses: [], id: this.nodes.length };
    added.size = sizeOf(added.shape);
    const operands = added.operands.map((k) => this.nodes[k]);
    operands.forEach(({ uses }, p) => uses.push([added.id, p]));
    added.learns = added.op === "leaf" || operands.some(({ learns }) => learns);
    this.nodes.push(added);
  }

  // What has no name is v1, v2, …, as the literature numbers intermediate values.
  nameAll() {
    const taken = new Set(this.nodes.map(({ name }) => name));
    let number = 1;
    for (const node of this.nodes) {
      while (taken.has(`v${number}`)) number += 1;
      const bare = node.op === "constant" && node.size === 1;
      node.label = node.name || (bare ? format(node.data[0]) : `v${number++}`);
    }
  }

  get leaves() {
    return this.nodes.filter((node) => node.op === "leaf");
  }

  get loss() {
    return this.values[this.root][0];
  }

  // Put numbers into leaves, all or none: a link may bring what doesn't fit.
  setLeaves(leaves) {
    for (const [id, data] of leaves) {
      const leaf = this.nodes[id];
      if (leaf?.op !== "leaf" || leaf.data.length !== data.length) {
        throw new Problem(`the numbers for ${leaf?.label ?? "a leaf"} don't fit`);
      }
    }
    for (const [id, data] of leaves) this.nodes[id].data = data;
    this.update();
  }

  update() {
    this.values = this.forward(this.nodes.map((node) => node.data));
    this.backward();
  }

  // Compute what comes after node `start`, and leave the other values as they are.
  forward(values, start = -1) {
    const out = [...values];
    for (const node of this.nodes.slice(start + 1)) {
      const operands = node.operands.map((k) => out[k]);
      if (operands.length) out[node.id] = computeValue(node, operands);
    }
    return out;
  }

  backward() {
    const zeros = ({ size }) => Array(size).fill(0);
    this.gradients = this.nodes.map((node) => (node.learns ? zeros(node) : null));
    this.shares = this.nodes.map((node) => node.operands.map(() => null));
    if (this.gradients[this.root]) this.gradients[this.root][0] = 1;
    for (const node of [...this.nodes].reverse()) {
      if (!node.learns || !node.operands.length) continue;
      const G = this.gradients[node.id];
      const parents = node.operands.map((k) => this.nodes[k]);
      const shares = parents.map(zeros);
      this.eachLocal(node, (p, entry, j, local) => {
        // Selected, not multiplied, as in the engine: infinity times 0 would be NaN.
        if (node.op !== "relu" || local) shares[p][entry] += G[j] * local;
      });
      parents.forEach((parent, p) => {
        if (!parent.learns) return;
        this.shares[node.id][p] = shares[p];
        shares[p].forEach((share, k) => (this.gradients[parent.id][k] += share));
      });
    }
  }

  // Visit each pair of an operand's entry and an entry of the result computed from it:
  // visit(operand, entry, result's entry, local derivative, where that is read).
  eachLocal({ id, op, operands, terms, exponent }, visit) {
    const { d, swaps } = OPERATIONS[op];
    for (const [j, ...entries] of terms) {
      const [a, b] = entries.map((entry, p) => this.values[operands[p]][entry]);
      entries.forEach((entry, p) => {
        const other = { kind: "v", id: operands[1 - p], entry: entries[1 - p] };
        const local = d[p](a, b, this.values[id][j], exponent);
        visit(p, entry, j, local, swaps && other);
      });
    }
  }

  // The upstream gradient and the local derivative of each term of an edge's share.
  termsOfShare(id, operand, entry) {
    const found = [];
    this.eachLocal(this.nodes[id], (p, k, j, local, read) => {
      if (p !== operand || k !== entry) return;
      found.push({ upstream: this.gradients[id][j], local, read, j });
    });
    return found;
  }

  // The central difference beside a gradient, and the kinks of ReLU that are too near.
  check(id, entry) {
    const value = this.values[id][entry];
    const h = STEP * Math.max(1, Math.abs(value));
    const [low, high] = [value - h, value + h].map((moved) => {
      const values = this.values.with(id, this.values[id].with(entry, moved));
      return this.forward(values, id);
    });
    const [before, after] = [low[this.root][0], high[this.root][0]];
    const kinks = this.nodes.filter(
      ({ op, operands: [k] }) =>
        op === "relu" && low[k].some((x, j) => x > 0 !== high[k][j] > 0),
    );
    return {
      central: (after - before) / (2 * h),
      left: (this.loss - before) / h,
      right: (after - this.loss) / h,
      gradient: this.gradients[id][entry],
      kinks,
    };
  }
}

// A number as the book writes it: four digits, a proper minus, no minus before a zero.
function format(x, digits = 4) {
  if (Number.isNaN(x)) return "NaN";
  if (!Number.isFinite(x)) return x > 0 ? "∞" : "−∞";
  const size = Math.abs(x);
  const small = size && (size < 1e-3 || size >= 1e6);
  const rounded = small ? x.toExponential(digits - 2) : `${+x.toPrecision(digits) + 0}`;
  return rounded.replaceAll("-", "−").replace("e+", "e");
}
