"""What becomes of memory that is freed."""

import ctypes

# mallopt(3) of the GNU C library.
_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8
_NEVER = 2**31 - 1


def keep_freed_memory() -> bool:
    """Makes the process keep the memory that it frees, and use it again.

    Call it before the process starts threads: a thread may have a heap of its own by then, which
    later ones share, and of which what is free is given back whatever the settings are.

    A training step allocates arrays of tens of megabytes and frees them again. The GNU C library
    gives such memory back to the system at once, which clears every page before the next step may
    use it: on two cores without a GPU that was a third to a half of a step's processor time
    (docs/performance.md). In return, the process has all the time the memory that it needs at its
    peak.

    Returns:
        Whether this C library can do so; others are left as they are.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, TypeError):  # another C library; Windows, which has no program's own
        return False
    # No array has pages of its own, which would be given back; nor is the end of the heap; and no
    # thread has a heap of its own, which could not hold a large array.
    settings = ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, _NEVER), (_ARENA_MAX, 1))
    return all(mallopt(*setting) for setting in settings)
