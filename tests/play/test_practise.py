"""Practice graphs: every right answer is taken, every planted slip is named."""

import pytest

from play_in_node import run_in_node

RUN = """
const run = ([grade, seed]) => {
  const graph = makeExercise(grade, seed);
  const {nodes, values, gradients, shares} = graph;
  const spots = nodes.flatMap(({id, learns}) =>
    learns ? values[id].map((x, entry) => [id, entry]) : []);
  // Judged at once: the right answer, then each slip that the test could plant.
  const planted = spots.flatMap(([id, entry]) => {
    const total = gradients[id][entry];
    return nodes[id].uses.flatMap(([to, p], k, {length}) => {
      const terms = [];
      graph.eachLocal(nodes[to], (operand, at, j, d) => {
        if (operand === p && at === entry) terms.push([gradients[to][j], d]);
      });
      const share = shares[to][p][entry];
      const rest = total - share;
      const sum = (f) => terms.reduce((x, term) => x + f(...term), rest);
      return [
        ["share only", share, length > 1],
        ["one term only", rest + terms[0][0] * terms[0][1], terms.length > 1],
        ["local derivative", sum((G) => G), true],
        ["upstream gradient", sum((G, local) => local), true],
        ["sign", rest - share, true],
        ["the mask", sum((G) => G), nodes[to].op === "relu" && values[id][entry] < 0],
        ["exponent", sum((G) => G * values[id][entry]), nodes[to].op === "**"],
      ].filter(([, x, fits]) => fits && Math.abs(x - total) > 1e-3)
       .map(([slip, x]) => ({slip, x, id, entry, ...judge(graph, id, entry, x)}));
    });
  });
  const right = spots.map(([id, k]) => judge(graph, id, k, gradients[id][k]).right);
  return {right, planted, values: values.flat(), spots: spots.length,
          used: nodes.map((node) => node.uses.length),
          kinks: nodes.some(({op, operands: [k]}) =>
            op === "relu" && values[k].includes(0)),
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
    assert not any(slip["right"] for slip in planted)
    assert not [slip for slip in planted if "work out" in slip["words"]]
    for kind in {slip["slip"] for slip in planted}:
        found = [slip for slip in planted if slip["slip"] == kind]
        named = [slip for slip in found if kind in slip["words"]]
        assert len(found) > 40, kind
        # Two slips can lead to the same number: then the first of them is named.
        assert len(named) > (0.75 if kind == "sign" else 0.9) * len(found), kind


def test_grades_differ_and_a_seed_always_gives_the_same_graph(exercises):
    again = run_in_node(RUN, [(2, 5), (2, 6)])
    assert again[0] == exercises[2, 5] != again[1] == exercises[2, 6]
    for (grade, _), found in exercises.items():
        assert max(map(abs, found["values"])) <= 100
        assert found["spots"] <= 24
        assert not found["kinks"]
        assert grade != 1 or max(found["used"]) == 1
        assert grade != 2 or max(found["used"]) > 1
        assert ("@" in found["ops"]) == (grade == 3)
        assert grade > 1 or "relu" not in found["ops"]
