# mypy: ignore-errors
"""Runs in MicroPython: the node's real link, driven by lines on stdin, telling what happens on stdout.

    micropython link_driver.py CONFIG.json [OPTIONS.json]      OPTIONS: keyword arguments of mqtt.Client, "backoff"
                                                         [least_ms, most_ms], and "send_buffer" of the socket in bytes

in:  publish KIND HEX · burst COUNT SIZE · heap · held · quit (leaves in order) · die (does not)
out: connected SESSION_PRESENT · message KIND RETAINED HEX · lost REASON · failed COUNT REASON · published 0|1
     · burst REFUSED (all of it is acknowledged) · heap BYTES LONGEST_STEP_MS SKIPPED FOREIGN LONGEST_TURN_MS (told by
       heap) · held BYTES (of a write that TLS has begun and the socket does not take)
"""

import errno
import gc
import json
import os
import select
import socket
import sys
import time
from binascii import hexlify, unhexlify

import node.broker  # noqa: F401 - a node lets go of it, so it is no part of what the link weighs
from node.backoff import Backoff
from node.link import CONNECTED, LOST, MESSAGE, Link

SOL_SOCKET, SO_SNDBUF = 1, 7  # Linux


class Hal:
    """What the link needs of a hal, with nothing simulated behind it."""

    def __init__(self, send_buffer):
        self.send_buffer = send_buffer

    def link_ms(self):
        return time.ticks_us() // 1000

    def random_bytes(self, count):
        return os.urandom(count)

    def open_socket(self, host, port):
        opened = socket.socket()
        opened.setblocking(False)
        if self.send_buffer:
            opened.setsockopt(SOL_SOCKET, SO_SNDBUF, self.send_buffer)
        try:
            opened.connect(socket.getaddrinfo(host, port)[0][-1])
        except OSError as error:
            if error.errno != errno.EINPROGRESS:
                opened.close()
                raise
        return opened


def load(name):
    with open(name) as file:  # noqa: PTH123 (MicroPython)
        return json.load(file)


class Driver:
    def __init__(self, config, options):
        self.hal = Hal(options.pop("send_buffer", None))
        before = live_bytes()
        least_ms, most_ms = options.pop("backoff", (500, 60_000))
        backoff = Backoff(least_ms, most_ms)
        self.link = Link(self.hal, config, will=b"gone", backoff=backoff, **options)
        self.base_bytes = before
        self.failures = 0
        self.longest_ms = 0
        self.longest_turn_ms = 0
        self.turned_ms = None
        self.burst = None  # [left, payload, refused]
        self.stdin = select.poll()
        self.stdin.register(sys.stdin, select.POLLIN)
        self.ended = False

    def turn(self):
        began_ms = self.hal.link_ms()
        if self.turned_ms is not None:
            self.longest_turn_ms = max(self.longest_turn_ms, began_ms - self.turned_ms)
        self.turned_ms = began_ms
        events = self.link.step(began_ms)
        self.longest_ms = max(self.longest_ms, self.hal.link_ms() - began_ms)
        for event in events:
            self.tell(event)
        if self.link.failures != self.failures:
            self.failures = self.link.failures
            print("failed", self.failures, self.link.reason)
        if self.burst:
            self.more_of_burst()
        if self.stdin.poll(0):
            self.obey(sys.stdin.readline().split())
        if not self.ended:
            self.link.poller.poll(min(20, self.link.wait_ms(self.hal.link_ms())))

    def tell(self, event):
        if event[0] == CONNECTED:
            print("connected", int(event[1]))
        elif event[0] == MESSAGE:
            print("message", event[1], int(event[3]), hexlify(event[2]).decode())
        elif event[0] == LOST:
            print("lost", event[1])

    def more_of_burst(self):
        while self.burst[0] and self.link.publish("readings", self.burst[0].to_bytes(4, "big") + self.burst[1]):
            self.burst[0] -= 1
        if self.burst[0]:
            self.burst[2] += 1
        elif not self.link.in_flight:
            print("burst", self.burst[2])
            self.burst = None

    def obey(self, words):
        if not words or words[0] == "die":
            self.ended = True
        elif words[0] == "publish":
            print("published", int(self.link.publish(words[1], unhexlify(words[2]))))
        elif words[0] == "burst":
            self.burst = [int(words[1]), bytes(int(words[2]) - 4), 0]
        elif words[0] == "heap":
            figures = (self.longest_ms, self.link.skipped, self.link.foreign, self.longest_turn_ms)
            print("heap", live_bytes() - self.base_bytes, *figures)
        elif words[0] == "held":
            print("held", self.link._writing)
        elif words[0] == "quit":
            self.link.close(self.hal.link_ms())
            self.ended = True


def live_bytes():
    gc.collect()
    return gc.mem_alloc()


def main():
    driver = Driver(load(sys.argv[1]), load(sys.argv[2]) if len(sys.argv) > 2 else {})
    while not driver.ended:
        driver.turn()


main()
