"""Write `js/src/model.gen.ts`: the widget's synced traits as TypeScript. The traits are the only source.

Run as `python -m tools.gen_types`; a test refuses a file that does not fit the traits.
"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from sse_widget import SSEWidget

__all__ = ["TARGET", "source", "typescript"]

TARGET = Path(__file__).resolve().parents[1] / "js" / "src" / "model.gen.ts"

_HEAD = "// Written by `python -m tools.gen_types` from the synced traits of SSEWidget.\n"
_WIDTH = 114
_KINDS: tuple[tuple[type[traitlets.TraitType[Any, Any]], str], ...] = (
    (traitlets.Bool, "boolean"),
    (traitlets.Int, "number"),
    (traitlets.Float, "number"),
    (traitlets.Unicode, "string"),
)


def typescript(name: str, trait: traitlets.TraitType[Any, Any]) -> str:
    """Return the TypeScript type of a trait's value.

    Raises
    ------
    TypeError
        If its kind has no type here: better than `any`.
    """
    if isinstance(trait, traitlets.Enum):
        return " | ".join(f'"{value}"' for value in trait.values or ())
    for kind, text in _KINDS:
        if isinstance(trait, kind):
            return text
    raise TypeError(f"expected a trait of a known kind, got {type(trait).__name__} for {name!r}; add it to _KINDS")


def source(widget: type[anywidget.AnyWidget]) -> str:
    """Return the module for a widget class: what it syncs beyond anywidget's own traits."""
    theirs = anywidget.AnyWidget.class_own_traits() | anywidget.AnyWidget.class_traits()
    ours = {name: trait for name, trait in widget.class_traits(sync=True).items() if name not in theirs}
    lines = [_HEAD, "/** The widget's synced traits. */", "export interface Model {"]
    for name, trait in sorted(ours.items()):
        if not trait.help:
            raise TypeError(f"expected a trait with help, got {name!r} without; it becomes the field's comment")
        lines += [*_comment(trait.help), f"\t{name}: {typescript(name, trait)};"]
    return "\n".join([*lines, "}", ""])


def _comment(text: str) -> list[str]:
    lines = textwrap.wrap(text, _WIDTH)
    return [f"\t/** {lines[0]} */"] if len(lines) == 1 else ["\t/**", *(f"\t * {line}" for line in lines), "\t */"]


def main() -> None:
    """Write the file."""
    TARGET.write_text(source(SSEWidget))
    print(TARGET.name)


if __name__ == "__main__":
    main()
