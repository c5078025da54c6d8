"""What is generated and committed fits its sources."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import pytest
import traitlets

from sse_widget import SSEWidget
from sse_widget.widget.views import VIEWS
from tools import gen_types
from tools.check_bundle import BUILT, StaleBundle, check, hash_of

ROOT = Path(__file__).resolve().parents[1]
MAX_CLIENT_BYTES = 6 << 10  # zipped: it is what a page waits for


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Copy the sources and the bundle: what a test changes stays there."""
    shutil.copytree(ROOT / "js" / "src", tmp_path / "js" / "src")
    shutil.copytree(ROOT / "sse_widget" / "static", tmp_path / "sse_widget" / "static")
    return tmp_path


def test_the_bundle_is_fresh() -> None:
    check(ROOT)


def test_the_client_is_small() -> None:
    content = (ROOT / "sse_widget/static/client.js").read_bytes()
    assert len(gzip.compress(content, 9)) < MAX_CLIENT_BYTES


def test_a_changed_source_makes_the_bundle_stale(tree: Path) -> None:
    with (tree / "js/src/widget.ts").open("a") as file:
        file.write("// changed\n")
    with pytest.raises(StaleBundle) as stale:
        check(tree)
    assert str(stale.value) == "sse_widget/static/widget.js is stale; run: npm --prefix js run build"


@pytest.mark.parametrize("name", BUILT)
def test_a_missing_file_is_stale(tree: Path, name: str) -> None:
    (tree / name).unlink()
    with pytest.raises(StaleBundle) as stale:
        check(tree)
    assert str(stale.value) == f"{name} is stale; run: npm --prefix js run build"


def test_a_moved_source_has_another_hash(tree: Path) -> None:
    before = hash_of(tree / "js/src")
    (tree / "js/src/rate.ts").rename(tree / "js/src/rates.ts")
    assert hash_of(tree / "js/src") != before


def test_line_ends_do_not_count(tree: Path) -> None:
    before = hash_of(tree / "js/src")
    path = tree / "js/src/widget.ts"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert hash_of(tree / "js/src") == before


def test_without_sources_there_is_nothing_to_compare(tmp_path: Path) -> None:
    check(tmp_path)


def test_the_model_s_types_fit_the_traits() -> None:
    assert gen_types.TARGET.read_text() == gen_types.source(SSEWidget, VIEWS), "run: python -m tools.gen_types"


def test_kinds_of_traits_become_types() -> None:
    assert gen_types.typescript("mode", traitlets.Enum(["a", "b"])) == '"a" | "b"'
    assert gen_types.typescript("share", traitlets.Float()) == "number"
    assert gen_types.typescript("digits", traitlets.Int(None, allow_none=True)) == "number | null"
    assert gen_types.typescript("names", traitlets.List(traitlets.Unicode())) == "readonly string[]"
    by_name = gen_types.typescript("by_name", traitlets.Dict(value_trait=traitlets.Int()))
    assert by_name == "{ readonly [key: string]: number }"
    assert gen_types.typescript("total", traitlets.Union([traitlets.Float(), traitlets.Unicode()])) == "number | string"
    assert gen_types.typescript("mode", traitlets.Enum(["a"], None, allow_none=True)) == '"a" | null'


def test_a_trait_of_an_unknown_kind_is_an_error() -> None:
    with pytest.raises(TypeError, match="expected a trait of a known kind, got Bytes for 'extra'"):
        gen_types.typescript("extra", traitlets.Bytes())


@pytest.mark.parametrize("trait", [traitlets.Dict(), traitlets.List()])
def test_items_of_any_kind_are_an_error(trait: traitlets.TraitType) -> None:
    with pytest.raises(TypeError, match="expected a trait whose items are of a known kind, got 'extra'"):
        gen_types.typescript("extra", trait)


def test_a_trait_without_help_is_an_error() -> None:
    class Bare(SSEWidget):
        extra = traitlets.Int().tag(sync=True)

    with pytest.raises(TypeError, match="expected a trait with help, got 'extra' without"):
        gen_types.source(Bare)
