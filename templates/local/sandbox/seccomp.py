"""A seccomp filter: no sockets, no new processes, no signals to others, nothing that looks into other processes.

It holds where namespaces cannot be had, as on runners that forbid them to ordinary users.
"""
import ctypes
import platform
import struct
import sys

PR_SET_SECCOMP, MODE_FILTER = 22, 2
ALLOW, ERRNO, KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
EPERM, ENOSYS = 1, 38
LOAD_WORD, JUMP_EQUAL, JUMP_SET, JUMP_GREATER_EQUAL, RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
#: Offsets in struct seccomp_data.
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16
CLONE_THREAD = 0x00010000
X32 = 0x40000000

#: io_uring_setup pidfd_send_signal pidfd_open pidfd_getfd open_tree move_mount fsopen
EVERYWHERE = (425, 424, 434, 438, 428, 429, 430)
CLONE3 = 435
MACHINES = {
    "x86_64": {
        "audit": 0xC000003E,
        "clone": 56,
        # socket fork vfork execve execveat kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo ptrace
        # process_vm_readv process_vm_writev unshare setns mount pivot_root chroot keyctl add_key request_key bpf
        # perf_event_open userfaultfd shmget msgget semget
        "denied": (41, 57, 58, 59, 322, 62, 200, 234, 129, 297, 101, 310, 311, 272, 308, 165, 155, 161)
        + (250, 248, 249, 321, 298, 323, 29, 68, 64),
    },
    "aarch64": {
        "audit": 0xC00000B7,
        "clone": 220,
        # as above, without fork and vfork, which this machine does not have
        "denied": (198, 221, 281, 129, 130, 131, 138, 240, 117, 270, 271, 97, 268, 40, 41, 51)
        + (219, 217, 218, 280, 241, 282, 194, 186, 190),
    },
}


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def restrict(libc):
    """False on machines that are not listed, and where the kernel cannot. Needs no_new_privs."""
    machine = MACHINES.get(platform.machine())
    if machine is None or sys.maxsize < 2**32:
        return False
    code = b"".join(program(machine))
    buffer = ctypes.create_string_buffer(code, len(code))
    filter_ = Program(len(code) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    return libc.prctl(PR_SET_SECCOMP, MODE_FILTER, ctypes.byref(filter_), 0, 0) == 0


def program(machine):
    """Classic BPF, one instruction an element."""
    yield step(LOAD_WORD, ARCHITECTURE)
    yield step(JUMP_EQUAL, machine["audit"], 1, 0)
    yield step(RETURN, KILL_PROCESS)
    yield step(LOAD_WORD, NUMBER)
    yield step(JUMP_GREATER_EQUAL, X32, 0, 1)
    yield step(RETURN, ERRNO | ENOSYS)
    for number in (*machine["denied"], *EVERYWHERE):
        yield step(JUMP_EQUAL, number, 0, 1)
        yield step(RETURN, ERRNO | EPERM)
    # The C library falls back to clone, whose flags a filter can read: threads may start, processes may not.
    yield step(JUMP_EQUAL, CLONE3, 0, 1)
    yield step(RETURN, ERRNO | ENOSYS)
    yield step(JUMP_EQUAL, machine["clone"], 0, 3)
    yield step(LOAD_WORD, FIRST_ARGUMENT)
    yield step(JUMP_SET, CLONE_THREAD, 1, 0)
    yield step(RETURN, ERRNO | EPERM)
    yield step(RETURN, ALLOW)


def step(operation, value, if_true=0, if_false=0):
    return struct.pack("=HBBI", operation, if_true, if_false, value)
