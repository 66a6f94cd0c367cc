"""Make the mutants of a file: one small change each, on Python's syntax tree. `tests.mutants` runs them."""

from __future__ import annotations

import ast
import pathlib
import random
from collections.abc import Iterator
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).parent.parent
_PAIRS = "Lt LtE, Gt GtE, Eq NotEq, In NotIn, Is IsNot, And Or, Add Sub, Mult FloorDiv, Break Continue"
_TYPES = [[getattr(ast, name) for name in pair.split()] for pair in _PAIRS.split(", ")]
SWAPPED: dict[type[ast.AST], type[ast.AST]] = {one: two for pair in _TYPES for one, two in (pair, pair[::-1])}
SWAPPED |= {ast.Div: ast.Mult, ast.Mod: ast.Mult}
#: Values for which None says the same to a caller.
EMPTY = ("None", "False", "0", "''", "b''", "[]", "()", "{}")


@dataclass(frozen=True)
class Mutant:
    """One small change of one file.

    Args:
        lines: those of the whole statement, or of its head where it has a body.
        at_import: whether it is executed when the module is imported, and not by a call.
    """

    file: str
    line: int
    change: str
    number: int
    variant: int
    lines: range
    at_import: bool

    def source(self) -> str:
        """Return the text of the file with the change; comments are lost."""
        tree = ast.parse((ROOT / self.file).read_text(encoding="utf-8"))
        node = list(sites(tree))[self.number]
        new = list(changes_of(node))[self.variant]
        return ast.unparse(ast.fix_missing_locations(Exchange(node, new).visit(tree)))


def sites(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes in a fixed order, without assertions, annotations and lists of exported names."""
    for field, value in ast.iter_fields(tree):
        if field in ("annotation", "returns", "type_params"):
            continue
        for node in value if isinstance(value, list) else [value]:
            if not isinstance(node, ast.AST) or isinstance(node, ast.Assert):
                continue
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in ("__all__", "__slots__"):
                continue
            yield node
            yield from sites(node)


def placed(node: ast.AST, lines: range, at_import: bool) -> Iterator[tuple[ast.AST, tuple[range, bool]]]:
    """Yield the nodes below a node, with their statement's lines and whether an import executes them."""
    for field, value in ast.iter_fields(node):
        inside = at_import and not (field == "body" and isinstance(node, ast.FunctionDef | ast.Lambda))
        for below in value if isinstance(value, list) else [value]:
            if isinstance(below, ast.AST):
                own = head(below) if isinstance(below, ast.stmt) else lines
                yield below, (own, inside)
                yield from placed(below, own, inside)


def head(statement: ast.stmt) -> range:
    """Return the lines of a statement, without those of its body."""
    body = getattr(statement, "body", [])
    return range(statement.lineno, body[0].lineno if body else (statement.end_lineno or 0) + 1)


def changes_of(node: ast.AST) -> Iterator[ast.AST]:
    """Yield replacements of a node; no node is changed itself."""

    def other(**fields: object) -> ast.AST:
        kept = {name: getattr(node, name) for name in node._fields}
        return ast.copy_location(type(node)(**(kept | fields)), node)

    match node:
        case ast.Compare(ops=[operator]):
            yield other(ops=[SWAPPED[type(operator)]()])
        case ast.BoolOp(op=operator) | ast.BinOp(op=operator) | ast.AugAssign(op=operator) if (
            type(operator) in SWAPPED
        ):
            yield other(op=SWAPPED[type(operator)]())
        case ast.Constant(value=bool(value)):
            yield other(value=not value)
        case ast.Constant(value=int(value)):
            yield from (other(value=value + 1), other(value=value - 1))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.Return(value=ast.expr() as value) if ast.unparse(value) not in EMPTY:
            yield other(value=ast.Constant(None))
        case ast.Break() | ast.Continue():
            yield ast.copy_location(SWAPPED[type(node)](), node)
        case ast.Expr(value=ast.Call()):
            yield ast.copy_location(ast.Pass(), node)
        case ast.If(test=test) | ast.IfExp(test=test) if not isinstance(test, ast.Compare | ast.UnaryOp):
            yield other(test=ast.UnaryOp(ast.Not(), test))
        case ast.Tuple(elts=items) | ast.Set(elts=items) | ast.List(elts=items) if len(items) > 1 and all(
            isinstance(item, ast.Constant) for item in items
        ):
            yield from (other(elts=items[:at] + items[at + 1 :]) for at in range(len(items)))


class Exchange(ast.NodeTransformer):
    """Put one node in place of another."""

    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self._old, self._new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        return self._new if node is self._old else self.generic_visit(node)


def mutants_of(file: str) -> list[Mutant]:
    """Return every mutant of one file."""
    found = []
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    places = dict(placed(tree, range(0), True))
    for number, site in enumerate(sites(tree)):
        for variant, changed in enumerate(changes_of(site)):
            words = [" ".join(ast.unparse(one).split())[:70] for one in (site, changed)]
            line = getattr(site, "lineno", 0)
            found.append(Mutant(file, line, f"{words[0]}  ->  {words[1]}", number, variant, *places[site]))
    return found


def sample_of(file: str, number: int, seed: int) -> list[Mutant]:
    """Return that many mutants of a file, all for 0, in order of their lines."""
    mutants = mutants_of(file)
    if 0 < number < len(mutants):
        mutants = random.Random(f"{seed} {file}").sample(mutants, number)
    return sorted(mutants, key=lambda mutant: (mutant.line, mutant.change))
