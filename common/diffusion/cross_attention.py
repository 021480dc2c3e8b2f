"""Which words look where: the cross-attention of the U-Net, gathered while it works, as one map for each word.

Every latent pixel shares its attention out over the tokens of the prompt. The maps are the mean over heads and layers,
enlarged to one size (DAAM, Tang et al. 2022, arXiv:2210.04885). Most attention goes to the start token.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import isqrt
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

if TYPE_CHECKING:
    import torch

    from common.diffusion.request import Pixels

# How bright a picture stays where a word does not look.
_DIM = 0.2


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the prompt, and the places of its tokens among those of the text encoder."""

    text: str
    tokens: tuple[int, ...]


@dataclass(slots=True)
class Watch:
    """Gathers the attention of one row of the batch during a pass.

    Attributes:
        row: which one.
        edge: of the maps, in latent pixels.
        total: sum over layers so far, (tokens, edge, edge).
        layers: how many.
    """

    row: int
    edge: int
    total: torch.Tensor | None = None
    layers: int = field(default=0)

    def add(self, attention: torch.Tensor) -> None:
        """One layer: (heads, pixels, tokens), each row a distribution over tokens."""
        from torch.nn.functional import interpolate

        mean = attention.float().mean(0)
        side = isqrt(len(mean))
        maps = mean.T.reshape(1, -1, side, side)
        if side != self.edge:
            maps = interpolate(maps, size=(self.edge, self.edge), mode="bilinear", align_corners=False)
        self.total = maps[0] if self.total is None else self.total + maps[0]
        self.layers += 1

    def take(self) -> NDArray[np.float32]:
        """The mean over layers of the pass, (tokens, edge, edge); makes room for the next pass."""
        assert self.total is not None  # noqa: S101 - a U-Net with a text encoder has cross-attention
        taken: NDArray[np.float32] = (self.total / self.layers).cpu().numpy()
        self.total, self.layers = None, 0
        return taken


class _Watched:
    """A layer's own attention processor, with somebody looking on."""

    def __init__(self, own: Any, watch: Watch) -> None:
        self._own, self._watch = own, watch

    def __call__(
        self, attn: Any, hidden_states: Any, encoder_hidden_states: Any = None, *args: Any, **rest: Any
    ) -> Any:
        row = slice(self._watch.row, self._watch.row + 1)
        query = attn.head_to_batch_dim(attn.to_q(hidden_states[row]))
        key = attn.head_to_batch_dim(attn.to_k(encoder_hidden_states[row]))
        self._watch.add(attn.get_attention_scores(query, key))
        return self._own(attn, hidden_states, encoder_hidden_states, *args, **rest)


@contextmanager
def watched(unet: Any, row: int, edge: int) -> Iterator[Watch]:
    """While it lasts, every pass of the U-Net leaves the cross-attention of one row of its batch."""
    watch = Watch(row, edge)
    own = dict(unet.attn_processors)
    # attn1 is the attention among the latent's own pixels, attn2 that to the prompt.
    unet.set_attn_processor({name: _Watched(one, watch) if "attn2" in name else one for name, one in own.items()})
    try:
        yield watch
    finally:
        unet.set_attn_processor(own)


def words(tokenizer: Any, prompt: str) -> tuple[Word, ...]:
    """The prompt's words as far as the text encoder reads them, with their tokens."""
    ids = tokenizer(prompt, truncation=True, max_length=tokenizer.model_max_length).input_ids
    found: list[Word] = []
    places: list[int] = []
    for place, token in enumerate(ids):
        if token in tokenizer.all_special_ids:
            continue
        places.append(place)
        if str(tokenizer.convert_ids_to_tokens(token)).endswith("</w>"):
            found.append(_word(tokenizer, ids, places))
            places = []
    if places:  # a word that the limit has cut in two
        found.append(_word(tokenizer, ids, places))
    return tuple(found)


def _word(tokenizer: Any, ids: list[int], places: list[int]) -> Word:
    return Word(str(tokenizer.decode([ids[place] for place in places])).strip(), tuple(places))


def of_words(maps: NDArray[np.float32], found: tuple[Word, ...]) -> NDArray[np.float32]:
    """The maps of tokens as those of words, (words, edge, edge): the attention to any token of the word."""
    return np.stack([maps[list(word.tokens)].sum(0) for word in found])


def spotlight(picture: Pixels, heat: NDArray[np.float32]) -> Pixels:
    """The picture, bright where the map is highest and dim where it is lowest.

    Args:
        picture: (h, w, 3).
        heat: a map of any size; only its differences count.
    """
    low, high = float(heat.min()), float(heat.max())
    share = (heat - low) / (high - low) if high > low else np.zeros_like(heat)
    size = (picture.shape[1], picture.shape[0])
    large = np.asarray(Image.fromarray(share.astype(np.float32)).resize(size, Image.Resampling.BILINEAR))
    light = _DIM + (1 - _DIM) * np.clip(large, 0, 1)[..., None]
    lit: Pixels = (picture * light).round().astype(np.uint8)
    return lit
