"""Make mutants of a module, with mutmut, and put one in the place of its code."""

import functools
import inspect
from collections import Counter
from collections.abc import Iterator
from importlib import import_module

import libcst
from mutmut.mutation.file_mutation import MutationVisitor
from mutmut.mutation.mutators import mutation_operators
from mutmut.mutation.pragma_handling import IgnoredCode


class Visitor(MutationVisitor):
    """Collect mutations of all functions; mutmut itself leaves decorated ones out."""

    def _skip_node_and_children(self, node: libcst.CSTNode) -> bool:
        if isinstance(node, libcst.FunctionDef):
            return False
        return super()._skip_node_and_children(node)


def make_mutants(code: str) -> Iterator[tuple[str, str]]:
    """Yield names that outlive changes elsewhere in the file, and the changed code.

    Docstrings, annotations and what stands outside functions are left alone.
    """
    visitor = Visitor(mutation_operators, IgnoredCode(set(), set(), set()))
    module = libcst.MetadataWrapper(libcst.parse_module(code)).visit(visitor)
    lines, seen = code.splitlines(), Counter()
    for mutation in visitor.mutations:
        function = mutation.contained_by_top_level_function
        if not isinstance(function, libcst.FunctionDef):
            continue
        new = module.deep_replace(mutation.original_node, mutation.mutated_node).code
        texts = lines, new.splitlines()
        before, after = _alike(*texts), _alike(*(text[::-1] for text in texts))
        was, now = (
            " ".join(line.strip() for line in text[before : len(text) - after])
            for text in texts
        )
        name = f"{function.name.value}: {was} -> {now}"
        seen[name] += 1
        yield name if seen[name] == 1 else f"{name} #{seen[name]}", new


def _alike(one: list[str], other: list[str]) -> int:
    """Return how many lines are the same at the beginning of two texts."""
    pairs = zip(one, other, strict=False)
    return next(number for number, (a, b) in enumerate(pairs) if a != b)


def mutate(module: str, code: str) -> None:
    """Put the code of a changed module into the functions of the imported one.

    Whoever has imported a function calls the mutant from now on.
    """
    old = import_module(f"backprop_book.{module}")
    new = {"__name__": old.__name__, "__file__": old.__file__}
    exec(compile(code, old.__file__, "exec"), new)
    for name in vars(old).keys() & new.keys():
        _transplant(vars(old)[name], new[name], old.__name__)


def _transplant(old: object, new: object, module: str) -> None:
    """Give a function, or those of a class, the code of another, in place."""
    if isinstance(old, property):
        old, new = old.fget, new.fget
    elif isinstance(old, functools.cached_property):
        old, new = old.func, new.func
    elif hasattr(old, "cache_clear"):
        old.cache_clear()
        old, new = old.__wrapped__, new.__wrapped__
    if getattr(old, "__module__", None) != module:
        return
    if inspect.isfunction(old):
        for part in ("__code__", "__defaults__", "__kwdefaults__"):
            setattr(old, part, getattr(new, part))
    elif inspect.isclass(old):
        for name, thing in list(vars(old).items()):
            _transplant(thing, vars(new)[name], module)
