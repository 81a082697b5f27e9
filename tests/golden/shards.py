"""Golden bytes of a Megatron indexed dataset, written by Megatron-LM's own builder.

    python tests/golden/shards.py MEGATRON_LM_CHECKOUT

MEGATRON_LM_CHECKOUT is a clone of https://github.com/NVIDIA/Megatron-LM (tried at commit d98e8a64dd); nothing of it is kept
here. Only its file megatron/core/datasets/indexed_dataset.py is loaded; the package around it needs CUDA libraries
that this does not. Writes shards.json: documents, and the .bin and .idx files in base64, for both element types.
"""

import base64
import importlib.util
import json
import pathlib
import sys
import tempfile
import types

HERE = pathlib.Path(__file__).parent
DOCUMENTS = [[1, 2, 3, 4], [65498], [7], list(range(300, 340)), [0, 0, 0], [12345, 54321, 8191, 4]]


def load_builder(checkout: pathlib.Path):
    """Imports the one file, with empty stand-ins for the modules that it imports but that local files do not need."""

    class Anything(types.ModuleType):
        def __getattr__(self, name):
            if name.startswith("__"):
                raise AttributeError(name)
            return type(name, (), {})

    for name in (
        "megatron",
        "megatron.core",
        "megatron.core.datasets",
        "megatron.core.datasets.object_storage_utils",
        "megatron.core.msc_utils",
        "megatron.core.utils",
    ):
        sys.modules[name] = Anything(name)

    class LocalFiles:
        open = staticmethod(open)
        os = __import__("os")

    sys.modules["megatron.core.msc_utils"].maybe_msc = LocalFiles
    path = checkout / "megatron/core/datasets/indexed_dataset.py"
    spec = importlib.util.spec_from_file_location("megatron.core.datasets.indexed_dataset", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def build(module, vocabulary_size: int) -> dict:
    import torch

    with tempfile.TemporaryDirectory() as folder:
        prefix = pathlib.Path(folder) / "golden"
        dtype = module.DType.optimal_dtype(vocabulary_size)
        builder = module.IndexedDatasetBuilder(f"{prefix}.bin", dtype=dtype)
        for document in DOCUMENTS:
            builder.add_document(torch.tensor(document), [len(document)])
        builder.finalize(f"{prefix}.idx")
        return {
            "vocabularySize": vocabulary_size,
            "dtype": dtype.__name__,
            "bin": base64.b64encode(pathlib.Path(f"{prefix}.bin").read_bytes()).decode(),
            "idx": base64.b64encode(pathlib.Path(f"{prefix}.idx").read_bytes()).decode(),
        }


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    module = load_builder(pathlib.Path(sys.argv[1]))
    cases = [build(module, size) for size in (65_499, 65_500, 100_000)]
    golden = {"documents": DOCUMENTS, "cases": cases}
    (HERE / "shards.json").write_text(json.dumps(golden) + "\n")
