"""Every figure, one benchmark after the other.

python -m tests.benchmarks.all_figures
"""

from tests.benchmarks import active_day, backfill, card, least_requests, memory, start


def main() -> None:
    """Run all of them."""
    for benchmark in (start, memory, backfill, card, active_day, least_requests):
        print(f"\n{benchmark.__name__}")
        benchmark.main()


if __name__ == "__main__":
    main()
