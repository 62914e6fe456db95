"""Landlock: files, TCP, signals and abstract sockets out of reach. See https://docs.kernel.org/userspace-api/landlock.html"""
import ctypes
import os

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # the same on every architecture
CREATE_RULESET_VERSION = 1
RULE_PATH_BENEATH = 1

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
TRUNCATE, IOCTL_DEV = 1 << 14, 1 << 15
FILE_ACCESS = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
#: Number of file rights that each version of the interface knows.
FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
BIND_TCP, CONNECT_TCP = 1 << 0, 1 << 1
SCOPE_ABSTRACT_UNIX, SCOPE_SIGNAL = 1 << 0, 1 << 1


class PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("access", ctypes.c_uint64), ("fd", ctypes.c_int32)]


def restrict(libc, readable, writable):
    """Leaves `readable` to read, `writable` (a folder) to read and write. False when the kernel cannot."""
    version = libc.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), CREATE_RULESET_VERSION)
    if version < 1:
        return False
    rights = (1 << FILE_RIGHTS.get(version, 16)) - 1
    attributes = [rights]
    if version >= 4:
        attributes.append(BIND_TCP | CONNECT_TCP)
    if version >= 6:
        attributes.append(SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL)
    raw = (ctypes.c_uint64 * len(attributes))(*attributes)
    ruleset = libc.syscall(CREATE_RULESET, raw, ctypes.c_size_t(ctypes.sizeof(raw)), 0)
    if ruleset < 0:
        return False
    for path in readable:
        allow(libc, ruleset, path, rights & (EXECUTE | READ_FILE | READ_DIR))
    allow(libc, ruleset, "/dev/null", rights & (READ_FILE | WRITE_FILE | TRUNCATE))
    allow(libc, ruleset, writable, rights)
    held = libc.syscall(RESTRICT_SELF, ruleset, 0) == 0
    os.close(ruleset)
    return held


def allow(libc, ruleset, path, rights):
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    if not os.path.isdir(path):
        rights &= FILE_ACCESS
    libc.syscall(ADD_RULE, ruleset, RULE_PATH_BENEATH, ctypes.byref(PathBeneath(rights, fd)), 0)
    os.close(fd)
