"""The bootstrap in a real process against a small core that only knows the work protocol."""

import base64
import json
import os
import signal
import unittest

from small_core import ARN, ROOT, ROUTER, WAIT, Workers


class LambdaRuntimeTest(Workers, unittest.TestCase):
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

    def test_a_default_timeout_of_the_functions_sockets_is_not_that_of_the_wait_for_work(self):
        self.started('impatient.handler')
        self.assertEqual(1, len({self.core.asked_in_vain.get(timeout=WAIT) for _ in range(3)}))
        self.assertEqual(b'0.05', self.core.ask(b'{}')[2])

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
