# -*- coding: utf-8 -*-
"""One handler with everything that may differ between versions of Python. It runs on all of them."""

from __future__ import print_function

import atexit
import logging
import os
import signal
import sys
import threading
import time

import greengrasssdk

LOG = logging.getLogger(__name__)
atexit.register(lambda: print('cleaned up'))
print(u'loaded \u00e9')


def handler(event, context):
    return globals()[event['op']](event, context)


def echo(event, context):
    custom = context.client_context.custom or {}
    return {'event': event, 'subject': custom.get('subject'), 'remaining': context.get_remaining_time_in_millis(),
            'version': '{}.{}'.format(*sys.version_info[:2]), 'name': context.function_name}


def fails(event, context):
    raise RuntimeError(u'not \u00fc today')


def unsendable(event, context):
    return {'it': object()}


def logs(event, context):
    for level in ('debug', 'info', 'warning', 'error', 'critical'):
        getattr(LOG, level)('said by %s', level)
    sys.stderr.write('on stderr\n')


def publishes(event, context):
    greengrasssdk.client('iot-data').publish(topic=u'caf\u00e9', payload=u'\u00fc')


def calls_on_threads(event, context):
    answers = []

    def call():
        answer = greengrasssdk.client('lambda').invoke(
            FunctionName='arn:aws:lambda:us-east-1:000000000000:function:other:7', Payload=b'{}')
        answers.append(answer['Payload'].read().decode('utf-8') + answer['FunctionError'])

    threads = [threading.Thread(target=call) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def forks(event, context):
    """Two children: one speaks to the core itself, one is told to end."""
    speaks = os.fork()
    if speaks == 0:
        greengrasssdk.client('iot-data').publish(topic='from/the/child', payload=b'x')
        os._exit(7)
    ready, tell = os.pipe()
    waits = os.fork()
    if waits == 0:
        os.write(tell, b'!')  # Python forgets a signal that comes while it forks
        time.sleep(10)
        os._exit(8)
    os.read(ready, 1)
    os.kill(waits, signal.SIGTERM)
    return [os.waitpid(speaks, 0)[1] >> 8, os.waitpid(waits, 0)[1] & 127]


def stays_behind(event, context):
    thread = threading.Thread(target=time.sleep, args=(3600,))
    thread.start()
