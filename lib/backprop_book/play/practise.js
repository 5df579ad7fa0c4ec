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

// 1: a chain. 2: longer, a value used twice, squares, ReLU, which may block.
function chainText(grade, pick, random) {
  const lines = [];
  const names = [..."xwuvpqrs"];
  const leaf = () => {
    const name = names.shift();
    lines.push(`${name} = ${pick([-3, -2, -1, 1, 2, 3])}`);
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
  const number = () => pick([-3, -2, -1, 1, 2, 3]);
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
  const uses = graph.nodes[id].uses.map(([to, p]) => {
    const user = graph.nodes[to];
    const terms = [];
    graph.eachLocal(user, (operand, k, j, local, read) => {
      if (operand !== p || k !== entry) return;
      terms.push({ G: graph.gradients[to][j], local, read });
    });
    return { user, p, terms, share: graph.shares[to][p][entry] };
  });
  const out = [];
  if (uses.length > 1) {
    for (const { share, user } of uses) {
      const from = `the one from ${user.label}`;
      out.push([share, `that is one share only, ${from}: add the shares`]);
    }
    const all = uses.reduce((x, { share }) => x * share, 1);
    out.push([all, "the shares are added, not multiplied"]);
  }
  for (const { user, p, terms, share } of uses) {
    const { op, label, operands } = user;
    const local = `the local derivative of ${label}`;
    const slip = (words, term) => {
      const wrong = terms.reduce((sum, it) => sum + term(it), 0);
      out.push([total - share + wrong, words]);
    };
    if (op === "relu" && x < 0) {
      const why = `the input of ${label} is negative, nothing passes back`;
      slip(`the mask: ${why}`, ({ G }) => G);
    }
    if (op === "**") {
      slip(`${local}: the exponent is left out`, ({ G }) => G * x);
      slip(`${local}: the exponent wasn’t lowered`, ({ G }) => G * 2 * x ** 2);
    }
    if (op === "@") {
      const other = operands[1 - p];
      const [rows, columns] = graph.nodes[other].shape;
      const swapped = (k) => (k % columns) * columns + Math.floor(k / columns);
      if (rows === columns) {
        const words = `${graph.nodes[other].label} is not transposed`;
        slip(words, ({ G, read }) => G * graph.values[other][swapped(read[1])]);
      }
    }
    for (const { G, local: factor } of terms.length > 1 ? terms : []) {
      const words = "that is one term only: add over all entries that this one reaches";
      out.push([total - share + G * factor, words]);
    }
    slip(`${local} is left out`, ({ G }) => G);
    slip(`the upstream gradient ∇${label} is left out`, (term) => term.local);
    if (op === "*") slip(`${local} is the other factor`, ({ G }) => G * x);
    slip(`the sign of the share from ${label}`, (term) => -term.G * term.local);
    const added = "upstream and local are multiplied, not added";
    slip(added, (term) => term.G + term.local);
  }
  return out;
}

function judge(graph, id, entry, answer) {
  const near = (x) => Math.abs(x - answer) <= 1e-6 * Math.max(1, Math.abs(x));
  if (near(graph.gradients[id][entry])) return { right: true, words: "Right." };
  const found = slips(graph, id, entry).find(([x]) => near(x));
  const words = found?.[1] ?? "work out upstream × local for each use";
  return { right: false, words: `Not yet: ${words}.` };
}
