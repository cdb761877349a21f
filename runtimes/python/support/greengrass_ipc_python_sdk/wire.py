"""One keep-alive HTTP connection to the core, as little as that takes.

Neither ``http.client`` nor ``socket``: importing them costs a new worker more than all the rest of its start, and their
headers and buffered files a warm call more than the call itself. What the core answers has a status line, headers and a
body of a stated length; anything else is an error here. Waits have no limit of their own: the core answers each question
for work within its long poll, ends a function that takes too long, and when it dies the connection breaks.
"""

import errno
import os
import time

import _socket

_SEPARATOR = b'\r\n\r\n'
_LARGEST_HEAD = 64 * 1024
_CHUNK = 16 * 1024

# A body above this is not copied behind its head but sent on its own.
_COPIED_BODY = 32 * 1024

_NO_BODY = (204, 304)

# While answers come at once the next one is looked for so long before the thread sleeps: being woken takes longer.
_LOOKED_SECONDS = 50e-6
_AT_ONCE_SECONDS = 200e-6

_clock = getattr(time, 'perf_counter', time.time)  # Python 2
_give_way = getattr(os, 'sched_yield', None)
_NOTHING_YET = (errno.EAGAIN, errno.EWOULDBLOCK, errno.EINTR)


class ConnectionLost(Exception):
    """Nobody answered, or the answer broke off. ``unheard`` tells that the core cannot have seen the request."""


def request_head(method, path, token):
    """The unchanging part of a request: what :meth:`Wire.send` puts its own headers behind."""
    head = method + ' ' + path + ' HTTP/1.1\r\nHost: localhost\r\n'
    if token:
        head += 'Authorization: ' + as_native(token) + '\r\n'
    return as_bytes(head)


class Wire(object):
    """Not for several threads at once."""

    def __init__(self, host, port):
        # The core listens on 127.0.0.1 only, and 'localhost' may be ::1 first.
        self._address = ('127.0.0.1' if host == 'localhost' else host, port)
        self._socket = None
        self._rest = b''
        self._looks = False

    def is_open(self):
        return self._socket is not None

    def close(self):
        connection, self._socket, self._rest = self._socket, None, b''
        if connection is not None:
            connection.close()

    def forget(self):
        """After a fork: the connection is the parent's."""
        self.close()

    def _open(self):
        connection = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
        try:
            if connection.gettimeout() is not None:  # socket.setdefaulttimeout of the function: not for our waits
                connection.settimeout(None)
            connection.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
            connection.connect(self._address)
        except BaseException:
            connection.close()
            raise
        self._rest = b''
        self._socket = connection
        return connection

    def send(self, *requests):
        """Sends requests in one go; each is (head, further header lines as text, body or None)."""
        parts = []
        for head, more, body in requests:
            if body is None:
                parts.append(head + as_bytes(more) + b'\r\n')
            else:
                parts.append(head + as_bytes(more + 'Content-Length: ' + str(len(body)) + _END))
                parts.append(body)
        try:
            connection = self._socket or self._open()
            if sum(map(len, parts)) <= _COPIED_BODY:
                connection.sendall(b''.join(parts))
            else:
                for part in parts:
                    connection.sendall(part)
        except (OSError, IOError, _socket.error) as e:
            self.close()
            raise ConnectionLost('{} ({})'.format(e, type(e).__name__))
        except BaseException:
            self.close()  # a signal's exception in the middle of a request
            raise

    def receive(self):
        """The next answer: (status, {header name in lower case: value}, body)."""
        try:
            return self._receive()
        except (OSError, IOError, _socket.error) as e:
            self.close()
            raise ConnectionLost('{} ({})'.format(e, type(e).__name__))
        except BaseException:
            self.close()
            raise

    def _more(self):
        data = self._looked_for() if self._looks else None
        if data is None:
            begun = _clock()
            data = self._waited_for()
            self._looks = _give_way is not None and _clock() - begun < _AT_ONCE_SECONDS
        if not data:
            raise ConnectionLost('the core closed the connection')
        return data

    def _looked_for(self):
        """What comes within a moment, or None."""
        receive, until = self._socket.recv, _clock() + _LOOKED_SECONDS
        while True:
            try:
                return receive(_CHUNK, _socket.MSG_DONTWAIT)
            except (OSError, IOError, _socket.error) as e:
                if e.errno not in _NOTHING_YET:
                    raise
            if _clock() > until:
                return None
            _give_way()  # whoever it waits for may need this processor

    def _waited_for(self):
        while True:
            try:
                return self._socket.recv(_CHUNK)
            except (OSError, IOError, _socket.error) as e:
                if e.errno != errno.EINTR:  # Python 2; later ones try again by themselves
                    raise

    def _receive(self):
        data = self._rest or self._more()
        end = data.find(_SEPARATOR)
        while end < 0:
            if len(data) > _LARGEST_HEAD:
                raise ConnectionLost('the headers of the answer do not end')
            data += self._more()
            end = data.find(_SEPARATOR)
        lines = as_native(data[:end]).split('\r\n')
        status = lines[0]
        if status[:7] != 'HTTP/1.' or not status[9:12].isdigit():
            raise ConnectionLost('the answer is not HTTP: ' + status[:80])
        status = int(status[9:12])
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(':')
            headers[name.lower()] = value.strip()
        begin = end + 4
        if status in _NO_BODY:
            length = 0
        elif 'transfer-encoding' in headers:
            raise ConnectionLost('the answer has no stated length')
        else:
            length = int(headers.get('content-length') or 0)
        have = len(data) - begin
        if have == length:
            body = data[begin:]
            self._rest = b''
        elif have > length:
            body = data[begin:begin + length]
            self._rest = data[begin + length:]
        else:
            parts = [data[begin:]]
            while have < length:
                data = self._more()
                have += len(data)
                parts.append(data)
            excess = have - length
            self._rest = b''
            if excess:
                self._rest = data[len(data) - excess:]
                parts[-1] = data[:len(data) - excess]
            body = b''.join(parts)
        if headers.get('connection', '').lower() == 'close':
            self.close()
        return status, headers, body


_END = '\r\n\r\n'

if str is bytes:  # Python 2

    def as_native(value):
        return value if isinstance(value, str) else value.encode('latin-1')

    def as_bytes(value):
        return value if isinstance(value, str) else value.encode('utf-8')

else:

    def as_native(value):
        return value if isinstance(value, str) else str(value, 'latin-1')

    def as_bytes(value):
        return value.encode('utf-8') if isinstance(value, str) else value
