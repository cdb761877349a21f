"""What a worker costs: python3 speed.py [PROGRAM OF PYTHON [CALLS]]

A server that answers at once gives a worker the same 1-KB JSON again and again; printed are the time from the start of the
process to its first request, calls a second, and the worker's processor time for each. Only the last holds on a loaded machine.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
WORK = json.dumps({'k%d' % i: 'v' * 20 for i in range(32)}).encode()


class Peer(object):
    def __init__(self, connection):
        self.connection = connection
        self.buffer = b''

    def method(self):
        """Of the next request, read whole."""
        while b'\r\n\r\n' not in self.buffer:
            self._more()
        head, _, self.buffer = self.buffer.partition(b'\r\n\r\n')
        length = 0
        for line in head.split(b'\r\n'):
            if line.lower().startswith(b'content-length:'):
                length = int(line[15:])
        while len(self.buffer) < length:
            self._more()
        self.buffer = self.buffer[length:]
        return head.split(b' ', 1)[0]

    def _more(self):
        data = self.connection.recv(65536)
        if not data:
            raise SystemExit('the worker is gone')
        self.buffer += data

    def answer(self, body=b'', more=b''):
        self.connection.sendall(b'HTTP/1.1 200 OK\r\n' + more + b'Content-Length: %d\r\n\r\n' % len(body) + body)


def processor_seconds(pid):
    with open('/proc/%d/stat' % pid) as stat:
        fields = stat.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def main(python=sys.executable, calls='20000'):
    calls = int(calls)
    folder = tempfile.mkdtemp()
    with open(os.path.join(folder, 'm.py'), 'w') as out:
        out.write('def handler(event, context):\n    return event\n')
    listener = socket.socket()
    listener.bind(('127.0.0.1', 0))
    listener.listen(1)
    listener.settimeout(30)
    environment = {
        'PATH': os.environ['PATH'], 'HOME': folder, 'ENCODING_TYPE': 'json', 'LAMBDA_TASK_ROOT': folder,
        'MY_FUNCTION_ARN': 'arn:aws:lambda:us-east-1:000000000000:function:speed:1',
        'AWS_CONTAINER_AUTHORIZATION_TOKEN': 'token', 'GG_DAEMON_PORT': str(listener.getsockname()[1]),
        'RYEGRASS_PYTHON_CACHE': os.path.join(folder, 'cache')}
    begun = time.time()
    worker = subprocess.Popen([python, '-u', os.path.join(HERE, '..', 'lambda_runtime.py'), '--handler', 'm.handler'], env=environment)
    try:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(30)
        peer = Peer(connection)
        peer.method()
        print('start_to_first_request %.1f ms' % ((time.time() - begun) * 1000))
        peer.answer()
        used, begun, answers = processor_seconds(worker.pid), time.time(), 0
        while answers < calls:
            if peer.method() == b'GET':
                peer.answer(WORK, b'X-Amz-InvocationId: 01234567-89ab-cdef-0123-456789abcdef\r\nLambda-Runtime-Deadline-Ms: 9999999999999\r\n')
            else:
                answers += 1
                peer.answer()
        print('calls %.0f 1/s' % (calls / (time.time() - begun)))
        print('processor_time_per_call %.1f us' % ((processor_seconds(worker.pid) - used) / calls * 1e6))
    finally:
        worker.kill()
        worker.wait()
        shutil.rmtree(folder)


if __name__ == '__main__':
    main(*sys.argv[1:])
