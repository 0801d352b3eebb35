"""Templates of mails: Jinja2 cut down to what fills in blanks, so that none can run away or reach anything.

There are variables, a handful of filters, and `if`. No loop, call, arithmetic or assignment passes, so a template costs
as much as it is long; the sandbox below is the second fence.
"""

from __future__ import annotations

from collections.abc import Mapping

from jinja2 import ChainableUndefined, TemplateError, TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from hub.errors import InvalidInput

LONGEST = 200_000
DEEPEST = 30
FILTERS = frozenset({"default", "d", "upper", "lower", "title", "capitalize", "trim", "e", "escape"})
TESTS = frozenset({"defined", "undefined", "none"})

# What a template may name. The values are texts.
VARIABLES: Mapping[str, tuple[str, ...]] = {
    "customer": ("name", "first_name", "email", "phone"),
    "agent": ("name", "first_name"),
    "contact": ("reference", "subject"),
    "queue": ("name",),
    "mailbox": ("name", "address"),
}

_PASSES = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Getattr, nodes.Const, nodes.Filter),
    *(nodes.If, nodes.Test, nodes.Compare, nodes.Operand, nodes.Not, nodes.And, nodes.Or, nodes.CondExpr),
)
_text = ImmutableSandboxedEnvironment(undefined=ChainableUndefined, keep_trailing_newline=True, cache_size=200)
_html = ImmutableSandboxedEnvironment(
    undefined=ChainableUndefined, keep_trailing_newline=True, cache_size=200, autoescape=True
)

Values = Mapping[str, Mapping[str, str]]


def check_template(source: str, path: str) -> None:
    """Raises InvalidInput for what does not pass, with its line."""
    if len(source) > LONGEST:
        raise InvalidInput(path, f"expected at most {LONGEST} characters")
    try:
        tree = _text.parse(source)
    except TemplateSyntaxError as error:
        raise InvalidInput(path, f"line {error.lineno}: {(error.message or 'a mistake')[:200]}") from None
    except (TemplateError, RecursionError, ValueError, OverflowError) as error:
        raise InvalidInput(path, f"expected a template ({type(error).__name__})") from None
    _check_depth(tree, path)
    parts = {id(node.node) for node in tree.find_all(nodes.Getattr)}
    for node in tree.find_all(nodes.Node):
        _check_node(node, path)
        if isinstance(node, nodes.Name) and id(node) not in parts:
            raise InvalidInput(path, f"line {node.lineno}: expected what of {node.name}, such as {_example(node.name)}")


def _check_depth(tree: nodes.Node, path: str) -> None:
    """Python's compiler, which is given the tree, goes down once for each level."""
    level: list[nodes.Node] = [tree]
    for _ in range(DEEPEST):
        level = [child for node in level for child in node.iter_child_nodes()]
        if not level:
            return
    raise InvalidInput(path, f"expected at most {DEEPEST} brackets or conditions inside each other")


def _example(name: str) -> str:
    return f"{name}.{VARIABLES[name][0]}"


def _check_node(node: nodes.Node, path: str) -> None:
    where = f"line {node.lineno}: "
    if not isinstance(node, _PASSES):
        raise InvalidInput(path, f"{where}only variables, filters and if can be used here")
    if isinstance(node, nodes.Name) and node.name not in VARIABLES:
        raise InvalidInput(path, f"{where}there is no {node.name}; expected one of {', '.join(VARIABLES)}")
    if isinstance(node, nodes.Getattr):
        of = node.node
        known = VARIABLES.get(of.name, ()) if isinstance(of, nodes.Name) else ()
        if node.attr not in known:
            raise InvalidInput(path, f"{where}there is no .{node.attr} here; expected one of {', '.join(known)}")
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        raise InvalidInput(path, f"{where}there is no filter {node.name}; expected one of {', '.join(sorted(FILTERS))}")
    if isinstance(node, nodes.Test) and node.name not in TESTS:
        raise InvalidInput(path, f"{where}there is no test {node.name}; expected one of {', '.join(sorted(TESTS))}")


def fill_in(source: str, values: Values, *, html: bool = False, path: str = "text") -> str:
    """The template with its blanks filled in; what is not known is empty, and in HTML all values are escaped.

    Raises InvalidInput, also for a template that was never checked.
    """
    check_template(source, path)
    given = {name: dict(values.get(name, {})) for name in VARIABLES}
    try:
        return (_html if html else _text).from_string(source).render(given)
    except (TemplateError, TypeError, ValueError) as error:
        raise InvalidInput(path, f"this cannot be filled in: {str(error)[:200]}") from None


def first_name(name: str) -> str:
    """How a person is spoken to: the part before the first space, or all of a name without one (Chinese)."""
    return name.strip().split(" ")[0] if name.strip() else ""
