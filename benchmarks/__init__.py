"""What leafwise costs on this machine, each stage beside a named alternative: `python -m benchmarks --help`."""
