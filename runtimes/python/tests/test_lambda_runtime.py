"""The bootstrap in a real process against a small core that only knows the work protocol."""

import base64
import http.server
import json
import os
import queue
import shutil
import signal
import socketserver
import subprocess
import sys
import tempfile
import threading
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
ARN = 'arn:aws:lambda:us-east-1:000000000000:function:sample:3'
ROUTER = 'arn:aws:lambda:::function:GGRouter'
TOKEN = 'token-of-this-worker'
WAIT = 15


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
                        return
                    self.answer(200, item[1], [('X-Amz-InvocationId', item[0]), ('X-Amz-Client-Context', item[2])])
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


class LambdaRuntimeTest(unittest.TestCase):
    def setUp(self):
        self.core = SmallCore()
        self.addCleanup(self.core.close)
        self.code = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.code)
        for name in os.listdir(os.path.join(HERE, 'functions')):
            if name.endswith('.py'):
                shutil.copy(os.path.join(HERE, 'functions', name), self.code)

    def start(self, handler, encoding='json', token=TOKEN):
        environment = {'PATH': os.environ.get('PATH', ''), 'MY_FUNCTION_ARN': ARN, 'ROUTER_FUNCTION_ARN': ROUTER,
                       'AWS_CONTAINER_AUTHORIZATION_TOKEN': token, 'GG_DAEMON_PORT': str(self.core.port),
                       'ENCODING_TYPE': encoding, 'LAMBDA_TASK_ROOT': self.code}
        if 'LD_LIBRARY_PATH' in os.environ:
            environment['LD_LIBRARY_PATH'] = os.environ['LD_LIBRARY_PATH']
        worker = subprocess.Popen(
            [sys.executable, '-u', os.path.join(ROOT, 'lambda_runtime.py'), '--handler', handler],
            cwd=self.code, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(worker.stdout.close)
        self.addCleanup(worker.wait)
        self.addCleanup(worker.kill)
        return worker

    def started(self, handler, encoding='json'):
        worker = self.start(handler, encoding)
        self.assertEqual({'Success': True, 'Response': ''}, self.core.initialised.get(timeout=WAIT))
        return worker

    def test_a_handler_gets_the_event_and_the_context_and_keeps_its_state(self):
        self.started('sample.echo')
        invocation, error, body = self.core.ask(b'{"n": [1, 2]}', 'a/topic', 'id-77')
        answer = json.loads(body.decode())
        self.assertEqual(('id-77', None), (invocation, error))
        self.assertEqual({'n': [1, 2]}, answer['event'])
        self.assertEqual('a/topic', answer['subject'])
        self.assertEqual(('sample', '3', ARN, 'id-77'),
                         (answer['name'], answer['version'], answer['arn'], answer['request']))
        self.assertEqual(2, json.loads(self.core.ask(b'', None)[2].decode())['calls'])

    def test_without_a_copy_of_its_own_the_function_gets_our_sdk(self):
        self.started('sample.echo')
        answer = json.loads(self.core.ask(b'1')[2].decode())
        self.assertEqual(os.path.join(ROOT, 'sdk', 'greengrasssdk'), answer['sdk'])

    def test_the_functions_own_sdk_wins_and_its_own_support_modules_do_not(self):
        for package in ('greengrasssdk', 'greengrass_common'):
            os.mkdir(os.path.join(self.code, package))
            open(os.path.join(self.code, package, '__init__.py'), 'w').close()
        self.started('sample.echo')
        answer = json.loads(self.core.ask(b'1')[2].decode())
        self.assertEqual(os.path.join(self.code, 'greengrasssdk'), answer['sdk'])
        self.assertEqual(os.path.join(ROOT, 'support', 'greengrass_common'), answer['common'])

    def test_binary_functions_get_and_give_bytes(self):
        self.started('sample.raw', 'binary')
        self.assertEqual(b'\x02\xff\x00', self.core.ask(b'\x00\xff\x02')[2])

    def test_a_payload_that_is_not_json_never_reaches_a_json_handler(self):
        self.started('sample.echo')
        _, error, body = self.core.ask(b'{not json')
        self.assertEqual('Handled', error)
        self.assertEqual('Runtime.UnmarshalError', json.loads(body.decode())['errorType'])
        self.assertEqual(1, json.loads(self.core.ask(b'{}')[2].decode())['calls'])

    def test_what_the_handler_raises_is_a_handled_error_and_the_worker_goes_on(self):
        self.started('sample.fails')
        for _ in range(2):
            _, error, body = self.core.ask(b'{}')
            answer = json.loads(body.decode())
            self.assertEqual('Handled', error)
            self.assertEqual(('KeyError', "'no such thing'"), (answer['errorType'], answer['errorMessage']))
            self.assertIn('in fails', answer['stackTrace'][0])

    def test_a_result_that_cannot_be_sent_is_a_handled_error(self):
        self.started('sample.unsendable')
        _, error, body = self.core.ask(b'{}')
        self.assertEqual(('Handled', 'Runtime.MarshalError'), (error, json.loads(body.decode())['errorType']))

    def test_a_module_that_cannot_be_loaded_is_reported_and_ends_the_process(self):
        worker = self.start('broken.handler')
        answer = self.core.initialised.get(timeout=WAIT)
        self.assertFalse(answer['Success'])
        self.assertIn('this module cannot be loaded', answer['Response'])
        self.assertEqual(1, worker.wait(WAIT))

    def test_a_missing_handler_function_is_named(self):
        self.start('sample.nothing')
        self.assertIn('The module sample has no function nothing', self.core.initialised.get(timeout=WAIT)['Response'])

    def test_an_idle_worker_ends_at_once_by_sigterm(self):
        worker = self.started('sample.echo')
        self.core.ask(b'{}')
        worker.send_signal(signal.SIGTERM)
        self.assertEqual(0, worker.wait(WAIT))

    def test_a_busy_worker_answers_before_it_ends_by_sigterm(self):
        worker = self.started('sample.slow')
        self.core.work.put(('id-9', b'{}', ''))
        self.assertIn(b'slow has begun', worker.stdout.readline())
        worker.send_signal(signal.SIGTERM)
        self.assertEqual(('id-9', None, b'"done"'), self.core.results.get(timeout=WAIT))
        self.assertEqual(0, worker.wait(WAIT))

    def test_a_handler_that_leaves_takes_the_process_with_it_and_gives_no_answer(self):
        worker = self.started('sample.leaves')
        self.core.work.put(('id-1', b'{}', ''))
        self.assertEqual(3, worker.wait(WAIT))
        self.assertTrue(self.core.results.empty())

    def test_a_worker_whose_token_is_refused_ends(self):
        self.assertEqual(1, self.start('sample.echo', token='stale').wait(WAIT))

    def test_publish_is_event_work_for_the_router_with_source_subject_and_policy(self):
        self.started('sample.publishes')
        self.assertEqual((None, b'null'), self.core.ask(b'{}')[1:])
        path, headers, body = self.core.posted.get(timeout=WAIT)
        self.assertEqual('/2016-11-01/functions/' + ROUTER, path)
        self.assertEqual('Event', headers['X-Amz-Invocation-Type'])
        self.assertEqual(b'hello', body)
        self.assertEqual({'custom': {'source': ARN, 'subject': 'out/topic', 'queueFullPolicy': 'AllOrError'}},
                         json.loads(base64.b64decode(headers['X-Amz-Client-Context']).decode()))

    def test_invoke_posts_work_and_waits_for_its_result(self):
        self.started('sample.calls')
        self.assertEqual({'payload': '"from the other"', 'error': ''}, json.loads(self.core.ask(b'{}')[2].decode()))
        path, headers, body = self.core.posted.get(timeout=WAIT)
        self.assertEqual('/2016-11-01/functions/arn:aws:lambda:us-east-1:000000000000:function:other:7', path)
        self.assertEqual(('RequestResponse', b'{"a": 1}'), (headers['X-Amz-Invocation-Type'], body))


if __name__ == '__main__':
    unittest.main()
