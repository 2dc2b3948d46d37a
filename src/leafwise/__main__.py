"""`python -m leafwise`: the `leafwise` command where it is not on the path."""

from leafwise.cli.main import run

if __name__ == "__main__":
    run()
