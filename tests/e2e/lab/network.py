"""
The lab's machines and the links between them: a network namespace each, and a pair of virtual interfaces a link.

    alice --1-- edge --2-- a --3-- b --4-- bob
                  '---5-- kamailio --6--'

Every machine is on a wire of its own to the hub, too: there are the name server and, when a test wants one, the attacker. A server has
one address, whoever it is that reaches it; `attack()` gives the way to it another turn, as somebody does who has bent the routes.
"""

import os
import subprocess

LINKS = {"alice-edge": 1, "edge-a": 2, "a-b": 3, "bob-b": 4, "edge-kamailio": 5, "kamailio-b": 6}
SERVERS = {"edge": "10.96.0.2", "a": "10.96.0.3", "b": "10.96.0.4", "kamailio": "10.96.0.5"}
MACHINES = ("alice", "edge", "a", "b", "bob", "kamailio", "hub")


def _ip(*words):
    subprocess.run(["ip", *map(str, words)], check=True)


class Machine:
    """What Program, Capture and run() take for a network namespace."""

    def __init__(self, name):
        self.name = f"sealine-lab-{os.getpid()}-{name}"
        _ip("netns", "add", self.name)
        self.ip("link", "set", "lo", "up")

    def ip(self, *words):
        _ip("-n", self.name, *words)

    def add_interface(self, interface, address):
        self.ip("address", "add", f"{address}/24", "dev", interface)
        self.ip("link", "set", interface, "up")

    def close(self):
        _ip("netns", "del", self.name)


def hub_address(machine):
    """Where the machine is on its wire to the hub."""
    return f"10.98.{MACHINES.index(machine) + 1}.2"


def name_server(machine):
    """Where the hub is on its wire to the machine."""
    return f"10.98.{MACHINES.index(machine) + 1}.1"


class Network:
    def __init__(self):
        self.machines = {name: Machine(name) for name in MACHINES}
        for name, number in LINKS.items():
            self._add_link(name, number)
        for name in MACHINES[:-1]:
            self._add_wire(name)
        for name, address in SERVERS.items():
            self[name].ip("address", "add", f"{address}/32", "dev", "lo")
        for address in SERVERS.values():
            self["hub"].ip("address", "add", f"{address}/32", "dev", "lo")

    def __getitem__(self, name):
        return self.machines[name]

    def _pair(self, one, its_end, other, other_end, network):
        self[one].ip("link", "add", its_end, "type", "veth", "peer", "name", other_end, "netns", self[other].name)
        self[one].add_interface(its_end, f"{network}.1")
        self[other].add_interface(other_end, f"{network}.2")

    def _add_link(self, name, number):
        one, other = name.split("-")
        self._pair(one, f"link{number}", other, f"link{number}", f"10.97.{number}")
        self._lead(one, other, f"10.97.{number}.2")
        if one in SERVERS:
            self._lead(other, one, f"10.97.{number}.1")

    def _add_wire(self, name):
        at = MACHINES.index(name) + 1
        self._pair("hub", f"to{at}", name, "hub", f"10.98.{at}")

        # what comes from one of its addresses on a link goes back to it as well
        for link, number in LINKS.items():
            if name in link.split("-"):
                end = 1 if link.startswith(name + "-") else 2
                self["hub"].ip("route", "add", f"10.97.{number}.{end}/32", "via", f"10.98.{at}.2")

    def _lead(self, machine, server, gateway):
        self[machine].ip("route", "replace", f"{SERVERS[server]}/32", "via", gateway)

    def attack(self, link):
        """From now on what the first end of the link sends to the second comes to the hub, which has its address."""
        one, other = link.split("-")
        self._lead(one, other, name_server(one))

    def make_peace(self, link):
        one, other = link.split("-")
        self._lead(one, other, f"10.97.{LINKS[link]}.2")

    def close(self):
        for machine in self.machines.values():
            machine.close()
