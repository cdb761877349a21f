"""The same worker on every Python that this machine has: Debian's, and those of pyenv where there is one."""

import base64
import glob
import json
import os
import re
import signal
import subprocess
import sys
import threading
import unittest

from small_core import HERE, ROUTER, WAIT, Workers

WANTED = ('2.7', '3.6', '3.7', '3.8', '3.9', '3.10', '3.11', '3.12', '3.13')


def interpreters():
    """Version -> program; the system's first."""
    found = {}
    for pattern in ('/usr/local/bin/python[23].*', '/usr/bin/python[23].*', os.path.expanduser('~/.pyenv/versions/*/bin/python')):
        for program in sorted(glob.glob(pattern)):
            named = re.search(r'(?:python|versions/)(\d\.\d+)(?:\.\d+)?(?:/bin/python)?$', program)
            if named and os.access(program, os.X_OK):
                found.setdefault(named.group(1), program)
    return found


FOUND = interpreters()


class OnEveryVersion(object):
    """The tests; a class for each version is made below."""

    def asked(self, op, **more):
        invocation, error, body = self.core.ask(json.dumps(dict(more, op=op)).encode(), 'a/b')
        return error, json.loads(body.decode())

    def test_a_worker_does_all_that_is_promised(self):
        worker = self.started('deep/er/many.handler')
        lines = []
        reader = threading.Thread(target=lambda: lines.extend(worker.stdout), daemon=True)
        reader.start()

        error, answer = self.asked('echo', text=u'caf\u00e9', big='x' * 300000)
        self.assertIsNone(error)
        self.assertEqual((u'caf\u00e9', 300000), (answer['event']['text'], len(answer['event']['big'])))
        self.assertEqual(('a/b', self.version, 'sample'), (answer['subject'], answer['version'], answer['name']))
        self.assertGreater(answer['remaining'], 1000)

        error, answer = self.asked('fails')
        self.assertEqual(('Handled', 'RuntimeError', u'not \u00fc today'),
                         (error, answer['errorType'], answer['errorMessage']))
        self.assertIn('in handler', answer['stackTrace'][0])
        self.assertEqual(('Handled', 'Runtime.MarshalError'),
                         (lambda e, a: (e, a['errorType']))(*self.asked('unsendable')))
        self.assertEqual('Runtime.UnmarshalError', json.loads(self.core.ask(b'{not json')[2].decode())['errorType'])

        self.assertEqual((None, None), self.asked('logs'))
        self.assertEqual((None, None), self.asked('publishes'))
        path, headers, body = self.core.posted.get(timeout=WAIT)
        self.assertEqual(('/2016-11-01/functions/' + ROUTER, u'\u00fc'), (path, body.decode('utf-8')))
        self.assertEqual(u'caf\u00e9', json.loads(base64.b64decode(headers['X-Amz-Client-Context']).decode())['custom']['subject'])
        self.assertEqual((None, ['"from the other"'] * 3), self.asked('calls_on_threads'))
        for _ in range(3):
            self.core.posted.get(timeout=WAIT)
        self.assertEqual((None, [7, signal.SIGTERM]), self.asked('forks'))
        self.assertEqual(b'x', self.core.posted.get(timeout=WAIT)[2])
        self.assertEqual((None, None), self.asked('stays_behind'))

        worker.send_signal(signal.SIGTERM)
        self.assertEqual(0, worker.wait(WAIT))
        reader.join(WAIT)
        output = b''.join(lines).decode('utf-8')
        self.assertTrue(output.startswith(u'loaded \u00e9\n'), output)
        self.assertRegex(output, r'\[INFO\]-many.py:\d+,said by info\n\[WARNING\]')
        self.assertIn('[CRITICAL]', output)
        self.assertNotIn('said by debug', output)
        self.assertIn('on stderr\n', output)
        self.assertIn(u'The handler raised RuntimeError: not \u00fc today', output)
        self.assertTrue(output.endswith('cleaned up\n'), output)
        self.assertEqual([], glob.glob(self.code + '/**/*.pyc', recursive=True))

    def test_a_binary_function_gets_and_gives_bytes(self):
        self.started('sample.raw', 'binary')
        every_byte = bytes(bytearray(range(256)))
        self.assertEqual(every_byte[::-1], self.core.ask(every_byte)[2])

    def test_a_module_that_cannot_be_loaded_is_told(self):
        worker = self.start('broken.handler')
        self.assertIn('this module cannot be loaded', self.core.initialised.get(timeout=WAIT)['Response'])
        self.assertEqual(1, worker.wait(WAIT))

    def test_the_support_modules_and_the_sdk_pass_their_tests(self):
        tests = subprocess.run([self.python, '-B', '-m', 'unittest', 'discover', '-s', HERE, '-p', 'test_sdk.py'],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=WAIT)
        self.assertEqual(0, tests.returncode, tests.stdout.decode('utf-8', 'replace'))


def case_of(version):
    name = 'Python' + version.replace('.', '_') + 'Test'
    made = type(name, (OnEveryVersion, Workers, unittest.TestCase),
                {'python': FOUND.get(version), 'version': version, '__module__': __name__})
    return unittest.skipUnless(version in FOUND, 'Python {} is not on this machine'.format(version))(made)



for _version in WANTED:
    _case = case_of(_version)
    globals()[_case.__name__] = _case

if __name__ == '__main__':
    unittest.main()
