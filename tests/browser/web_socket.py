"""A WebSocket client of a program on this machine: as much of RFC 6455 as a debugging port needs."""

import base64
import os
import socket
import struct
import time

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA


class WebSocket:
    """Messages are text; one that comes in several frames is put together, and a ping is answered."""

    def __init__(self, port, path, seconds):
        self._socket = socket.create_connection(("127.0.0.1", port), seconds)
        self._buffer = b""
        self._parts = []
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: 13",
        ]
        self._socket.sendall("".join(f"{line}\r\n" for line in [*lines, ""]).encode())
        while b"\r\n\r\n" not in self._buffer:
            self._read(seconds)
        answer, self._buffer = self._buffer.split(b"\r\n\r\n", 1)
        if b" 101 " not in answer.split(b"\r\n")[0]:
            raise RuntimeError(f"port {port} does not speak WebSocket: {answer.decode(errors='replace')}")

    def close(self):
        self._socket.close()

    def send(self, text):
        self._send(TEXT, text.encode())

    def receive(self, seconds):
        """The next message, or `None` where there is none within the seconds."""
        deadline = time.monotonic() + seconds
        while True:
            frame = self._frame()
            if frame is None:
                if not self._read(deadline - time.monotonic()):
                    return None
                continue
            last, kind, data = frame
            if kind == PING:
                self._send(PONG, data)
            elif kind == CLOSE:
                raise RuntimeError("the other side closed the connection")
            elif kind != PONG:
                self._parts.append(data)
                if last:
                    whole, self._parts = b"".join(self._parts), []
                    return whole.decode()

    def _send(self, kind, data):
        # A client masks what it sends, so that no proxy on the way takes it for HTTP.
        mask = os.urandom(4)
        if len(data) < 126:
            size = struct.pack("!B", 0x80 | len(data))
        elif len(data) < 1 << 16:
            size = struct.pack("!BH", 0x80 | 126, len(data))
        else:
            size = struct.pack("!BQ", 0x80 | 127, len(data))
        repeated = mask * (len(data) // 4 + 1)
        masked = bytes(byte ^ key for byte, key in zip(data, repeated))
        self._socket.sendall(struct.pack("!B", 0x80 | kind) + size + mask + masked)

    def _frame(self):
        """The first frame of the buffer, if it is whole: whether it is the last of its message, its kind, its data."""
        if len(self._buffer) < 2:
            return None
        first, size = self._buffer[:2]
        start = 2
        if size >= 126:
            form = "!H" if size == 126 else "!Q"
            start += struct.calcsize(form)
            if len(self._buffer) < start:
                return None
            (size,) = struct.unpack(form, self._buffer[2:start])
        if len(self._buffer) < start + size:
            return None
        data, self._buffer = self._buffer[start : start + size], self._buffer[start + size :]
        return bool(first & 0x80), first & 0x0F, data

    def _read(self, seconds):
        """Whether something came within the seconds."""
        self._socket.settimeout(max(0.001, seconds))
        try:
            chunk = self._socket.recv(1 << 20)
        except TimeoutError:
            return False
        if not chunk:
            raise RuntimeError("the other side ended the connection")
        self._buffer += chunk
        return True
