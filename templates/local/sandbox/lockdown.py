"""Takes rights away from this process, for good. Each layer that the system cannot give is left out and not listed."""
import ctypes
import os
import resource
import sys

import landlock
import seccomp

NOBODY = 65534
PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 24, 38
SIGKILL = 9
CAPABILITY_VERSION_3 = 0x20080522
MIB = 1024 * 1024

libc = ctypes.CDLL(None, use_errno=True)


def apply(limits):
    """Returns the names of the layers that hold."""
    folder = limits["folder"]
    os.chdir(folder)
    # The first process of a PID namespace, which unshare makes together with the others.
    layers = ["namespaces"] if os.getpid() == 1 else []
    if limit(limits):
        layers.append("rlimits")
    if leave_root(folder):
        layers.append("unprivileged")
    if sys.platform != "linux":
        return layers
    # When the parent dies, so does this; after leave_root, because a change of user clears it.
    libc.prctl(PR_SET_PDEATHSIG, SIGKILL)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if landlock.restrict(libc, readable(), folder):
        layers.append("landlock")
    if seccomp.restrict(libc):
        layers.append("seccomp")
    return layers


def limit(limits):
    """True when all of them hold."""
    wanted = {
        "RLIMIT_AS": limits["memoryMiB"] * MIB,
        "RLIMIT_CPU": limits["cpuSeconds"],
        "RLIMIT_FSIZE": limits["fileMiB"] * MIB,
        "RLIMIT_NOFILE": 64,
        "RLIMIT_CORE": 0,
        "RLIMIT_MSGQUEUE": 0,
    }
    # Counted over all processes of a user: of a user that runs much else, even this process would be too many.
    if os.getuid() == 0 or os.getpid() == 1:
        wanted["RLIMIT_NPROC"] = 256
    return all([lower(name, value) for name, value in wanted.items()])


def lower(name, value):
    try:
        number = getattr(resource, name)
        hard = resource.getrlimit(number)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(number, (value, value))
        return True
    except (AttributeError, ValueError, OSError):
        return False


def leave_root(folder):
    """True when this process is not root afterwards; where it has to stay root, it loses all capabilities."""
    if os.getuid() != 0:
        return True
    if not open_to_everybody(os.path.join(sys.prefix, "lib")) or not open_to_everybody(folder):
        if sys.platform == "linux":
            drop_capabilities()
        return False
    os.chown(folder, NOBODY, NOBODY)
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    return True


def open_to_everybody(path):
    """Whether everybody may reach what lies in `path`: Python itself must stay readable for somebody else."""
    path = os.path.dirname(os.path.realpath(path))
    while os.stat(path).st_mode & 0o001:
        if path == "/":
            return True
        path = os.path.dirname(path)
    return False


def drop_capabilities():
    for capability in range(64):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    libc.capset(header, (ctypes.c_uint32 * 6)())


def readable():
    """What Python and its libraries read. Not /proc, not /etc as a whole, and no home."""
    return [
        *("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/localtime"),
        *("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random"),
        *{sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix},
    ]
