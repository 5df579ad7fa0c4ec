"""Practice graphs: every right answer is taken, every planted slip is named."""

import pytest

from play_in_node import run_in_node

RUN = """
const run = ([grade, seed]) => {
  const graph = makeExercise(grade, seed);
  const {nodes, values, gradients, shares} = graph;
  const uses = nodes.map((node) => node.uses.map(([id, p]) => {
    let local = 0;
    graph.eachLocal(nodes[id], (operand, entry, j, d) => operand === p && (local = d));
    const [G] = gradients[id];
    return {op: nodes[id].op, G, local, share: shares[id][p][0]};
  }));
  // Judged at once: the right answer, then each slip that the test could plant.
  const planted = nodes.flatMap(({id}) => {
    const [total] = gradients[id];
    return uses[id].flatMap(({op, G, local, share}) => [
      ["share only", share, uses[id].length > 1],
      ["local derivative", total - share + G, true],
      ["upstream gradient", total - share + local, true],
      ["sign", total - 2 * share, true],
      ["mask", total + G, op === "relu" && !local],
    ].filter(([, x, fits]) => fits && Math.abs(x - total) > 1e-3)
     .map(([slip, x]) => ({slip, x, node: id, ...judge(graph, id, x)})));
  });
  const right = nodes.map(({id}) => judge(graph, id, gradients[id][0]).right);
  return {right, planted, values: values.flat(), used: uses.map((u) => u.length),
          kinks: nodes.some(({op, operands: [k]}) => op === "relu" && !values[k][0]),
          ops: nodes.map((node) => node.op)};
};
"""


@pytest.fixture(scope="module")
def exercises():
    pairs = [(grade, seed) for grade in (1, 2, 3) for seed in range(1, 68)]
    return dict(zip(pairs, run_in_node(RUN, pairs), strict=True))


def test_200_graphs_take_each_right_answer(exercises):
    assert len(exercises) > 200
    assert all(all(found["right"]) for found in exercises.values())


def test_each_planted_slip_is_refused_and_named(exercises):
    planted = [slip for found in exercises.values() for slip in found["planted"]]
    assert len(planted) > 3000
    assert not any(slip["right"] for slip in planted)
    assert not [slip for slip in planted if "work out" in slip["words"]]
    kinds = {"share only": "share only", "mask": "the mask"}
    for kind, words in kinds.items():
        found = [slip for slip in planted if slip["slip"] == kind]
        named = [slip for slip in found if words in slip["words"]]
        assert found
        # Two slips can lead to the same number: then the first of them is named.
        assert len(named) > 0.9 * len(found)
    other = [s for s in planted if s["slip"] not in kinds]
    assert sum(s["slip"] in s["words"] for s in other) > 0.6 * len(other)


def test_grades_differ_and_a_seed_always_gives_the_same_graph(exercises):
    again = run_in_node(RUN, [(2, 5), (2, 6)])
    assert again[0] == exercises[2, 5] != again[1] == exercises[2, 6]
    for (grade, _), found in exercises.items():
        assert max(map(abs, found["values"])) <= 100
        assert not found["kinks"]
        assert (max(found["used"]) > 1) == (grade > 1)
        assert ("relu" in found["ops"]) <= (grade > 1)
