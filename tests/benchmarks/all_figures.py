"""Every figure, one benchmark after the other.

python -m tests.benchmarks.all_figures
"""

from tests.benchmarks import backfill, card, memory, start


def main() -> None:
    """Run all of them."""
    for benchmark in (start, memory, backfill, card):
        print(f"\n{benchmark.__name__}")
        benchmark.main()


if __name__ == "__main__":
    main()
