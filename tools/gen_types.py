"""Write `js/src/model.gen.ts`: the widget's synced traits as TypeScript. The traits are the only source.

Run as `python -m tools.gen_types`; a test refuses a file that does not fit the traits.
"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from sse_widget import SSEWidget
from sse_widget.widget.views import VIEWS
from sse_widget.widget.views.metric import LEVELS, Thresholds

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["TARGET", "source", "typescript"]

TARGET = Path(__file__).resolve().parents[1] / "js" / "src" / "model.gen.ts"

_HEAD = "// Written by `python -m tools.gen_types` from the synced traits of SSEWidget and its views.\n"
_LEVELS = " | ".join(f'"{level}"' for level in LEVELS)
_WIDTH = 114
_KINDS: tuple[tuple[type[traitlets.TraitType[Any, Any]], str], ...] = (
    (traitlets.Bool, "boolean"),
    (traitlets.Int, "number"),
    (traitlets.Float, "number"),
    (traitlets.Unicode, "string"),
    (Thresholds, f"readonly (readonly [from: number, level: {_LEVELS}])[]"),
)


def typescript(name: str, trait: traitlets.TraitType[Any, Any]) -> str:
    """Return the TypeScript type of a trait's value.

    Raises
    ------
    TypeError
        If its kind has no type here: better than `any`.
    """
    null = " | null" if trait.allow_none else ""
    if isinstance(trait, traitlets.Enum):
        return " | ".join(f'"{value}"' for value in trait.values or ()) + null
    if isinstance(trait, traitlets.Union):
        return " | ".join(typescript(name, each) for each in trait.trait_types) + null
    if isinstance(trait, traitlets.Dict):
        items = typescript(name, _of(trait._value_trait, name))  # noqa: SLF001 - traitlets has no other way to ask
        return f"{{ readonly [key: string]: {items} }}" + null
    if type(trait) is traitlets.List:
        return f"readonly {typescript(name, _of(trait._trait, name))}[]" + null  # noqa: SLF001
    for kind, text in _KINDS:
        if isinstance(trait, kind):
            return text + null
    raise TypeError(f"expected a trait of a known kind, got {type(trait).__name__} for {name!r}; add it to _KINDS")


def _of(trait: object, name: str) -> traitlets.TraitType[Any, Any]:
    if not isinstance(trait, traitlets.TraitType) or type(trait) is traitlets.Any:
        raise TypeError(f"expected a trait whose items are of a known kind, got {name!r}; better than `any`")
    return trait


def source(widget: type[anywidget.AnyWidget], views: Sequence[type[anywidget.AnyWidget]] = ()) -> str:
    """Return the module for a widget class, what it syncs beyond anywidget's own traits, and for its views."""
    theirs = {
        name: trait
        for each in (anywidget.AnyWidget.class_own_traits(), anywidget.AnyWidget.class_traits())
        for name, trait in each.items()
    }
    base = _synced(widget, set(theirs))
    lines = [_HEAD, "/** The widget's synced traits. */", "export interface Model {", *_fields(base), "}"]
    for view in views:
        own = _synced(view, {*theirs, *base})
        if own:
            lines += [
                "",
                f"/** Those of {view.__name__}. */",
                f"export interface {view.__name__}Model extends Model {{",
            ]
            lines += [*_fields(own), "}"]
    return "\n".join([*lines, ""])


def _synced(widget: type[anywidget.AnyWidget], but: set[str]) -> dict[str, traitlets.TraitType[Any, Any]]:
    return {name: trait for name, trait in sorted(widget.class_traits(sync=True).items()) if name not in but}


def _fields(traits: dict[str, traitlets.TraitType[Any, Any]]) -> list[str]:
    lines = []
    for name, trait in traits.items():
        if not trait.help:
            raise TypeError(f"expected a trait with help, got {name!r} without; it becomes the field's comment")
        lines += [*_comment(trait.help), f"\t{name}: {typescript(name, trait)};"]
    return lines


def _comment(text: str) -> list[str]:
    lines = textwrap.wrap(text, _WIDTH)
    return [f"\t/** {lines[0]} */"] if len(lines) == 1 else ["\t/**", *(f"\t * {line}" for line in lines), "\t */"]


def main() -> None:
    """Write the file."""
    TARGET.write_text(source(SSEWidget, VIEWS))
    print(TARGET.name)


if __name__ == "__main__":
    main()
