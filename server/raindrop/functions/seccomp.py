"""The system calls that no code in a sandbox makes, as a filter that bubblewrap loads.

A list of refusals, not of permissions: Python, Node and whatever pip and npm bring along use most
of the rest, and what guards the host are the namespaces; this takes away the kernel's rarely used
parts, in which the ways out of namespaces were found.
"""

import errno
import socket
import tempfile

from raindrop.functions.limits import SandboxUnavailable

_REFUSED = (
    # Namespaces, mounts, roots.
    "unshare", "setns", "mount", "umount", "umount2", "pivot_root", "chroot", "open_tree",
    "move_mount", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr", "name_to_handle_at",
    "open_by_handle_at", "quotactl", "quotactl_fd", "fanotify_init",
    # Other processes' memory and descriptors.
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd", "kcmp",
    "userfaultfd", "perf_event_open", "lookup_dcookie",
    # The kernel itself.
    "bpf", "io_uring_setup", "io_uring_enter", "io_uring_register", "init_module", "finit_module",
    "delete_module", "create_module", "kexec_load", "kexec_file_load", "reboot", "swapon",
    "swapoff", "acct", "syslog", "iopl", "ioperm", "modify_ldt", "vm86", "vm86old", "uselib",
    "nfsservctl", "vhangup", "personality", "_sysctl", "sysfs",
    # Keys are per user, not per namespace.
    "add_key", "request_key", "keyctl",
    # The machine's clock, name and memory policy.
    "settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "stime", "sethostname",
    "setdomainname", "mbind", "move_pages", "migrate_pages", "set_mempolicy", "memfd_secret",
)  # fmt: skip

_NAMESPACES = (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000)
"""``CLONE_NEW…``: mount, cgroup, UTS, IPC, user, PID, network."""

_FAMILIES = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK)
"""The network namespace shuts these in. AF_VSOCK it does not: that one leads to a virtual
machine's host."""

_TERMINAL_INPUT = (0x5412, 0x541C)
"""TIOCSTI and TIOCLINUX, which type into a terminal that somebody else reads."""


def make_filter() -> bytes:
    """The program in the form of ``struct sock_filter``.

    Raises:
        SandboxUnavailable: libseccomp is not there.
    """
    try:
        # Loads a C library, which it looks for with other programs: only the invoker pays for it.
        import pyseccomp
    except (ImportError, RuntimeError):
        raise SandboxUnavailable(
            "Functions do not run here: libseccomp is missing; install the package libseccomp2."
        ) from None
    refuse = pyseccomp.ERRNO(errno.EPERM)
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    for name in _REFUSED:
        _add(rules, refuse, name)
    # clone3 has its flags in memory, where no filter looks: with ENOSYS, libraries use clone.
    _add(rules, pyseccomp.ERRNO(errno.ENOSYS), "clone3")
    for flag in _NAMESPACES:
        _add(rules, refuse, "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, flag, flag))
    for request in _TERMINAL_INPUT:
        # The kernel looks at the lower half only.
        _add(rules, refuse, "ioctl", pyseccomp.Arg(1, pyseccomp.MASKED_EQ, 0xFFFFFFFF, request))
    for family in range(max(_FAMILIES)):
        if family not in _FAMILIES:
            _add(rules, refuse, "socket", pyseccomp.Arg(0, pyseccomp.EQ, family))
    _add(rules, refuse, "socket", pyseccomp.Arg(0, pyseccomp.GT, max(_FAMILIES)))
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()


def _add(rules: object, action: int, name: str, *arguments: object) -> None:
    try:
        rules.add_rule_exactly(action, name, *arguments)  # type: ignore[attr-defined]
    except (OSError, ValueError):
        # A call that this processor or this libseccomp does not know. One that needs arguments is
        # known everywhere.
        if arguments:
            raise
