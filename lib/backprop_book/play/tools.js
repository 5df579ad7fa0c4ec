// What a chapter can ask for beside the graph: a goal, presets, descent, the valley of
// two weights, an expression to write, gradients to practise. A tool is an element, and
// what it does at the events that the explorer tells all tools.

function makeTools(explorer) {
  const { goal, presets, valley, learn, write: text, practise } = explorer.options;
  return [
    goal && goalTool(explorer, goal),
    presets && presetsTool(explorer, presets),
    valley && valleyTool(explorer, valley),
    learn && learnTool(explorer, learn),
    text !== undefined && writeTool(explorer, text),
    practise && practiseTool(explorer, practise),
  ].filter(Boolean);
}

const COMPARE = {
  "<": (a, b) => a < b,
  ">": (a, b) => a > b,
  "==": (a, b) => Math.abs(a - b) <= 1e-3,
};

function goalTool(explorer, { words, conditions }) {
  const verdict = h("strong");
  const holds = ([kind, id, sign, number]) =>
    (kind === "g" ? explorer.graph.gradients : explorer.graph.values)[id].every((x) =>
      COMPARE[sign](x, number),
    );
  const changed = () => {
    const text = conditions.every(holds) ? "reached ✓" : "not yet";
    if (verdict.textContent && verdict.textContent !== text)
      explorer.say(`Goal ${text}`);
    verdict.textContent = text;
  };
  return { element: h("p", {}, `Goal: ${words}: `, verdict), begin: changed, changed };
}

function presetsTool(explorer, presets) {
  const choose = ({ numbers, rate }) => {
    explorer.setLeaves(numbers);
    if (rate !== undefined) explorer.tellTools("setRate", rate);
  };
  const buttons = presets.map((preset) => button(preset.label, () => choose(preset)));
  return { element: h("div", {}, "Start from:", buttons) };
}

// What one entry's step is made of, from its gradient and what it remembers.
const OPTIMISERS = {
  "gradient descent": (G) => G,
  "momentum 0.9": (G, memory) => (memory.m = 0.9 * (memory.m ?? 0) + G),
  Adam: (G, memory) => {
    const { t = 0, m = 0, v = 0 } = memory;
    const next = { t: t + 1, m: 0.9 * m + 0.1 * G, v: 0.999 * v + 0.001 * G ** 2 };
    Object.assign(memory, next);
    const mean = next.m / (1 - 0.9 ** next.t);
    return mean / (Math.sqrt(next.v / (1 - 0.999 ** next.t)) + 1e-8);
  },
};

function learnTool(explorer, { rate, parameters }) {
  const field = numberField("Learning rate", rate);
  const options = Object.keys(OPTIMISERS).map((name) => h("option", {}, name));
  const choice = h("select", { "aria-label": "Optimiser" }, options);
  const line = h("polyline");
  const curve = h("svg", { class: "curve", viewBox: "0 0 180 60", role: "img" }, line);
  const words = h("span");
  let history = [];
  let memory = {};
  const forget = () => ([history, memory] = [[], {}]);
  const stepped = () => {
    explorer.changed(true);
    explorer.renderEditor();
    explorer.say(words.textContent);
  };
  const descend = (eta) => {
    const { graph } = explorer;
    const leaves = graph.leaves.map(({ id, data }) => [id, data]);
    history.push({ loss: graph.loss, memory: structuredClone(memory), leaves });
    for (const leaf of graph.leaves) {
      if (parameters && !parameters.includes(leaf.id)) continue;
      leaf.data = leaf.data.map((x, entry) => {
        const own = (memory[`${leaf.id}.${entry}`] ??= {});
        return x - eta * OPTIMISERS[choice.value](graph.gradients[leaf.id][entry], own);
      });
    }
    graph.update();
  };
  const step = (times) => () => {
    const eta = numberOf(field);
    if (!Number.isFinite(eta)) {
      explorer.say("Learning rate: expected a number, such as 0.1.");
      return;
    }
    for (let k = 0; k < times && Number.isFinite(explorer.graph.loss); k++)
      descend(eta);
    stepped();
  };
  const undo = () => {
    const before = history.pop();
    if (!before) return;
    memory = before.memory;
    for (const [id, data] of before.leaves) explorer.graph.nodes[id].data = data;
    stepped();
  };
  const render = () => {
    const losses = [...history.map(({ loss }) => loss), explorer.graph.loss];
    const finite = losses.filter(Number.isFinite);
    const most = Math.max(...finite, 1e-300);
    const wide = 172 / Math.max(finite.length - 1, 1);
    const points = finite.map(
      (loss, k) => `${4 + wide * k},${56 - (52 * loss) / most}`,
    );
    line.setAttribute("points", points.join(" "));
    const n = history.length;
    const before = n
      ? ` after ${n} step${n > 1 ? "s" : ""}, ${format(losses[0])} before`
      : "";
    const diverged =
      finite.length < losses.length ? ". It diverged: undo, or lower the rate." : "";
    words.textContent = `Loss ${format(explorer.graph.loss)}${before}${diverged}`;
    curve.setAttribute("aria-label", `Curve of the loss: ${words.textContent}`);
  };
  const label = h("label", {}, "Rate ", field);
  const buttons = [
    button("One step", step(1)),
    button("Ten steps", step(10)),
    button("Undo", undo),
  ];
  return {
    element: h("div", {}, label, choice, buttons, curve, words),
    graphIsNew: forget,
    changed: (own) => own || forget(),
    render,
    setRate: (x) => (field.value = String(x)),
    way: () => history.map(({ leaves }) => new Map(leaves)),
    keep: (state) => {
      state.rate = numberOf(field) || 0;
      state.optimiser = choice.selectedIndex;
    },
    take: (state) => {
      field.value = String(state.rate ?? rate);
      choice.selectedIndex = Math.min(state.optimiser ?? 0, 2);
    },
  };
}

// The loss over two single weights: bands of equal loss, the way taken, and 2/λ.
function valleyTool(explorer, { ids, ranges }) {
  const CELLS = 65;
  const canvas = h("canvas", { width: CELLS, height: CELLS });
  const line = h("polyline");
  const point = h("circle", { r: 2 });
  const svg = h("svg", { viewBox: "0 0 100 100" }, line, point);
  const words = h("p");
  const place = h("div", { class: "valley", role: "img" }, canvas, svg);
  const { graph } = explorer;
  const leaves = ids.map((id) => graph.nodes[id]);
  // Between numbers of the two weights and shares of the width and the height.
  const toShares = (numbers) =>
    numbers.map((w, k) => {
      const share = (w - ranges[k][0]) / (ranges[k][1] - ranges[k][0]);
      return Math.min(Math.max(k ? 1 - share : share, -1), 2) || 0;
    });
  const toNumbers = (shares) =>
    shares.map(
      (share, k) =>
        ranges[k][0] + (k ? 1 - share : share) * (ranges[k][1] - ranges[k][0]),
    );
  const paint = () => {
    const pen = canvas.getContext("2d");
    pen.clearRect(0, 0, CELLS, CELLS);
    pen.fillStyle = getComputedStyle(place).color;
    for (let cell = 0; cell < CELLS ** 2; cell++) {
      const [column, row] = [cell % CELLS, Math.floor(cell / CELLS)];
      const values = [...graph.values];
      toNumbers([column, row].map((k) => (k + 0.5) / CELLS)).forEach(
        (w, k) => (values[ids[k]] = [w]),
      );
      // From one band to the next the loss doubles.
      const band = Math.floor(Math.log2(graph.forward(values)[graph.root][0] + 1e-3));
      pen.globalAlpha = band % 2 ? 0.25 : 0.08;
      pen.fillRect(column, row, 1, 1);
    }
  };
  const move = ({ clientX, clientY }) => {
    const { x, y, width, height } = place.getBoundingClientRect();
    const shares = [(clientX - x) / width, (clientY - y) / height];
    toNumbers(shares.map((share) => Math.min(Math.max(share, 0), 1))).forEach(
      (w, k) => (leaves[k].data = [Number(w.toFixed(2))]),
    );
    explorer.changed();
  };
  place.addEventListener("pointerdown", (event) => {
    dragging(place, event, move, () => explorer.renderEditor());
    move(event);
  });
  // The largest curvature: of the two weights' Hessian, from differences of gradients.
  const curvature = () => {
    const rows = leaves.map((leaf) => {
      const [w] = leaf.data;
      const slopes = [w - STEP, w + STEP].map((moved) => {
        leaf.data = [moved];
        graph.update();
        return ids.map((id) => graph.gradients[id][0]);
      });
      leaf.data = [w];
      return slopes[0].map((low, k) => (slopes[1][k] - low) / (2 * STEP));
    });
    graph.update();
    const [[a, b], [c, d]] = rows;
    return (a + d) / 2 + Math.hypot((a - d) / 2, (b + c) / 2);
  };
  const render = () => {
    const numbers = leaves.map((leaf) => leaf.data[0]);
    const before = explorer.tools.find((tool) => tool.way)?.way() ?? [];
    const points = [
      ...before.map((old) => ids.map((id) => old.get(id)[0])),
      numbers,
    ].map((at) => toShares(at).map((share) => 100 * share));
    line.setAttribute("points", points.map((at) => at.join(",")).join(" "));
    ["cx", "cy"].forEach((name, k) => point.setAttribute(name, points.at(-1)[k]));
    const top = curvature();
    const [x, y] = leaves.map((leaf) => leaf.label);
    const stable =
      top > 0 ? `, 2/λ = ${format(2 / top)}: a larger rate overshoots` : "";
    words.textContent =
      `${x} to the right, ${y} upwards; from band to band the loss doubles. ` +
      `Largest curvature here λ = ${format(top)}${stable}.`;
    const at = `now at ${numbers.map((w) => format(w)).join(" and ")}`;
    const label = `Loss over ${x} and ${y}, ${at}: ${format(graph.loss)}`;
    place.setAttribute("aria-label", label);
  };
  new ResizeObserver(paint).observe(place);
  return { element: h("div", {}, place, words), render };
}

function writeTool(explorer, text) {
  const field = h("textarea", {
    rows: 4,
    spellcheck: "false",
    "aria-label": "Expression",
  });
  const problem = h("p", { class: "problem", role: "alert" });
  field.value = text;
  const read = () => {
    problem.textContent = "";
    field.removeAttribute("aria-invalid");
    try {
      explorer.setGraph(parse(field.value));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      const at = error.at ?? field.value.length;
      const lines = field.value.slice(0, at).split("\n");
      const place = `Line ${lines.length}, character ${lines.at(-1).length + 1}`;
      problem.textContent = `${place}: ${error.message}.`;
      field.setAttribute("aria-invalid", "true");
      field.focus();
      field.setSelectionRange(at, at + 1);
      return;
    }
    explorer.render();
    explorer.say(`A graph of ${explorer.graph.nodes.length} nodes.`);
  };
  return {
    element: h("div", {}, field, button("Draw the graph", read), problem),
    keep: (state) => (state.text = field.value),
    take: (state) => {
      if (state.text === undefined) return;
      field.value = state.text.slice(0, LIMITS.text);
      explorer.setGraph(parse(state.text));
    },
  };
}

function practiseTool(explorer, first) {
  const words = h("span", { role: "status" });
  // The next entry to fill in, from the result back, and how many there are.
  const lookAhead = () => {
    const left = [...explorer.graph.nodes].reverse().flatMap(({ id, learns }) => {
      const entries = learns ? [...explorer.graph.values[id].keys()] : [];
      return entries.map((entry) => ({ kind: "g", id, entry }));
    });
    const open = left.filter((spot) => !explorer.shows(spot));
    explorer.spot = open[0] ?? explorer.spot;
    return open.length;
  };
  const begin = (grade, seed) => {
    explorer.setGraph(makeExercise(grade, seed), { grade, seed });
    lookAhead();
    words.textContent = "Fill in the gradients ∇, from the result back.";
  };
  const next = (grade) => () => {
    begin(grade, 1 + (explorer.exercise.seed % 999_999));
    explorer.render();
  };
  const grades = [1, 2, 3].map((grade) => button(`Grade ${grade}`, next(grade)));
  const answer = ({ id }, entry, field) => {
    const x = numberOf(field);
    const { right, words: said } = Number.isFinite(x)
      ? judge(explorer.graph, id, entry, x)
      : { right: false, words: "Expected a number, such as −6." };
    words.textContent = said;
    if (!right) return;
    explorer.answered.add(`${id}.${entry}`);
    const left = lookAhead();
    words.textContent += left ? ` ${left} to go.` : " All gradients are found.";
    explorer.render();
    explorer.editor.querySelector("input")?.focus();
  };
  const ask = (node, entry) => {
    const many = sizeOf(node.shape) > 1;
    const name = `∇${node.label}${many ? ` at ${placeOf(entry, node.shape)}` : ""}`;
    const field = numberField(name);
    const rules = node.uses.map(([id, p]) => {
      const user = explorer.graph.nodes[id];
      const { rule } = shareRule(explorer.graph, user, p);
      return h("p", {}, write(say`${named(user)} sends back ${rule}.`));
    });
    const onsubmit = (event) => {
      event.preventDefault();
      answer(node, entry, field);
    };
    const label = h("label", {}, `${name} = `, field);
    explorer.editor.append(
      h("form", { onsubmit }, rules, label, h("button", {}, "Check")),
    );
  };
  return {
    element: h("div", {}, "New graph:", grades, words),
    ask,
    begin: () => begin(first.grade, first.seed),
    render: () =>
      grades.forEach((one, k) =>
        one.setAttribute("aria-pressed", explorer.exercise?.grade === k + 1),
      ),
    take: ({ exercise }) => exercise && begin(exercise.grade, exercise.seed),
  };
}
