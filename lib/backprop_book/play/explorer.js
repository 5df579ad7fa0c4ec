// The explorer of one graph: what is shown, and what a reader does with it.

const PAUSE = 1400;
const KINDS = { v: piece("values", "v"), g: piece("gradients ∇", "g") };
const BEGINNING = [
  say`Step: first come the ${KINDS.v}, then, from the result back, the ${KINDS.g}.`,
  say`A dotted line is under a number that can be changed: choose it.`,
];
const STEPS = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
const WAYS = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

class Explorer {
  constructor(host, { nodes, options }, share) {
    Object.assign(this, { options, share, tools: [] });
    this.live = h("p", { class: "live", "aria-live": "polite" });
    this.box = h("div", {
      class: "graph",
      role: "group",
      "aria-label": "Graph: the arrow keys lead from number to number",
      onkeydown: (event) => this.moveFocus(event),
      onfocusin: ({ target }) => this.lookAt(target.spot),
    });
    this.rule = h("div", { class: "rule" });
    this.editor = h("div", { class: "editor" });
    this.extras = h("div", { class: "extras" });
    const panel = h("div", { class: "panel" }, this.rule, this.editor);
    const parts = [this.makeBar(), this.box, panel, this.extras, this.live];
    // A group: several explorers on a page are no landmarks.
    const named = { class: "play", role: "group", "aria-label": "Explorer" };
    // JupyterLab would take what is typed here for its own shortcuts.
    host.dataset.lmSuppressShortcuts = "true";
    const root = host.attachShadow({ mode: "open" });
    root.append(h("style", {}, STYLE), h("slot"), h("section", named, parts));
    this.setGraph(new Graph(nodes));
    this.tools = makeTools(this);
    this.extras.append(...this.tools.map((tool) => tool.element));
    if (this.tools.length) this.step = this.steps.length;
    this.tellTools("begin");
    this.takeAddress();
    this.render();
    this.ready = true;
    new ResizeObserver(() => {
      if (this.width !== this.box.clientWidth) this.arrange();
    }).observe(this.box);
  }

  tellTools(what, ...given) {
    for (const tool of this.tools) tool[what]?.(...given);
  }

  makeBar() {
    const move = (label, sign, steps) => {
      const act = () => this.go(this.step + steps);
      const made = button(sign, act, { "aria-label": label, title: label });
      return Object.assign(made, { steps });
    };
    this.moves = [
      move("To the start", "«", -Infinity),
      move("Step back", "‹", -1),
      move("Step", "Step ›", 1),
      move("To the end", "»", Infinity),
    ];
    this.player = button("", () => this.play(!this.timer));
    this.where = h("span", { class: "where" });
    const attributes = {
      class: "bar",
      role: "toolbar",
      "aria-label": "Steps: the arrow keys step, Home and End lead to the ends",
      onkeydown: (event) => {
        if (!STEPS[event.key]) return;
        event.preventDefault();
        this.go(this.step + STEPS[event.key]);
      },
    };
    this.bar = h("div", attributes, this.moves, this.where);
    this.moves[2].after(this.player);
    return this.bar;
  }

  // One step for each value that is computed, then one for each gradient.
  setGraph(graph, exercise) {
    this.play(false);
    Object.assign(this, { graph, exercise, spot: null });
    this.answered = new Set(exercise && [`${graph.root}.0`]);
    const made = graph.nodes.filter(({ operands }) => operands.length);
    const learning = graph.nodes.filter(({ learns }) => learns).reverse();
    this.steps = [
      ...made.map(({ id }) => ({ kind: "v", id })),
      ...learning.map(({ id }) => ({ kind: "g", id })),
    ];
    this.turns = new Map(this.steps.map(({ kind, id }, k) => [kind + id, k]));
    this.step = exercise ? this.steps.length : 0;
    this.start = new Map(graph.leaves.map(({ id, data }) => [id, data]));
    this.draw();
    this.tellTools("graphIsNew");
  }

  // Whether a number is known by now: of an array all of them, where none is chosen. An
  // edge's share is known with its user's gradient, but to practise that would be told.
  shows({ kind, id, entry, operand }) {
    if (this.exercise && kind !== "v") {
      const of = kind === "e" ? this.graph.nodes[id].operands[operand] : id;
      const entries = entry === undefined ? this.graph.values[of].keys() : [entry];
      return [...entries].every((k) => this.answered.has(`${of}.${k}`));
    }
    // Leaves and constants have no turn: their numbers are there from the start.
    return !(this.turns.get((kind === "v" ? "v" : "g") + id) >= this.step);
  }

  // Whether a node's gradient is a sum of shares.
  adds(id) {
    const { learns, uses } = this.graph.nodes[id];
    return learns && uses.length > 1;
  }

  // The boxes of all nodes, their numbers as buttons, and the edges between them.
  draw() {
    const { nodes } = this.graph;
    this.spots = new Map();
    this.boxes = nodes.map((node) => this.boxOf(node));
    this.lines = nodes.flatMap(({ id, operands }) =>
      operands.map((from, operand) => {
        const head = h("path", { class: "head", d: "M-7 -4L0 0L-7 4Z" });
        const type = this.adds(from) ? "share" : "";
        const spot = this.makeSpot({ kind: "e", id, operand }, type);
        return { from, id, operand, path: h("path"), head, spot };
      }),
    );
    const drawn = this.lines.flatMap(({ path, head }) => [path, head]);
    const svg = h("svg", { "aria-hidden": "true" }, drawn);
    const spots = this.lines.map(({ spot }) => spot);
    const type = `sheet ${this.exercise ? "" : "free"}`;
    this.sheet = h("div", { class: type }, svg, spots, this.boxes);
    this.box.replaceChildren(this.sheet);
    this.arrange();
  }

  makeSpot(spot, type = "") {
    const made = button("", null, { class: `spot ${spot.kind} ${type}`, tabindex: -1 });
    this.spots.set(keyOf(spot), Object.assign(made, { spot }));
    return made;
  }

  boxOf(node) {
    const { id, shape, size, op } = node;
    const entries = Array.from({ length: size }, (_, entry) => entry);
    const block = sizeOf(shape.slice(-2));
    // The first row of each block but the first keeps a distance.
    const apart = (k) => (k >= block && k % block < shape.at(-1) ? "apart" : "");
    const grid = (kind) => {
      const type = `grid of-${kind}${size > 1 ? " many" : ""}`;
      const style = `--columns: ${shape.at(-1) ?? 1}`;
      const make = (entry) => this.makeSpot({ kind, id, entry }, apart(entry));
      return h("div", { class: type, style }, entries.map(make));
    };
    const title = this.makeSpot({ kind: "n", id });
    const words = titleOf(node).map((word) => h("span", { class: "beside" }, word));
    title.append(...write([named(node)]), ...words);
    const bare = op === "constant" && node.label === format(node.data[0]);
    const kinds = node.learns ? ["v", "g"] : bare ? [] : ["v"];
    const type = node.operands.length ? "made" : op;
    return h("div", { class: `node ${type}` }, title, kinds.map(grid));
  }

  // From left to right where that fits, else downwards where that is narrower.
  arrange() {
    this.width = this.box.clientWidth;
    const sizes = this.boxes.map(({ offsetWidth, offsetHeight }) => ({
      width: offsetWidth,
      height: offsetHeight,
    }));
    const edge = (from) => (this.adds(from) ? WRITTEN : SLIM);
    const [across, down] = [false, true].map((vertical) =>
      layOut(this.graph.nodes, sizes, edge, vertical),
    );
    // Where there is room, arrays side by side are worth a little scrolling.
    const most = this.width * (this.width < 500 ? 1 : 1.4);
    const layout = across.width > most && down.width < across.width ? down : across;
    const put = (element, { x, y }) =>
      (element.style.cssText = `left: ${x}px; top: ${y}px`);
    this.sheet.classList.toggle("down", layout === down);
    this.sheet.style.cssText = `width: ${layout.width}px; height: ${layout.height}px`;
    layout.nodes.forEach((point, id) => put(this.boxes[id], point));
    layout.edges.forEach((found, k) => {
      const line = this.lines[k];
      line.path.setAttribute("d", found.path);
      const turn = layout === down ? 90 : 0;
      const numbers = found.path.match(/-?[\d.]+/g);
      const [start, tip] = [numbers.slice(0, 2), numbers.slice(-2)];
      line.ahead = `translate(${tip}) rotate(${turn}) translate(${TIP} 0)`;
      line.back = `translate(${start}) rotate(${turn + 180})`;
      put(line.spot, found);
    });
  }

  go(step) {
    this.step = Math.min(Math.max(step, 0), this.steps.length);
    this.spot = null;
    this.render();
    const here = this.steps[this.step - 1];
    const last = this.step === this.steps.length;
    const words = here
      ? stepInWords(this.graph, here)
      : "only the leaves have their numbers";
    const end = last ? " That was the last step." : "";
    this.say(`${this.where.textContent}: ${words}.${end}`);
    if (last) this.play(false);
  }

  say(words) {
    this.live.textContent = words;
  }

  play(on) {
    clearInterval(this.timer);
    this.timer = on && setInterval(() => this.go(this.step + 1), PAUSE);
    this.player.textContent = on ? "❚❚" : "▶";
    this.player.title = on ? "Pause" : "Play";
    this.player.setAttribute("aria-label", this.player.title);
    if (on) this.go(this.step === this.steps.length ? 0 : this.step + 1);
  }

  lookAt(spot) {
    if (!spot || (this.spot && keyOf(spot) === keyOf(this.spot))) return;
    this.spot = spot;
    this.render();
  }

  // Arrow keys lead to the nearest number in their direction.
  moveFocus(event) {
    if (!WAYS[event.key]) return;
    event.preventDefault();
    const [right, down] = WAYS[event.key];
    const middle = (element) => {
      const { x, y, width, height } = element.getBoundingClientRect();
      return [x + width / 2, y + height / 2];
    };
    const start = middle(event.target);
    const far = (element) => {
      const [dx, dy] = middle(element).map((at, k) => at - start[k]);
      const ahead = dx * right + dy * down;
      const aside = Math.abs(dx * down) + Math.abs(dy * right);
      return ahead < 2 || aside > 4 * ahead ? Infinity : ahead + 2 * aside;
    };
    const [distance, nearest] = [...this.spots.values()]
      .map((element) => [far(element), element])
      .reduce((best, other) => (other[0] < best[0] ? other : best));
    if (distance < Infinity) nearest.focus();
  }

  // `withEditor` but while a reader is typing in it.
  setLeaves(leaves, withEditor = true) {
    this.graph.setLeaves(leaves);
    this.tellTools("changed");
    this.render(withEditor);
  }

  render(withEditor = true) {
    const here = this.steps[this.step - 1];
    const phase = here?.kind === "v" ? "forward" : "backward";
    this.where.textContent = here
      ? `Step ${this.step} of ${this.steps.length}, ${phase}`
      : `Start, ${this.steps.length} steps`;
    this.bar.hidden = Boolean(this.exercise);
    const last = this.step === this.steps.length;
    for (const move of this.moves) {
      move.setAttribute("aria-disabled", move.steps < 0 ? !here : last);
    }
    this.renderNumbers();
    this.renderRule(this.spot ?? (this.exercise ? null : here));
    if (withEditor) this.renderEditor();
    this.tellTools("render");
    this.keepAddress();
  }

  renderNumbers() {
    for (const element of this.spots.values()) {
      const { text, label, shown, shut } = spotInWords(this.graph, element.spot, this);
      if (text !== undefined) element.textContent = text;
      element.setAttribute("aria-label", label);
      element.classList.toggle("hidden", !shown);
      element.classList.toggle("shut", Boolean(shut));
    }
    for (const box of this.boxes) {
      const open = box.querySelector(".spot.v:not(.shut)");
      box.classList.toggle("blocked", !open && box.querySelector(".shut") !== null);
    }
  }

  // The rule of what is looked at, or of the step; what it speaks of is marked.
  renderRule(spot) {
    const lines = spot ? explain(this.graph, spot, this) : BEGINNING;
    this.rule.replaceChildren(...lines.map((line) => h("p", {}, write(line))));
    const marked = new Set(lines.flat().flatMap(({ spots }) => spots?.map(keyOf)));
    const edge = spot?.kind === "e";
    const current = spot && keyOf(spot);
    for (const [key, element] of this.spots) {
      element.classList.toggle("mark", marked.has(key));
      element.classList.toggle("current", key === current);
      element.tabIndex = -1;
    }
    (this.spots.get(current) ?? this.spots.values().next().value).tabIndex = 0;
    this.boxes.forEach((box, id) =>
      box.classList.toggle("current", !edge && spot?.id === id),
    );
    for (const line of this.lines) this.renderLine(line, spot);
    if (spot) this.follow(edge ? this.spots.get(current) : this.boxes[spot.id]);
  }

  // An edge is lit where numbers run along it, and its arrow points the way they go.
  renderLine({ from, id, operand, path, head, ahead, back }, spot) {
    const { nodes } = this.graph;
    const edge = spot?.kind === "e";
    const own = edge && id === spot.id && operand === spot.operand;
    const into = !edge && id === spot?.id && spot.kind !== "g";
    const away = !edge && from === spot?.id;
    const sends = away && (spot.kind !== "v" || nodes[from].op === "leaf");
    const known = nodes[from].learns && this.shows({ kind: "e", id, operand });
    const [v, g] = [own || into, (own || sends) && known];
    head.setAttribute("transform", g && !v ? back : ahead);
    for (const part of [path, head]) {
      part.classList.toggle("v", v);
      part.classList.toggle("g", g);
    }
  }

  // Bring a box into sight, without moving the page.
  follow(element) {
    const [box, it] = [this.box, element].map((e) => e.getBoundingClientRect());
    const shift = (side, far) =>
      Math.min(it[side] - box[side] - 12, 0) || Math.max(it[far] - box[far] + 12, 0);
    this.box.scrollBy(shift("left", "right"), shift("top", "bottom"));
  }

  // A field and a slider for the number of a leaf, or a field for an answer.
  renderEditor() {
    const { spot } = this;
    const node = spot && this.graph.nodes[spot.id];
    this.editor.replaceChildren();
    const asked = this.exercise && node?.learns && { entry: 0, ...spot, kind: "g" };
    if (asked && !this.shows(asked)) this.tellTools("ask", node, asked.entry);
    const one = node?.op === "leaf" && (spot.kind === "v" || node.size === 1);
    if (this.exercise || !one || spot.kind === "g") return;
    const { id, entry = 0 } = spot;
    const value = node.data[entry];
    const name = nameAt(node, entry);
    const problem = h("span", { class: "problem", role: "alert" });
    const field = numberField(name, value);
    const reach = Math.max(4, Math.ceil(2 * Math.abs(value)));
    const slider = h("input", {
      type: "range",
      min: -reach,
      max: reach,
      step: 0.05,
      "aria-label": `${name}, slider`,
    });
    slider.value = String(value);
    const set = (source, other) => () => {
      const x = numberOf(source, (words) => (problem.textContent = words));
      if (x === undefined) return;
      other.value = String(x);
      this.setLeaves([[id, node.data.with(entry, x)]], false);
    };
    field.addEventListener("input", set(field, slider));
    slider.addEventListener("input", set(slider, field));
    const reset = button("Reset", () => this.setLeaves(this.start));
    const label = h("span", { class: "name" }, `${name} =`);
    this.editor.append(label, field, slider, reset, problem);
  }

  // The state is in the address, beside the page's anchors, without a new entry.
  keepAddress() {
    if (!this.share || !this.ready) return;
    clearTimeout(this.keeper);
    this.keeper = setTimeout(() => {
      const address = new URL(location.href);
      const { step, exercise, start } = this;
      const leaves = this.graph.leaves
        .filter(({ id, data }) => data.some((x, k) => x !== start.get(id)[k]))
        .map(({ id, data }) => [id, data]);
      const state = { step, exercise, leaves };
      this.tellTools("keep", state);
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
    if (!text) return;
    try {
      const state = decodeState(text);
      this.tellTools("take", state);
      this.graph.setLeaves(state.leaves);
      this.step = Math.min(state.step ?? this.step, this.steps.length);
      this.tellTools("changed");
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.say(`The link’s numbers were left out: ${error.message}.`);
      this.live.classList.add("problem");
    }
  }
}
