// What a link carries of an explorer: fields of one letter and a value, apart by "*".
// s: step; v: the numbers of a leaf; r: learning rate; o: optimiser; g: grade and seed;
// e: an expression, to the end. None of these signs changes in an address.

const NUMBERS = String.raw`(?:_-?[\d.]+(?:e[+-]?\d+)?)+`;
const FIELDS = new RegExp(
  `^(?:s\\d{1,3}|v\\d{1,2}${NUMBERS}|r[\\d.e+-]+|o\\d|g[123]_\\d{1,9})$`,
);

function encodeState({ step, leaves, rate, optimiser, exercise, text }) {
  const fields = [];
  if (exercise) fields.push(`g${exercise.grade}_${exercise.seed}`);
  for (const [id, data] of leaves) fields.push(["v" + id, ...data].join("_"));
  if (rate !== undefined) fields.push(`r${rate}`);
  if (optimiser) fields.push(`o${optimiser}`);
  fields.push(`s${step}`);
  if (text !== undefined) fields.push(`e${text}`);
  return fields.join("*");
}

function decodeState(encoded) {
  if (encoded.length > LIMITS.address) {
    throw new Problem(`expected an address of at most ${LIMITS.address} characters`);
  }
  const end = `*${encoded}`.indexOf("*e");
  const head = end < 0 ? encoded : encoded.slice(0, end);
  const state = {
    leaves: new Map(),
    text: end < 0 ? undefined : encoded.slice(end + 1),
  };
  for (const field of head.split("*").filter(Boolean)) {
    if (!FIELDS.test(field))
      throw new Problem(`the address has an unknown part ${quote(field)}`);
    const numbers = field.slice(1).split("_").map(Number);
    if (!numbers.every(Number.isFinite)) {
      throw new Problem(`the address has a number out of range in ${quote(field)}`);
    }
    const [first, ...rest] = numbers;
    if (field[0] === "s") state.step = first;
    if (field[0] === "v") state.leaves.set(first, rest);
    if (field[0] === "r") state.rate = first;
    if (field[0] === "o") state.optimiser = first;
    if (field[0] === "g") state.exercise = { grade: first, seed: rest[0] };
  }
  return state;
}

// Put a link's numbers into the leaves of a graph, all or none.
function setLeaves(graph, leaves) {
  for (const [id, data] of leaves) {
    const leaf = graph.nodes[id];
    if (leaf?.op !== "leaf" || leaf.data.length !== data.length) {
      throw new Problem(
        `the address has numbers for ${leaf?.label ?? "a leaf"} that don't fit`,
      );
    }
  }
  for (const [id, data] of leaves) graph.nodes[id].data = data;
  graph.update();
}
