"""Try a million cases of the stream format, each time other ones; a failure is shown small, with how to repeat it.

python -m tools.fuzz               make fuzz
python -m tools.fuzz --cases 10000 --seed 7
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.core.fuzz import PROPERTIES, entropies  # noqa: E402 - the tests are no installed package

if TYPE_CHECKING:
    from concurrent.futures import Future

PART = 10_000
"""Cases a run: Hypothesis remembers what it has tried, and would grow with a million."""


def run(which: int, number: int, cases: int) -> int:
    """Try some cases of one property; return how many."""
    check, tried = PROPERTIES[which], 0

    def count(entropy: bytes) -> None:
        nonlocal tried
        tried += 1
        check(entropy)

    several = settings(
        max_examples=cases,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.normal,
    )
    seed(number)(several(given(entropies)(count)))()
    return tried


def main() -> None:
    """Try them, on all cores."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32))
    options = parser.parse_args()
    print(
        f"seed {options.seed}; the same cases again: python -m tools.fuzz --cases {options.cases} --seed {options.seed}"
    )
    began, tried, at = time.monotonic(), 0, options.seed
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        while tried < options.cases:
            n_parts = max((options.cases - tried) // PART, 1)
            parts: list[Future[int]] = []
            for _ in range(n_parts):
                parts.append(pool.submit(run, at % len(PROPERTIES), at, min(PART, options.cases - tried)))
                at += 1
            for part in parts:
                tried += part.result()
                print(f"\r{tried:,} cases, {tried / (time.monotonic() - began):,.0f}/s", end="", flush=True)
    print(f"\r{tried:,} cases in {time.monotonic() - began:.0f} s, nothing found ")


if __name__ == "__main__":
    main()
