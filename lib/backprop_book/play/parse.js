// Read what a reader typed, in Python's notation, into the nodes of a graph.
//
//   x = [[1, 2], [3, 4]]          a leaf, which the reader can move
//   h = relu(x @ w + 1)           a name for an intermediate value
//   (h * h).sum()                 the last line is the result
//
// Nothing is evaluated: tokens become nodes.

const NUMBER = /(?<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)/;
const NAME = /(?<name>[A-Za-z_]\w*)/;
const SIGN = /(?<line>[;\r\n])|(?<sign>\*\*|[-+*\/@()[\],.=])|(?<other>\S)/;
const TOKEN = new RegExp(`${NUMBER.source}|${NAME.source}|${SIGN.source}`, "gu");
const FIRST_VALUES = [2, -1, 3, 0.5, -2, 1.5];
const FUNCTIONS = ["exp", "log", "tanh", "relu", "sum", "mean"];
const BINDING = { "+": 1, "-": 1, "*": 2, "/": 2, "@": 2, "**": 4 };
const STARTS = 'a number, a name, "(" or "["';
const quote = (text) => (text.length > 20 ? `"${text.slice(0, 20)}…"` : `"${text}"`);

function tokenize(text) {
  const most = LIMITS.text;
  if (text.length > most) {
    throw new Problem(`expected at most ${most} characters, got ${text.length}`, 0);
  }
  const tokens = [...text.matchAll(TOKEN)].map(({ 0: text, index: at, groups }) => {
    if (groups.other) {
      const hint = text === "^" ? ": a power is written **" : "";
      throw new Problem(`unexpected character ${quote(text)}${hint}`, at);
    }
    const kind = ["number", "name", "line"].find((name) => groups[name]) ?? text;
    return { kind, text, at };
  });
  return [...tokens, { kind: "end", text: "", at: text.length }];
}

class Parser {
  constructor(text) {
    Object.assign(this, { tokens: tokenize(text), place: 0, depth: 0, nodes: [] });
    this.names = new Map();
  }

  get token() {
    return this.tokens[this.place];
  }

  fail(expected, token = this.token) {
    const end = { end: "the end", line: "the end of the line" };
    const got = end[token.kind] ?? quote(token.text);
    throw new Problem(`expected ${expected}, got ${got}`, token.at);
  }

  takes(kind) {
    return this.token.kind === kind ? this.tokens[this.place++] : null;
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
      error.at ??= at;
      throw error;
    }
    const operands = made.operands.map((k) => this.nodes[k]);
    if (operands.length && operands.every(({ op }) => op === "constant")) {
      // As in Python, what is computed from constants is a constant.
      const all = operands.map(({ data }) => data);
      const data = computeValue(made, all);
      made = { op: "constant", shape: made.shape, data, operands: [] };
    }
    return this.nodes.push(made) - 1;
  }

  program() {
    let last;
    for (;;) {
      while (this.takes("line"));
      if (this.token.kind === "end" && last !== undefined) return last;
      last = this.statement();
      if (this.token.kind !== "end") {
        this.expect("line", "an operator or the end of the line");
      }
    }
  }

  statement() {
    const [name, equals] = this.tokens.slice(this.place, this.place + 2);
    if (name.kind !== "name" || equals.kind !== "=") return this.expression();
    if (this.names.has(name.text)) this.fail("a name that isn't taken yet");
    this.place += 2;
    const value = this.expression();
    const node = this.nodes[value];
    if (node.op === "constant") {
      node.op = "leaf";
      if (!node.data.every(Number.isFinite)) this.fail("finite numbers", equals);
    }
    // A second name for the same value would hide the first.
    node.name ??= name.text;
    return this.remember(name, value);
  }

  // A value, and all operators after it that bind at least as tightly.
  expression(least = 1) {
    this.depth += 1;
    if (this.depth > LIMITS.depth) {
      this.fail(`at most ${LIMITS.depth} levels of nesting`);
    }
    const minus = this.takes("-");
    let left = minus
      ? this.make({ op: "neg", operands: [this.expression(3)] }, minus.at)
      : this.suffixed();
    while (BINDING[this.token.kind] >= least) {
      const { kind, at } = this.takes(this.token.kind);
      // A minus may follow "**", and a power of a power begins with the last.
      const right = this.expression(kind === "**" ? 3 : BINDING[kind] + 1);
      left =
        kind === "**"
          ? this.power(left, right, at)
          : this.make({ op: kind, operands: [left, right] }, at);
    }
    this.depth -= 1;
    return left;
  }

  power(base, right, at) {
    const { op, data } = this.nodes[right];
    if (op !== "constant" || data.length !== 1) {
      throw new Problem('expected a number as the exponent after "**"', at + 2);
    }
    return this.make({ op: "**", operands: [base], exponent: data[0] }, at);
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
    const { kind, at } = this.token;
    if (kind === "number" || kind === "[") {
      return this.make({ op: "constant", ...this.literal(0) }, at);
    }
    if (this.takes("(")) {
      const value = this.expression();
      this.expect(")", 'an operator or ")"');
      return value;
    }
    const name = this.expect("name", STARTS);
    if (this.takes("(")) return this.call(name, this.expression());
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

  // A number, or a list of numbers, or of lists of the same shape.
  literal(depth) {
    const open = this.takes("[");
    if (!open) return { shape: [], data: [this.number()] };
    if (depth === 3) this.fail("lists at most three deep", open);
    const parts = [];
    do {
      parts.push(this.literal(depth + 1));
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

// The graph of a text: only what its result is computed from, numbered anew.
function parse(text) {
  const parser = new Parser(text);
  const root = parser.program();
  const needed = new Set([root]);
  for (let k = root; k >= 0; k--) {
    if (needed.has(k)) parser.nodes[k].operands.forEach((o) => needed.add(o));
  }
  const order = [...needed].sort((a, b) => a - b);
  const operandsOf = (k) => parser.nodes[k].operands.map((o) => order.indexOf(o));
  return new Graph(order.map((k) => ({ ...parser.nodes[k], operands: operandsOf(k) })));
}
