"""What fitbitd costs: memory, time, requests, writes. Run on demand; pytest does not collect them.

All of it, for both providers, about twenty minutes, with the conditions:

    python -m tests.benchmarks.all_figures

or one at a time, from the repository's root:

    python -m tests.benchmarks.start       exec to READY=1, and what a command costs to start
    python -m tests.benchmarks.memory      resident memory and requests of a quiet `fitbitd run`
    python -m tests.benchmarks.backfill    readings per CPU second, of the process and of its parts
    python -m tests.benchmarks.card        fsyncs and bytes written in a day (needs strace)
    python -m tests.benchmarks.rebuild     the index of five years made again: time and memory
    python -m tests.benchmarks.active_day  requests and bytes of a day of 96 syncs (Google)
    python -m tests.benchmarks.least_requests  a history beside the least that caps allow (Google)

fitbitd is a process of its own in the first two and in the first figure of the third, and so is
the provider, so that the figures are fitbitd's alone.
"""
