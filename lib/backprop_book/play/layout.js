// Place boxes in layers, from the leaves to L, so that none overlap.
// Layers of nodes and layers of edges alternate: an edge, too, is a box for its share.

const GAP = { along: 9, across: 10, margin: 10 };
const NOTHING = { width: 0, height: 0 };
const SLIM = { width: 14, height: 14 };
const WRITTEN = { width: 62, height: 24 };
const TIP = 2;

function layOut(nodes, sizes, edgeSize, vertical) {
  const [along, across] = vertical ? ["height", "width"] : ["width", "height"];
  const depth = nodes.map(() => 0);
  for (const { id, operands } of nodes.toReversed()) {
    for (const k of operands) depth[k] = Math.max(depth[k], depth[id] + 1);
  }
  const deepest = Math.max(...depth);
  const layers = Array.from({ length: 2 * deepest + 1 }, () => []);
  const place = (layer, size, { operands }) => {
    // What is computed stays on a straight line, and leaves make room beside it.
    const weight = operands.length ? 1 : 0.01;
    const [long, wide] = [size[along], size[across]];
    const box = { along: long, across: wide, before: [], after: [], layer, weight };
    layers[layer].push(box);
    return box;
  };
  const boxes = nodes.map((node) =>
    place(2 * (deepest - depth[node.id]), sizes[node.id], node),
  );
  const link = (from, to) => {
    to.before.push(from);
    from.after.push(to);
  };
  const edges = nodes.flatMap(({ id, operands }) =>
    operands.map((k, operand) => {
      const chain = [boxes[k]];
      for (let layer = boxes[k].layer + 1; layer < boxes[id].layer; layer++) {
        // An edge's share is written after its start; then it only passes by.
        chain.push(place(layer, chain.length > 1 ? NOTHING : edgeSize(k), nodes[k]));
      }
      chain.push(boxes[id]);
      chain.slice(1).forEach((box, n) => link(chain[n], box));
      return { operand, chain };
    }),
  );
  untangle(layers);
  let end = GAP.margin;
  for (const layer of layers) {
    const size = Math.max(...layer.map((box) => box.along));
    for (const box of layer) {
      box.middle = end + size / 2;
      box.room = size;
    }
    end += size + GAP.along;
  }
  const all = layers.flat();
  const top = Math.min(...all.map((box) => box.centre - box.across / 2)) - GAP.margin;
  for (const box of all) box.centre -= top;
  const wide = Math.max(...all.map((box) => box.centre + box.across / 2)) + GAP.margin;
  const point = (a, c) => (vertical ? { x: c, y: a } : { x: a, y: c });
  const long = end - GAP.along + GAP.margin;
  return {
    width: vertical ? wide : long,
    height: vertical ? long : wide,
    nodes: boxes.map((box) => point(box.middle, box.centre)),
    edges: edges.map(({ chain, operand }) => ({
      ...point(chain[1].middle, chain[1].centre),
      path: curve(chain, point, operand),
    })),
  };
}

// Sort each layer by the mean place of its neighbours, back and forth, then bring each
// box level with what follows it, as far as its neighbours in the layer let it.
function untangle(layers) {
  const mean = (list, of) => list.reduce((sum, box) => sum + of(box), 0) / list.length;
  const rank = (layer) => layer.forEach((box, k) => (box.rank = k / layer.length));
  layers.forEach(rank);
  for (let sweep = 0; sweep < 8; sweep++) {
    const side = sweep % 2 ? "before" : "after";
    for (const layer of sweep % 2 ? layers : [...layers].reverse()) {
      for (const box of layer) {
        box.wish = box[side].length ? mean(box[side], (b) => b.rank) : box.rank;
      }
      layer.sort((a, b) => a.wish - b.wish);
      rank(layer);
    }
  }
  for (const layer of [...layers].reverse()) {
    const blocks = [];
    let offset = 0;
    for (const box of layer) {
      box.offset = offset + box.across / 2;
      offset += box.across + GAP.across;
      const wish = box.after.length ? mean(box.after, (b) => b.centre) : 0;
      blocks.push({ at: wish - box.offset, boxes: [box], weight: box.weight });
      // Boxes that would overlap become one block, at the mean of their wishes.
      while (blocks.length > 1 && blocks.at(-2).at > blocks.at(-1).at) {
        const [a, b] = blocks.splice(-2);
        const weight = a.weight + b.weight;
        const at = (a.at * a.weight + b.at * b.weight) / weight;
        blocks.push({ at, boxes: [...a.boxes, ...b.boxes], weight });
      }
    }
    for (const { at, boxes } of blocks) {
      for (const box of boxes) box.centre = Math.round(at + box.offset);
    }
  }
}

// A line through the boxes of an edge, from the end of one to the start of the last,
// broken where its share is written: straight within a layer, so that it crosses no
// box, and bent between layers. Edges into one node arrive side by side.
function curve(chain, point, operand) {
  const [first, label] = chain;
  const last = chain.at(-1);
  const aside =
    last.before.length > 1 ? (2 * operand - 1) * Math.min(8, last.across / 6) : 0;
  const written = label.along > SLIM.width;
  const text = (a, c) => {
    const { x, y } = point(a, c);
    return `${x} ${y}`;
  };
  let [a, c] = [first.middle + first.room / 2, first.centre];
  let path = `M${text(first.middle + first.along / 2, c)} L${text(a, c)}`;
  for (const box of chain.slice(1)) {
    const tip = box === last ? TIP : 0;
    const level = box.centre + (box === last ? aside : 0);
    const start = box.middle - box.room / 2 - tip;
    const half = (a + start) / 2;
    path += ` C${text(half, c)} ${text(half, level)} ${text(start, level)}`;
    const [from, to] = [box.middle - box.along / 2 - tip, box.middle + box.along / 2];
    if (box === last) return `${path} L${text(from, level)}`;
    if (box === label && written) path += ` L${text(from, level)} M${text(to, level)}`;
    [a, c] = [box.middle + box.room / 2, level];
    path += ` L${text(a, c)}`;
  }
}
