// The explorer of one graph: what is shown, and what a reader does with it.

const PAUSE = 1400;
const KINDS = { v: piece("values", "v"), g: piece("gradients ∇", "g") };
const BEGINNING = [
  say`Step: first come the ${KINDS.v}, then, from the result back, the ${KINDS.g}.`,
  say`A dotted line is under a number that can be changed: choose it, or drag it.`,
];
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
      onpointerdown: (event) => this.drag(event),
    });
    this.rule = h("div", { class: "rule" });
    this.editor = h("div", { class: "editor" });
    this.extras = h("div", { class: "extras" });
    const panel = h("div", { class: "panel" }, this.rule, this.editor);
    // JupyterLab would take what is typed here for its own shortcuts.
    host.dataset.lmSuppressShortcuts = "true";
    const root = host.attachShadow({ mode: "open" });
    const parts = [this.makeBar(), this.box, panel, this.extras, this.live];
    // A group: several explorers on a page are no landmarks.
    const play = h(
      "section",
      { class: "play", role: "group", "aria-label": "Explorer" },
      parts,
    );
    root.append(h("style", {}, STYLE), h("slot"), play);
    this.root = root;
    this.setGraph(new Graph(nodes));
    this.tools = makeTools(this);
    this.extras.append(...this.tools.map((tool) => tool.element));
    if (this.tools.length) this.step = this.steps.length;
    this.tellTools("begin");
    this.takeAddress();
    this.render();
    this.ready = true;
    new ResizeObserver(
      () => this.width === this.box.clientWidth || this.arrange(),
    ).observe(this.box);
  }

  tellTools(what, ...given) {
    for (const tool of this.tools) tool[what]?.(...given);
  }

  makeBar() {
    const by = (steps) => () => this.go(this.step + steps);
    const named = (label, sign, act) =>
      button(sign, act, { "aria-label": label, title: label });
    this.moves = new Map([
      [-1e9, named("To the start", "«", by(-1e9))],
      [-1, named("Step back", "‹", by(-1))],
      [1, named("Step", "Step ›", by(1))],
      [1e9, named("To the end", "»", by(1e9))],
    ]);
    this.player = named("Play", "▶", () => this.play(!this.timer));
    this.where = h("span", { class: "where" });
    const keys = { ArrowLeft: -1, ArrowRight: 1, Home: -1e9, End: 1e9 };
    const attributes = {
      class: "bar",
      role: "toolbar",
      "aria-label": "Steps: the arrow keys step, Home and End lead to the ends",
      onkeydown: (event) => {
        if (!keys[event.key]) return;
        event.preventDefault();
        by(keys[event.key])();
      },
    };
    this.bar = h("div", attributes, ...this.moves.values(), this.where);
    this.moves.get(1).after(this.player);
    return this.bar;
  }

  // One step for each value that is computed, then one for each gradient.
  setGraph(graph, exercise) {
    this.play(false);
    Object.assign(this, { graph, exercise, spot: null });
    this.answered = new Set(exercise && [`${graph.root}.0`]);
    this.steps = [
      ...graph.nodes.filter((node) => node.operands.length).map(({ id }) => ["v", id]),
      ...graph.nodes
        .filter((node) => node.learns)
        .reverse()
        .map(({ id }) => ["g", id]),
    ];
    this.turns = new Map(this.steps.map((step, k) => [step.join(), k]));
    this.step = exercise ? this.steps.length : 0;
    this.start = new Map(graph.leaves.map((leaf) => [leaf.id, leaf.data]));
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
    return !(this.turns.get(`${kind === "v" ? "v" : "g"},${id}`) >= this.step);
  }

  // The boxes of all nodes, their numbers as buttons, and the edges between them.
  draw() {
    this.spots = new Map();
    const make = (spot, type = "") => {
      const attributes = { class: `spot ${spot.kind} ${type}`, tabindex: -1 };
      const made = h("button", { type: "button", ...attributes });
      this.spots.set(keyOf(spot), Object.assign(made, { spot }));
      return made;
    };
    this.boxes = this.graph.nodes.map((node) => {
      const { id, shape } = node;
      const size = sizeOf(shape);
      const grid = (kind) => {
        const block = sizeOf(shape.slice(-2));
        const apart = (k) => k >= block && k % block < shape.at(-1);
        const entries = Array.from({ length: size }, (_, entry) =>
          make({ kind, id, entry }, apart(entry) ? "apart" : ""),
        );
        const type = `grid of-${kind}${size > 1 ? " many" : ""}`;
        const style = `--columns: ${shape.at(-1) ?? 1}`;
        return h("div", { class: type, style }, entries);
      };
      const title = make({ kind: "n", id });
      const words = titleOf(node).map((word) => h("span", { class: "beside" }, word));
      title.append(...write([named(node)]), ...words);
      const bare = node.op === "constant" && node.label === format(node.data[0]);
      const kinds = node.learns ? ["v", "g"] : bare ? [] : ["v"];
      const type = node.operands.length ? "made" : node.op;
      return h("div", { class: `node ${type}` }, title, kinds.map(grid));
    });
    this.lines = this.graph.nodes.flatMap(({ id, operands }) =>
      operands.map((from, operand) => ({
        from,
        id,
        operand,
        path: h("path"),
        head: h("path", { class: "head", d: "M-7 -4L0 0L-7 4Z" }),
        spot: make({ kind: "e", id, operand }, this.adds(from) ? "share" : ""),
      })),
    );
    const drawn = this.lines.flatMap(({ path, head }) => [path, head]);
    const svg = h("svg", { "aria-hidden": "true" }, drawn);
    const spots = this.lines.map(({ spot }) => spot);
    const type = `sheet ${this.exercise ? "" : "free"}`;
    this.sheet = h("div", { class: type }, svg, spots, this.boxes);
    this.box.replaceChildren(this.sheet);
    this.arrange();
  }

  // From left to right where that fits, else downwards where that is narrower.
  arrange() {
    this.width = this.box.clientWidth;
    const sizes = this.boxes.map(({ offsetWidth: width, offsetHeight: height }) => ({
      width,
      height,
    }));
    const edge = (from) => (this.adds(from) ? WRITTEN : SLIM);
    const [across, down] = [false, true].map((vertical) =>
      layOut(this.graph.nodes, sizes, edge, vertical),
    );
    // Where there is room, arrays side by side are worth a little scrolling.
    const most = this.width * (this.width < 500 ? 1 : 1.4);
    const layout = across.width > most && down.width < across.width ? down : across;
    this.sheet.classList.toggle("down", layout === down);
    const put = (element, { x, y }) =>
      (element.style.cssText = `left: ${x}px; top: ${y}px`);
    this.sheet.style.cssText = `width: ${layout.width}px; height: ${layout.height}px`;
    layout.nodes.forEach((point, id) => put(this.boxes[id], point));
    layout.edges.forEach((found, k) => {
      const line = this.lines[k];
      line.path.setAttribute("d", found.path);
      const turn = layout === down ? 90 : 0;
      const numbers = found.path.slice(1).split(" ");
      const [start, tip] = [numbers.slice(0, 2), numbers.slice(-2)];
      line.ahead = `translate(${tip}) rotate(${turn}) translate(${TIP} 0)`;
      line.back = `translate(${start}) rotate(${turn + 180})`;
      put(line.spot, found);
    });
  }

  // Whether a node's gradient is a sum of shares.
  adds(id) {
    const { learns, uses } = this.graph.nodes[id];
    return learns && uses.length > 1;
  }

  go(step) {
    this.step = Math.min(Math.max(step, 0), this.steps.length);
    this.spot = null;
    this.render();
    const here = this.steps[this.step - 1];
    const last = this.step === this.steps.length;
    const end = last ? " That was the last step." : "";
    if (!here) this.say("At the start: only the leaves have their numbers.");
    else {
      const words = stepInWords(this.graph, ...here);
      this.say(`${this.where.textContent}: ${words}.${end}`);
    }
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

  // Arrow keys lead to the nearest number in their direction; a digit begins a new one.
  moveFocus(event) {
    const here = event.target;
    const way = WAYS[event.key];
    const field = this.editor.querySelector("input");
    if (field && (event.key === "Enter" || /^[-.\d]$/.test(event.key))) {
      // The key itself goes on, into the field.
      if (event.key === "Enter") event.preventDefault();
      field.focus();
      field.select();
    }
    if (!way) return;
    event.preventDefault();
    const middle = (element) => {
      const { x, y, width, height } = element.getBoundingClientRect();
      return [x + width / 2, y + height / 2];
    };
    const start = middle(here);
    const far = (element) => {
      const [dx, dy] = middle(element).map((at, k) => at - start[k]);
      const ahead = dx * way[0] + dy * way[1];
      const aside = Math.abs(dx * way[1]) + Math.abs(dy * way[0]);
      return ahead < 2 || aside > 4 * ahead ? Infinity : ahead + 2 * aside;
    };
    const found = [...this.spots.values()]
      .map((element) => [far(element), element])
      .reduce((best, other) => (other[0] < best[0] ? other : best));
    if (found[0] < Infinity) found[1].focus();
  }

  // A leaf's number follows the pointer, in steps of a twentieth.
  drag(event) {
    const pressed = event.target.closest(".spot");
    const { spot } = pressed ?? {};
    const free = spot?.kind === "v" && this.graph.nodes[spot.id].op === "leaf";
    if (!free || this.exercise) return;
    const from = this.graph.values[spot.id][spot.entry];
    let moved = false;
    dragging(
      pressed,
      event,
      ({ clientX }) => {
        const change = Math.round((clientX - event.clientX) / 4) / 20;
        moved ||= change !== 0;
        if (moved) this.setNumber(spot, Number((from + change).toFixed(6)));
      },
      () => this.renderEditor(),
    );
    pressed.focus();
  }

  setNumber({ id, entry }, value) {
    this.graph.nodes[id].data = this.graph.nodes[id].data.with(entry, value);
    this.changed();
  }

  setLeaves(leaves) {
    for (const [id, data] of leaves) this.graph.nodes[id].data = data;
    this.changed();
    this.renderEditor();
  }

  // After any change of the leaves; `own` where descent made it.
  changed(own = false) {
    this.graph.update();
    this.tellTools("changed", own);
    this.render(false);
  }

  render(withEditor = true) {
    const here = this.steps[this.step - 1];
    const phase = here?.[0] === "v" ? "forward" : "backward";
    this.where.textContent = here
      ? `Step ${this.step} of ${this.steps.length}, ${phase}`
      : `Start, ${this.steps.length} steps`;
    this.bar.hidden = Boolean(this.exercise);
    const last = this.step === this.steps.length;
    for (const [steps, move] of this.moves) {
      move.setAttribute("aria-disabled", steps < 0 ? !here : last);
    }
    this.renderNumbers();
    this.renderRule(here);
    if (withEditor) this.renderEditor();
    this.tellTools("render");
    this.keepAddress();
  }

  renderNumbers() {
    const { graph } = this;
    for (const element of this.spots.values()) {
      const { text, label, shown } = spotInWords(graph, element.spot, this);
      if (element.spot.kind !== "n") element.textContent = text;
      element.setAttribute("aria-label", label);
      element.classList.toggle("hidden", !shown);
    }
    for (const { id, operands } of graph.nodes.filter((node) => node.op === "relu")) {
      const shut = graph.values[operands[0]].map(
        (x) => this.shows({ kind: "v", id }) && !(x > 0),
      );
      this.boxes[id].classList.toggle("blocked", shut.every(Boolean));
      shut.forEach((is, entry) =>
        this.spots.get(keyOf({ kind: "v", id, entry })).classList.toggle("shut", is),
      );
    }
  }

  // The rule of what is looked at, else of the step; what it speaks of is marked.
  renderRule(here) {
    const { graph } = this;
    const [kind, id] = here ?? [];
    const size = here && sizeOf(graph.nodes[id].shape);
    const step = here && { kind, id, entry: size === 1 ? 0 : undefined };
    const spot = this.spot ?? (this.exercise ? undefined : step);
    const { lines, marks } = spot
      ? explain(graph, spot, this)
      : { lines: BEGINNING, marks: [] };
    this.rule.replaceChildren(...lines.map((line) => h("p", {}, write(line))));
    const marked = new Set(marks.map(keyOf));
    const whole = spot && spot.kind !== "e" && spot.entry === undefined;
    const current = spot && keyOf(whole ? { kind: "n", id: spot.id } : spot);
    for (const [key, element] of this.spots) {
      element.classList.toggle("mark", marked.has(key));
      element.classList.toggle("current", key === current);
      element.tabIndex = -1;
    }
    (this.spots.get(current) ?? this.spots.values().next().value).tabIndex = 0;
    this.boxes.forEach((box, k) =>
      box.classList.toggle("current", spot?.id === k && spot.kind !== "e"),
    );
    for (const line of this.lines) {
      const { from, id: to, operand, path, head } = line;
      const own = spot?.kind === "e" && to === spot.id && operand === spot.operand;
      const forward = own || (to === spot?.id && ["n", "v"].includes(spot.kind));
      const away = from === spot?.id && spot.kind !== "e";
      const back =
        (own || (away && (spot.kind !== "v" || graph.nodes[from].op === "leaf"))) &&
        graph.nodes[from].learns &&
        this.shows({ kind: "e", id: to, operand });
      // The arrow points the way that the numbers go.
      head.setAttribute("transform", back && !forward ? line.back : line.ahead);
      for (const part of [path, head]) {
        part.classList.toggle("v", Boolean(forward));
        part.classList.toggle("g", Boolean(back));
      }
    }
    if (spot)
      this.follow(spot.kind === "e" ? this.spots.get(current) : this.boxes[spot.id]);
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
    const one = node?.op === "leaf" && (spot.kind === "v" || node.data.length === 1);
    if (this.exercise || !one || spot.kind === "g") return;
    const at = { id: spot.id, entry: spot.entry ?? 0 };
    const value = node.data[at.entry];
    const reach = Math.max(4, Math.ceil(2 * Math.abs(value)));
    const place = node.data.length > 1 ? `, ${placeOf(at.entry, node.shape)}` : "";
    const name = node.label + place;
    const problem = h("span", { class: "problem", role: "alert" });
    const field = numberField(name, value);
    const slider = h("input", {
      type: "range",
      min: -reach,
      max: reach,
      step: 0.05,
      "aria-label": `${name}, slider`,
    });
    slider.value = String(value);
    const set = (source, other) => () => {
      const x = numberOf(source);
      problem.textContent = Number.isFinite(x)
        ? ""
        : "Expected a number, such as −0.5.";
      if (!Number.isFinite(x)) return;
      other.value = String(x);
      this.setNumber(at, x);
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
      const { step, exercise } = this;
      const leaves = this.graph.leaves
        .map(({ id, data }) => [id, data])
        .filter(([id, data]) => data.some((x, k) => x !== this.start.get(id)[k]));
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
    try {
      if (text) {
        const state = decodeState(text);
        this.tellTools("take", state);
        setLeaves(this.graph, state.leaves);
        this.step = Math.min(state.step ?? this.step, this.steps.length);
        this.tellTools("changed");
      }
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.say(`The link’s numbers were left out: ${error.message}.`);
      this.live.classList.add("problem");
    }
  }
}
