"""Measures file systems in a virtual machine, with Debian's kernel for those that this one's kernel lacks.

The guest's root is this machine's, read-only, below an overlay, so that it runs the same Python and the same
modules. QEMU emulates the processor and needs no KVM. Kernel and the programs of an NFS server are downloaded
by apt-get into a temporary folder and are not installed here.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

__all__ = ["GuestError", "boot"]

ROOT: Final = Path(__file__).resolve().parents[2]
_PROGRAMS: Final = ("apt-get", "apt-cache", "dpkg-deb", "cpio", "qemu-system-x86_64")
#: Beside the kernel: the programs of the first root, and an NFS server with its libraries.
_PACKAGES: Final = ("busybox-static", "nfs-kernel-server", "libwrap0", "libnsl2")
#: Modules that the first root needs before it can see this machine's files.
_MODULES: Final = ("virtio_pci", "9pnet_virtio", "9p", "overlay", "loop")
_FOLDERS: Final = (
    *("bin", "sbin", "proc", "sys", "dev", "lower", "changes", "root", "answer", "lib/modules", "modules"),
)
_BUSYBOX: Final = "bin/busybox"
_LIMIT_S: Final = 3600

_INIT: Final = """\
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin:/sbin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
for name in $(cat /order); do insmod /modules/$name; done
shared=trans=virtio,version=9p2000.L,msize=512000
mount -t 9p -o $shared,ro,cache=loose host /lower
mount -t 9p -o $shared answer /answer
mount -t tmpfs tmpfs /changes; mkdir /changes/upper /changes/work
mount -t overlay -o lowerdir=/lower,upperdir=/changes/upper,workdir=/changes/work overlay /root
mount --bind /lower{packages}/lib/modules /lib/modules
modprobe -a fuse ext4
for name in proc sys dev; do mount --rbind /$name /root/$name; done
ip link set lo up
export PATH={path} LD_LIBRARY_PATH={libraries}
chroot /root {command} >/answer/output 2>/answer/errors
poweroff -f
"""


class GuestError(Exception):
    """A virtual machine that did not do its work, and why."""


def boot(*arguments: str) -> Any:
    """Run `python -m tests.measured_filesystems` with arguments in a guest; return its output, from JSON.

    Raises:
        GuestError: a program or a package is not there, or the guest printed something else.
    """
    missing = [name for name in _PROGRAMS if shutil.which(name) is None]
    if missing:
        raise GuestError(f"{', '.join(missing)} is not there")
    with tempfile.TemporaryDirectory(prefix="guest-") as folder:
        room = Path(folder)
        packages, answer = room / "packages", room / "answer"
        answer.mkdir()
        _unpack(packages, _kernel_package(), *_PACKAGES)
        _call(str(packages / _BUSYBOX), "depmod", "-b", str(packages), _release(packages).name, cwd=packages)
        _make_initrd(room, packages, arguments)
        said = _machine(room, packages, answer)
        try:
            return json.loads((answer / "output").read_text())
        except (OSError, ValueError) as error:
            errors = answer / "errors"
            more = errors.read_text() if errors.exists() else ""
            raise GuestError(f"the guest gave no answer: {error}\n{said}\n{more}") from error


def _call(*command: str, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise GuestError(f"{shlex.join(command)}: {done.stderr.strip() or f'status {done.returncode}'}")
    return done.stdout


def _kernel_package() -> str:
    said = _call("apt-cache", "depends", "linux-image-amd64", cwd=ROOT)
    found = re.search(r"Depends: (linux-image-\S+)", said)
    if found is None:
        raise GuestError("apt-cache knows no kernel that linux-image-amd64 depends on")
    return found[1]


def _unpack(packages: Path, *names: str) -> None:
    packages.mkdir()
    _call("apt-get", "download", "--quiet", *names, cwd=packages)
    for package in packages.glob("*.deb"):
        _call("dpkg-deb", "--extract", str(package), str(packages), cwd=packages)


def _release(packages: Path) -> Path:
    """Return the folder of the kernel's modules, whose name is the kernel's release."""
    (found,) = (packages / "lib" / "modules").iterdir()
    return found


def _ordered(packages: Path) -> list[Path]:
    """Return the files of the first modules, each after those that it depends on."""
    modules = _release(packages)
    needs: dict[Path, list[Path]] = {}
    for line in (modules / "modules.dep").read_text().splitlines():
        name, _, others = line.partition(":")
        needs[modules / name] = [modules / other for other in others.split()]
    found: dict[Path, None] = {}

    def add(module: Path) -> None:
        for other in needs[module]:
            add(other)
        found[module] = None

    for module in needs:
        if module.stem in _MODULES:
            add(module)
    return list(found)


def _make_initrd(room: Path, packages: Path, arguments: Sequence[str]) -> None:
    first = room / "first"
    for name in _FOLDERS:
        (first / name).mkdir(parents=True)
    shutil.copy(packages / _BUSYBOX, first / "bin")
    (first / "sbin" / "modprobe").symlink_to("/bin/busybox")
    modules = _ordered(packages)
    for module in modules:
        shutil.copy(module, first / "modules")
    (first / "order").write_text("\n".join(module.name for module in modules))
    command = [
        "/usr/bin/env",
        "-C",
        str(ROOT),
        sys.executable,
        "-m",
        "tests.measured_filesystems",
        *arguments,
    ]
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin:{packages}/usr/sbin"
    libraries = packages / "usr" / "lib" / "x86_64-linux-gnu"
    init = first / "init"
    init.write_text(
        _INIT.format(packages=packages, path=path, libraries=libraries, command=shlex.join(command))
    )
    init.chmod(0o755)
    names = "\n".join(str(path.relative_to(first)) for path in sorted(first.rglob("*")))
    with (room / "initrd").open("wb") as file:
        subprocess.run(
            ["cpio", "--quiet", "-o", "-H", "newc"], input=names.encode(), stdout=file, cwd=first, check=True
        )


def _machine(room: Path, packages: Path, answer: Path) -> str:
    """Start a guest and wait for its end; return the text of its console."""
    (kernel,) = (packages / "boot").glob("vmlinuz-*")
    command = ["qemu-system-x86_64", "-machine", "q35", "-accel", "tcg", "-cpu", "max", "-m", "1536"]
    command += ["-nographic", "-nic", "none", "-no-reboot", "-kernel", str(kernel)]
    command += ["-initrd", str(room / "initrd"), "-append", "console=ttyS0 quiet panic=-1"]
    for tag, path, more in (("host", Path("/"), ",readonly=on,multidevs=remap"), ("answer", answer, "")):
        command += ["-fsdev", f"local,id={tag},path={path},security_model=none{more}"]
        command += ["-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag}"]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise GuestError(f"the guest did not end within {_LIMIT_S} s") from error
    return done.stdout + done.stderr
