"""Devices that models run on."""

import psutil
import pytest

from hugginggpt.experts.local.runtime.devices import Device, choose_device, find_devices, get_available_memory, get_total_memory

GB = 2**30
CPU, SMALL, LARGE = Device("cpu", 8 * GB), Device("cuda:0", 4 * GB), Device("cuda:1", 16 * GB)


def test_the_cpu_is_always_there_with_half_of_what_this_process_may_use() -> None:
    assert find_devices()[-1] == Device("cpu", round(get_total_memory() / 2))
    assert find_devices("cpu") == [Device("cpu", round(get_total_memory() / 2))]


def test_a_setting_says_what_models_may_take() -> None:
    assert find_devices("cpu", memory_gb=1.5) == [Device("cpu", round(1.5 * GB))]


@pytest.mark.parametrize(
    ("size", "used", "expected"),
    [
        (GB, (0, 0, 0), LARGE),
        (GB, (0, 14 * GB, 0), SMALL),  # most room, not most memory
        (6 * GB, (0, 14 * GB, 0), LARGE),  # idle models make room there
        (20 * GB, (0, 0, 0), CPU),  # no GPU can hold it
    ],
)
def test_a_model_goes_where_there_is_room_for_it(size: int, used: tuple[int, ...], expected: Device) -> None:
    assert choose_device(size, [SMALL, LARGE, CPU], used) == expected


def test_without_a_gpu_everything_goes_to_the_cpu() -> None:
    assert choose_device(GB, [CPU], [0]) == CPU


def test_two_devices_are_two_slots() -> None:
    assert {device.slot for device in (CPU, SMALL, LARGE)} == {"local:cpu", "local:cuda:0", "local:cuda:1"}


def test_what_is_left_is_less_than_all() -> None:
    left = get_available_memory("cpu")
    assert left is not None
    assert 0 < left < get_total_memory() <= psutil.virtual_memory().total
    assert get_available_memory("mps") is None
