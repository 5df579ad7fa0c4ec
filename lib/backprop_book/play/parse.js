// Read what a reader typed, in Python's notation, into the nodes of a graph.
//
//   x = [[1, 2], [3, 4]]          a leaf, which the reader can move
//   h = relu(x @ w + 1)           a name for an intermediate value
//   (h * h).sum()                 the last line is the result
//
// Nothing is evaluated: tokens become nodes, one function for each level of precedence.

const NUMBER = /((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)/;
const NAME = /([A-Za-z_]\w*)/;
const SIGN = /(\*\*|[-+*\/@()[\],.=:;])/;
const TOKEN = new RegExp(`\\s*(?:${[NUMBER, NAME, SIGN].map((r) => r.source).join("|")})`, "y");
const FIRST_VALUES = [2, -1, 3, 0.5, -2, 1.5];
const FUNCTIONS = ["exp", "log", "tanh", "relu", "sum", "mean", "reshape", "transpose"];
const OPENS = 'a number, a name, "(" or "["';

function tokenize(text) {
  if (text.length > LIMITS.text) {
    throw new Problem(`expected at most ${LIMITS.text} characters, got ${text.length}`, 0);
  }
  // Blanks separate tokens; a new line ends a statement, and so is one.
  const source = text.replace(/\r\n?/g, "\n").replace(/[^\S\n]/g, " ").replace(/\n/g, ";");
  const tokens = [];
  TOKEN.lastIndex = 0;
  while (source.slice(TOKEN.lastIndex).trim()) {
    const from = TOKEN.lastIndex;
    const match = TOKEN.exec(source);
    if (!match) {
      const at = from + source.slice(from).search(/\S/);
      const hint = source[at] === "^" ? ": a power is written **" : "";
      const [character] = source.slice(at, at + 2);
      throw new Problem(`unexpected character ${quote(character)}${hint}`, at);
    }
    const [whole, number, name, sign] = match;
    const at = from + whole.length - whole.trimStart().length;
    const kind = number ? "number" : name ? "name" : sign;
    tokens.push({ kind, text: number ?? name ?? sign, at });
  }
  return [...tokens, { kind: "end", text: "", at: text.length }];
}

const quote = (text) => (text.length > 20 ? `"${text.slice(0, 20)}…"` : `"${text}"`);

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
    const ends = { end: "the end", ";": "the end of the line" };
    const got = Object.hasOwn(ends, token.kind) ? ends[token.kind] : quote(token.text);
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
    if (this.nodes.length >= 4 * LIMITS.nodes) this.fail(`at most ${LIMITS.nodes} operations`);
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
      const data = computeValue(made, operands.map((o) => o.data));
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
      if (this.token.kind !== "end") this.expect(";", "an operator or the end of the line");
    }
    if (last === null) this.fail(OPENS);
    return last;
  }

  statement() {
    const [name, equals] = this.tokens.slice(this.place, this.place + 2);
    if (name.kind !== "name" || equals.kind !== "=") return this.sum();
    if (name.text.length > 20) this.fail("a name of at most 20 letters");
    if (this.names.has(name.text)) this.fail("a name that isn't taken yet");
    this.place += 2;
    const value = this.sum();
    const node = this.nodes[value];
    if (node.op === "constant") {
      node.op = "leaf";
      node.data.forEach((x) => Number.isFinite(x) || this.fail("finite numbers", equals));
    }
    // A second name for the same value would hide the first.
    if (!node.name) node.name = name.text;
    this.names.set(name.text, value);
    return value;
  }

  nested(read) {
    this.depth += 1;
    if (this.depth > LIMITS.depth) this.fail(`at most ${LIMITS.depth} levels of nesting`);
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
    if (minus) return this.make({ op: "neg", operands: [this.nested(this.signed)] }, minus.at);
    return this.power();
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

  suffixed() {
    let value = this.atom();
    for (;;) {
      if (this.takes(".")) {
        const name = this.expect("name", 'a method such as "sum"');
        if (name.text === "T") value = this.make({ op: "T", operands: [value] }, name.at);
        else {
          this.expect("(");
          value = this.call(name, value);
        }
      } else if (this.token.kind === "[") value = this.index(value);
      else return value;
    }
  }

  atom() {
    const number = this.takes("number");
    if (number) {
      if (!Number.isFinite(Number(number.text))) this.fail("a finite number", number);
      return this.constant([], [Number(number.text)], number.at);
    }
    if (this.takes("(")) {
      const value = this.sum();
      this.expect(")", 'an operator or ")"');
      return value;
    }
    if (this.token.kind === "[") {
      const { at } = this.token;
      const { shape, data } = this.literal(1);
      return this.constant(shape, data, at);
    }
    const name = this.takes("name");
    if (!name) this.fail(OPENS);
    if (this.takes("(")) return this.call(name, this.sum());
    if (FUNCTIONS.includes(name.text)) this.fail(`"(" after ${name.text}`);
    if (!this.names.has(name.text)) this.leaf(name);
    return this.names.get(name.text);
  }

  // A name that was given no number gets one, which the reader can move.
  leaf(name) {
    if (name.text.length > 20) this.fail("a name of at most 20 letters", name);
    const first = FIRST_VALUES[this.names.size % FIRST_VALUES.length];
    const leaf = { op: "leaf", name: name.text, shape: [], data: [first] };
    this.names.set(name.text, this.make(leaf, name.at));
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
    return { shape: [parts.length, ...parts[0].shape], data: parts.flatMap((p) => p.data) };
  }

  number() {
    const sign = this.takes("-") ? -1 : 1;
    const token = this.expect("number", "a number");
    const value = sign * Number(token.text);
    return Number.isFinite(value) ? value : this.fail("a finite number", token);
  }

  whole() {
    const { at } = this.token;
    const value = this.number();
    if (!Number.isInteger(value)) throw new Problem("expected a whole number", at);
    return value;
  }

  // A function whose first argument has been read, or a method after its "(".
  call(name, value) {
    if (!FUNCTIONS.includes(name.text)) this.fail(`one of ${FUNCTIONS.join(", ")}`, name);
    const plain = Object.hasOwn(ELEMENTWISE, name.text);
    const given = plain ? {} : this.options();
    this.expect(")", '")"');
    const { shape } = this.nodes[value];
    if (plain) return this.make({ op: name.text, operands: [value] }, name.at);
    if (name.text === "reshape") {
      const rest = sizeOf(shape) / -sizeOf(given.numbers);
      const wanted = given.numbers.map((n) => (n === -1 ? rest : n));
      if (!wanted.length || wanted.some((n) => !(Number.isInteger(n) && n > 0))) {
        this.fail("a shape that fits", name);
      }
      return this.make({ op: "reshape", operands: [value], shape: wanted }, name.at);
    }
    if (name.text === "transpose") {
      return this.make({ op: "T", operands: [value], axes: given.numbers }, name.at);
    }
    const axis = given.numbers.length ? given.numbers : undefined;
    const { keepdims } = given;
    const total = this.make({ op: "sum", operands: [value], axis, keepdims }, name.at);
    if (name.text === "sum") return total;
    const count = sizeOf(shape) / sizeOf(this.nodes[total].shape);
    return this.make({ op: "/", operands: [total, this.constant([], [count])] }, name.at);
  }

  // Whole numbers, an axis or a shape, and keepdims.
  options() {
    const out = { numbers: [], keepdims: false };
    this.takes(",");
    while (this.token.kind !== ")") {
      const name = this.takes("name");
      if (name) {
        if (!["axis", "keepdims"].includes(name.text)) this.fail("axis or keepdims", name);
        this.expect("=");
      }
      if (name?.text === "keepdims") {
        const word = this.expect("name", "True or False");
        if (!["True", "False"].includes(word.text)) this.fail("True or False", word);
        out.keepdims = word.text === "True";
      } else if (this.takes("(")) {
        while (this.token.kind !== ")") {
          out.numbers.push(this.whole());
          if (!this.takes(",")) break;
        }
        this.expect(")");
      } else out.numbers.push(this.whole());
      if (!this.takes(",")) break;
    }
    return out;
  }

  // Whole numbers and slices without steps, one for each axis from the first.
  index(value) {
    const open = this.expect("[");
    const { shape } = this.nodes[value];
    const strides = stridesOf(shape);
    const kept = [];
    let start = 0;
    let axis = 0;
    do {
      const n = shape[axis];
      if (n === undefined) this.fail(`at most ${shape.length} indices`);
      const read = (otherwise) =>
        ["number", "-"].includes(this.token.kind) ? this.whole() : otherwise;
      const first = read(0);
      const within = (k) => Math.min(Math.max(k < 0 ? k + n : k, 0), n);
      if (this.takes(":")) {
        const [from, to] = [within(first), within(read(n))];
        if (to <= from) this.fail("a slice with something in it", open);
        kept.push([to - from, strides[axis]]);
        start += from * strides[axis];
      } else {
        const from = first < 0 ? first + n : first;
        if (from < 0 || from >= n) this.fail(`an index below ${n}`, open);
        start += from * strides[axis];
      }
      axis += 1;
    } while (this.takes(","));
    this.expect("]", '"," or "]"');
    kept.push(...shape.slice(axis).map((n, k) => [n, strides[axis + k]]));
    const out = kept.map(([n]) => n);
    const taken = offsets(out, kept.map(([, stride]) => stride), start);
    return this.make({ op: "[]", operands: [value], shape: out, taken }, open.at);
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
    throw new Problem(
      `the result has shape ${inWords(shape)}: expected a single number, such as its .sum()`,
      text.length,
    );
  }
  return new Graph(reachable(parser.nodes, root));
}
