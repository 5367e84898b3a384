"""clusterd as a service of a machine, as an operator sees it."""

import json

from machine import Failed, eventually


class Service:
    def __init__(self, machine, unit="clusterd", socket="/run/clusterd/control.sock", port=7000):
        self.machine = machine
        self.unit = unit
        self.socket = socket
        self.port = port

    def show(self, name):
        return self.machine.must(f"systemctl show -P {name} {self.unit}")

    @property
    def pid(self):
        return int(self.show("MainPID"))

    @property
    def state(self):
        return self.show("ActiveState")

    def status(self):
        """The status document, or None if no daemon answers."""
        result = self.machine.run(f"clusterd status --json --socket {self.socket}")
        return json.loads(result.out) if result.out else None

    def is_ready(self):
        document = self.status()
        return document is not None and document["cluster"]["ready"]

    def ready(self, limit=120):
        try:
            eventually(f"{self.unit} is ready", self.is_ready, limit)
        except Failed as failure:
            raise Failed(f"{failure}\n{self.log(40)}") from None

    def nodes(self):
        """The pid of each node, by name."""
        return {node["name"]: node["pid"] for node in self.status()["nodes"]}

    def log(self, lines=200):
        return self.machine.run(f"journalctl -u {self.unit} --no-pager -o cat -n {lines}").out

    def write(self, count, prefix="key"):
        commands = "".join(f"SET {prefix}:{i} {i}\n" for i in range(count))
        self.machine.must(f"redis-cli -c -p {self.port}", input=commands)

    def expect_keys(self, count, prefix="key"):
        questions = "".join(f"GET {prefix}:{i}\n" for i in range(count))
        lines = self.machine.must(f"redis-cli -c -p {self.port}", input=questions).split("\n")
        # redis-cli reports redirections on separate lines.
        values = [line for line in lines if not line.startswith("->")]
        lost = [i for i in range(count) if i >= len(values) or values[i] != str(i)]
        if lost:
            raise Failed(f"{len(lost)} of {count} keys are lost; the first is {prefix}:{lost[0]}\n{lines[:6]}")

    def replaced(self, old, within=60):
        """Waits until another clusterd has replaced pid `old` and reports that it is ready."""
        eventually(f"{self.unit}: a process other than {old} runs", lambda: self.pid not in (0, old), within)
        eventually(f"{self.unit} is active", lambda: self.state == "active", within)
        self.ready()

    def has_what_is_on_disk(self):
        """Whether the running program is the file on disk."""
        return self.machine.must(f"stat -L -c %d:%i /proc/{self.pid}/exe") == self.machine.must("stat -c %d:%i /usr/bin/clusterd")

    def runs_what_is_on_disk(self):
        if not self.has_what_is_on_disk():
            raise Failed(f"{self.unit} still runs another program\n{self.log(40)}")
