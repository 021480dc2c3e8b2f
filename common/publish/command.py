"""``python -m common publish SPACE``: says what it bundles, checks it, and pushes it unless told not to."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from huggingface_hub import SpaceHardware

from common.errors import DemystifyError
from common.publish import bundle as bundles
from common.publish.problem import PublishProblem
from common.publish.push import push


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("space", choices=(bundles.HUB, *bundles.spaces()), help="a space, or the hub with all of them")
    parser.add_argument("--owner", help="user or organisation (default: the account that is logged in)")
    parser.add_argument("--name", help="name of the Space (default: demystify, or demystify-SPACE)")
    parser.add_argument("--hardware", default=bundles.ZEROGPU, help="the platform's machine (default: %(default)s)")
    parser.add_argument("--folder", type=Path, help="where the bundle is put (default: build/SPACE)")
    parser.add_argument("--dry-run", action="store_true", help="bundle and check, push nothing")


def run(options: argparse.Namespace) -> int:
    """Do it; the exit status."""
    try:
        _publish(options)
    except (PublishProblem, DemystifyError) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


def _publish(options: argparse.Namespace) -> None:
    known = [hardware.value for hardware in SpaceHardware]
    if options.hardware not in known:
        raise PublishProblem(f"There is no hardware “{options.hardware}”: choose one of {', '.join(known)}.")
    made = bundles.bundle(options.space, options.hardware)
    folder = options.folder or bundles.ROOT / "build" / options.space
    if options.folder is None and folder.exists():
        shutil.rmtree(folder)  # of an earlier time; a folder that somebody named is not emptied
    made.write(folder)
    modules = sum(name.startswith("common/") and name.endswith(".py") for name in made.copied)
    models = sorted({name.split("/")[1] for name in made.copied if name.startswith("models/")})
    print(f"{folder}: {len(made.copied) + len(made.written)} files, {made.size / 1e6:.0f} MB")
    print(f"  {modules} modules of common, models: {', '.join(models) or 'none'}")
    if made.missing:
        print(f"  not in the project, so left out: {', '.join(made.missing)}")
    requirements = [line for line in made.written["requirements.txt"].splitlines() if not line.startswith("-")]
    print(f"  requirements: {', '.join(requirements)}")
    if options.dry_run:
        print("dry run: nothing was pushed")
        return
    name = options.name or ("demystify" if options.space == bundles.HUB else f"demystify-{options.space}")
    done = push(folder, name, options.hardware, options.owner)
    print(f"published: {done.url} (commit {done.commit[:12]})")
