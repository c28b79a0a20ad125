"""Captures an interface with tcpdump and looks for what should not be readable in it: SIP, names, speech."""

import ctypes
import ctypes.util
import re
import signal
import struct
import subprocess
import time

import numpy as np

import audio

SIP = re.compile(rb"SIP/2\.0|(?:INVITE|ACK|BYE|CANCEL|REGISTER|MESSAGE|OPTIONS) sips?:")


class Capture:
    """All packets of an interface, from the first line of tcpdump's to stop()."""

    def __init__(self, path, interface="lo", netns=None):
        self.path = path
        argv = ["tcpdump", "-i", interface, "-w", str(path), "-U", "--immediate-mode", "-s", "0", "-B", "16384", "-Z", "root"]
        if netns:
            argv = ["ip", "netns", "exec", netns.name] + argv
        self._tcpdump = subprocess.Popen(argv, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        line = self._tcpdump.stderr.readline()
        if b"listening on" not in line:
            raise RuntimeError("tcpdump: " + line.decode("utf-8", "replace"))

    def stop(self):
        time.sleep(0.3)  # what is still in the kernel's ring
        self._tcpdump.send_signal(signal.SIGINT)
        _, errors = self._tcpdump.communicate(timeout=10)
        dropped = re.search(rb"(\d+) packets dropped by kernel", errors)
        if dropped and int(dropped.group(1)):
            raise RuntimeError("the capture is not complete: " + errors.decode())
        return packets(self.path)


def packets(path):
    """[(protocol, source, destination, sequence number, payload)] of the TCP and UDP packets in a pcap file."""
    found = []
    with open(path, "rb") as file:
        head = file.read(24)
        magic, link = struct.unpack("<I16xI", head)
        if magic != 0xA1B2C3D4 or link != 1:
            raise ValueError(f"{path}: not a little-endian Ethernet capture")
        while len(record := file.read(16)) == 16:
            length = struct.unpack("<8xI4x", record)[0]
            packet = _packet(file.read(length))
            if packet:
                found.append(packet)
    return found


def _packet(frame):
    kind = struct.unpack("!H", frame[12:14])[0]
    if kind == 0x0800:
        ip = frame[14:]
        header = (ip[0] & 15) * 4
        protocol, source, destination = ip[9], ip[12:16], ip[16:20]
        ip = ip[: struct.unpack("!H", ip[2:4])[0]]
    elif kind == 0x86DD:
        ip, header = frame[14:], 40
        protocol, source, destination = ip[6], ip[8:24], ip[24:40]
        ip = ip[: 40 + struct.unpack("!H", ip[4:6])[0]]
    else:
        return None
    segment = ip[header:]
    if protocol == 17:
        from_port, to_port = struct.unpack("!HH", segment[:4])
        return "udp", (source, from_port), (destination, to_port), 0, segment[8:]
    if protocol == 6:
        from_port, to_port, sequence = struct.unpack("!HHI", segment[:8])
        return "tcp", (source, from_port), (destination, to_port), sequence, segment[(segment[12] >> 4) * 4 :]
    return None


def streams(found, protocol):
    """{(source, destination): payloads in order}; TCP segments that were sent twice count once."""
    by_path = {}
    for kind, source, destination, sequence, payload in found:
        if kind == protocol and payload:
            by_path.setdefault((source, destination), {}).setdefault(
                sequence if kind == "tcp" else len(by_path.get((source, destination), {})), payload
            )
    return {path: list(parts.values()) for path, parts in by_path.items()}


def text_of(found):
    """Everything that was carried, stream by stream, joined."""
    return b"\n".join(b"".join(parts) for kind in ("tcp", "udp") for parts in streams(found, kind).values())


def _g711_tables():
    mu, a = np.zeros(256), np.zeros(256)
    for code in range(256):
        u = ~code & 0xFF
        magnitude = (((u & 0x0F) << 3) + 0x84 << (u >> 4 & 7)) - 0x84
        mu[code] = -magnitude if u & 0x80 else magnitude
        v = code ^ 0x55
        step, mantissa = v >> 4 & 7, v & 0x0F
        magnitude = (mantissa << 4) + 8 if step == 0 else (mantissa << 4) + 0x108 << (step - 1)
        a[code] = magnitude if v & 0x80 else -magnitude
    return mu, a


MU_LAW, A_LAW = _g711_tables()


def _decode_opus(parts):
    """8 kHz samples of Opus packets, or none if they are not Opus."""
    library = ctypes.CDLL(ctypes.util.find_library("opus") or "libopus.so.0")
    library.opus_decoder_create.restype = ctypes.c_void_p
    library.opus_decode.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int32, ctypes.c_void_p, ctypes.c_int, ctypes.c_int]
    library.opus_decoder_destroy.argtypes = [ctypes.c_void_p]
    decoder = library.opus_decoder_create(8000, 1, ctypes.byref(ctypes.c_int()))
    samples, buffer = [], (ctypes.c_int16 * 960)()
    for part in parts:
        n = library.opus_decode(decoder, part, len(part), buffer, 960, 0)
        if n > 0:
            samples.append(np.array(buffer[:n], dtype=np.float64))
    library.opus_decoder_destroy(decoder)
    return np.concatenate(samples) if samples else np.zeros(0)


def speech_in(found):
    """What one hears who takes every UDP stream for RTP in clear: {codec name: samples} for each stream."""
    heard = []
    for parts in streams(found, "udp").values():
        parts = [part[12:] for part in parts if len(part) > 12 and part[0] >> 6 == 2 and not 192 <= part[1] <= 223]
        if len(parts) < 25:  # half a second
            continue
        raw = np.frombuffer(b"".join(parts), dtype=np.uint8)
        heard.append({"PCMU": MU_LAW[raw], "PCMA": A_LAW[raw], "opus": _decode_opus(parts)})
    return heard


def search_signalling(found, names):
    """What an eavesdropper finds to read: SIP messages, and the names (a list of texts)."""
    text = text_of(found)
    return {"sip": len(SIP.findall(text)), "names": sorted(name for name in names if name.encode() in text), "bytes": len(text)}


def search(found, names, sentence):
    """The same, and how well the sentence can be heard."""
    speech = max((audio.correlation(sentence, samples) for stream in speech_in(found) for samples in stream.values()), default=0.0)
    return {**search_signalling(found, names), "speech": speech}
