// What a link carries of an explorer: fields of one letter and a value, apart by "*".
// s: step; v: the numbers of a leaf; r: learning rate; o: optimiser; g: grade and seed;
// e: an expression, to the end. None of these signs changes in an address.

const FIELD =
  /^(?:s\d{1,3}|v\d{1,2}(?:_-?[\d.]+(?:e[+-]?\d+)?)+|r[\d.e+-]+|o\d|g[123]_\d{1,9})$/;

function encodeState({ step, leaves, rate, optimiser, exercise, text }) {
  const fields = [
    exercise && `g${exercise.grade}_${exercise.seed}`,
    ...[...leaves].map(([id, data]) => ["v" + id, ...data].join("_")),
    rate !== undefined && `r${rate}`,
    optimiser && `o${optimiser}`,
    `s${step}`,
    text !== undefined && `e${text}`,
  ];
  return fields.filter(Boolean).join("*");
}

function decodeState(encoded) {
  if (encoded.length > LIMITS.address) {
    throw new Problem(`expected an address of at most ${LIMITS.address} characters`);
  }
  const [, head, text] = encoded.match(/^(.*?)(?:(?:^|\*)e(.*))?$/s);
  const state = { leaves: new Map(), text };
  for (const field of head.split("*").filter(Boolean)) {
    const numbers = field.slice(1).split("_").map(Number);
    if (!FIELD.test(field) || !numbers.every(Number.isFinite)) {
      throw new Problem(`the address has an unknown part ${quote(field)}`);
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
