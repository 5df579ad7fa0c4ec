// Graphs to practise on, without end, and what is wrong with a wrong answer.

// Numbers in [0, 1) from a seed: mulberry32.
function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const WHOLE = [-3, -2, -1, 1, 2, 3];

// 1: a chain. 2: longer, a value used twice, squares, ReLU, which may block.
function chainText(grade, pick, random) {
  const lines = [];
  const names = [..."xwuvpqrs"];
  const leaf = () => {
    const name = names.shift();
    lines.push(`${name} = ${pick(WHOLE)}`);
    return name;
  };
  const made = [leaf()];
  const operations = grade === 1 ? 3 : pick([4, 5, 6]);
  for (let k = 0; k < operations; k++) {
    const last = made.at(-1);
    const reuse = grade > 1 && (k === operations - 1 || random() < 0.3);
    const other = reuse ? pick(made) : leaf();
    const unary = grade > 1 && k < operations - 1 && random() < 0.4;
    const formula = unary
      ? pick([`relu(${last})`, `${last} ** 2`, `-${last}`])
      : `${last} ${pick(["*", "*", "+", "-"])} ${other}`;
    made.push("abcdef"[k]);
    lines.push(`${made.at(-1)} = ${formula}`);
  }
  return lines.join("\n");
}

// 3: a small network of arrays.
function arraysText(pick) {
  const number = () => pick(WHOLE);
  return [
    `x = [[${number()}, ${number()}], [${number()}, ${number()}]]`,
    `w = [[${number()}], [${number()}]]`,
    `b = ${number()}`,
    "z = x @ w + b",
    `h = ${pick(["relu(z)", "relu(z)", "z ** 2"])}`,
    `L = ${pick(["h.sum()", "(h - 1).sum()", "h.mean() * 2"])}`,
  ].join("\n");
}

function makeExercise(grade, seed) {
  const random = randomFrom(seed * 3 + grade);
  const pick = (list) => list[Math.floor(random() * list.length)];
  for (;;) {
    const text = grade === 3 ? arraysText(pick) : chainText(grade, pick, random);
    const graph = parse(text);
    const { nodes, values } = graph;
    const gradients = graph.gradients.filter(Boolean).flat();
    const small = [...values.flat(), ...gradients].every((x) => Math.abs(x) <= 100);
    const kink = nodes.some(
      ({ op, operands }) => op === "relu" && values[operands[0]].includes(0),
    );
    const twice = nodes.some((node) => node.uses.length > 1);
    const enough = gradients.filter((g) => g).length > gradients.length / 2;
    if (small && enough && !kink && (twice || grade !== 2)) return graph;
  }
}

// Each wrong number that a known slip leads to, with the slip in words.
function slips(graph, id, entry) {
  const total = graph.gradients[id][entry];
  const x = graph.values[id][entry];
  const out = [];
  const { uses } = graph.nodes[id];
  const shares = uses.map(([to, p]) => graph.shares[to][p][entry]);
  if (uses.length > 1) {
    shares.forEach((share, k) => {
      const from = `the one from ${graph.nodes[uses[k][0]].label}`;
      out.push([share, `that is one share only, ${from}: add the shares`]);
    });
  }
  uses.forEach(([to, p], k) => {
    const { op, label, operands } = graph.nodes[to];
    const terms = graph.termsOfShare(to, p, entry);
    const rest = total - shares[k];
    const local = `the local derivative of ${label}`;
    const slip = (words, term) =>
      out.push([terms.reduce((sum, it) => sum + term(it), rest), words]);
    if (op === "relu" && x < 0) {
      const why = `the input of ${label} is negative, nothing passes back`;
      slip(`the mask: ${why}`, ({ upstream }) => upstream);
    }
    if (op === "**") {
      slip(`${local}: the exponent is left out`, ({ upstream }) => upstream * x);
    }
    const other = graph.nodes[operands[1 - p]];
    const [rows, columns] = other?.shape ?? [];
    if (op === "@" && rows === columns) {
      const swapped = (j) => (j % columns) * columns + Math.floor(j / columns);
      const wrong = ({ upstream, read }) =>
        upstream * graph.values[other.id][swapped(read.entry)];
      slip(`${other.label} is not transposed`, wrong);
    }
    for (const { upstream, local } of terms.length > 1 ? terms : []) {
      const words = "that is one term only: add over all entries that this one reaches";
      out.push([rest + upstream * local, words]);
    }
    slip(`${local} is left out`, ({ upstream }) => upstream);
    slip(`the upstream gradient ∇${label} is left out`, ({ local }) => local);
    slip(`the sign of the share from ${label}`, (term) => -term.upstream * term.local);
  });
  return out;
}

function judge(graph, id, entry, answer) {
  const near = (x) => Math.abs(x - answer) <= 1e-6 * Math.max(1, Math.abs(x));
  if (near(graph.gradients[id][entry])) return { right: true, words: "Right." };
  const found = slips(graph, id, entry).find(([x]) => near(x));
  const words = found?.[1] ?? "work out upstream × local for each use";
  return { right: false, words: `Not yet: ${words}.` };
}
