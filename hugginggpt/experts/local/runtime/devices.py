"""Devices that models can run on, and their memory: CUDA devices, Apple's GPU, the CPU."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_CPU_SHARE, _GPU_SHARE = 0.5, 0.85
"""Shares of a device's memory that models may use by default."""
# inside a container psutil reports the host's memory; the limit is in cgroup v2's file, or in v1's
_CGROUP_LIMITS: Final = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_CGROUP_USED: Final = ("/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory/memory.usage_in_bytes")


@dataclass(frozen=True, slots=True)
class Device:
    """Device that models run on."""

    name: str
    """Name in torch: "cpu", "cuda:0", "mps"."""
    budget: int
    """Memory for all models on it together, in bytes."""

    @property
    def slot(self) -> str:
        """Name of the device queue that its calls wait in."""
        return f"local:{self.name}"

    @property
    def uses_half_precision(self) -> bool:
        """Return whether models are loaded in half precision: GPUs are built for it, CPUs are slow at it."""
        return self.name != "cpu"


def find_devices(wanted: str = "auto", *, memory_gb: float | None = None, gpu_memory_gb: float | None = None) -> list[Device]:
    """Return the devices to use, the fastest first; the CPU is always the last of them.

    Args:
        wanted: "auto" for all, "cpu" for the CPU alone, or one device's name ("cuda:1"), with the CPU behind it.
        memory_gb: Budget of the CPU in GiB; by default half of the memory that this process may use.
        gpu_memory_gb: Budget of each other device in GiB; by default 85 % of its memory.
    """
    cpu = Device("cpu", round(memory_gb * 2**30) if memory_gb is not None else round(_CPU_SHARE * get_total_memory()))
    if wanted == "cpu":
        return [cpu]
    found = _find_accelerators()
    if wanted != "auto":
        found = [(name, size) for name, size in found if name == wanted or name.partition(":")[0] == wanted]
    return [
        *(Device(n, round(gpu_memory_gb * 2**30) if gpu_memory_gb is not None else round(_GPU_SHARE * s)) for n, s in found),
        cpu,
    ]


def _find_accelerators() -> Sequence[tuple[str, int]]:
    """Return the name and the memory, in bytes, of each GPU."""
    import torch

    if torch.cuda.is_available():
        return [(f"cuda:{i}", torch.cuda.get_device_properties(i).total_memory) for i in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        return [("mps", get_total_memory())]  # shares the machine's memory
    return []


def choose_device(size: int, devices: Sequence[Device], used: Sequence[int]) -> Device:
    """Choose the device for a model: of the GPUs that can hold it, the one with most room; else the CPU.

    Args:
        size: Memory that the model needs, in bytes.
        devices: The devices, in the order of `find_devices`.
        used: Memory that earlier models need on each of them, in bytes.
    """
    *gpus, cpu = zip(devices, used, strict=True)
    fitting = [(device, reserved) for device, reserved in gpus if size <= device.budget]  # not by room: idle models make way
    return max(fitting, key=lambda pair: pair[0].budget - pair[1])[0] if fitting else cpu[0]


def get_total_memory() -> int:
    """Return the memory that this process may use, in bytes: the machine's, or its container's limit."""
    import psutil

    limit = _read_number(_CGROUP_LIMITS)
    total: int = psutil.virtual_memory().total
    return min(total, limit) if limit else total


def get_available_memory(device: str) -> int | None:
    """Return the memory that is free on a device now, in bytes; None where that can't be measured."""
    if device == "cpu":
        import psutil

        available: int = psutil.virtual_memory().available
        limit, used = _read_number(_CGROUP_LIMITS), _read_number(_CGROUP_USED)  # the container's
        return min(available, limit - used) if limit and used else available
    torch = sys.modules.get("torch")  # not an import: where it isn't loaded, no model is on a GPU
    if torch is None or not device.startswith("cuda"):
        return None
    free, _ = torch.cuda.mem_get_info(device)  # other programs' share is not in it
    # torch's caching allocator holds on to freed memory, which the next model can have
    return int(free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device))


def _read_number(paths: Sequence[str]) -> int | None:
    """Read the number in the first of these files that exists; None for "max", a huge number, or no file."""
    for path in paths:
        if os.access(path, os.R_OK):
            text = Path(path).read_text(encoding="ascii").strip()
            return int(text) if text.isdigit() and int(text) < 2**60 else None  # cgroup v1 writes about 2**63 for no limit
    return None
