"""The project's commands: ``python -m common preflight`` and ``python -m common publish SPACE``."""

from __future__ import annotations

import argparse
import sys


def main(arguments: list[str] | None = None) -> int:
    """Run a command; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m common", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    from common.preflight import command as preflight
    from common.publish import command as publish

    preflight.add_options(commands.add_parser("preflight", help="check before the talk what will work"))
    publish.add_options(commands.add_parser("publish", help="put a space, or the hub, onto Hugging Face"))
    options = parser.parse_args(arguments)
    return preflight.run(options) if options.command == "preflight" else publish.run(options)


if __name__ == "__main__":
    sys.exit(main())
