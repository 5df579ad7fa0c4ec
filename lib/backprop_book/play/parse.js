// Read what a reader typed, in Python's notation, into the nodes of a graph.
//
//   x = [[1, 2], [3, 4]]          a leaf, which the reader can move
//   h = relu(x @ w + 1)           a name for an intermediate value
//   (h * h).sum()                 the last line is the result
//
// Nothing is evaluated: tokens become nodes, one function for each level of precedence.

const NUMBER = /((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)/;
const NAME = /([A-Za-z_]\w*)/;
const SIGN = /(\*\*|[-+*\/@()[\],.=;])/;
const PARTS = [NUMBER, NAME, SIGN].map((part) => part.source).join("|");
const TOKEN = new RegExp(`\\s*(?:${PARTS})`, "y");
const FIRST_VALUES = [2, -1, 3, 0.5, -2, 1.5];
const FUNCTIONS = ["exp", "log", "tanh", "relu", "sum", "mean"];
const STARTS = 'a number, a name, "(" or "["';
const quote = (text) => (text.length > 20 ? `"${text.slice(0, 20)}…"` : `"${text}"`);

function tokenize(text) {
  if (text.length > LIMITS.text) {
    throw new Problem(
      `expected at most ${LIMITS.text} characters, got ${text.length}`,
      0,
    );
  }
  // A new line ends a statement, and so is a token; other blanks only separate.
  const source = text
    .replace(/\r(?!\n)/g, "\n")
    .replace(/\n/g, ";")
    .replace(/\s/g, " ");
  const tokens = [];
  TOKEN.lastIndex = 0;
  while (source.slice(TOKEN.lastIndex).trim()) {
    const from = TOKEN.lastIndex;
    const match = TOKEN.exec(source);
    const at = from + source.slice(from).search(/\S/);
    if (!match) {
      const [character] = source.slice(at, at + 2);
      const hint = character === "^" ? ": a power is written **" : "";
      throw new Problem(`unexpected character ${quote(character)}${hint}`, at);
    }
    const [, number, name, sign] = match;
    const kind = number ? "number" : name ? "name" : sign;
    tokens.push({ kind, text: number ?? name ?? sign, at });
  }
  return [...tokens, { kind: "end", text: "", at: text.length }];
}

class Parser {
  constructor(text) {
    this.tokens = tokenize(text);
    this.place = 0;
    this.depth = 0;
    this.nodes = [];
    this.names = new Map();
  }

  get token() {
    return this.tokens[this.place];
  }

  fail(expected, token = this.token) {
    const end = { end: "the end", ";": "the end of the line" };
    const got = end[token.kind] ?? quote(token.text);
    throw new Problem(`expected ${expected}, got ${got}`, token.at);
  }

  takes(kind) {
    if (this.token.kind !== kind) return null;
    this.place += 1;
    return this.tokens[this.place - 1];
  }

  expect(kind, words = `"${kind}"`) {
    return this.takes(kind) ?? this.fail(words);
  }

  // An operation that doesn't fit its operands is answered with its place.
  make(node, at) {
    if (this.nodes.length >= 4 * LIMITS.nodes) {
      this.fail(`at most ${LIMITS.nodes} operations`);
    }
    let made;
    try {
      made = wired(this.nodes, node);
    } catch (error) {
      if (error instanceof Problem) error.at ??= at;
      throw error;
    }
    const operands = made.operands.map((k) => this.nodes[k]);
    if (operands.length && operands.every((o) => o.op === "constant")) {
      // As in Python, what is computed from constants is a constant.
      const data = computeValue(
        made,
        operands.map((o) => o.data),
      );
      made = { op: "constant", shape: made.shape, data, operands: [] };
    }
    return this.nodes.push(made) - 1;
  }

  constant(shape, data, at) {
    return this.make({ op: "constant", shape, data }, at);
  }

  program() {
    let last = null;
    while (this.token.kind !== "end") {
      if (this.takes(";")) continue;
      last = this.statement();
      if (this.token.kind !== "end") {
        this.expect(";", "an operator or the end of the line");
      }
    }
    if (last === null) this.fail(STARTS);
    return last;
  }

  statement() {
    const [name, equals] = this.tokens.slice(this.place, this.place + 2);
    if (name.kind !== "name" || equals.kind !== "=") return this.sum();
    if (this.names.has(name.text)) this.fail("a name that isn't taken yet");
    this.place += 2;
    const value = this.sum();
    const node = this.nodes[value];
    if (node.op === "constant") {
      node.op = "leaf";
      node.data.forEach(
        (x) => Number.isFinite(x) || this.fail("finite numbers", equals),
      );
    }
    // A second name for the same value would hide the first.
    if (!node.name) node.name = name.text;
    return this.remember(name, value);
  }

  nested(read) {
    this.depth += 1;
    if (this.depth > LIMITS.depth)
      this.fail(`at most ${LIMITS.depth} levels of nesting`);
    const out = read.call(this);
    this.depth -= 1;
    return out;
  }

  chain(kinds, next) {
    let left = next.call(this);
    while (kinds.includes(this.token.kind)) {
      const { kind, at } = this.takes(this.token.kind);
      const operands = [left, next.call(this)];
      left = this.make({ op: kind, operands }, at);
    }
    return left;
  }

  sum() {
    return this.nested(() => this.chain(["+", "-"], this.product));
  }

  product() {
    return this.chain(["*", "/", "@"], this.signed);
  }

  signed() {
    const minus = this.takes("-");
    if (!minus) return this.power();
    return this.make({ op: "neg", operands: [this.nested(this.signed)] }, minus.at);
  }

  power() {
    const base = this.suffixed();
    const sign = this.takes("**");
    if (!sign) return base;
    const { op, data } = this.nodes[this.nested(this.signed)];
    if (op !== "constant" || data.length !== 1) {
      throw new Problem('expected a number as the exponent after "**"', sign.at + 2);
    }
    return this.make({ op: "**", operands: [base], exponent: data[0] }, sign.at);
  }

  // Methods, and the transpose.
  suffixed() {
    let value = this.atom();
    while (this.takes(".")) {
      const name = this.expect("name", 'a method such as "sum"');
      if (name.text === "T") value = this.make({ op: "T", operands: [value] }, name.at);
      else {
        this.expect("(");
        value = this.call(name, value);
      }
    }
    return value;
  }

  atom() {
    if (this.token.kind === "number") {
      const { at } = this.token;
      return this.make({ op: "constant", shape: [], data: [this.number()] }, at);
    }
    if (this.takes("(")) {
      const value = this.sum();
      this.expect(")", 'an operator or ")"');
      return value;
    }
    if (this.token.kind === "[") {
      const { at } = this.token;
      return this.make({ op: "constant", ...this.literal(1) }, at);
    }
    const name = this.takes("name");
    if (!name) this.fail(STARTS);
    if (this.takes("(")) return this.call(name, this.sum());
    if (FUNCTIONS.includes(name.text)) this.fail(`"(" after ${name.text}`);
    if (this.names.has(name.text)) return this.names.get(name.text);
    // A name that was given no number gets one, which the reader can move.
    const first = FIRST_VALUES[this.names.size % FIRST_VALUES.length];
    const leaf = { op: "leaf", name: name.text, shape: [], data: [first] };
    return this.remember(name, this.make(leaf, name.at));
  }

  remember(name, value) {
    if (name.text.length > 20) this.fail("a name of at most 20 letters", name);
    this.names.set(name.text, value);
    return value;
  }

  // A list of numbers, or of lists of the same shape.
  literal(depth) {
    const open = this.expect("[");
    if (depth > 3) this.fail("lists at most three deep", open);
    const parts = [];
    do {
      if (this.token.kind === "[") parts.push(this.literal(depth + 1));
      else parts.push({ shape: [], data: [this.number()] });
      if (inWords(parts.at(-1).shape) !== inWords(parts[0].shape)) {
        this.fail("rows of the same length", open);
      }
    } while (this.takes(","));
    this.expect("]", '"," or "]"');
    const data = parts.flatMap((part) => part.data);
    return { shape: [parts.length, ...parts[0].shape], data };
  }

  number() {
    const sign = this.takes("-") ? -1 : 1;
    const token = this.expect("number", "a number");
    const value = sign * Number(token.text);
    return Number.isFinite(value) ? value : this.fail("a finite number", token);
  }

  // A function whose first argument has been read, or a method after its "(".
  call(name, value) {
    if (!FUNCTIONS.includes(name.text)) {
      this.fail(`one of ${FUNCTIONS.join(", ")}`, name);
    }
    const reduces = ["sum", "mean"].includes(name.text);
    const axis = reduces ? this.axis() : undefined;
    this.expect(")");
    const op = reduces ? "sum" : name.text;
    const made = this.make({ op, operands: [value], axis }, name.at);
    if (name.text !== "mean") return made;
    const [all, left] = [value, made].map((k) => sizeOf(this.nodes[k].shape));
    const count = this.make({ op: "constant", shape: [], data: [all / left] });
    return this.make({ op: "/", operands: [made, count] }, name.at);
  }

  // The axis of a sum, with or without its name.
  axis() {
    this.takes(",");
    if (this.token.kind === ")") return undefined;
    const name = this.takes("name");
    if (name && name.text !== "axis") this.fail("an axis", name);
    if (name) this.expect("=");
    const { at } = this.token;
    const axis = this.number();
    if (!Number.isInteger(axis)) throw new Problem("expected a whole number", at);
    return [axis];
  }
}

// Only what the result is computed from, with the places in the new list.
function reachable(nodes, root) {
  const needed = new Set([root]);
  for (let k = root; k >= 0; k--) {
    if (needed.has(k)) nodes[k].operands.forEach((o) => needed.add(o));
  }
  const order = [...needed].sort((a, b) => a - b);
  const operandsOf = (k) => nodes[k].operands.map((o) => order.indexOf(o));
  return order.map((k) => ({ ...nodes[k], operands: operandsOf(k) }));
}

function parse(text) {
  const parser = new Parser(text);
  const root = parser.program();
  const { shape } = parser.nodes[root];
  if (sizeOf(shape) !== 1) {
    const got = `the result has shape ${inWords(shape)}`;
    throw new Problem(
      `${got}: expected a single number, such as its .sum()`,
      text.length,
    );
  }
  return new Graph(reachable(parser.nodes, root));
}
