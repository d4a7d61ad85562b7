"""Let tests meet folders that may not be written to, whoever runs them."""

import ctypes
import sys

_VERSION_3 = 0x20080522
_OVERRIDE = 1 << 1 | 1 << 2  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH, by which root may do all


def obey_permissions() -> None:
    """Make permissions hold for this process, for good, also if it is root's."""
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    head, sets = (ctypes.c_uint32 * 2)(_VERSION_3, 0), (ctypes.c_uint32 * 6)()
    assert libc.capget(head, sets) == 0, ctypes.get_errno()
    for i in (0, 1):  # effective and permitted
        sets[i] &= ~_OVERRIDE
    assert libc.capset(head, sets) == 0, ctypes.get_errno()
