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

// 1: a chain. 2: a value used twice, squares, ReLU. 3: longer, and the ReLU may block.
function exerciseText(grade, random) {
  const pick = (list) => list[Math.floor(random() * list.length)];
  const lines = [];
  const names = [..."xwuvpqrs"];
  const leaf = () => {
    const name = names.shift();
    lines.push(`${name} = ${pick([-3, -2, -1, 1, 2, 3])}`);
    return name;
  };
  const made = [leaf()];
  const operations = [3, 4, 6][grade - 1];
  for (let k = 0; k < operations; k++) {
    const last = made.at(-1);
    const reuse = grade > 1 && (k === operations - 1 || random() < 0.3);
    const other = reuse ? pick(made) : leaf();
    const signs = grade === 1 ? ["*", "*", "+", "-"] : ["*", "*", "+", "-", "-"];
    const unary = grade > 1 && k < operations - 1 && random() < 0.4;
    const formula = unary
      ? pick([`relu(${last})`, `${last} ** 2`, `-${last}`])
      : `${last} ${pick(signs)} ${other}`;
    made.push("abcdef"[k]);
    lines.push(`${made.at(-1)} = ${formula}`);
  }
  return lines.join("\n");
}

function makeExercise(grade, seed) {
  const random = randomFrom(seed * 3 + grade);
  for (;;) {
    const graph = parse(exerciseText(grade, random));
    const { nodes, values, gradients } = graph;
    const numbers = [...values, ...gradients].flat();
    const twice = nodes.some((node) => node.uses.length > 1);
    const relu = nodes.filter((node) => node.op === "relu");
    const nonzero = gradients.filter(([g]) => g).length;
    if (
      numbers.every((x) => Math.abs(x) <= 100) &&
      nonzero > nodes.length / 2 &&
      (grade === 1 ||
        (twice && relu.every((node) => values[node.operands[0]][0] !== 0)))
    ) {
      return graph;
    }
  }
}

// Each wrong number that a known slip leads to, with the slip in words.
function slips(graph, id) {
  const node = graph.nodes[id];
  const [total] = graph.gradients[id];
  const uses = node.uses.map(([to, p]) => {
    const user = graph.nodes[to];
    const [G] = graph.gradients[to];
    let local = 0;
    graph.eachLocal(user, (operand, entry, j, d) => operand === p && (local = d));
    return { user, G, local, share: graph.shares[to][p][0] };
  });
  const out = [];
  if (uses.length > 1) {
    for (const { share, user } of uses) {
      out.push([
        share,
        `that is one share only, the one from ${user.label}: add the shares`,
      ]);
    }
    out.push([
      uses.reduce((x, { share }) => x * share, 1),
      "the shares are added, not multiplied",
    ]);
  }
  for (const { user, G, local, share } of uses) {
    const with_ = (other, words) => out.push([total - share + other, words]);
    const [x] = graph.values[id];
    if (user.op === "relu" && !local) {
      with_(G, `the mask: the input of ${user.label} is negative, nothing passes back`);
    }
    if (user.op === "**") {
      with_(G * x, `the local derivative of ${user.label}: the exponent is left out`);
      with_(
        G * 2 * x ** 2,
        `the local derivative of ${user.label}: the exponent wasn’t lowered`,
      );
    }
    with_(G, `the local derivative of ${user.label} is left out`);
    with_(local, `the upstream gradient ∇${user.label} is left out`);
    if (user.op === "*") {
      with_(G * x, `the local derivative of ${user.label} is the other factor`);
    }
    with_(-share, `the sign of the share from ${user.label}`);
    with_(G + local, `upstream and local are multiplied, not added`);
  }
  return out;
}

function judge(graph, id, answer) {
  const near = (x) => Math.abs(x - answer) <= 1e-6 * Math.max(1, Math.abs(x));
  if (near(graph.gradients[id][0])) return { right: true, words: "Right." };
  const found = slips(graph, id).find(([x]) => near(x));
  return {
    right: false,
    words: `Not yet: ${found?.[1] ?? "work out upstream × local for each use"}.`,
  };
}
