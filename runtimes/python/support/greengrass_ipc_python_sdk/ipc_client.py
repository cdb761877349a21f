"""Client of the core's daemon port: the work protocol that functions and their runtime speak.

One keep-alive connection per thread. A connection that stood idle for some seconds is not used again for a POST:
the core may just be closing it, and a POST that is sent twice would be a message delivered twice.
"""

import os
import time

from greengrass_common.env_vars import AUTH_TOKEN, GG_DAEMON_PORT
from greengrass_ipc_python_sdk.wire import ConnectionLost, Wire, as_native, request_head

try:
    from _thread import _local
except ImportError:  # Python 2
    from thread import _local

_HEADER_INVOCATION_ID = 'X-Amz-InvocationId'
_HEADER_CLIENT_CONTEXT = 'X-Amz-Client-Context'
_HEADER_INVOCATION_TYPE = 'X-Amz-Invocation-Type'
_HEADER_FUNCTION_ERROR = 'X-Amz-Function-Error'

# The core closes a connection that is idle for longer than this; see the head of this file.
_REUSABLE_FOR_SECONDS = 10.0

FUNCTION_HANDLED_ERROR = 'Handled'

_now = getattr(time, 'monotonic', time.time)
_getpid = os.getpid


class IPCException(Exception):
    """The core could not be asked, or said no. ``status`` is its HTTP status, or None where nobody answered."""

    def __init__(self, message, status=None):
        Exception.__init__(self, message)
        self.status = status


class WorkItem(tuple):
    """One piece of work for this function: (invocation id, payload, client context).

    The client context is the base64 text of the caller, or ''. ``deadline_ms`` is when the core ends the call, or None.
    """

    def __new__(cls, invocation_id, payload, client_context='', deadline_ms=None):
        item = tuple.__new__(cls, (invocation_id, payload, client_context))
        item.deadline_ms = deadline_ms
        return item

    invocation_id = property(lambda self: self[0])
    payload = property(lambda self: self[1])
    client_context = property(lambda self: self[2])


class WorkResult(object):
    """What a function answered: bytes, and '' or the kind of error ('Handled', 'Unhandled')."""

    def __init__(self, payload, func_err, status_code=200):
        self.payload = payload
        self.func_err = func_err
        self.status_code = status_code


# The name by which early packages know it.
GetWorkResultOutput = WorkResult


class IPCClient(object):
    def __init__(self, endpoint='localhost', port=None, auth_token=None):
        """``port`` is accepted and not used: the core tells its port by GG_DAEMON_PORT."""
        self._host = endpoint
        self._port = int(GG_DAEMON_PORT)
        self._token = auth_token if auth_token is not None else AUTH_TOKEN
        self._local = _local()
        self._heads = {}

    # -- the caller's side

    def post_work(self, function_arn, payload, client_context, invocation_type='RequestResponse'):
        """Hands work to a function and returns the id of the invocation."""
        more = _HEADER_INVOCATION_TYPE + ': ' + _value(invocation_type) + '\r\n'
        if client_context:
            more += _HEADER_CLIENT_CONTEXT + ': ' + _value(client_context) + '\r\n'
        answered = self._call('POST', function_arn, '', more, as_payload(payload))[1]
        return answered.get('x-amz-invocationid', '')

    def get_work_result(self, function_arn, invocation_id):
        """Waits for the answer to :meth:`post_work`."""
        status, answered, body = self._call('GET', function_arn, '', _id(invocation_id), None)
        return WorkResult(body, answered.get('x-amz-function-error') or '', status)

    # -- the runtime's side

    def get_work(self, function_arn):
        """Waits for work and returns a :class:`WorkItem`."""
        while True:
            status, answered, body = self._call('GET', function_arn, '/work', '', None)
            if status != 204:  # 204: nothing yet, the core only kept the connection alive
                return _work(answered, body)

    def post_work_result(self, function_arn, work_item):
        """Gives the answer: ``work_item.payload`` to ``work_item.invocation_id``."""
        self.post_answer(function_arn, work_item.invocation_id, as_payload(work_item.payload), False)

    def post_handler_err(self, function_arn, invocation_id, error_response):
        """Tells that the handler raised. ``error_response`` is a text, or the whole error object."""
        self.post_answer(function_arn, invocation_id, error_payload(error_response), True)

    def post_answer(self, function_arn, invocation_id, payload, failed):
        """The answer as bytes, or, when the handler failed, the error object."""
        self._call('POST', function_arn, '/work', _id(invocation_id) + (_FAILED if failed else ''), payload)

    def answer_and_get_work(self, function_arn, invocation_id, payload, failed, between):
        """An answer and the next question for work, sent at once; the core reads them one after the other.

        ``between`` is called with None, or with the IPCException that the answer was refused with, before the wait for
        work begins. Returns a :class:`WorkItem`, or None when there was none yet.
        """
        wire = self._wire()
        more = _id(invocation_id) + (_FAILED if failed else '')
        try:
            wire.send((self._head('POST', function_arn, '/work'), more, payload),
                      (self._head('GET', function_arn, '/work'), '', None))
            between(self._refusal('POST', function_arn, '/work', *wire.receive()))
            status, answered, body = wire.receive()
        except ConnectionLost as e:
            raise self._silence(e)
        self._local.used = _now()
        refusal = self._refusal('GET', function_arn, '/work', status, answered, body)
        if refusal is not None:
            raise refusal
        return None if status == 204 else _work(answered, body)

    def put_initialization_result(self, function_arn, error=None):
        """Tells that the handler is loaded, or why not."""
        if error is None:
            answer = b'{"Success": true, "Response": ""}'
        else:
            import json
            answer = json.dumps({'Success': False, 'Response': error}).encode('utf-8')
        self._call('PUT', function_arn, '/initialized', '', answer)

    # -- HTTP

    def _call(self, method, function_arn, rest, more, body):
        request = (self._head(method, function_arn, rest), more, body)
        while True:
            wire = self._wire()
            fresh = not wire.is_open()
            try:
                wire.send(request)
                status, answered, got = wire.receive()
            except ConnectionLost as e:
                # A stale connection says nothing about the core; a fresh one does.
                if method == 'GET' and not fresh:
                    continue
                raise self._silence(e)
            self._local.used = _now()
            refusal = self._refusal(method, function_arn, rest, status, answered, got)
            if refusal is not None:
                raise refusal
            return status, answered, got

    def _wire(self):
        local = self._local
        wire = getattr(local, 'wire', None)
        if wire is None:
            wire = local.wire = Wire(self._host, self._port)
            local.pid = _getpid()
        elif local.pid != _getpid():
            wire.forget()
            local.pid = _getpid()
        elif wire.is_open() and _now() - local.used > _REUSABLE_FOR_SECONDS:
            wire.close()
        local.used = _now()
        return wire

    def _head(self, method, function_arn, rest):
        key = (method, function_arn, rest)
        head = self._heads.get(key)
        if head is None:
            if len(self._heads) >= 100:  # a caller of very many functions
                self._heads.clear()
            head = self._heads[key] = request_head(method, _path(function_arn, rest), self._token)
        return head

    @staticmethod
    def _refusal(method, function_arn, rest, status, answered, body):
        if 200 <= status < 300:
            return None
        return IPCException('{} {} was refused with status {}: {}'.format(
            method, _path(function_arn, rest), status, as_native(body)), status)

    def _silence(self, e):
        return IPCException('The core does not answer on {}:{}: {}'.format(self._host, self._port, e))


_FAILED = _HEADER_FUNCTION_ERROR + ': ' + FUNCTION_HANDLED_ERROR + '\r\n'


def as_payload(value):
    """The bytes of a payload: text is UTF-8, a file is read."""
    if isinstance(value, bytes):
        return value
    if value is None:
        return b''
    if hasattr(value, 'read'):
        return as_payload(value.read())
    if hasattr(value, 'encode'):
        return value.encode('utf-8')
    return bytes(value)


def error_payload(error_response):
    import json
    if not isinstance(error_response, dict):
        text = error_response if hasattr(error_response, 'format') else str(error_response)
        error_response = {'errorMessage': text}
    return json.dumps(error_response).encode('utf-8')


def _path(function_arn, rest=''):
    return '/2016-11-01/functions/' + as_native(function_arn) + rest


def _id(invocation_id):
    return _HEADER_INVOCATION_ID + ': ' + _value(invocation_id) + '\r\n'


def _value(value):
    value = as_native(value)
    if '\r' in value or '\n' in value:
        raise ValueError('A value of the work protocol has no line breaks: {!r}'.format(value))
    return value


def _work(answered, body):
    deadline = answered.get('lambda-runtime-deadline-ms')
    return WorkItem(answered.get('x-amz-invocationid', ''), body,
                    answered.get('x-amz-client-context') or '', int(deadline) if deadline else None)
