"""A small core that only knows the work protocol, and a worker of it in a real process."""

import base64
import http.server
import json
import os
import queue
import shutil
import socketserver
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
ARN = 'arn:aws:lambda:us-east-1:000000000000:function:sample:3'
ROUTER = 'arn:aws:lambda:::function:GGRouter'
TOKEN = 'token-of-this-worker'
WAIT = 20

class QuietServer(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Workers are killed in the middle of a request here; that is not worth a stack trace."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super(QuietServer, self).handle_error(request, client_address)


class SmallCore(object):
    """Serves one worker: hands out what is put in ``work``, collects what the worker sends."""

    def __init__(self):
        self.work = queue.Queue()
        self.results = queue.Queue()
        self.posted = queue.Queue()
        self.initialised = queue.Queue()
        self.asked_in_vain = queue.Queue()
        core = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def answer(self, status, body=b'', headers=()):
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def body(self):
                return self.rfile.read(int(self.headers.get('Content-Length') or 0))

            def refused(self):
                if self.headers.get('Authorization') == TOKEN:
                    return False
                self.body()
                self.answer(403, b'{"message":"unknown token"}')
                return True

            def do_GET(self):
                if self.refused():
                    return
                if self.path == '/2016-11-01/functions/' + ARN + '/work':
                    try:
                        item = core.work.get(timeout=0.3)
                    except queue.Empty:
                        self.answer(204)
                        core.asked_in_vain.put(self.client_address)
                        return
                    self.answer(200, item[1], [('X-Amz-InvocationId', item[0]), ('X-Amz-Client-Context', item[2]),
                                                ('Lambda-Runtime-Deadline-Ms', '99999999999999')])
                else:
                    self.answer(200, b'"from the other"')

            def do_PUT(self):
                if not self.refused():
                    core.initialised.put(json.loads(self.body().decode()))
                    self.answer(200)

            def do_POST(self):
                if self.refused():
                    return
                body = self.body()
                if self.path.endswith('/work'):
                    core.results.put((self.headers['X-Amz-InvocationId'], self.headers.get('X-Amz-Function-Error'), body))
                    self.answer(200)
                else:
                    core.posted.put((self.path, dict(self.headers), body))
                    self.answer(200, b'', [('X-Amz-InvocationId', 'id-of-call')])

            def log_message(self, *args):
                pass

        self.server = QuietServer(('127.0.0.1', 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def ask(self, payload, subject=None, invocation_id='id-1'):
        context = base64.b64encode(json.dumps({'custom': {'subject': subject}}).encode()).decode() if subject else ''
        self.work.put((invocation_id, payload, context))
        return self.results.get(timeout=WAIT)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Workers(object):
    """Mixed into a test case: starts workers and ends them."""

    python = sys.executable

    def setUp(self):
        self.core = SmallCore()
        self.addCleanup(self.core.close)
        self.code = os.path.join(tempfile.mkdtemp(), 'code')
        self.addCleanup(shutil.rmtree, os.path.dirname(self.code))
        shutil.copytree(os.path.join(HERE, 'functions'), self.code, ignore=shutil.ignore_patterns('*.pyc', '__pycache__'))

    def start(self, handler, encoding='json', token=TOKEN):
        environment = {'PATH': os.environ.get('PATH', ''), 'MY_FUNCTION_ARN': ARN, 'ROUTER_FUNCTION_ARN': ROUTER,
                       'AWS_CONTAINER_AUTHORIZATION_TOKEN': token, 'GG_DAEMON_PORT': str(self.core.port),
                       'ENCODING_TYPE': encoding, 'LAMBDA_TASK_ROOT': self.code, 'LANG': 'C.UTF-8',
                       'PYTHONIOENCODING': 'utf-8:backslashreplace',
                       'RYEGRASS_PYTHON_CACHE': os.path.join(os.path.dirname(self.code), 'cache')}
        if 'LD_LIBRARY_PATH' in os.environ:
            environment['LD_LIBRARY_PATH'] = os.environ['LD_LIBRARY_PATH']
        worker = subprocess.Popen(
            [self.python, '-u', os.path.join(ROOT, 'lambda_runtime.py'), '--handler', handler],
            cwd=self.code, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(worker.stdout.close)
        self.addCleanup(worker.wait)
        self.addCleanup(worker.kill)
        return worker

    def started(self, handler, encoding='json'):
        worker = self.start(handler, encoding)
        self.assertEqual({'Success': True, 'Response': ''}, self.core.initialised.get(timeout=WAIT))
        return worker
