"""The rival of the chat figures: llama-cpp-python on the same GGUF file with the same number of threads, one stream."""

from __future__ import annotations

import time

from common import catalog, hardware

PROMPT = "<|im_start|>user\nTell me about rivers.<|im_end|>\n<|im_start|>assistant\n"


class LlamaCpp:
    """llama.cpp through its Python binding.

    Raises:
        SystemExit: the package is not installed.
    """

    def __init__(self) -> None:
        try:
            from llama_cpp import Llama
        except ImportError:
            raise SystemExit("the rival is missing: make bench installs it (it compiles for some minutes)") from None
        path = catalog.locate(catalog.find(catalog.EMBEDDED_CHAT_MODEL))
        threads = hardware.cores()
        self._llama = Llama(str(path), n_ctx=2048, n_threads=threads, n_threads_batch=threads, verbose=False)

    def tokens_per_second(self, prompt: str, new_tokens: int) -> float:
        """Greedy decoding after the prompt was read: tokens after the first, over the time they took."""
        ids = self._llama.tokenize(prompt.encode(), add_bos=False, special=True)
        self._llama.reset()
        start, count = 0.0, 0
        for _ in self._llama.generate(ids, temp=0.0, repeat_penalty=1.0):
            count += 1
            if count == 1:
                start = time.perf_counter()
            if count == new_tokens:
                break
        return (count - 1) / (time.perf_counter() - start)
