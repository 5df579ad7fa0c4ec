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
  const changed = () => {
    const { gradients, values } = explorer.graph;
    const holds = ([kind, id, sign, number]) =>
      (kind === "g" ? gradients : values)[id].every(
        (x) => Number.isFinite(x) && COMPARE[sign](x, number),
      );
    const before = verdict.textContent;
    const now = conditions.every(holds) ? "reached ✓" : "not yet";
    verdict.textContent = now;
    if (before && before !== now) explorer.say(`Goal ${now}`);
  };
  const signs = { "grad ": "∇", "==": "=", "-": "−" };
  const asked = words.replace(/grad |==|-/g, (sign) => signs[sign]);
  return { element: h("p", {}, `Goal: ${asked}: `, verdict), begin: changed, changed };
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
  let [history, memory] = [[], {}];
  const forget = () => ([history, memory] = [[], {}]);
  const stepped = () => {
    explorer.tellTools("changed", true);
    explorer.render();
    explorer.say(words.textContent);
  };
  const descend = (eta) => {
    const { graph } = explorer;
    const leaves = graph.leaves.map(({ id, data }) => [id, data]);
    history.push({ loss: graph.loss, memory: structuredClone(memory), leaves });
    const learning = leaves.filter(([id]) => parameters?.includes(id) ?? true);
    const stepOf = (id, entry) => {
      const own = (memory[`${id}.${entry}`] ??= {});
      return eta * OPTIMISERS[choice.value](graph.gradients[id][entry], own);
    };
    const moved = ([id, data]) => [id, data.map((x, entry) => x - stepOf(id, entry))];
    graph.setLeaves(learning.map(moved));
  };
  const step = (times) => () => {
    const eta = numberOf(field, (words) => explorer.say(words));
    if (eta === undefined) return;
    for (let k = 0; k < times; k++) {
      if (Number.isFinite(explorer.graph.loss)) descend(eta);
    }
    stepped();
  };
  const undo = () => {
    const before = history.pop();
    if (!before) return;
    memory = before.memory;
    explorer.graph.setLeaves(before.leaves);
    stepped();
  };
  const render = () => {
    const losses = [...history.map(({ loss }) => loss), explorer.graph.loss];
    const finite = losses.filter(Number.isFinite);
    const most = Math.max(...finite, 1e-300);
    const wide = 172 / Math.max(finite.length - 1, 1);
    const at = finite.map((loss, k) => `${4 + wide * k},${56 - (52 * loss) / most}`);
    line.setAttribute("points", at.join(" "));
    const said = [`Loss ${format(explorer.graph.loss)}`];
    const n = history.length;
    const steps = n === 1 ? "1 step" : `${n} steps`;
    if (n) said.push(` after ${steps}, ${format(losses[0])} before`);
    if (finite.length < losses.length) {
      said.push(". It diverged: undo, or lower the rate.");
    }
    words.textContent = said.join("");
    curve.setAttribute("aria-label", `Curve of the loss: ${words.textContent}`);
  };
  const buttons = [
    button("One step", step(1)),
    button("Ten steps", step(10)),
    button("Undo", undo),
  ];
  const label = h("label", {}, "Rate ", field);
  return {
    element: h("div", {}, label, choice, buttons, curve, words),
    graphIsNew: forget,
    changed: (own) => own || forget(),
    render,
    setRate: (x) => (field.value = String(x)),
    way: () => history.map(({ leaves }) => new Map(leaves)),
    keep: (state) => {
      state.rate = numberOf(field, () => {}) ?? rate;
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
  const [[left, right], [bottom, top]] = ranges;
  const canvas = h("canvas", { width: CELLS, height: CELLS });
  const line = h("polyline");
  const point = h("polyline", { class: "here" });
  // The picture's own units are the weights', with the second one upwards.
  const viewBox = [left, -top, right - left, top - bottom].join(" ");
  const svg = h("svg", { viewBox, preserveAspectRatio: "none" }, line, point);
  const words = h("p");
  const attributes = {
    class: "valley",
    role: "img",
    onpointerdown: (event) => {
      place.setPointerCapture(event.pointerId);
      move(event);
    },
    onpointermove: (event) => {
      if (place.hasPointerCapture(event.pointerId)) move(event);
    },
  };
  const place = h("div", attributes, canvas, svg);
  // The weights at a share of the width and of the height.
  const weightsAt = (x, y) => [left + x * (right - left), top - y * (top - bottom)];
  const move = ({ clientX, clientY }) => {
    const { x, y, width, height } = place.getBoundingClientRect();
    const shares = [(clientX - x) / width, (clientY - y) / height];
    const weights = weightsAt(...shares.map((at) => Math.min(Math.max(at, 0), 1)));
    explorer.setLeaves(ids.map((id, k) => [id, [Number(weights[k].toFixed(2))]]));
  };
  let painted = null;
  const paint = () => {
    const { graph } = explorer;
    const others = graph.leaves.filter(({ id }) => !ids.includes(id));
    const numbers = others.map(({ data }) => data).join();
    if (numbers === painted) return;
    painted = numbers;
    const pen = canvas.getContext("2d");
    pen.clearRect(0, 0, CELLS, CELLS);
    // Grey on a light page and on a dark one.
    pen.fillStyle = "gray";
    for (let cell = 0; cell < CELLS ** 2; cell++) {
      const [column, row] = [cell % CELLS, Math.floor(cell / CELLS)];
      const values = [...graph.values];
      const weights = weightsAt((column + 0.5) / CELLS, (row + 0.5) / CELLS);
      ids.forEach((id, k) => (values[id] = [weights[k]]));
      // From one band to the next the loss doubles.
      const band = Math.floor(Math.log2(graph.forward(values)[graph.root][0] + 1e-3));
      pen.globalAlpha = band % 2 ? 0.45 : 0.15;
      pen.fillRect(column, row, 1, 1);
    }
  };
  // The largest curvature: of the two weights' Hessian, from differences of gradients.
  const curvature = () => {
    const { graph } = explorer;
    const [[a, b], [c, d]] = ids.map((id) => {
      const [w] = graph.nodes[id].data;
      const [low, high] = [w - STEP, w + STEP].map((moved) => {
        graph.setLeaves([[id, [moved]]]);
        return ids.map((k) => graph.gradients[k][0]);
      });
      graph.setLeaves([[id, [w]]]);
      return low.map((slope, k) => (high[k] - slope) / (2 * STEP));
    });
    return (a + d) / 2 + Math.hypot((a - d) / 2, (b + c) / 2);
  };
  const render = () => {
    paint();
    const { graph, tools } = explorer;
    const here = ids.map((id) => graph.nodes[id].data[0]);
    const way = tools.find((tool) => tool.way)?.way() ?? [];
    const before = way.map((leaves) => ids.map((id) => leaves.get(id)[0]));
    // A run that diverged leaves the picture, and then the numbers of SVG.
    const points = [...before, here]
      .filter((at) => at.every((w) => Math.abs(w) < 1e6))
      .map(([x, y]) => `${x},${-y}`);
    line.setAttribute("points", points.join(" "));
    point.setAttribute("points", [points.at(-1), points.at(-1)].join(" "));
    const most = curvature();
    const [x, y] = ids.map((id) => graph.nodes[id].label);
    const bound = `, 2/λ = ${format(2 / most)}: a larger rate overshoots`;
    words.textContent =
      `${x} to the right, ${y} upwards; from band to band the loss doubles. ` +
      `Largest curvature here λ = ${format(most)}${most > 0 ? bound : ""}.`;
    const at = `now at ${here.map((w) => format(w)).join(" and ")}`;
    const label = `Loss over ${x} and ${y}, ${at}: ${format(graph.loss)}`;
    place.setAttribute("aria-label", label);
  };
  return { element: h("div", {}, place, words), render };
}

function writeTool(explorer, text) {
  const attributes = { rows: 4, spellcheck: "false", "aria-label": "Expression" };
  const field = h("textarea", attributes);
  const problem = h("p", { class: "problem", role: "alert" });
  field.value = text;
  const answer = ({ message, at = field.value.length }) => {
    const lines = field.value.slice(0, at).split("\n");
    const place = `Line ${lines.length}, character ${lines.at(-1).length + 1}`;
    problem.textContent = `${place}: ${message}.`;
    field.setAttribute("aria-invalid", "true");
    field.focus();
    field.setSelectionRange(at, at + 1);
  };
  const read = () => {
    problem.textContent = "";
    field.removeAttribute("aria-invalid");
    try {
      explorer.setGraph(parse(field.value));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      answer(error);
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
    const { nodes, values } = explorer.graph;
    const entries = nodes.toReversed().flatMap(({ id, learns }) => {
      const own = learns ? values[id] : [];
      return own.map((_, entry) => ({ kind: "g", id, entry }));
    });
    const open = entries.filter((spot) => !explorer.shows(spot));
    explorer.spot = open[0] ?? explorer.spot;
    return open.length;
  };
  const begin = ({ grade, seed }) => {
    explorer.setGraph(makeExercise(grade, seed), { grade, seed });
    lookAhead();
    words.textContent = "Fill in the gradients ∇, from the result back.";
  };
  const next = (grade) => () => {
    begin({ grade, seed: 1 + (explorer.exercise.seed % 999_999) });
    explorer.render();
  };
  const grades = [1, 2, 3].map((grade) => button(`Grade ${grade}`, next(grade)));
  const answer = ({ id }, entry, field) => {
    const x = numberOf(field, (said) => (words.textContent = said));
    if (x === undefined) return;
    const { right, words: said } = judge(explorer.graph, id, entry, x);
    words.textContent = said;
    if (!right) return;
    explorer.answered.add(`${id}.${entry}`);
    const left = lookAhead();
    words.textContent += left ? ` ${left} to go.` : " All gradients are found.";
    explorer.render();
    explorer.editor.querySelector("input")?.focus();
  };
  const ask = (node, entry) => {
    const name = `∇${nameAt(node, entry)}`;
    const field = numberField(name);
    const rules = node.uses.map((use) =>
      h("p", {}, write(shareRule(explorer.graph, use))),
    );
    const onsubmit = (event) => {
      event.preventDefault();
      answer(node, entry, field);
    };
    const label = h("label", {}, `${name} = `, field);
    const form = h("form", { onsubmit }, rules, label, h("button", {}, "Check"));
    explorer.editor.append(form);
  };
  return {
    element: h("div", {}, "New graph:", grades, words),
    ask,
    begin: () => begin(first),
    render: () =>
      grades.forEach((one, k) =>
        one.setAttribute("aria-pressed", explorer.exercise?.grade === k + 1),
      ),
    take: ({ exercise }) => exercise && begin(exercise),
  };
}
