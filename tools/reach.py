"""What a handler can reach: which named errors may leave it, and which environment variables it reads.

Read from the source, top-level symbol by top-level symbol, along the names that refer to each other; an `except` that
does not raise again removes what it catches. Any mention of a name counts as a use, so both answers may be too large
and are never too small, as long as errors are named where they are raised or mapped.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

from tenantml import errors

REPOSITORY = Path(__file__).parents[1]
PACKAGES = {
    "tenantml": REPOSITORY / "layers" / "core",
    "tenantml_analysis": REPOSITORY / "layers" / "analysis",
    "tenantml_pages": REPOSITORY / "layers" / "pages",
}
ERRORS = PACKAGES["tenantml"] / "tenantml" / "errors"

# Classes whose instances are handed to the code that is read: a member counts where it is used, by an argument that is
# annotated with the class, and not wherever the class is made.
HANDED_IN = {"RunContext"}

Symbol = tuple[Path, str]


@dataclass
class Mentions:
    """What one top-level statement mentions: symbols with what is caught around them, errors, variables."""

    symbols: list[tuple[Symbol, tuple[str, ...]]] = field(default_factory=list)
    errors: set[str] = field(default_factory=set)
    settings: set[str] = field(default_factory=set)


def reaches(app: Path, name: str) -> bool:
    """Return whether the handler of `app` reaches a symbol of this name."""
    return any(symbol == name for _, symbol in _reachable((app, "handler")))


def errors_of(app: Path) -> set[str]:
    """Return the names of the errors in `tenantml.errors` that may leave the handler of `app`."""
    return _leaving((app, "handler"))


def settings_of(app: Path) -> set[str]:
    """Return the environment variables that the handler of `app` may read through `setting`."""
    return {name for symbol in _reachable((app, "handler")) for name in _mentions(symbol).settings}


def _reachable(start: Symbol) -> set[Symbol]:
    reached, waiting = set(), [start]
    while waiting:
        symbol = waiting.pop()
        if symbol not in reached:
            reached.add(symbol)
            waiting += [target for target, _ in _mentions(symbol).symbols]
    return reached


def _leaving(start: Symbol) -> set[str]:
    symbols = _reachable(start)
    leaving = {symbol: set(_mentions(symbol).errors) for symbol in symbols}
    changed = True
    while changed:
        changed = False
        for symbol in symbols:
            for target, caught in _mentions(symbol).symbols:
                more = {name for name in leaving[target] if not _is_any_of(name, caught)} - leaving[symbol]
                leaving[symbol] |= more
                changed = changed or bool(more)
    return leaving[start]


def _is_any_of(name: str, caught: tuple[str, ...]) -> bool:
    return bool({base.__name__ for base in getattr(errors, name).__mro__} & set(caught))


@cache
def _mentions(symbol: Symbol) -> Mentions:
    path, name = symbol
    module, mentions = _module(path), Mentions()
    owner, _, member = name.partition(".")
    for statement in module.definitions.get(name, []):
        _Visitor(module, mentions, {"self": owner} if member and owner in HANDED_IN else {}).visit(statement)
    return mentions


@cache
def _module(path: Path) -> _Module:
    return _Module(path)


class _Module:
    """A source file: what its top level defines, and what its names were imported from."""

    def __init__(self, path: Path):
        self.path = path
        self.tree = ast.parse(path.read_text())

    @cached_property
    def definitions(self) -> dict[str, list[ast.stmt]]:
        """Name → statements; a class's alternative constructors are separate, as `Class.method`, and so are all
        members of a class that is handed in.
        """
        statements: dict[str, list[ast.stmt]] = {}
        for statement in self.tree.body:
            for name in _defined(statement):
                statements.setdefault(name, []).append(statement)
            if isinstance(statement, ast.ClassDef):
                handed_in = statement.name in HANDED_IN
                apart = [
                    member
                    for member in statement.body
                    if _is_classmethod(member) or (handed_in and isinstance(member, ast.FunctionDef))
                ]
                statement.body = [member for member in statement.body if member not in apart]
                statements |= {f"{statement.name}.{member.name}": [member] for member in apart}  # type: ignore[attr-defined]
        return statements

    @cached_property
    def imported(self) -> dict[str, tuple[Path, str | None]]:
        """Local name → file and symbol, or file and None for a module."""
        sources: dict[str, tuple[Path, str | None]] = {}
        for statement in ast.walk(self.tree):
            if isinstance(statement, ast.ImportFrom) and statement.module:
                for alias in statement.names:
                    as_module, in_module = _file(f"{statement.module}.{alias.name}"), _file(statement.module)
                    if as_module:
                        sources[alias.asname or alias.name] = as_module, None
                    elif in_module:
                        sources[alias.asname or alias.name] = in_module, alias.name
        return sources


def _defined(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        yield statement.name
    elif isinstance(statement, ast.Assign):
        yield from (target.id for target in statement.targets if isinstance(target, ast.Name))
    elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        yield statement.target.id


def _is_classmethod(member: ast.stmt) -> bool:
    return isinstance(member, ast.FunctionDef) and "classmethod" in map(ast.unparse, member.decorator_list)


def _file(module: str) -> Path | None:
    package, *_ = parts = module.split(".")
    if package not in PACKAGES:
        return None
    path = PACKAGES[package].joinpath(*parts)
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


class _Visitor(ast.NodeVisitor):
    def __init__(self, module: _Module, mentions: Mentions, class_of: dict[str, str]):
        self._module, self._mentions = module, mentions
        self._caught: tuple[str, ...] = ()
        self._class_of = class_of  # arguments that are instances of a class that is handed in

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for argument in node.args.args:
            if isinstance(argument.annotation, ast.Name) and argument.annotation.id in HANDED_IN:
                self._class_of[argument.arg] = argument.annotation.id
        for part in (*node.decorator_list, *node.args.defaults, *node.args.kw_defaults, *node.body):
            if part:
                self.visit(part)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value:
            self.visit(node.value)

    def visit_Try(self, node: ast.Try) -> None:
        outer = self._caught
        self._caught += tuple(
            name for handler in node.handlers if not _raises_again(handler) for name in _names(handler.type)
        )
        for statement in node.body:
            self.visit(statement)
        self._caught = outer
        for part in (*node.orelse, *node.finalbody, *(item for handler in node.handlers for item in handler.body)):
            self.visit(part)

    def visit_With(self, node: ast.With) -> None:
        outer, calls = self._caught, [item.context_expr for item in node.items]
        for call in calls:
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "suppress":
                self._caught += tuple(name for argument in call.args for name in _names(argument))
            else:
                self.visit(call)
        for statement in node.body:
            self.visit(statement)
        self._caught = outer

    def visit_Call(self, node: ast.Call) -> None:
        called = node.func.id if isinstance(node.func, ast.Name) else ""
        if called in {"isinstance", "issubclass"}:
            self.visit(node.args[0])
            return
        if called == "setting" and isinstance(node.args[0], ast.Constant):
            self._mentions.settings.add(str(node.args[0].value))
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        if isinstance(node.ops[0], ast.Is | ast.IsNot):  # nor is one in a comparison
            self.visit(node.left)
        else:
            self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if node.attr == "__name__":  # an error whose name is read is not raised
            return
        if isinstance(node.value, ast.Name):
            if node.value.id in self._class_of:
                self.visit_Name(ast.Name(self._class_of[node.value.id]), node.attr)
                return
            path, name = self._module.imported.get(node.value.id, (None, None))
            if path and name is None:
                self._mention(path, node.attr)
                return
            self.visit_Name(node.value, node.attr)
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name, member: str | None = None) -> None:
        path, name = self._module.imported.get(node.id, (self._module.path, node.id))
        if name is None:  # a module that is handed on: anything in it may be picked by its name
            for defined in _module(path).definitions:
                self._mention(path, defined)
            return
        if member:
            path, name = _home(path, name)
            name = f"{name}.{member}"
            if name not in _module(path).definitions:
                return
        self._mention(path, name)

    def _mention(self, path: Path, name: str) -> None:
        if path.is_relative_to(ERRORS):
            if isinstance(getattr(errors, name), type) and not _is_any_of(name, self._caught):
                self._mentions.errors.add(name)
        elif name in _module(path).definitions or name in _module(path).imported:
            self._mentions.symbols.append((_home(path, name), self._caught))


def _home(path: Path, name: str) -> Symbol:
    """Follow a name that a package re-exports to its definition."""
    further, original = _module(path).imported.get(name, (None, None))
    if name not in _module(path).definitions and further and original:
        return _home(further, original)
    return path, name


def _raises_again(handler: ast.ExceptHandler) -> bool:
    """Return whether the caught error is raised again, or kept so that it may be."""
    return any(
        (isinstance(node, ast.Raise) and node.exc is None)
        or (isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) and node.value.id == handler.name)
        for node in ast.walk(handler)
    )


def _names(kind: ast.expr | None) -> list[str]:
    parts = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return [part.id for part in parts if isinstance(part, ast.Name)]
