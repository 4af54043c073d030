"""Devices that models can run on here, and their room: CUDA devices, Apple's, the CPU."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_CPU_SHARE, _GPU_SHARE = 0.5, 0.85
"""Shares of the machine's memory that models may take, unless a setting says otherwise."""
_CGROUP_LIMITS: Final = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_CGROUP_USED: Final = ("/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory/memory.usage_in_bytes")


@dataclass(frozen=True, slots=True)
class Device:
    """One place where models run."""

    name: str
    """torch's: "cpu", "cuda:0", "mps"."""
    budget: int
    """Memory that all models on it may take together, in bytes."""

    @property
    def slot(self) -> str:
        """Device slot that a running model occupies."""
        return f"local:{self.name}"

    @property
    def half(self) -> bool:
        """True if models are loaded in half precision: GPUs are built for it, CPUs are slow at it."""
        return self.name != "cpu"


def find_devices(wanted: str = "auto", *, memory_gb: float | None = None, gpu_memory_gb: float | None = None) -> list[Device]:
    """Return the devices to use, the fastest first; the CPU is always the last of them.

    Args:
        wanted: "auto" for all, "cpu" for the CPU alone, or one device's name ("cuda:1"), with the CPU behind it.
        memory_gb: What models may take on the CPU; by default half of what this process may use.
        gpu_memory_gb: What they may take on each other device; by default 85 % of its memory.
    """
    cpu = Device("cpu", round(memory_gb * 2**30) if memory_gb is not None else round(_CPU_SHARE * get_total_memory()))
    if wanted == "cpu":
        return [cpu]
    found = _accelerators()
    if wanted != "auto":
        found = [(name, size) for name, size in found if name == wanted or name.partition(":")[0] == wanted]
    return [
        *(Device(n, round(gpu_memory_gb * 2**30) if gpu_memory_gb is not None else round(_GPU_SHARE * s)) for n, s in found),
        cpu,
    ]


def _accelerators() -> Sequence[tuple[str, int]]:
    """Name and memory, in bytes, of each GPU."""
    import torch

    if torch.cuda.is_available():
        return [(f"cuda:{i}", torch.cuda.get_device_properties(i).total_memory) for i in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        return [("mps", get_total_memory())]  # it shares the machine's memory
    return []


def choose_device(size: int, devices: Sequence[Device], taken: Sequence[int]) -> Device:
    """Return the device for a model: of those that can hold it, the GPU with most room; else the CPU.

    Args:
        size: How many bytes it takes.
        devices: As `find_devices` gives them.
        taken: How many bytes models that were placed before take on each.
    """
    *gpus, cpu = zip(devices, taken, strict=True)
    fitting = [(device, used) for device, used in gpus if size <= device.budget]
    return max(fitting, key=lambda pair: pair[0].budget - pair[1])[0] if fitting else cpu[0]


def get_total_memory() -> int:
    """Return how many bytes this process may use: the machine's memory, or its container's limit."""
    import psutil

    limit = _read_number(_CGROUP_LIMITS)
    total: int = psutil.virtual_memory().total
    return min(total, limit) if limit else total


def get_available_memory(device: str) -> int | None:
    """Return how many bytes are left on a device now; None where nothing can say."""
    if device == "cpu":
        import psutil

        left: int = psutil.virtual_memory().available
        limit, used = _read_number(_CGROUP_LIMITS), _read_number(_CGROUP_USED)
        return min(left, limit - used) if limit and used else left
    torch = sys.modules.get("torch")
    if torch is None or not device.startswith("cuda"):
        return None
    free, _ = torch.cuda.mem_get_info(device)
    # what torch keeps for itself is free for the next model
    return int(free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device))


def _read_number(paths: Sequence[str]) -> int | None:
    """Return the number in the first of these files that is there; None for "max" or none at all."""
    for path in paths:
        if os.access(path, os.R_OK):
            text = Path(path).read_text(encoding="ascii").strip()
            return int(text) if text.isdigit() and int(text) < 2**60 else None
    return None
