// An array is a flat list of numbers beside a shape, as in NumPy's memory.

// What a reader can put right: with the place in their text, where there is one.
class Problem extends Error {
  constructor(message, at) {
    super(message);
    this.at = at;
  }
}

const sizeOf = (shape) => shape.reduce((n, d) => n * d, 1);
const inWords = (shape) => `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
const stridesOf = (shape) => shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));

// The position in memory of each entry of an array with this shape and these strides.
// Broadcasting, transposing and slicing are all this, as they are in NumPy.
function offsets(shape, strides) {
  let out = [0];
  shape.forEach((n, axis) => {
    const steps = Array.from({ length: n }, (_, k) => k * strides[axis]);
    out = out.flatMap((offset) => steps.map((step) => offset + step));
  });
  return out;
}

function broadcastShape(a, b) {
  const rank = Math.max(a.length, b.length);
  const pad = (shape) => [...Array(rank - shape.length).fill(1), ...shape];
  const [A, B] = [pad(a), pad(b)];
  if (A.some((n, axis) => n !== B[axis] && n !== 1 && B[axis] !== 1)) {
    throw new Problem(`shapes ${inWords(a)} and ${inWords(b)} don't fit together`);
  }
  return A.map((n, axis) => (n === 1 ? B[axis] : n));
}

// Strides that repeat an array along the axes that it lacks, or where its size is 1.
function broadcastStrides(shape, rank) {
  const own = stridesOf(shape).map((stride, axis) => (shape[axis] === 1 ? 0 : stride));
  return [...Array(rank - shape.length).fill(0), ...own];
}

// Axes counted from 0; negative ones from the end, as Python counts.
function normalAxes(axes, rank) {
  const out = axes.map((axis) => (axis < 0 ? axis + rank : axis));
  if (out.some((axis) => axis < 0 || axis >= rank) || new Set(out).size < out.length) {
    throw new Problem(`axes ${axes.join(", ")}: expected different axes of ${rank}`);
  }
  return out;
}

// The index of an entry in words: "row 1, column 2", counted from 1.
function placeOf(entry, shape) {
  const names = shape.length > 1 ? ["block", "row", "column"] : ["entry"];
  const index = stridesOf(shape).map((step, k) => Math.floor(entry / step) % shape[k]);
  return index
    .map((n, k) => `${names.at(k - shape.length) ?? "axis"} ${n + 1}`)
    .join(", ");
}
