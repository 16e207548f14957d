"""The two shells are the same code but for async and await, and hold no rule.

Both files are parsed, whatever speaks of colour is taken away, and the trees are compared. What is then left
to a method is to read, to decide by one call, and to commit: it never compares values of the domain itself.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType

import pytest

import scopegate

ROOM = Path(scopegate.__file__).parent
SHELLS = (
    *("server.py", "server_async.py"),
    *sorted(path.relative_to(ROOM).as_posix() for path in (ROOM / "shells").glob("[a-z]*.py")),
)
PAIRS = [(name, name.replace(".py", "_async.py")) for name in SHELLS if not name.endswith("_async.py")]
MOST_STATEMENTS = 12
LONGER = MappingProxyType({"access": 29})
"""Every request runs it, where each call of a step would cost."""
PLAIN_NAMES = MappingProxyType(
    {
        "__aenter__": "__enter__",
        "__aexit__": "__exit__",
        "__aiter__": "__iter__",
        "__anext__": "__next__",
        "aclosing": "closing",
        "anext": "next",
        "asynccontextmanager": "contextmanager",
    }
)


AWAITED = frozenset({"Awaitable", "Coroutine"})


class Colourless(ast.NodeTransformer):
    """Takes from a tree what may differ between the twins: async, await, ``Async`` names and docstrings."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        """Rename every identifier, wherever it stands."""
        for field, value in ast.iter_fields(node):
            if isinstance(value, str):
                setattr(node, field, plain(value))
        return super().generic_visit(node)

    def visit_Await(self, node):
        """``await x`` is ``x``."""
        return self.visit(node.value)

    def visit_Subscript(self, node):
        """``Awaitable[X]`` is ``X``."""
        if isinstance(node.value, ast.Name) and node.value.id in AWAITED:
            return self.visit(node.slice)
        return self.generic_visit(node)

    def visit_Module(self, node):
        """The imports, in an order that names do not change."""
        node = without_docstring(self.generic_visit(node))
        node.body.sort(
            key=lambda each: ast.dump(each) if isinstance(each, (ast.Import, ast.ImportFrom)) else "~"
        )
        return node

    def visit_ImportFrom(self, node):
        """The names of one import, in an order that the names do not change."""
        self.generic_visit(node)
        node.names = [each for each in node.names if each.name not in AWAITED]
        node.names.sort(key=lambda each: each.name)
        return node

    def visit_comprehension(self, node):
        """``async for`` inside a comprehension."""
        node.is_async = 0
        return self.generic_visit(node)

    def visit_ClassDef(self, node):
        """A class without its docstring."""
        return without_docstring(self.generic_visit(node))

    def visit_FunctionDef(self, node):
        """A function without its docstring."""
        return without_docstring(self.generic_visit(node))

    def visit_AsyncFunctionDef(self, node):
        """``async def`` is ``def``."""
        return self.visit_FunctionDef(ast.FunctionDef(**vars(node)))

    def visit_AsyncFor(self, node):
        """``async for`` is ``for``."""
        return self.generic_visit(ast.For(**vars(node)))

    def visit_AsyncWith(self, node):
        """``async with`` is ``with``."""
        return self.generic_visit(ast.With(**vars(node)))


def plain(name: str) -> str:
    """A name without its colour: ``AsyncStore`` is ``Store``, ``as_async_store`` ``as_store``, ``x_async`` ``x``."""
    return PLAIN_NAMES.get(name, re.sub(r"^Async|(?<![^_])async_|_async$", "", name))


def without_docstring(node):
    """The node, its docstring taken away."""
    if ast.get_docstring(node) is not None:
        node.body = node.body[1:] or [ast.Pass()]
    return node


def colourless(source: str) -> str:
    """The syntax tree of a shell, as text, without its colour."""
    return ast.dump(Colourless().visit(ast.parse(source)), indent=1)


def methods(source: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a shell, however deep."""
    return (
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    )


def rules_in(source: str) -> list[str]:
    """The expressions by which a shell would judge values itself; to ask whether there is one is fine."""
    return [
        f"line {node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Match) or (isinstance(node, ast.Compare) and not asks_for_none(node))
    ]


def asks_for_none(node: ast.Compare) -> bool:
    """Whether this is ``x is None`` or ``x is not None``."""
    return all(isinstance(each, (ast.Is, ast.IsNot)) for each in node.ops) and all(
        isinstance(each, ast.Constant) and each.value is None for each in node.comparators
    )


def statements(method: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many statements a method has at any depth, without its docstring; how they are wrapped is no matter."""
    inside = sum(isinstance(node, ast.stmt) for node in ast.walk(method)) - 1
    return inside - (ast.get_docstring(method) is not None)


def test_every_shell_has_a_twin():
    """And there are some."""
    assert sorted(SHELLS) == sorted(name for pair in PAIRS for name in pair)
    assert len(PAIRS) > 5


@pytest.mark.parametrize("pair", PAIRS)
def test_the_shells_are_twins(pair):
    """Both colours do the same, so that what is proved for one holds for the other."""
    one, other = (colourless((ROOM / shell).read_text("utf-8")) for shell in pair)
    assert one.splitlines() == other.splitlines()


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_compares_no_values_of_the_domain(shell):
    """A rule that crept into a shell would be out of reach of the laws of the pure rooms."""
    assert not rules_in((ROOM / shell).read_text("utf-8"))


@pytest.mark.parametrize("shell", SHELLS)
def test_every_method_of_a_shell_is_short(shell):
    """A dozen statements are enough to read, decide and commit."""
    lengths = {method.name: statements(method) for method in methods((ROOM / shell).read_text("utf-8"))}
    assert lengths or shell in {"server.py", "server_async.py"}  # these put the parts together
    assert {
        name: length for name, length in lengths.items() if length > LONGER.get(name, MOST_STATEMENTS)
    } == {}


SYNC = '''
"""Sync."""
from scopegate.protocols import Directory, Store
from scopegate.stores import as_store, opened

class Server:
    """Sync."""
    store: Store

    def redeem(self, request: Request) -> Response:
        """Redeem."""
        for _ in range(ATTEMPTS):
            with self.watch():
                record = self.store.token(request.id)
            if record is None:
                return self.later([each for each in self.waiting()])
        raise ConflictError
'''
ASYNC = '''
"""Not sync."""
from scopegate.protocols import AsyncDirectory, AsyncStore
from scopegate.stores import as_async_store, opened

class AsyncServer:
    """Not sync."""
    store: AsyncStore

    async def redeem(self, request: Request) -> Response:
        """Redeem and wait."""
        for _ in range(ATTEMPTS):
            async with self.watch():
                record = await self.store.token(request.id)
            if record is None:
                return await self.later([each async for each in self.waiting()])
        raise ConflictError
'''


def test_the_guard_sees_through_colour():
    """The seeds of the next test start as twins."""
    assert colourless(SYNC) == colourless(ASYNC)
    assert rules_in(SYNC) == rules_in(ASYNC) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("range(ATTEMPTS)", "range(ATTEMPTS + 1)"),
        ("is None", "is not None"),
        ("request.id", "request.code"),
        ("raise ConflictError", "return None"),
        ("store: AsyncStore", "store: AsyncStore | None"),
        ("class AsyncServer", "class AsyncServers"),
        ("AsyncDirectory, AsyncStore", "AsyncStore"),
        ("request: Request", "request: Request, /"),
    ],
)
def test_the_guard_finds_a_difference(before, after):
    """Each small change in one of the twins is noticed."""
    assert ASYNC.count(before) == 1
    assert colourless(ASYNC.replace(before, after)) != colourless(SYNC)


@pytest.mark.parametrize(
    "rule",
    [
        "record.token.expires_at <= now",
        "record.token.status == 'active'",
        "request.client_id in record.clients",
        "record is not self.nobody",
    ],
)
def test_the_guard_finds_a_rule(rule):
    """Each comparison of values in a shell is noticed."""
    assert rules_in(SYNC.replace("record is None", rule)) == [f"line 15: {rule}"]


def test_the_guard_counts_statements():
    """A docstring counts for nothing, a statement inside another counts."""
    (method,) = methods(SYNC)
    assert statements(method) == 6
    (method,) = methods(SYNC.replace("        raise", "        self.log()\n        raise"))
    assert statements(method) == 7
