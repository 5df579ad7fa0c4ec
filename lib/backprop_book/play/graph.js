// A graph with its values, its gradients, and the share that each edge carries.

const LIMITS = { nodes: 60, entries: 60, depth: 40, text: 2000, address: 4000 };
const STEP = 1e-5;

// A node with its shape and its wires to the nodes that it is computed from.
function wired(nodes, node) {
  const operands = node.operands ?? [];
  const shapes = operands.map((k) => nodes[k].shape);
  const found = node.data ? { shape: node.shape } : wire(node.op, shapes, node);
  if (sizeOf(found.shape) > LIMITS.entries) {
    throw new Problem(
      `expected at most ${LIMITS.entries} numbers in an array, got shape ` +
        inWords(found.shape),
    );
  }
  return { ...node, ...found, operands };
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
    const { shape } = this.nodes[this.root];
    if (sizeOf(shape) !== 1) {
      throw new Problem(
        `expected a single number as the result, got shape ${inWords(shape)}`,
      );
    }
    this.nameAll();
    this.update();
  }

  add(node) {
    const added = { ...wired(this.nodes, node), uses: [], id: this.nodes.length };
    added.operands.forEach((k, p) => this.nodes[k].uses.push([added.id, p]));
    added.learns =
      added.op === "leaf" || added.operands.some((k) => this.nodes[k].learns);
    this.nodes.push(added);
  }

  // What has no name is v1, v2, …, as the literature numbers intermediate values.
  nameAll() {
    const taken = new Set(this.nodes.map((node) => node.name));
    let number = 0;
    for (const node of this.nodes) {
      node.label = node.name;
      if (!node.name && node.op === "constant" && sizeOf(node.shape) === 1) {
        node.label = format(node.data[0]);
      }
      while (!node.label) {
        number += 1;
        if (!taken.has(`v${number}`)) node.label = `v${number}`;
      }
    }
  }

  get leaves() {
    return this.nodes.filter((node) => node.op === "leaf");
  }

  get loss() {
    return this.values[this.root][0];
  }

  update() {
    this.values = this.forward(this.nodes.map((node) => node.data));
    this.backward();
  }

  // Compute what comes after node `start`, and leave the other values as they are.
  forward(values, start = -1) {
    const out = [...values];
    for (const node of this.nodes.slice(start + 1)) {
      if (node.operands.length) {
        out[node.id] = computeValue(
          node,
          node.operands.map((k) => out[k]),
        );
      }
    }
    return out;
  }

  backward() {
    const zeros = (node) => Array(sizeOf(node.shape)).fill(0);
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

  eachLocal(node, visit) {
    eachLocal(
      node,
      node.operands.map((k) => this.values[k]),
      this.values[node.id],
      visit,
    );
  }

  // L where one entry of one node has another value, whatever it is computed from.
  lossWith(id, entry, value) {
    const values = [...this.values];
    values[id] = values[id].with(entry, value);
    return this.forward(values, id);
  }

  // The central difference beside a gradient, and the kinks of ReLU that are too near.
  check(id, entry) {
    const value = this.values[id][entry];
    const h = STEP * Math.max(1, Math.abs(value));
    const [low, high] = [value - h, value + h].map((v) => this.lossWith(id, entry, v));
    const loss = (values) => values[this.root][0];
    const active = (values, k, j) => values[k][j] > 0;
    const kinks = this.nodes.filter(
      (node) =>
        node.op === "relu" &&
        this.values[node.id].some(
          (_, j) =>
            active(low, node.operands[0], j) !== active(high, node.operands[0], j),
        ),
    );
    return {
      central: (loss(high) - loss(low)) / (2 * h),
      left: (this.loss - loss(low)) / h,
      right: (loss(high) - this.loss) / h,
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
  const rounded = small
    ? x.toExponential(digits - 2)
    : String(+x.toPrecision(digits) + 0);
  return rounded.replaceAll("-", "−").replace("e+", "e");
}
