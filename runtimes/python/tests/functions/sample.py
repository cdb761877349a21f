"""Handlers that the tests run in real worker processes."""

import os
import sys
import time

import greengrasssdk

state = {'calls': 0}


def echo(event, context):
    state['calls'] += 1
    custom = context.client_context.custom or {}
    return {
        'event': event,
        'subject': custom.get('subject'),
        'name': context.function_name,
        'version': context.function_version,
        'arn': context.invoked_function_arn,
        'request': context.aws_request_id,
        'calls': state['calls'],
        'sdk': os.path.dirname(greengrasssdk.__file__),
        'common': os.path.dirname(sys.modules['greengrass_common'].__file__),
    }


def raw(event, context):
    return event[::-1]


def fails(event, context):
    raise KeyError('no such thing')


def unsendable(event, context):
    return object()


def leaves(event, context):
    sys.exit(3)


def slow(event, context):
    print('slow has begun')
    time.sleep(1.0)
    return 'done'


def publishes(event, context):
    greengrasssdk.client('iot-data').publish(topic='out/topic', payload='hello', queueFullPolicy='AllOrException')
    return None


def calls(event, context):
    answer = greengrasssdk.client('lambda').invoke(
        FunctionName='arn:aws:lambda:us-east-1:000000000000:function:other', Qualifier='7', Payload=b'{"a": 1}')
    return {'payload': answer['Payload'].read().decode(), 'error': answer['FunctionError']}
