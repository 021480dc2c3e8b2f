"""A network's pass as a CUDA graph: recorded once for each shape of its inputs, and replayed from then on.

A step of a U-Net is about a thousand small orders, and a GPU is often done with each before the processor has sent the
next one; a recorded pass is one order. Nothing is compiled: a shape that has not been seen costs a second, not minutes.
Does not know what the network is.

Source: PyTorch documentation, *CUDA semantics: CUDA Graphs*.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable
from typing import Any

import torch
from torch import Tensor

log = logging.getLogger(__name__)
# Passes before one is recorded: libraries choose their ways, and take their own memory, in the first ones.
_WARM = 3
# Shapes kept; of those a room has, the number of rows differs from batch to batch.
_MOST = 12
Work = Callable[[], tuple[Tensor, ...]]
Record = Callable[[Work], Work]


class Replayed:
    """In place of a network's ``forward``, for calls with tensors and switches that want a tuple back.

    Any other call goes to ``forward`` itself, and so does a shape whose pass cannot be recorded.

    Args:
        forward: the network's own.
        device: where it is.
        record: makes of a pass something that does it again, on what its inputs hold by then; CUDA's graphs by default.
    """

    def __init__(self, forward: Callable[..., Any], device: torch.device, record: Record | None = None) -> None:
        self._forward = forward
        self._device = device
        self._record = record or by_cuda_graph()
        self._passes: dict[Hashable, tuple[list[Tensor], Work] | None] = {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What ``forward`` returns, as tensors of the caller's own."""
        given: list[Tensor] = []
        key = _shape_of((args, kwargs), given)
        if key is None or kwargs.get("return_dict") is not False:
            return self._forward(*args, **kwargs)
        if key not in self._passes:
            if len(self._passes) >= _MOST:
                del self._passes[next(iter(self._passes))]
            self._passes[key] = self._recorded(args, kwargs, given)
        found = self._passes[key] = self._passes.pop(key)  # the one that was used last stays longest
        if found is None:
            return self._forward(*args, **kwargs)
        inputs, replay = found
        for place, value in zip(inputs, given, strict=True):
            place.copy_(value)
        return tuple(result.clone() for result in replay())  # the next pass writes over them

    def _recorded(self, args: Any, kwargs: Any, given: list[Tensor]) -> tuple[list[Tensor], Work] | None:
        # On the device in any case: a pass that fetched a number from elsewhere would fetch the first one for ever.
        inputs = [value.to(self._device, copy=True) for value in given]
        own_args, own_kwargs = _with((args, kwargs), iter(inputs))
        try:
            return inputs, self._record(lambda: self._forward(*own_args, **own_kwargs))
        except RuntimeError as problem:  # also that memory has run out: the pass itself may still fit
            log.warning("a pass cannot be recorded: %s", problem)
            return None


def by_cuda_graph() -> Record:
    """CUDA graphs with one memory for all their passes, since no two of them run at the same time."""
    pool = torch.cuda.graph_pool_handle()

    def record(work: Work) -> Work:
        aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(_WARM):
                work()
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        # What other threads do with the GPU meanwhile is theirs.
        with torch.cuda.graph(graph, pool=pool, capture_error_mode="thread_local"):
            results = work()

        def replay() -> tuple[Tensor, ...]:
            graph.replay()
            return results

        return replay

    return record


def _shape_of(value: Any, tensors: list[Tensor]) -> Hashable | None:
    """All of a call that decides how it is computed, and its tensors into the list; None: it holds something else."""
    if isinstance(value, Tensor):
        tensors.append(value)
        return (tuple(value.shape), value.dtype)
    if value is None or isinstance(value, bool):
        return (value,)
    if isinstance(value, dict):
        parts = [(name, _shape_of(part, tensors)) for name, part in value.items()]
        return None if any(part is None for _, part in parts) else tuple(parts)
    if isinstance(value, tuple | list):
        found = [_shape_of(part, tensors) for part in value]
        return None if any(part is None for part in found) else tuple(found)
    return None


def _with(value: Any, tensors: Any) -> Any:
    """The same call with other tensors in the places of its own."""
    if isinstance(value, Tensor):
        return next(tensors)
    if isinstance(value, dict):
        return {name: _with(part, tensors) for name, part in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(_with(part, tensors) for part in value)
    return value
