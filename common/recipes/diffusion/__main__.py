"""Make the small text-to-image model: read, train the VAE, then the U-Net, then the judge; export, measure, describe.

python -m common.recipes.diffusion --data PATH/emoji-twitter.parquet --out models/diffusion-emoji --minutes 60
accelerate launch -m common.recipes.diffusion …      on several GPUs

The same command again goes on where the last one stopped. ``--init-from models/diffusion-emoji`` begins with finished
weights where the state of their training is gone.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import torch
from transformers import CLIPTokenizer

from common.recipes.diffusion import card, export, features, loop, measure, pictures, preview, unet, vae, words

_VAE_RATE, _UNET_RATE = 2e-3, 8e-4


def main(arguments: list[str] | None = None) -> None:
    """Run the recipe from command-line arguments."""
    chosen = _parser().parse_args(arguments)
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    missing = [str(path) for path in chosen.data if not path.is_file()]
    if missing:
        sys.exit(f"There is no file {missing[0]}: give the path of a Parquet file of emoji.")
    _run(chosen)


def _run(chosen: argparse.Namespace) -> None:
    work: Path = chosen.work
    work.mkdir(parents=True, exist_ok=True)
    shown = pictures.read(chosen.data, chosen.groups.split(",") if chosen.groups else ())
    print(f"{len(shown):,} pictures, {len(set(shown.names)):,} names", flush=True)
    tokenizer = _tokenizer(chosen.init_from, shown)
    coder, painter = vae.build(), unet.Painter(tokenizer)
    if chosen.init_from and not (work / "unet.json").exists():
        export.load_weights(chosen.init_from, coder, painter)
    reports = {}
    stage = loop.Stage("vae", chosen.vae_steps, 16, _VAE_RATE, minutes=chosen.vae_minutes)
    reports["vae"] = loop.train(stage, coder, len(shown), vae.Loss(shown), work)
    coder.eval()
    latents = vae.encode_all(coder, shown)
    stage = loop.Stage("unet", chosen.unet_steps, chosen.batch, _UNET_RATE, minutes=chosen.minutes)
    reports["unet"] = loop.train(stage, painter, len(shown), unet.Loss(shown, latents, tokenizer), work)
    painter.eval()
    pipeline = export.pipeline(coder, painter, tokenizer)
    export.save(pipeline, chosen.out)
    _, preview_error = preview.make(chosen.out, shown.names, chosen.preview_steps)
    judge, reports["judge"] = features.train(shown, chosen.judge_steps, work)
    report = measure.measure(chosen.out, judge, shown, chosen.prompts)
    card.write(chosen.out, reports, report, preview_error, chosen.data, chosen.batch, shown)
    (work / "scores.json").write_text(json.dumps(report.to_json(), indent=2), "utf-8")
    print(json.dumps(report.to_json(), indent=2))


def _tokenizer(init_from: Path | None, shown: pictures.Pictures) -> CLIPTokenizer:
    if init_from:
        kept: CLIPTokenizer = CLIPTokenizer.from_pretrained(init_from / "tokenizer")
        return kept
    return words.make_tokenizer([*shown.names, *(word for few in shown.keywords for word in few)])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="Parquet files of emoji pictures")
    parser.add_argument("--out", type=Path, required=True, help="folder for the finished model")
    parser.add_argument("--work", type=Path, default=Path("build/diffusion"), help="folder for all that is kept")
    parser.add_argument("--groups", default="", help="only these subcategories, with commas between them")
    parser.add_argument("--init-from", type=Path, help="a finished model to begin with")
    parser.add_argument("--minutes", type=float, default=0, help="for the U-Net in this call; 0: until its last step")
    parser.add_argument("--vae-minutes", type=float, default=0, help="the same for the VAE")
    parser.add_argument("--unet-steps", type=int, default=60_000, help="batches in all (default 60,000)")
    parser.add_argument("--vae-steps", type=int, default=12_000, help="batches of 16 in all (default 12,000)")
    parser.add_argument(
        "--preview-steps", type=int, default=preview.USUAL_STEPS, help="batches of 24 latents (default 1,200)"
    )
    parser.add_argument("--judge-steps", type=int, default=1_500, help="batches of 64 (default 1,500)")
    parser.add_argument("--batch", type=int, default=64, help="pictures in a batch of the U-Net (default 64)")
    parser.add_argument("--prompts", type=int, default=200, help="names to measure with (default 200)")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads (default: PyTorch's choice)")
    return parser


if __name__ == "__main__":
    main()
