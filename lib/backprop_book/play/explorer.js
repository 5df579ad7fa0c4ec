// The explorer of one graph: what is shown, and what a reader does with it.

const SVG = "http://www.w3.org/2000/svg";
const IN_SVG = ["svg", "path", "circle", "polyline", "g"];
const PAUSE = 1400;

// An element with attributes, listeners (onclick, …) and children. Text stays text.
function h(tag, attributes = {}, ...children) {
  const element = IN_SVG.includes(tag)
    ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.flat());
  return element;
}

const write = (pieces) => pieces.map((piece) =>
  piece.text === undefined ? piece : h("span", { class: piece.kind }, piece.text));

class Explorer {
  constructor(host, { nodes, options }, share) {
    this.options = options;
    this.share = share;
    this.root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
    this.live = h("p", { class: "live", "aria-live": "polite" });
    this.bar = this.makeBar();
    this.box = h("div", {
      class: "graph",
      role: "group",
      "aria-label": "Graph: the arrow keys lead from number to number",
      onkeydown: (event) => this.moveFocus(event),
      onfocusin: (event) => this.lookAt(event.target.spot),
      onpointerdown: (event) => this.drag(event),
    });
    this.rule = h("div", { class: "rule" });
    this.editor = h("div", { class: "editor" });
    this.extras = h("div", { class: "extras" });
    const play = h("section", { class: "play", "aria-label": "Explorer" },
      this.bar, this.box, h("div", { class: "panel" }, this.rule, this.editor),
      this.extras, this.live);
    this.root.replaceChildren(h("style", {}, STYLE), h("slot"), play);
    this.tools = [];
    this.setGraph(new Graph(nodes));
    this.tools = makeTools(this);
    this.extras.append(...this.tools.map((tool) => tool.element));
    if (Object.keys(options).length) this.step = this.steps.length;
    for (const tool of this.tools) tool.begin?.();
    this.takeAddress();
    this.render();
    new ResizeObserver(() => this.width !== this.box.clientWidth && this.arrange())
      .observe(this.box);
  }

  makeBar() {
    const button = (label, sign, act) =>
      h("button", { type: "button", "aria-label": label, title: label, onclick: act }, sign);
    this.player = button("Play", "▶", () => this.play(!this.timer));
    this.where = h("span", { class: "where" });
    const back = button("Step back", "‹", () => this.go(this.step - 1));
    const next = button("Step", "Step ›", () => this.go(this.step + 1));
    this.ends = [[button("To the start", "«", () => this.go(0)), back],
      [next, button("To the end", "»", () => this.go(this.steps.length))]];
    const keys = { ArrowLeft: -1, ArrowRight: 1, Home: -1e9, End: 1e9 };
    return h("div", {
      class: "bar",
      role: "toolbar",
      "aria-label": "Steps: the arrow keys step, Home and End lead to the ends",
      onkeydown: (event) => {
        if (!keys[event.key]) return;
        event.preventDefault();
        this.go(this.step + keys[event.key]);
      },
    }, this.ends[0], next, this.player, this.ends[1][1], this.where);
  }

  // A graph, with one step for each value computed and one for each gradient.
  setGraph(graph, exercise) {
    this.play(false);
    this.graph = graph;
    this.exercise = exercise;
    this.answered = new Set(exercise ? [graph.root] : []);
    const computed = graph.nodes.filter((node) => node.operands.length);
    const differentiated = graph.nodes.filter((node) => node.learns).reverse();
    this.steps = [
      ...computed.map(({ id }) => ({ kind: "v", id })),
      ...differentiated.map(({ id }) => ({ kind: "g", id })),
    ];
    this.step = exercise ? this.steps.length : 0;
    this.start = graph.leaves.map((leaf) => [leaf.id, leaf.data]);
    this.spot = null;
    this.draw();
    for (const tool of this.tools) tool.graphIsNew?.();
  }

  shows(kind, id) {
    if (kind === "g" && this.exercise) return this.answered.has(id);
    const step = this.steps.findIndex((s) => s.kind === kind && s.id === id);
    return step < this.step;
  }

  // The boxes of all nodes, their numbers as buttons, and the edges between them.
  draw() {
    this.spots = new Map();
    const spot = (spot, text = "") => {
      const button = h("button", { type: "button", class: `spot ${spot.kind}`, tabindex: -1 }, text);
      button.spot = spot;
      this.spots.set(keyOf(spot), button);
      return button;
    };
    this.boxes = this.graph.nodes.map((node) => {
      const columns = node.shape.at(-1) ?? 1;
      const rows = node.shape.at(-2) ?? 1;
      const grid = (kind) => {
        const entries = Array.from({ length: sizeOf(node.shape) }, (_, entry) =>
          spot({ kind, id: node.id, entry }));
        const blocks = entries.filter((_, k) => k && k % (columns * rows) < columns && k >= columns * rows);
        for (const entry of blocks) entry.classList.add("apart");
        const many = entries.length > 1 ? "many" : "";
        return h("div", { class: `grid ${many} of-${kind}`, style: `--columns: ${columns}` }, entries);
      };
      const title = spot({ kind: "n", id: node.id });
      title.append(...write([named(node)]),
        ...(node.operands.length ? [h("span", { class: "op" }, this.symbol(node))] : []));
      const bare = node.op === "constant" && sizeOf(node.shape) === 1 && !node.name;
      const kinds = node.learns ? ["v", "g"] : bare ? [] : ["v"];
      return h("div", { class: `node ${node.op === "leaf" || node.op === "constant" ? node.op : "made"}` },
        title, kinds.map(grid));
    });
    this.lines = this.graph.nodes.flatMap((node) =>
      node.operands.map((from, operand) => ({
        from, to: node.id, operand, path: h("path"), button: spot({ kind: "e", id: node.id, operand }),
      })));
    this.heads = this.lines.map(() => h("path", { class: "head", d: "M-7 -4L0 0L-7 4Z" }));
    this.svg = h("svg", { "aria-hidden": "true" }, this.lines.map((l) => l.path), this.heads);
    this.sheet = h("div", { class: "sheet" }, this.svg, this.lines.map((l) => l.button), this.boxes);
    this.box.replaceChildren(this.sheet);
    this.renderNumbers();
    this.arrange();
  }

  symbol(node) {
    if (node.op === "**") return `** ${format(node.exponent)}`;
    const axis = node.axis ? ` axis ${[node.axis].flat().join(", ")}` : "";
    return ({ "*": "×", "-": "−", neg: "−" }[node.op] ?? node.op) + axis;
  }

  // From left to right where that fits, else downwards where that does.
  arrange() {
    this.width = this.box.clientWidth;
    const sizes = this.boxes.map((box) => ({ width: box.offsetWidth, height: box.offsetHeight }));
    const edge = (from) =>
      this.sharesOf(from) ? { width: 56, height: 22 } : { width: SLIM, height: SLIM };
    const [across, down] = [false, true].map((vertical) =>
      layOut(this.graph.nodes, sizes, edge, vertical));
    // Where there is room, arrays side by side are worth a little scrolling.
    const most = this.width * (this.width < 500 ? 1 : 1.4);
    const vertical = across.width > most && down.width < across.width;
    const layout = vertical ? down : across;
    const at = (element, { x, y }) => (element.style.cssText = `left: ${x}px; top: ${y}px`);
    this.sheet.style.cssText = `width: ${layout.width}px; height: ${layout.height}px`;
    layout.nodes.forEach((point, k) => at(this.boxes[k], point));
    layout.edges.forEach((edge, k) => {
      this.lines[k].path.setAttribute("d", edge.path);
      const tip = edge.path.split(" ").slice(-2).join(" ");
      const turn = vertical ? 90 : 0;
      const transform = `translate(${tip}) rotate(${turn}) translate(${TIP} 0)`;
      this.heads[k].setAttribute("transform", transform);
      at(this.lines[k].button, edge);
    });
  }

  sharesOf(id) {
    const node = this.graph.nodes[id];
    return node.learns && node.uses.length > 1;
  }

  go(step) {
    this.step = Math.min(Math.max(step, 0), this.steps.length);
    this.spot = null;
    this.render();
    const here = this.steps[this.step - 1];
    const end = this.step === this.steps.length && !this.exercise ? " That was the last step." : "";
    this.say(here ? `${this.where.textContent}: ${this.inWords(here)}.${end}`
      : "At the start: only the leaves have their numbers.");
    if (this.step === this.steps.length) this.play(false);
  }

  // A step for a screen reader.
  inWords({ kind, id }) {
    const node = this.graph.nodes[id];
    const numbers = (kind === "v" ? this.graph.values : this.graph.gradients)[id];
    const size = numbers.length;
    const result = size === 1 ? format(numbers[0]) : `an array of shape ${inWords(node.shape)}`;
    if (kind === "v") return `${plain(definition(this.graph, node))} is ${result}`;
    const shares = this.sharesOf(id) && size === 1
      ? `, the sum of the shares ${node.uses.map(([to, p]) => format(this.graph.shares[to][p][0])).join(" and ")}` : "";
    return `the gradient of ${node.label} is ${result}${shares}`;
  }

  say(words) {
    this.live.textContent = words;
  }

  play(on) {
    clearInterval(this.timer);
    this.timer = on && setInterval(() => this.go(this.step + 1), PAUSE);
    this.player.textContent = on ? "❚❚" : "▶";
    this.player.setAttribute("aria-label", on ? "Pause" : "Play");
    this.player.title = on ? "Pause" : "Play";
    if (on) this.go(this.step === this.steps.length ? 0 : this.step + 1);
  }

  lookAt(spot) {
    if (!spot || (this.spot && keyOf(spot) === keyOf(this.spot))) return;
    this.spot = spot;
    this.render();
  }

  // Arrow keys lead to the nearest number in their direction; a digit begins a new one.
  moveFocus(event) {
    const here = this.root.activeElement;
    if (!here?.spot) return;
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const input = this.editor.querySelector("input");
    if (input && (event.key === "Enter" || /^[-.\d]$/.test(event.key))) {
      event.preventDefault();
      input.focus();
      input.select();
      if (event.key !== "Enter") {
        input.value = event.key;
        input.dispatchEvent(new Event("input"));
      }
    }
    if (!way) return;
    event.preventDefault();
    const middle = (element) => {
      const { x, y, width, height } = element.getBoundingClientRect();
      return [x + width / 2, y + height / 2];
    };
    const [x, y] = middle(here);
    const far = (element) => {
      const [dx, dy] = [middle(element)[0] - x, middle(element)[1] - y];
      const ahead = dx * way[0] + dy * way[1];
      const aside = Math.abs(dx * way[1]) + Math.abs(dy * way[0]);
      return ahead < 2 || aside > 4 * ahead ? Infinity : ahead + 2 * aside;
    };
    const all = [...this.spots.values()].filter((element) => element !== here);
    const next = all.reduce((best, element) => (far(element) < far(best) ? element : best), all[0]);
    if (next && far(next) < Infinity) next.focus();
  }

  // A leaf's number follows the pointer, in steps of a twentieth.
  drag(event) {
    const { spot } = event.target.closest(".spot") ?? {};
    if (!spot || spot.kind !== "v" || this.graph.nodes[spot.id].op !== "leaf") return;
    const button = this.spots.get(keyOf(spot));
    const from = this.graph.values[spot.id][spot.entry];
    const move = ({ clientX }) => {
      const change = Math.round((clientX - event.clientX) / 4) / 20;
      if (change || this.dragged) this.setNumber(spot, Number((from + change).toFixed(6)));
      this.dragged ||= change !== 0;
    };
    const stop = () => {
      this.dragged = false;
      button.removeEventListener("pointermove", move);
      this.renderEditor();
    };
    button.setPointerCapture(event.pointerId);
    button.addEventListener("pointermove", move);
    button.addEventListener("lostpointercapture", stop, { once: true });
    button.focus();
  }

  setNumber({ id, entry }, value) {
    this.graph.nodes[id].data = this.graph.nodes[id].data.with(entry, value);
    this.changed();
  }

  // After any change of the leaves; `own` where descent made it.
  changed(own = false) {
    this.graph.update();
    for (const tool of this.tools) tool.changed?.(own);
    this.render(false);
  }

  reset() {
    for (const [id, data] of this.start) this.graph.nodes[id].data = data;
    this.changed();
    this.renderEditor();
  }

  render(withEditor = true) {
    const here = this.steps[this.step - 1];
    const phase = here?.kind === "v" ? "forward" : "backward";
    this.where.textContent = here
      ? `Step ${this.step} of ${this.steps.length}, ${phase}` : `Start, ${this.steps.length} steps`;
    this.bar.hidden = Boolean(this.exercise);
    [this.step === 0, this.step === this.steps.length].forEach((off, end) => {
      for (const button of this.ends[end]) button.setAttribute("aria-disabled", off);
    });
    this.renderNumbers();
    const current = this.spot ?? (here && { kind: here.kind === "v" ? "n" : "g", id: here.id, entry: 0 });
    this.renderRule(current, here);
    if (withEditor) this.renderEditor();
    for (const tool of this.tools) tool.render?.();
    this.keepAddress();
  }

  renderNumbers() {
    const { graph } = this;
    for (const [, button] of this.spots) {
      const { kind, id, entry, operand } = button.spot;
      const node = graph.nodes[id];
      if (kind === "n") {
        button.setAttribute("aria-label", plain(definition(graph, node)));
        continue;
      }
      const from = kind === "e" ? graph.nodes[node.operands[operand]] : node;
      const shown = kind === "e" ? this.shows("g", id) && from.learns
        : this.shows(kind, id) || (kind === "v" && !node.operands.length);
      const list = { v: graph.values[id], g: graph.gradients[id], e: graph.shares[id][operand] }[kind];
      const place = sizeOf(node.shape) > 1 && kind !== "e" ? `, ${placeOf(entry, node.shape)}` : "";
      const x = list?.[entry ?? 0];
      const digits = sizeOf(from.shape) > 1 ? 3 : 4;
      const many = kind === "e" && sizeOf(from.shape) > 1;
      const sign = kind === "e" || (kind === "g" && digits === 4) ? "∇ " : "";
      const written = many ? "∇" : `${sign}${format(x ?? 0, digits)}`;
      const labelled = kind === "e" && !this.sharesOf(from.id) ? "" : written;
      button.textContent = shown ? labelled : kind === "e" ? "" : "·";
      const what = { v: "value", g: "gradient", e: `to ${node.label}, share of the gradient` }[kind];
      const said = shown ? (many ? "an array" : format(x ?? 0)) : "not computed yet";
      button.setAttribute("aria-label", kind === "e" && !from.learns
        ? `${from.label} to ${node.label}` : `${from.label}${place}, ${what}: ${said}`);
      button.classList.toggle("hidden", !shown);
    }
    this.graph.nodes.filter((node) => node.op === "relu").forEach((node) => {
      const input = graph.values[node.operands[0]];
      const shut = this.shows("v", node.id) && input.every((x) => !(x > 0));
      this.boxes[node.id].classList.toggle("blocked", shut);
      input.forEach((x, entry) => this.spots.get(keyOf({ kind: "v", id: node.id, entry }))
        .classList.toggle("shut", this.shows("v", node.id) && !(x > 0)));
    });
  }

  renderRule(spot, step) {
    const shows = (kind, id) => this.shows(kind, id) || (kind === "v" && !this.graph.nodes[id].operands.length);
    if (step && !this.spot) spot = { ...spot, kind: "n" };
    const { lines, marks } = spot ? explain(this.graph, spot, shows)
      : { lines: [say`Step: first the values, one node at a time, then the gradients.`], marks: [] };
    const size = spot ? sizeOf(this.graph.nodes[spot.id].shape) : 0;
    const entry = spot?.entry ?? (size === 1 ? 0 : undefined);
    const checks = spot && spot.kind !== "e" && (spot.kind === "g" || size === 1)
      && this.graph.nodes[spot.id].learns && shows("g", spot.id) && entry !== undefined;
    if (checks) lines.push(checkWords(this.graph, spot.id, entry));
    this.rule.replaceChildren(...lines.map((line) => h("p", {}, write(line))));
    const marked = new Set(marks.map(keyOf));
    const current = spot && keyOf(spot);
    for (const [key, button] of this.spots) {
      button.classList.toggle("mark", marked.has(key));
      button.classList.toggle("current", key === current);
      button.tabIndex = -1;
    }
    (this.spots.get(current) ?? this.spots.values().next().value).tabIndex = 0;
    this.boxes.forEach((box, id) => box.classList.toggle("current", spot?.id === id && spot.kind !== "e"));
    this.lines.forEach((line, k) => {
      const forward = spot && line.to === spot.id && (spot.kind === "n" || spot.kind === "v" || line.operand === spot.operand)
        && (!step || step.kind === "v" || this.spot);
      const backward = spot && line.from === spot.id && spot.kind !== "v" && shows("g", line.to)
        && this.graph.nodes[line.from].learns;
      for (const part of [line.path, this.heads[k]]) {
        part.classList.toggle("v", Boolean(forward));
        part.classList.toggle("g", Boolean(backward));
      }
    });
    if (spot) this.follow(spot.kind === "e" ? this.spots.get(current) : this.boxes[spot.id]);
  }

  // Bring a box into sight, without moving the page.
  follow(element) {
    const [box, it] = [this.box, element].map((e) => e.getBoundingClientRect());
    const shift = (low, high, from, to) => (low < from ? low - from - 12 : high > to ? high - to + 12 : 0);
    this.box.scrollBy(shift(it.left, it.right, box.left, box.right), shift(it.top, it.bottom, box.top, box.bottom));
  }

  // A field and a slider for the number of a leaf, or for an answer.
  renderEditor() {
    const { spot } = this;
    const node = spot && this.graph.nodes[spot.id];
    this.editor.replaceChildren();
    if (!spot) return;
    if (this.exercise) {
      const practice = this.tools.find((tool) => tool.ask);
      if (node.learns && !this.answered.has(node.id)) this.editor.append(practice.ask(node));
      return;
    }
    if (node.op !== "leaf" || spot.kind === "g" || (spot.kind === "n" && node.data.length > 1)) return;
    const at = { id: spot.id, entry: spot.entry ?? 0 };
    const value = node.data[at.entry];
    const reach = Math.max(4, Math.ceil(2 * Math.abs(value)));
    const set = (event, other) => {
      const x = numberIn(event.target);
      event.target.setAttribute("aria-invalid", !Number.isFinite(x));
      this.problem.textContent = Number.isFinite(x) ? "" : "Expected a number, such as −0.5.";
      if (!Number.isFinite(x)) return;
      other.value = String(x);
      this.setNumber(at, x);
    };
    const name = node.data.length > 1 ? `${node.label}, ${placeOf(at.entry, node.shape)}` : node.label;
    const field = h("input", { inputmode: "decimal", size: 8, value: String(value), "aria-label": name, oninput: (event) => set(event, slider) });
    const slider = h("input", { type: "range", min: -reach, max: reach, step: 0.05, "aria-label": `${name}, slider`, oninput: (event) => set(event, field) });
    slider.value = String(value);
    this.problem = h("span", { class: "problem", role: "alert" });
    this.editor.append(h("span", { class: "name" }, `${name} =`), field, slider,
      h("button", { type: "button", onclick: () => this.reset() }, "Reset"), this.problem);
  }

  get moved() {
    const start = new Map(this.start);
    return this.graph.leaves.filter((leaf) => leaf.data.some((x, k) => x !== start.get(leaf.id)[k]))
      .map((leaf) => [leaf.id, leaf.data]);
  }

  // The state is in the address, beside the page's anchors, without a new entry.
  keepAddress() {
    if (!this.share || !this.ready) return;
    clearTimeout(this.keeper);
    this.keeper = setTimeout(() => {
      const address = new URL(location.href);
      const state = { step: this.step, leaves: this.moved, exercise: this.exercise };
      for (const tool of this.tools) tool.keep?.(state);
      address.searchParams.set(this.share, encodeState(state));
      try {
        history.replaceState(history.state, "", address);
      } catch {
        // Some browsers keep the addresses of files as they are.
      }
    }, 300);
  }

  takeAddress() {
    const text = this.share && new URLSearchParams(location.search).get(this.share);
    try {
      if (text) {
        const state = decodeState(text);
        for (const tool of this.tools) tool.take?.(state);
        setLeaves(this.graph, state.leaves);
        this.step = Math.min(state.step ?? this.step, this.steps.length);
        for (const tool of this.tools) tool.changed?.();
      }
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.say(`The link’s numbers were left out: ${error.message}.`);
      this.live.classList.add("problem");
    }
    this.ready = true;
  }
}
