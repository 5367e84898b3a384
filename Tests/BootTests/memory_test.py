#!/usr/bin/env python3
"""Tests clusterd with the memory controller, on a Debian that boots as a process of this host.

memory_test.py ROOT FOLDER: a Debian root, which is not modified, and a folder for the machine. The checks are in memory-story,
which runs inside the machine.
"""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent
HERE = Path(__file__).resolve().parent
# Files of the machine's users need a separate file system: on the host's, root would own them all.
FSTAB = """tmpfs /tmp tmpfs mode=1777 0 0
tmpfs /var/tmp tmpfs mode=1777 0 0
tmpfs /var/lib/clusterd tmpfs mode=0700 0 0
"""
STORY = """[Unit]
After=multi-user.target
[Service]
Type=oneshot
TimeoutStartSec=300
ExecStart=/usr/local/bin/memory-story
ExecStopPost=systemctl --no-block poweroff
StandardOutput=file:/story.log
StandardError=inherit
"""


def lay_out(root):
    """Installs as in docs/install.md, 'From the source tree', but from outside the machine."""
    shutil.copy(PROJECT / ".build/release/clusterd", root / "usr/bin/clusterd")
    shutil.copytree(PROJECT / "conf.d", root / "etc/clusterd/conf.d")
    for unit in (PROJECT / "deploy/systemd").glob("*.service"):
        shutil.copy(unit, root / "etc/systemd/system")
    shutil.copy(PROJECT / "deploy/systemd/clusterd.conf", root / "usr/lib/sysusers.d/clusterd.conf")
    subprocess.run(["chroot", root, "systemd-sysusers"], check=True)
    (root / "var/lib/clusterd").mkdir()
    (root / "etc/fstab").write_text(FSTAB)
    shutil.copy(HERE / "memory-story", root / "usr/local/bin/memory-story")
    wants = root / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir(exist_ok=True)
    (root / "etc/systemd/system/story.service").write_text(STORY)
    (wants / "story.service").symlink_to("../story.service")


def main():
    base, folder = sys.argv[1], Path(sys.argv[2])
    machine = folder / f"memory-{os.getpid()}"
    root = machine / "root"
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        machine.mkdir()
        subprocess.run(["cp", "-a", "--reflink=auto", base, root], check=True)
        lay_out(root)
        with open(machine / "console", "wb") as console:
            kernel = subprocess.Popen(
                ["linux.uml", "mem=2G", "root=/dev/root", "rootfstype=hostfs", f"rootflags={root}", "rw", "init=/lib/systemd/systemd",
                 "con=null", "con0=fd:0,fd:1", f"uml_dir={machine}/uml"],
                stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT, start_new_session=True)
            try:
                kernel.wait(timeout=400)
            except subprocess.TimeoutExpired:
                print("FAIL  memory: the machine did not shut down within 400 s")
            finally:
                # All of its processes run on the host, in one session.
                if kernel.poll() is None:
                    os.killpg(kernel.pid, signal.SIGKILL)
                    kernel.wait()
        log = root / "story.log"
        text = log.read_text(errors="replace") if log.exists() else (machine / "console").read_text(errors="replace")[-3000:]
        print(text, end="", flush=True)
        lines = text.splitlines()
        sys.exit(0 if "all checks done" in lines and not any(line.startswith("FAIL") for line in lines) else 1)
    finally:
        shutil.rmtree(machine, ignore_errors=True)


main()
