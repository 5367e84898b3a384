#!/usr/bin/env python3
"""Tests clusterd on a Debian that boots: installed as documented, and checked as an operator would.

boot_test.py ROOT FOLDER [by-hand] [package] [tarball]: a Debian root, which is not modified, a folder for the machines, and the
stories to run [all].
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path

from machine import Failed, Machine, eventually
from service import Service

PROJECT = Path(__file__).resolve().parent.parent.parent
KEYS = 300


def expect(condition, words):
    if not condition:
        raise Failed(words)


def lines_of(document, heading, number=1):
    """The commands of a code block below a heading, by default the first."""
    text = (PROJECT / document).read_text()
    match = re.search(rf"^#+ {re.escape(heading)}$(.*?)(^#|\Z)", text, re.M | re.S)
    blocks = re.findall(r"^```\w*\n(.*?)^```$", match[1], re.M | re.S) if match else []
    expect(len(blocks) >= number, f"{document} has no commands under '{heading}'")
    return [line for line in blocks[number - 1].split("\n") if line]


def installed_by_hand(machine):
    """Runs the exact commands of docs/install.md, 'From the source tree'."""
    source = machine.root / "usr/local/src/clusterd"
    (source / ".build/release").mkdir(parents=True)
    for name in ("conf.d", "deploy"):
        subprocess.run(["cp", "-r", PROJECT / name, source / name], check=True)
    subprocess.run(["cp", PROJECT / ".build/release/clusterd", source / ".build/release/"], check=True)
    for line in lines_of("docs/install.md", "From the source tree"):
        machine.must(line, folder="/usr/local/src/clusterd")


def ready_after_start_and_not_before(machine, service):
    machine.must("systemctl stop clusterd")
    # Another process uses the port of a node: the cluster is incomplete for now.
    machine.must("systemd-run --unit=stranger redis-server --port 7003 --save ''")
    eventually("the other process answers", lambda: machine.run("redis-cli -p 7003 PING").out.strip() == "PONG")
    machine.must("systemctl start --no-block clusterd")
    eventually("STATUS= names the busy port", lambda: "7003" in service.show("StatusText"))
    expect(service.state == "activating", f"the unit is {service.state} while a node is missing")
    machine.must("systemctl stop stranger")
    eventually("the unit is active", lambda: service.state == "active")
    service.ready()


def the_state_is_in_systemctl_status(machine, service):
    line = 'Status: "ready: 3 masters, 3 replicas, 16384 of 16384 slots served'
    eventually(line, lambda: line in machine.must("systemctl status clusterd"))


def everything_runs_as_its_user(machine, service):
    for pid in [service.pid, *service.nodes().values()]:
        owner = machine.must(f"stat -c %U:%G /proc/{pid}")
        expect(owner == "clusterd:clusterd", f"pid {pid} runs as {owner}")
        capabilities = machine.must(f"grep CapBnd /proc/{pid}/status").split()[1]
        expect(int(capabilities, 16) == 0, f"pid {pid} may gain the capabilities {capabilities}")
    for pid in service.nodes().values():
        environment = machine.must(f"tr '\\0' '\\n' </proc/{pid}/environ")
        expect("NOTIFY_SOCKET" not in environment and "WATCHDOG" not in environment, environment)


def each_node_is_in_its_own_cgroup(machine, service):
    def cgroup(pid):
        return machine.must(f"sed -n s/^0:://p /proc/{pid}/cgroup")

    own = service.show("ControlGroup")
    expect(cgroup(service.pid) == f"{own}/supervisor", cgroup(service.pid))
    for name, pid in service.nodes().items():
        expect(cgroup(pid) == f"{own}/node-{name}", f"{name}: {cgroup(pid)}")

    def is_counted(node):
        return node["cgroup"] == f"{own}/node-{node['name']}" and node["cpuSeconds"] > 0 and node["residentBytes"] > 1 << 20

    eventually("status --json has CPU and memory of each node",
               lambda: all(node["cgroup"] and is_counted(node) for node in service.status()["nodes"]))
    # No other cgroup is writable.
    result = machine.run(f"nsenter -t {service.pid} -m mkdir /sys/fs/cgroup/system.slice/other")
    expect(result.status != 0 and "Read-only" in result.err, f"{result}")


def a_node_that_takes_too_much_is_ended_and_said_to_be(machine, service):
    if "memory" not in machine.must("cat /sys/fs/cgroup/cgroup.controllers").split():
        print("      SKIPPED: this host has no memory controller of cgroup v2, which memory-max needs")
        return
    machine.must("echo 'cluster: {memory-max: 64mb}' >/etc/clusterd/conf.d/90-test.yaml")
    machine.must("systemctl reload clusterd")

    def is_limited():
        return all(node["memoryLimitBytes"] == 64 << 20 for node in service.status()["nodes"])

    eventually("each node has its limit", is_limited)
    # While clusterd starts, the controller and the limits are disabled.
    machine.must("systemctl restart clusterd && clusterd wait")
    eventually("each node has its limit again", is_limited)
    node = next(node for node in service.status()["nodes"] if node["role"] == "master")
    machine.run(f"redis-cli -p {node['port']} EVAL \"for i = 1, 200 do redis.call('SET', KEYS[1] .. i, string.rep('x', 1048576)) end\" "
                f"1 \"$(redis-cli -p {node['port']} RANDOMKEY | sed 's/.*/{{&}}/')\"")

    def end():
        found = next(each for each in service.status()["nodes"] if each["name"] == node["name"])["lastExit"]
        return found if found and found["pid"] == node["pid"] else None

    found = eventually("the kernel killed the node", end)
    expect(found["kind"] == "out-of-memory" and found["outOfMemory"] and "memory-max of 64 MB" in found["cause"], f"{found}")
    service.ready()
    machine.must("rm /etc/clusterd/conf.d/90-test.yaml && systemctl reload clusterd")
    eventually("no node has a limit", lambda: all(each["memoryLimitBytes"] is None for each in service.status()["nodes"]))


def a_second_user_is_told_what_to_do(machine, service):
    machine.must("id alice >/dev/null 2>&1 || useradd -m alice")
    result = machine.run("clusterd status", user="alice")
    expect(result.status == 77, f"{result}")
    hint = re.search(r"sudo (usermod -aG clusterd) \"\$USER\"", result.err)
    expect(hint, f"no command that grants access: {result}")
    machine.must(f"{hint[1]} alice")
    machine.must("clusterd status", user="alice")


def a_killed_daemon_is_started_again(machine, service):
    old, nodes = service.pid, service.nodes()
    machine.must(f"kill -9 {old}")
    service.replaced(old)
    expect(service.nodes() == nodes, f"{nodes} became {service.nodes()}")
    service.expect_keys(KEYS)


def a_frozen_daemon_is_replaced(machine, service):
    # The unit's own limit of 30 s would make the test slow.
    machine.must("mkdir -p /run/systemd/system/clusterd.service.d")
    machine.must("printf '[Service]\\nWatchdogSec=4\\n' >/run/systemd/system/clusterd.service.d/short.conf")
    machine.must("systemctl daemon-reload && systemctl restart clusterd")
    service.ready()
    old, nodes = service.pid, service.nodes()
    machine.must(f"kill -STOP {old}")
    service.replaced(old)
    expect("watchdog" in machine.must("journalctl -u clusterd --no-pager").lower(), "the watchdog did not act")
    expect(service.nodes() == nodes, f"{nodes} became {service.nodes()}")
    machine.must("rm -r /run/systemd/system/clusterd.service.d && systemctl daemon-reload")


def a_frozen_daemon_can_be_stopped_and_restarted(machine, service):
    machine.must("mkdir -p /run/systemd/system/clusterd.service.d")
    machine.must("printf '[Service]\\nTimeoutStopSec=3\\nWatchdogSec=0\\n' >/run/systemd/system/clusterd.service.d/short.conf")
    machine.must("systemctl daemon-reload && systemctl restart clusterd")
    service.ready()
    # A restart: clusterd is replaced, and the nodes keep running.
    old, nodes = service.pid, service.nodes()
    machine.must(f"kill -STOP {old}")
    machine.run("systemctl restart clusterd")
    service.replaced(old)
    expect(service.nodes() == nodes, f"{nodes} became {service.nodes()}")
    # A stop: the nodes are stopped nevertheless, with every key saved.
    machine.must(f"kill -STOP {service.pid}")
    machine.run("systemctl stop clusterd")
    expect(machine.run("pgrep redis-server").status == 1, "nodes still run\n" + service.log())
    machine.must("rm -r /run/systemd/system/clusterd.service.d && systemctl daemon-reload")
    machine.must("systemctl reset-failed clusterd; systemctl start clusterd && clusterd wait")
    service.expect_keys(KEYS)


def restart_leaves_the_nodes(machine, service):
    old, nodes = service.pid, service.nodes()
    machine.must("systemctl restart clusterd")
    service.replaced(old)
    expect(service.nodes() == nodes, f"{nodes} became {service.nodes()}")


def another_program_goes_on_in_its_place(machine, service):
    pid, nodes = service.pid, service.nodes()
    machine.must("cp /usr/bin/clusterd /usr/bin/clusterd.new && mv /usr/bin/clusterd.new /usr/bin/clusterd")
    machine.must("systemctl kill -s SIGUSR2 --kill-whom=main clusterd")
    eventually("the program on disk runs", service.has_what_is_on_disk)
    service.ready()
    expect(service.pid == pid and service.state == "active" and service.nodes() == nodes, "clusterd was not upgraded in place")
    # The new program notifies systemd.
    told = int(service.show("WatchdogTimestampMonotonic"))
    eventually("the new program notifies the watchdog", lambda: int(service.show("WatchdogTimestampMonotonic")) > told)
    eventually("the new program reports its state", lambda: service.show("StatusText").startswith("ready: "))
    machine.must("clusterd reexec")
    expect(service.pid == pid and service.show("NRestarts") == "0", "clusterd was restarted")


def one_that_dies_when_it_takes_over_is_started_anew(machine, service):
    old, nodes = service.pid, service.nodes()
    machine.must("cp /usr/bin/clusterd /usr/bin/clusterd.good")
    machine.must("printf '%s\\n' '#!/bin/sh' 'case \"$*\" in *--try-to-take-over*) ;; *) "
                 "[ -e /run/clusterd/died ] || { touch /run/clusterd/died; exit 1; } ;; esac' "
                 "'exec /usr/bin/clusterd.good \"$@\"' >/usr/bin/clusterd.new")
    machine.must("chmod 755 /usr/bin/clusterd.new && mv /usr/bin/clusterd.new /usr/bin/clusterd")
    result = machine.run("clusterd.good reexec")
    expect(result.status == 1 and "was started since" in result.err, f"{result}")
    service.replaced(old)
    expect(service.nodes() == nodes, f"{nodes} became {service.nodes()}")
    machine.must("mv /usr/bin/clusterd.good /usr/bin/clusterd && rm /run/clusterd/died")
    machine.must("systemctl reset-failed clusterd; systemctl restart clusterd && clusterd wait")
    service.runs_what_is_on_disk()
    service.expect_keys(KEYS)


def nobody_is_refused_while_it_is_replaced(machine, service):
    machine.must("systemctl reset-failed clusterd")
    asking = ("until [ -e /srv/over ]; do echo asked >>/srv/asked; "
              "clusterd status >/dev/null 2>>/srv/refused || echo exit $? >>/srv/refused; done")
    machine.must(f"rm -f /srv/over /srv/asked /srv/refused; systemd-run --unit=asking sh -c '{asking}'")
    nodes = service.nodes()
    for blow in ("kill -9 {}", "systemctl restart clusterd", "kill -9 {}"):
        expect(service.show("NFileDescriptorStore") == "1", f"{service.show('NFileDescriptorStore')} sockets are in the descriptor store")
        old = service.pid
        machine.must(blow.format(old))
        service.replaced(old)
    machine.must("touch /srv/over")
    eventually("the last command has ended", lambda: machine.run("systemctl is-active asking").out.strip() != "active")
    asked = int(machine.must("wc -l </srv/asked"))
    refused = machine.run("cat /srv/refused").out
    expect(asked > 20 and not refused, f"of {asked} commands, these were rejected: {refused}")
    expect(service.nodes() == nodes, f"{nodes} became {service.nodes()}")
    machine.must("systemctl reset-failed clusterd")


def offered_by_bash(machine):
    """The nodes that shell completion offers after `clusterd restart-node`."""
    return machine.must("""bash -c '. /dev/stdin <<<"$(clusterd --generate-completion-script bash)"
        COMP_WORDS=(clusterd restart-node ""); COMP_CWORD=2; COMP_LINE="clusterd restart-node "; COMP_POINT=22
        _clusterd clusterd "" restart-node; echo "${COMPREPLY[@]}"'""").split()


def the_first_command_starts_it_where_that_is_wanted(machine, service):
    socket = "/run/clusterd/control.sock"
    machine.must("id alice >/dev/null 2>&1 || useradd -m alice")
    machine.must("usermod -aG clusterd alice")
    machine.must("systemctl stop clusterd")
    followed(machine, "Who waits, and who starts it")
    expect(service.state == "active" and service.is_ready(), "the connection did not start it")
    service.expect_keys(KEYS)
    expect(machine.must(f"stat -c '%a %U %G' {socket}") == "660 clusterd clusterd", machine.must(f"stat {socket}"))
    inode = machine.must(f"stat -c %i {socket}")
    for pid in service.nodes().values():
        expect("LISTEN_" not in machine.must(f"tr '\\0' '\\n' </proc/{pid}/environ"), "a node inherited the socket")
    machine.must("systemctl restart clusterd && clusterd wait && clusterd reexec")
    expect(service.show("NFileDescriptorStore") == "0", "the descriptor store has the socket of the socket unit")
    # It stops on request, and only the next connection starts it again.
    machine.must("clusterd stop")
    eventually("the unit is inactive", lambda: service.state == "inactive")
    expect(machine.must(f"stat -c %i {socket}") == inode, "the socket file was replaced")
    machine.must("clusterd list", user="alice")
    machine.must("clusterd list")
    expect(offered_by_bash(machine) == [] and service.state == "inactive", "clusterd list or shell completion started it")
    machine.must("clusterd wait", user="alice")
    expect(service.is_ready() and "7003" in offered_by_bash(machine), "the connection did not start it")
    # If clusterd cannot start, the command reports that, and names the command that shows the reason.
    machine.must("systemctl stop clusterd")
    machine.must("echo 'cluster: {mastrs: 3}' >/etc/clusterd/conf.d/90-test.yaml")
    result = machine.run("clusterd status")
    expect(result.status == 3 and "systemctl status clusterd" in result.err, f"{result}")
    expect("90-test.yaml:1:11" in machine.run("systemctl status clusterd").out, machine.run("systemctl status clusterd").out)
    machine.must("rm /etc/clusterd/conf.d/90-test.yaml; systemctl reset-failed clusterd.service clusterd.socket")
    # A frozen clusterd is stopped, although a waiting client would start it again.
    machine.must("mkdir -p /run/systemd/system/clusterd.service.d")
    machine.must("printf '[Service]\\nTimeoutStopSec=3\\n' >/run/systemd/system/clusterd.service.d/short.conf")
    machine.must("systemctl daemon-reload && systemctl start clusterd.socket && clusterd wait")
    machine.must(f"kill -STOP {service.pid}")
    machine.run("systemctl stop clusterd")
    expect(machine.run("pgrep redis-server").status == 1, "nodes still run\n" + service.log())
    machine.must("rm -r /run/systemd/system/clusterd.service.d && systemctl daemon-reload")
    # A socket unit with another path than control.socket is rejected.
    machine.must("mkdir -p /run/systemd/system/clusterd.socket.d; systemctl stop clusterd.socket")
    machine.must("printf '[Socket]\\nListenStream=\\nListenStream=/run/clusterd/other.sock\\n' "
                 ">/run/systemd/system/clusterd.socket.d/other.conf")
    machine.must("systemctl daemon-reload; systemctl reset-failed clusterd; systemctl start clusterd.socket")
    expect(machine.run("systemctl start clusterd").status != 0, "clusterd accepted another socket")
    expect("/run/clusterd/other.sock, but control.socket is" in service.log(), service.log())
    machine.must("systemctl stop clusterd.socket; rm -r /run/systemd/system/clusterd.socket.d; rm -f /run/clusterd/other.sock")
    machine.must("systemctl daemon-reload; systemctl reset-failed clusterd clusterd.socket")
    # Without the socket unit, all is as before.
    for line in lines_of("docs/install.md", "Who waits, and who starts it", 2):
        machine.must(line)
    machine.must("systemctl start clusterd && clusterd wait")
    service.expect_keys(KEYS)


def an_instance_has_a_socket_unit_of_its_own(machine, service):
    blue = Service(machine, "clusterd@blue", "/run/clusterd/blue/control.sock", 7100)
    machine.must("systemctl stop clusterd@blue; rm -rf /run/clusterd/blue; systemctl start clusterd@blue.socket")
    machine.must("clusterd wait --socket /run/clusterd/blue/control.sock", user="alice")
    expect(blue.is_ready(), "the connection did not start it")
    machine.must("systemctl stop clusterd@blue")
    machine.must("clusterd wait --socket /run/clusterd/blue/control.sock", user="alice")
    machine.must("systemctl stop clusterd@blue.socket clusterd@blue; systemctl start clusterd@blue")
    blue.ready()


PASSWORD = "s3cret-of-this-test"


def a_password_that_only_root_can_read(machine, service):
    """docs/security.md, 'Secrets': with a running cluster, and across every way in which clusterd can end."""
    file = "/etc/clusterd/redis.password"
    machine.must(f"umask 077; printf '%s\\n' {PASSWORD} >{file}")
    expect(machine.run(f"cat {file}", user="clusterd").status != 0, "the service's user can read the file itself")
    machine.must("mkdir -p /etc/systemd/system/clusterd.service.d")
    machine.must(f"printf '[Service]\\nLoadCredential=redis:{file}\\nTimeoutStopSec=3\\n' >/etc/systemd/system/clusterd.service.d/password.conf")
    machine.must("echo 'redis: {requirepass: {credential: redis}, masterauth: {credential: redis}}' >/etc/clusterd/conf.d/90-test.yaml")
    machine.must("systemctl daemon-reload; systemctl reset-failed clusterd; systemctl restart clusterd && clusterd reload && clusterd wait")

    def asks(password):
        return machine.run(f"{f'REDISCLI_AUTH={password} ' if password else ''}redis-cli -p 7000 PING").out.strip()

    def expect_password(when):
        service.ready()
        expect(asks(PASSWORD) == "PONG", f"{when}: {asks(PASSWORD)}\n{service.log()}")
        expect(asks(None).startswith("NOAUTH"), f"{when}: without a password: {asks(None)}")

    expect_password("reloaded")
    nodes = service.nodes()
    for when, blow in (("killed", "kill -9 {}"), ("restarted", "systemctl restart clusterd")):
        old = service.pid
        machine.must(blow.format(old))
        service.replaced(old)
        expect_password(when)
    expect(service.nodes() == nodes, f"{nodes} became {service.nodes()}")
    machine.must("clusterd reexec && clusterd check")
    expect_password("replaced")
    machine.must(f"REDISCLI_AUTH={PASSWORD} redis-cli -c -p 7000 SET of-the-password 1")
    # clusterd is frozen, so ExecStopPost= stops the nodes: it needs the password too.
    machine.must(f"kill -STOP {service.pid}")
    machine.run("systemctl stop clusterd")
    expect(machine.run("pgrep redis-server").status == 1, "nodes still run\n" + service.log())
    machine.must("systemctl reset-failed clusterd; systemctl start clusterd && clusterd wait")
    expect_password("started again")
    held = machine.must(f"REDISCLI_AUTH={PASSWORD} redis-cli -c -p 7000 GET of-the-password").splitlines()[-1]
    expect(held == "1", f"the saved key has the value {held}")

    for told in ("clusterd status --json", "clusterd config show", "clusterd events", "clusterd logs -n 1000", "journalctl --no-pager",
                 "cat /var/lib/clusterd/state.json /var/lib/clusterd/events.jsonl", "systemctl show clusterd"):
        expect(PASSWORD not in machine.must(told), f"{told} prints the password")
    # All processes of the machine, except the searching one.
    seen = machine.run("cd /proc; for pid in [0-9]*; do [ $pid = $$ ] || "
                       f"if cat $pid/cmdline $pid/environ 2>/dev/null | tr '\\0' '\\n' | grep -q '{PASSWORD[:-1]}[t]'; then "
                       "cat $pid/comm; fi; done")
    expect(not seen.out, f"the password is in the command line or the environment of {seen.out}")

    machine.must("systemctl stop clusterd; systemctl reset-failed clusterd")
    machine.must(f"rm -r /etc/clusterd/conf.d/90-test.yaml /etc/systemd/system/clusterd.service.d {file}; systemctl daemon-reload")
    machine.must("systemctl start clusterd && clusterd wait")
    expect(asks(None) == "PONG", f"without a password again: {asks(None)}")
    service.expect_keys(KEYS)


def reload_reads_the_configuration(machine, service):
    old, nodes = service.pid, service.nodes()
    machine.must("echo 'redis: {maxclients: 5000}' >/etc/clusterd/conf.d/90-test.yaml")
    machine.must("systemctl reload clusterd")
    held = machine.must("redis-cli -p 7000 CONFIG GET maxclients").split()
    expect(held == ["maxclients", "5000"], f"{held}\n{service.log()}")
    machine.must("echo 'redis: {maxclientz: 5000}' >/etc/clusterd/conf.d/90-test.yaml")
    result = machine.run("systemctl reload clusterd")
    expect(result.status != 0, "reload accepted an invalid configuration")
    expect("90-test.yaml:1" in service.log(), service.log())
    expect(service.state == "active" and service.pid == old and service.nodes() == nodes, "the reload disturbed the cluster")
    machine.must("rm /etc/clusterd/conf.d/90-test.yaml && systemctl reload clusterd")


def a_wrong_configuration_is_not_tried_again(machine, service):
    machine.must("echo 'cluster: {mastrs: 3}' >/etc/clusterd/conf.d/90-test.yaml")
    nodes = service.nodes()
    expect(machine.run("systemctl restart clusterd").status != 0, "the unit started")
    eventually("the unit has failed", lambda: service.state == "failed")
    expect(service.show("ExecMainStatus") == "78" and service.show("NRestarts") == "0",
           f"exit {service.show('ExecMainStatus')}, {service.show('NRestarts')} restarts")
    expect("90-test.yaml:1:11" in service.log() and "masters" in service.log(), service.log())
    # The nodes kept running: the error lost no data.
    service.expect_keys(KEYS)
    machine.must("rm /etc/clusterd/conf.d/90-test.yaml && systemctl start clusterd")
    service.ready()
    expect(service.nodes() == nodes, f"{nodes} became {service.nodes()}")


def what_is_left_running_can_be_stopped(machine, service):
    machine.must("echo 'cluster: {mastrs: 3}' >/etc/clusterd/conf.d/90-test.yaml")
    machine.run("systemctl restart clusterd")
    eventually("the unit has failed", lambda: service.state == "failed")
    expect(machine.run("pgrep redis-server").status == 0, "no node is running")
    machine.must("rm /etc/clusterd/conf.d/90-test.yaml")
    followed(machine, "When clusterd itself is gone")
    expect(machine.run("pgrep redis-server").status == 1, "nodes still run")
    # Otherwise systemd rejects so many starts in a short time.
    machine.must("systemctl reset-failed clusterd; systemctl start clusterd && clusterd wait")
    service.expect_keys(KEYS)


def stop_is_clean(machine, service):
    machine.must("systemctl stop clusterd")
    expect(service.state == "inactive" and service.show("Result") == "success", machine.run("systemctl status clusterd").out)
    expect(machine.run("pgrep redis-server").status == 1, "nodes still run")
    expect(machine.run("pgrep -u clusterd").status == 1, "processes of clusterd's user still run")
    expect(machine.run("test -e /run/clusterd/control.sock").status == 1, "the socket file still exists")
    machine.must("systemctl start clusterd && clusterd wait")
    service.expect_keys(KEYS)


def an_unwritable_folder_is_explained(machine, service):
    machine.must("mkdir -p /etc/clusterd/away/conf.d && install -d -o clusterd /srv/away")
    machine.must("echo 'cluster: {masters: 1, replicas: 0, ports: 7300, data-dir: /srv/away/data}' "
                 ">/etc/clusterd/away/conf.d/a.yaml")
    away = Service(machine, "clusterd@away", "/run/clusterd/away/control.sock", 7300)
    expect(machine.run("systemctl start clusterd@away").status != 0, "the unit started")
    expect("systemctl edit clusterd@away" in away.log() and "ReadWritePaths=/srv/away" in away.log(), away.log())
    machine.must("mkdir -p /etc/systemd/system/clusterd@away.service.d")
    machine.must("printf '[Service]\\nReadWritePaths=/srv/away\\n' >/etc/systemd/system/clusterd@away.service.d/override.conf")
    machine.must("systemctl daemon-reload; systemctl reset-failed clusterd@away; systemctl start clusterd@away")
    away.ready()
    machine.must("systemctl stop clusterd@away")


def two_instances_beside_it(machine, service):
    instances = [Service(machine, f"clusterd@{name}", f"/run/clusterd/{name}/control.sock", port)
                 for name, port in (("blue", 7100), ("green", 7200))]
    for name, instance in zip(("blue", "green"), instances):
        machine.must(f"install -D -m 644 -t /etc/clusterd/{name}/conf.d /usr/local/src/clusterd/conf.d/*.yaml")
        machine.must(f"sed -i 's/ports: 7000/ports: {instance.port}/' /etc/clusterd/{name}/conf.d/*.yaml")
    machine.must("systemctl enable --now clusterd@blue clusterd@green")
    for name, instance in zip(("blue", "green"), instances):
        expect(instance.status()["cluster"]["name"] == name, f"{instance.status()['cluster']}")
        expect(instance.status()["cluster"]["dir"] == f"/var/lib/clusterd/{name}", f"{instance.status()['cluster']}")
        instance.write(KEYS, name)
    machine.must("systemctl stop clusterd")
    for name, instance in zip(("blue", "green"), instances):
        expect(instance.is_ready(), f"{name} is not ready after clusterd was stopped")
        instance.expect_keys(KEYS, name)
    machine.must("systemctl start clusterd && clusterd wait")
    machine.must("systemctl disable --now clusterd@green")
    expect(instances[0].is_ready() and service.is_ready(), "the other clusters are not ready after green was stopped")


def a_reboot_loses_nothing(machine, service):
    machine.reboot()
    blue = Service(machine, "clusterd@blue", "/run/clusterd/blue/control.sock", 7100)
    for each in (service, blue):
        eventually(f"{each.unit} is active", lambda: each.state == "active", 120)
        each.ready()
    service.expect_keys(KEYS)
    blue.expect_keys(KEYS, "blue")


def a_power_cut_is_survived(machine, service):
    machine.cut_power()
    eventually("the unit is active", lambda: service.state == "active", 120)
    service.ready()
    service.expect_keys(KEYS)


def the_exposure_is_low(machine, service):
    for unit in ("clusterd.service", "clusterd@blue.service"):
        words = machine.must(f"systemd-analyze security --no-pager {unit} | tail -n 1")
        score = re.search(r"exposure level for \S+ ([0-9.]+)", words)
        expect(score, words)
        print(f"      {unit}: exposure {score[1]}")
        expect(float(score[1]) <= 1.2, words)


def from_the_package(machine):
    """Runs the exact commands of docs/install.md, with -y for apt."""
    packages = machine.root / "srv/packages"
    packages.mkdir()
    for package in (PROJECT / ".build-packages").glob("*.deb"):
        subprocess.run(["cp", package, packages], check=True)
    # Each revision is in its own folder, because the documented commands match packages by a pattern.
    for revision in (1, 2):
        machine.must(f"mkdir {revision} && mv clusterd_*-{revision}_*.deb {revision}", folder="/srv/packages")
    followed(machine, "Install", "/srv/packages/1")
    expect(machine.run("pgrep redis-server").status == 1, "the installation started nodes")
    expect(machine.run("systemctl is-enabled clusterd").out.strip() == "disabled", "the installation enabled the service")
    followed(machine, "Start")


def followed(machine, heading, folder="/"):
    for line in lines_of("docs/install.md", heading):
        machine.must(re.sub(r"^apt ", "apt -y ", line), folder=folder)


def several_clusters_as_documented(machine, service):
    followed(machine, "Several clusters on a host")
    blue = Service(machine, "clusterd@blue", "/run/clusterd/blue/control.sock", 7100)
    expect(blue.is_ready() and service.is_ready(), "at least one of the two clusters is not ready")


def version(machine):
    return machine.must("dpkg-query -W -f '${Version}' clusterd")


def upgrade_and_downgrade_leave_the_process_and_the_nodes(machine, service):
    blue = Service(machine, "clusterd@blue", "/run/clusterd/blue/control.sock", 7100)
    machine.must("cp /usr/bin/clusterd /srv/asking")
    machine.must("systemd-run --unit=asking sh -c 'until [ -e /srv/over ]; do echo asked >>/srv/asked; "
                 "/srv/asking status --socket /run/clusterd/control.sock >/dev/null 2>>/srv/refused || echo exit $? >>/srv/refused; done'")
    for heading, revision in (("Upgrade", 2), ("Downgrade", 1)):
        before = [(each, each.pid, each.nodes()) for each in (service, blue)]
        followed(machine, heading, f"/srv/packages/{revision}")
        expect(version(machine).endswith(f"-{revision}"), version(machine))
        for each, pid, nodes in before:
            expect(each.pid == pid, f"{heading}: pid {pid} became {each.pid}\n{each.log()}")
            each.runs_what_is_on_disk()
            expect(each.is_ready() and each.nodes() == nodes, f"{heading}: {nodes} became {each.nodes()}")
            expect(each.show("NRestarts") == "0", f"{each.show('NRestarts')} restarts")
    machine.must("touch /srv/over")
    asked = int(machine.must("wc -l </srv/asked"))
    refused = machine.run("cat /srv/refused").out
    expect(asked > 10 and not refused, f"of {asked} commands, these were rejected: {refused}")
    service.expect_keys(KEYS)


def an_upgrade_that_cannot_take_over_changes_nothing(machine, service):
    pid, nodes = service.pid, service.nodes()
    machine.must("echo 'cluster: {mastrs: 3}' >/etc/clusterd/conf.d/90-test.yaml")
    result = machine.run("apt -y install ./clusterd_*.deb", folder="/srv/packages/2")
    expect(result.status == 0 and "90-test.yaml:1:11" in result.out + result.err, f"{result}")
    expect(version(machine).endswith("-2"), version(machine))
    expect(service.pid == pid and service.nodes() == nodes and service.is_ready(), "the running clusterd was disturbed")
    machine.must("rm /etc/clusterd/conf.d/90-test.yaml")
    followed(machine, "Replace it in place")
    service.runs_what_is_on_disk()
    expect(service.pid == pid and service.nodes() == nodes, "clusterd was not upgraded in place")
    followed(machine, "Downgrade", "/srv/packages/1")


def what_is_stopped_stays_stopped(machine, service):
    machine.must("systemctl stop clusterd")
    followed(machine, "Upgrade", "/srv/packages/2")
    expect(service.state == "inactive", "the upgrade started the service")
    machine.must("systemctl start clusterd && clusterd wait")
    service.expect_keys(KEYS)


def the_manual_and_completions_are_there(machine, service):
    expect("restart-node" in machine.must("man clusterd"), "no manual page")
    for shell in ("bash-completion/completions/clusterd", "zsh/vendor-completions/_clusterd", "fish/vendor_completions.d/clusterd.fish"):
        machine.must(f"test -s /usr/share/{shell}")


def the_journal_has_fields(machine, service):
    node, pid = next(iter(service.nodes().items()))
    machine.must(f"kill -9 {pid}")
    eventually(f"{node} was restarted", lambda: service.nodes()[node] not in (None, pid))
    service.ready()

    def entry():
        found = machine.must(f"journalctl CLUSTERD_EVENT=node-exited CLUSTERD_NODE={node} -n 1 -o json").strip()
        return json.loads(found) if found else None

    found = eventually("the journal has the exit of the node", entry)
    expect(found["PRIORITY"] in ("3", "4") and found["_SYSTEMD_UNIT"] == "clusterd.service", f"{found}")
    expect("killed by SIGKILL" in found["MESSAGE"], f"{found}")
    explained = machine.must(f"journalctl -x MESSAGE_ID={found['MESSAGE_ID']} -n 1")
    expect("Subject: clusterd: node-exited" in explained, explained)

    def line():
        lines = machine.must(f"journalctl CLUSTERD_NODE={node} -t redis-{node} -o json").splitlines()
        return next((said for said in map(json.loads, lines) if "Ready to accept connections" in said["MESSAGE"]), None)

    said = eventually("the journal has the node's own log lines", line)
    expect(said["PRIORITY"] == "5" and said["_SYSTEMD_UNIT"] == "clusterd.service", f"{said}")


def removal_stops_and_keeps_the_data(machine, service):
    followed(machine, "Remove")
    expect(machine.run("pgrep redis-server").status == 1, "nodes still run")
    machine.must("test -s /var/lib/clusterd/state.json && test -s /etc/clusterd/conf.d/10-cluster.yaml")
    followed(machine, "Install", "/srv/packages/1")
    machine.must("systemctl start clusterd && clusterd wait")
    service.expect_keys(KEYS)


def purge_keeps_the_data_unless_told(machine, service):
    result = machine.run("apt -y purge clusterd")
    expect(result.status == 0 and "kept the data in /var/lib/clusterd" in result.out + result.err, f"{result}")
    machine.must("test -s /var/lib/clusterd/state.json && ! test -e /etc/clusterd/conf.d/10-cluster.yaml")
    followed(machine, "Install", "/srv/packages/1")
    machine.must("echo clusterd clusterd/remove-data boolean true | debconf-set-selections")
    machine.must("apt -y purge clusterd")
    machine.must("! test -e /var/lib/clusterd")


def from_the_tarball(machine):
    subprocess.run(["sh", "-c", f"cp {PROJECT}/.build-packages/clusterd-*.tar.gz {machine.root}/srv/"], check=True)
    machine.must("; ".join(lines_of("docs/install.md", "Other distributions")), folder="/srv")


PACKAGE = [
    the_state_is_in_systemctl_status, everything_runs_as_its_user, each_node_is_in_its_own_cgroup, a_second_user_is_told_what_to_do,
    the_manual_and_completions_are_there, several_clusters_as_documented, the_journal_has_fields, upgrade_and_downgrade_leave_the_process_and_the_nodes,
    an_upgrade_that_cannot_take_over_changes_nothing, what_is_stopped_stays_stopped, removal_stops_and_keeps_the_data, purge_keeps_the_data_unless_told,
]
TARBALL = [the_state_is_in_systemctl_status, restart_leaves_the_nodes, stop_is_clean]
BY_HAND = [
    ready_after_start_and_not_before, the_state_is_in_systemctl_status, everything_runs_as_its_user, each_node_is_in_its_own_cgroup,
    a_second_user_is_told_what_to_do, a_killed_daemon_is_started_again, a_frozen_daemon_is_replaced,
    a_frozen_daemon_can_be_stopped_and_restarted, restart_leaves_the_nodes, each_node_is_in_its_own_cgroup, a_node_that_takes_too_much_is_ended_and_said_to_be,
    nobody_is_refused_while_it_is_replaced,
    another_program_goes_on_in_its_place, one_that_dies_when_it_takes_over_is_started_anew, reload_reads_the_configuration,
    a_password_that_only_root_can_read, a_wrong_configuration_is_not_tried_again,
    what_is_left_running_can_be_stopped, stop_is_clean, an_unwritable_folder_is_explained, the_first_command_starts_it_where_that_is_wanted,
    two_instances_beside_it, an_instance_has_a_socket_unit_of_its_own, the_exposure_is_low,
    a_reboot_loses_nothing, a_power_cut_is_survived,
]


def story(root, folder, name, install, steps):
    """Boots a machine, installs clusterd, and runs the steps in order. Returns whether all passed."""
    machine = Machine(root, folder, f"clusterd-{name}-{os.getpid()}")
    done = "booting"
    try:
        machine.boot()
        service = Service(machine)
        done = install.__name__
        install(machine)
        print(f"  ok  {name}: {install.__name__.replace('_', ' ')}", flush=True)
        expect(service.is_ready(), f"systemctl start returned before the cluster was ready\n{service.log()}")
        service.write(KEYS)
        for step in steps:
            done = step.__name__
            began = time.monotonic()
            step(machine, service)
            print(f"  ok  {name}: {done.replace('_', ' ')} ({time.monotonic() - began:.1f} s)", flush=True)
        machine.console.unlink()
        return True
    except Exception as failure:
        words = str(failure) if isinstance(failure, Failed) else traceback.format_exc()
        print(f"FAIL  {name}: {done.replace('_', ' ')}\n{words}", flush=True)
        if machine.init:
            print(machine.run("journalctl --no-pager -u 'clusterd*' -n 40 -o short-precise").out, flush=True)
        return False
    finally:
        machine.remove()


def main():
    root, folder = sys.argv[1:3]
    # The machine is always removed; a second signal does not interrupt that.
    endings = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)

    def end(*_):
        for number in endings:
            signal.signal(number, signal.SIG_IGN)
        sys.exit(1)

    for number in endings:
        signal.signal(number, end)
    stories = {"by-hand": (installed_by_hand, BY_HAND), "package": (from_the_package, PACKAGE),
               "tarball": (from_the_tarball, TARBALL)}
    results = [story(root, folder, name, *stories[name]) for name in sys.argv[3:] or stories]
    sys.exit(0 if all(results) else 1)


main()
