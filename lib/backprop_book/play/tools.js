// What a chapter can ask for beside the graph: a goal, presets, descent, the valley of
// two weights, an expression to write, gradients to practise. Each tool is an element
// and what it does when the graph is new, numbers changed, or the address is read.

const numberIn = (field) => {
  const text = field.value.trim().replace("−", "-").replace(",", ".");
  return text === "" ? NaN : Number(text);
};
const button = (label, act, attributes = {}) =>
  h("button", { type: "button", onclick: act, ...attributes }, label);

function makeTools(explorer) {
  const tools = { goal: goalTool, presets: presetsTool, valley: valleyTool, learn: learnTool,
    write: writeTool, practise: practiseTool };
  return Object.entries(tools).filter(([name]) => explorer.options[name])
    .map(([name, make]) => make(explorer, explorer.options[name]));
}

const COMPARE = { "<": (a, b) => a < b, ">": (a, b) => a > b, "==": (a, b) => Math.abs(a - b) <= 1e-3 };

function goalTool(explorer, { words, conditions }) {
  const verdict = h("strong");
  const holds = ([kind, id, sign, number]) =>
    (kind === "g" ? explorer.graph.gradients : explorer.graph.values)[id]
      .every((x) => COMPARE[sign](x, number));
  const changed = () => {
    const reached = conditions.every(holds);
    const text = reached ? "reached ✓" : "not yet";
    if (verdict.textContent && verdict.textContent !== text) explorer.say(`Goal ${text}`);
    verdict.textContent = text;
  };
  return { element: h("p", {}, `Goal: ${words}: `, verdict), begin: changed, changed };
}

function presetsTool(explorer, presets) {
  const choose = ({ numbers, rate }) => {
    for (const [id, data] of numbers) explorer.graph.nodes[id].data = data;
    if (rate !== undefined) explorer.tools.find((tool) => tool.setRate)?.setRate(rate);
    explorer.changed();
    explorer.renderEditor();
  };
  const buttons = presets.map((preset) => button(preset.label, () => choose(preset)));
  return { element: h("div", {}, h("span", {}, "Start from:"), buttons) };
}

// What one entry's step is made of, from its gradient and what it remembers.
const OPTIMISERS = {
  "gradient descent": (G) => G,
  "momentum 0.9": (G, memory) => (memory.m = 0.9 * (memory.m ?? 0) + G),
  Adam: (G, memory) => {
    memory.t = (memory.t ?? 0) + 1;
    memory.m = 0.9 * (memory.m ?? 0) + 0.1 * G;
    memory.v = 0.999 * (memory.v ?? 0) + 0.001 * G ** 2;
    const [m, v] = [memory.m / (1 - 0.9 ** memory.t), memory.v / (1 - 0.999 ** memory.t)];
    return m / (Math.sqrt(v) + 1e-8);
  },
};

function learnTool(explorer, { rate, parameters }) {
  const field = h("input", { inputmode: "decimal", size: 6, "aria-label": "Learning rate" });
  const choice = h("select", { "aria-label": "Optimiser" },
    Object.keys(OPTIMISERS).map((name) => h("option", {}, name)));
  const line = h("polyline", {});
  const curve = h("svg", { class: "curve", viewBox: "0 0 180 60", role: "img" }, line);
  const words = h("span");
  let history = [];
  let memory = {};
  const setRate = (x) => (field.value = String(x));
  const keep = () => history.push({ loss: explorer.graph.loss, memory: structuredClone(memory),
    leaves: explorer.graph.leaves.map((leaf) => [leaf.id, leaf.data]) });
  const step = (times) => {
    const eta = numberIn(field);
    const valid = Number.isFinite(eta);
    field.setAttribute("aria-invalid", !valid);
    if (!valid) return explorer.say("Learning rate: expected a number, such as 0.1.");
    const { graph } = explorer;
    for (let k = 0; k < times && Number.isFinite(graph.loss); k++) {
      keep();
      for (const leaf of graph.leaves.filter(({ id }) => !parameters || parameters.includes(id))) {
        leaf.data = leaf.data.map((x, entry) => {
          const own = (memory[`${leaf.id}.${entry}`] ??= {});
          return x - eta * OPTIMISERS[choice.value](graph.gradients[leaf.id][entry], own);
        });
      }
      graph.update();
    }
    stepped();
  };
  const stepped = () => {
    explorer.changed(true);
    explorer.renderEditor();
    explorer.say(words.textContent);
  };
  const undo = () => {
    const before = history.pop();
    if (!before) return;
    memory = before.memory;
    for (const [id, data] of before.leaves) explorer.graph.nodes[id].data = data;
    stepped();
  };
  const forget = () => {
    history = [];
    memory = {};
  };
  const render = () => {
    const losses = [...history.map(({ loss }) => loss), explorer.graph.loss];
    const finite = losses.filter(Number.isFinite);
    const most = Math.max(...finite, 1e-300);
    const points = finite.map((loss, k) =>
      `${4 + (172 * k) / Math.max(finite.length - 1, 1)},${56 - (52 * loss) / most}`);
    line.setAttribute("points", points.join(" "));
    words.textContent = `Loss ${format(explorer.graph.loss)}`
      + (history.length ? ` after ${history.length} steps, ${format(losses[0])} before` : "")
      + (finite.length < losses.length ? ". It diverged: undo, or take a smaller rate." : "");
    curve.setAttribute("aria-label", `Curve of the loss: ${words.textContent}`);
  };
  setRate(rate);
  return {
    element: h("div", {}, h("label", {}, "Rate ", field), choice,
      button("One step", () => step(1), { class: "one" }), button("Ten steps", () => step(10)),
      button("Undo", undo), curve, words),
    graphIsNew: forget,
    changed: (own) => own || forget(),
    render, setRate,
    get path() {
      return history.map(({ leaves }) => new Map(leaves));
    },
    keep: (state) => {
      state.rate = Number(field.value) || 0;
      state.optimiser = choice.selectedIndex;
    },
    take: (state) => {
      if (state.rate !== undefined) setRate(state.rate);
      choice.selectedIndex = Math.min(state.optimiser ?? 0, 2);
    },
  };
}

// The loss over two single weights: lines of equal loss, the way taken, and 2/λ.
function valleyTool(explorer, { ids, ranges }) {
  const SIDE = 260;
  const CELLS = 65;
  const canvas = h("canvas", { width: CELLS, height: CELLS });
  const way = h("polyline", {});
  const point = h("circle", { r: 6 });
  const svg = h("svg", { viewBox: `0 0 ${SIDE} ${SIDE}` }, way, point);
  const words = h("p");
  const place = h("div", { class: "valley", role: "img", onpointerdown: drag }, canvas, svg);
  const { graph } = explorer;
  const [x, y] = ids.map((id) => graph.nodes[id]);
  const at = ([a, b]) => [[a, 0], [b, 1]].map(([w, k]) => {
    const share = (w - ranges[k][0]) / (ranges[k][1] - ranges[k][0]);
    return Math.max(-SIDE, Math.min(2 * SIDE, SIDE * (k ? 1 - share : share))) || 0;
  });
  function lossAt(a, b) {
    const values = [...graph.values];
    [values[x.id], values[y.id]] = [[a], [b]];
    return graph.forward(values)[graph.root][0];
  }
  function numbersAt(right, down) {
    const number = ([low, high], share) => low + share * (high - low);
    return [number(ranges[0], right), number(ranges[1], 1 - down)];
  }
  function paint() {
    const pen = canvas.getContext("2d");
    pen.clearRect(0, 0, CELLS, CELLS);
    pen.fillStyle = getComputedStyle(place).color;
    for (let row = 0; row < CELLS; row++) {
      for (let column = 0; column < CELLS; column++) {
        const numbers = numbersAt((column + 0.5) / CELLS, (row + 0.5) / CELLS);
        // From one band to the next the loss doubles.
        const band = Math.floor(Math.log2(lossAt(...numbers) + 1e-3));
        pen.globalAlpha = band % 2 ? 0.25 : 0.08;
        pen.fillRect(column, row, 1, 1);
      }
    }
  }
  function drag(event) {
    const move = ({ clientX, clientY }) => {
      const box = place.getBoundingClientRect();
      const inside = (share) => Math.min(Math.max(share, 0), 1);
      const right = inside((clientX - box.x) / box.width);
      const numbers = numbersAt(right, inside((clientY - box.y) / box.height));
      [x.data, y.data] = numbers.map((w) => [Number(w.toFixed(2))]);
      explorer.changed();
    };
    place.setPointerCapture(event.pointerId);
    place.addEventListener("pointermove", move);
    place.addEventListener("lostpointercapture", () => {
      place.removeEventListener("pointermove", move);
      explorer.renderEditor();
    }, { once: true });
    move(event);
  }
  // The largest curvature: of the two weights' Hessian, from differences of gradients.
  function curvature() {
    const rows = [x, y].map((leaf) => {
      const [w] = leaf.data;
      const slopes = [w - STEP, w + STEP].map((v) => {
        leaf.data = [v];
        graph.update();
        return [x, y].map(({ id }) => graph.gradients[id][0]);
      });
      leaf.data = [w];
      return slopes[0].map((low, k) => (slopes[1][k] - low) / (2 * STEP));
    });
    graph.update();
    const [[a, b], [c, d]] = rows;
    return (a + d) / 2 + Math.hypot((a - d) / 2, (b + c) / 2);
  }
  const render = () => {
    const path = explorer.tools.find((tool) => tool.path)?.path ?? [];
    const places = path.map((leaves) => at(ids.map((id) => leaves.get(id)[0])));
    const now = at([x.data[0], y.data[0]]);
    way.setAttribute("points", [...places, now].map((p) => p.join(",")).join(" "));
    point.setAttribute("cx", now[0]);
    point.setAttribute("cy", now[1]);
    const top = curvature();
    words.textContent = `${x.label} to the right, ${y.label} upwards; from band to band the loss `
      + `doubles. Largest curvature λ = ${format(top)} here`
      + (top > 0 ? `: descent is stable up to a rate of 2/λ = ${format(2 / top)}.` : ".");
    place.setAttribute("aria-label", `The loss over ${x.label} and ${y.label}, now at `
      + `${format(x.data[0])} and ${format(y.data[0])}: ${format(graph.loss)}`);
  };
  new ResizeObserver(paint).observe(place);
  return { element: h("div", {}, place, words), render };
}

function writeTool(explorer, text) {
  const field = h("textarea", { rows: 4, spellcheck: "false", "aria-label": "Expression" });
  const problem = h("p", { class: "problem", role: "alert" });
  const read = () => {
    problem.textContent = "";
    field.removeAttribute("aria-invalid");
    try {
      explorer.setGraph(parse(field.value));
      explorer.render();
      explorer.say(`A graph of ${explorer.graph.nodes.length} nodes.`);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      const at = error.at ?? field.value.length;
      const before = field.value.slice(0, at).split("\n");
      problem.textContent = `Line ${before.length}, character ${before.at(-1).length + 1}: ${error.message}.`;
      field.setAttribute("aria-invalid", "true");
      field.focus();
      field.setSelectionRange(at, at + 1);
    }
  };
  field.value = text;
  return {
    element: h("div", {}, field, button("Draw the graph", read), problem),
    keep: (state) => (state.text = field.value),
    take: (state) => {
      if (state.text === undefined) return;
      field.value = state.text;
      explorer.setGraph(parse(state.text));
    },
  };
}

function practiseTool(explorer, first) {
  const begin = (grade, seed) => {
    explorer.setGraph(makeExercise(grade, seed), { grade, seed });
    words.textContent = "Fill in the gradients, from the result back to the leaves: choose a box.";
  };
  const next = (grade) => {
    begin(grade, 1 + (explorer.exercise.seed % 999999));
    explorer.render();
    explorer.say(`A new graph of grade ${grade}.`);
  };
  const words = h("span", { role: "status" });
  const grades = [1, 2, 3].map((grade) =>
    button(`Grade ${grade}`, () => next(grade), { "aria-pressed": false }));
  const ask = (node) => {
    const rules = node.uses.map(([id, p]) => {
      const { rule } = shareRule(explorer.graph, explorer.graph.nodes[id], p);
      return h("p", {}, write(say`${named(explorer.graph.nodes[id])} sends back ${rule}.`));
    });
    const field = h("input", { inputmode: "decimal", size: 8, "aria-label": `∇${node.label}` });
    const answer = (event) => {
      event.preventDefault();
      const x = numberIn(field);
      if (!Number.isFinite(x)) words.textContent = "Expected a number, such as −6.";
      if (!Number.isFinite(x)) return;
      const { graph, answered } = explorer;
      const { right, words: said } = judge(graph, node.id, x);
      if (right) answered.add(node.id);
      const left = graph.nodes.filter(({ id, learns }) => learns && !answered.has(id));
      const end = left.length ? `${left.length} to go.` : "All gradients are found.";
      words.textContent = right ? `${said} ${end}` : said;
      if (!right) return;
      explorer.spot = { kind: "n", id: left.at(-1)?.id ?? node.id };
      explorer.render();
      explorer.editor.querySelector("input")?.focus();
    };
    return h("form", { onsubmit: answer }, rules,
      h("label", {}, `∇${node.label} = `, field), h("button", {}, "Check"));
  };
  return {
    element: h("div", {}, h("span", {}, "New graph:"), grades, words),
    ask,
    begin: () => begin(first.grade, first.seed),
    render: () => grades.forEach((b, k) => b.setAttribute("aria-pressed", explorer.exercise?.grade === k + 1)),
    take: ({ exercise }) => exercise && begin(exercise.grade, exercise.seed),
  };
}
