"""A Debian with systemd as PID 1, in a temporary container."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Failed(Exception):
    """An expectation was not met."""


class Result:
    def __init__(self, command, completed):
        self.command = command
        self.status = completed.returncode
        self.out = completed.stdout
        self.err = completed.stderr

    def __str__(self):
        return f"`{self.command}` exit {self.status}\n{self.out}{self.err}"


def eventually(what, condition, limit=60):
    """Polls `condition` until it returns a true value, and returns that."""
    deadline = time.monotonic() + limit
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise Failed(f"did not happen within {limit} s: {what}")
        time.sleep(0.1)


class Machine:
    def __init__(self, root, folder, name):
        """`root` is not modified: the machine gets a copy below `folder`."""
        self.name = name
        self.root = Path(folder) / name
        self.console = Path(folder) / f"{name}.console"
        self.nspawn = None
        self.init = None
        subprocess.run(["cp", "-a", "--reflink=auto", root, self.root], check=True)

    def boot(self):
        environment = {"PATH": PATH, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
        # A private network with only a loopback interface: no other process uses its ports.
        self.nspawn = subprocess.Popen(
            ["systemd-nspawn", "-q", "-D", self.root, "-b", "--register=no", "--keep-unit", "--console=pipe",
             "--private-network", f"--machine={self.name}"],
            env=environment, stdin=subprocess.DEVNULL, stdout=open(self.console, "ab"), stderr=subprocess.STDOUT)
        self.init = eventually("systemd-nspawn starts init", self._find_init, 30)
        eventually("the machine is booted", self._is_booted, 120)

    def _find_init(self):
        if self.nspawn.poll() is not None:
            raise Failed(f"systemd-nspawn exited:\n{self.console.read_text(errors='replace')[-2000:]}")
        children = Path(f"/proc/{self.nspawn.pid}/task/{self.nspawn.pid}/children").read_text().split()
        for child in children:
            if Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                return int(child)
        return None

    def _is_booted(self):
        return self.run("systemctl is-system-running").out.strip() in ("running", "degraded")

    def run(self, command, user=None, folder="/", input=None, limit=300):
        """Runs a shell command inside the machine, as root or as `user`."""
        enter = ["nsenter", "-t", str(self.init), "-a", "--"]
        if user:
            enter += ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--"]
        environment = {"PATH": PATH, "LANG": "C.UTF-8", "USER": user or "root", "DEBIAN_FRONTEND": "noninteractive"}
        completed = subprocess.run(
            enter + ["sh", "-ec", f"cd {folder}; {command}"], env=environment, input=input, stdin=None if input is not None else subprocess.DEVNULL, capture_output=True, text=True,
            timeout=limit)
        return Result(command, completed)

    def must(self, command, **options):
        """Runs a command and returns its output; any exit code other than 0 is a failure."""
        result = self.run(command, **options)
        if result.status != 0:
            raise Failed(str(result))
        return result.out.strip()

    def reboot(self):
        """An orderly reboot: systemd stops every service."""
        self.run("systemctl --no-block poweroff")
        self.nspawn.wait(timeout=180)
        self.boot()

    def cut_power(self):
        """Kills all processes at once, without warning."""
        os.kill(self.init, signal.SIGKILL)
        self.nspawn.wait(timeout=60)
        self.boot()

    def remove(self):
        """Kills everything in the machine, and removes it; keeps its console output for analysis."""
        if self.nspawn and self.nspawn.poll() is None:
            # When its PID 1 ends, so does everything in the machine, and systemd-nspawn.
            if self.init and Path(f"/proc/{self.init}").exists():
                os.kill(self.init, signal.SIGKILL)
            try:
                self.nspawn.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.nspawn.kill()
                self.nspawn.wait()
        shutil.rmtree(self.root, ignore_errors=True)
