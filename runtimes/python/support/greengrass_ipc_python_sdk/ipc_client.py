"""Client of the core's daemon port: the work protocol that functions and their runtime speak.

One keep-alive connection per thread. A connection that stood idle for some seconds is not used again for a POST:
the core may just be closing it, and a POST that is sent twice would be a message delivered twice.
"""

import collections
import http.client
import json
import threading
import time

from greengrass_common.env_vars import AUTH_TOKEN, GG_DAEMON_PORT

_HEADER_INVOCATION_ID = 'X-Amz-InvocationId'
_HEADER_CLIENT_CONTEXT = 'X-Amz-Client-Context'
_HEADER_INVOCATION_TYPE = 'X-Amz-Invocation-Type'
_HEADER_FUNCTION_ERROR = 'X-Amz-Function-Error'
_HEADER_AUTH_TOKEN = 'Authorization'
_HEADER_DEADLINE = 'Lambda-Runtime-Deadline-Ms'

# The core closes a connection that is idle for longer than this; see the class comment.
_REUSABLE_FOR_SECONDS = 10.0

FUNCTION_HANDLED_ERROR = 'Handled'


class IPCException(Exception):
    """The core could not be asked, or said no. ``status`` is its HTTP status, or None where nobody answered."""

    def __init__(self, message, status=None):
        Exception.__init__(self, message)
        self.status = status


class WorkItem(collections.namedtuple('WorkItem', 'invocation_id payload client_context deadline_ms')):
    """One piece of work for this function; ``client_context`` is the base64 text of the caller, or ''."""

    def __new__(cls, invocation_id, payload, client_context='', deadline_ms=None):
        return super(WorkItem, cls).__new__(cls, invocation_id, payload, client_context, deadline_ms)


class WorkResult(object):
    """What a function answered: bytes, and '' or the kind of error ('Handled', 'Unhandled')."""

    def __init__(self, payload, func_err, status_code=200):
        self.payload = payload
        self.func_err = func_err
        self.status_code = status_code


# The names by which early packages know these two.
GetWorkResultOutput = WorkResult


class IPCClient(object):
    def __init__(self, endpoint='localhost', port=None, auth_token=None):
        """``port`` is accepted and not used: the core tells its port by GG_DAEMON_PORT."""
        # 'localhost' may resolve to ::1 first; the core listens on 127.0.0.1 only.
        self._host = '127.0.0.1' if endpoint == 'localhost' else endpoint
        self._port = int(GG_DAEMON_PORT)
        self._token = auth_token if auth_token is not None else AUTH_TOKEN
        self._local = threading.local()

    # -- the caller's side

    def post_work(self, function_arn, payload, client_context, invocation_type='RequestResponse'):
        """Hands work to a function and returns the id of the invocation."""
        headers = {_HEADER_INVOCATION_TYPE: invocation_type}
        if client_context:
            headers[_HEADER_CLIENT_CONTEXT] = _as_text(client_context)
        _, answered, _ = self._call('POST', _path(function_arn), payload, headers)
        return answered.get(_HEADER_INVOCATION_ID, '')

    def get_work_result(self, function_arn, invocation_id):
        """Waits for the answer to :meth:`post_work`."""
        status, answered, body = self._call('GET', _path(function_arn), None, {_HEADER_INVOCATION_ID: invocation_id})
        return WorkResult(body, answered.get(_HEADER_FUNCTION_ERROR) or '', status)

    # -- the runtime's side

    def get_work(self, function_arn):
        """Waits for work and returns a :class:`WorkItem`."""
        while True:
            status, answered, body = self._call('GET', _path(function_arn, '/work'), None, {})
            if status == 204:  # nothing yet, the core only kept the connection alive
                continue
            deadline = answered.get(_HEADER_DEADLINE)
            return WorkItem(answered.get(_HEADER_INVOCATION_ID, ''), body,
                            answered.get(_HEADER_CLIENT_CONTEXT) or '', int(deadline) if deadline else None)

    def post_work_result(self, function_arn, work_item):
        """Gives the answer: ``work_item.payload`` to ``work_item.invocation_id``."""
        self._call('POST', _path(function_arn, '/work'), work_item.payload,
                   {_HEADER_INVOCATION_ID: work_item.invocation_id})

    def post_handler_err(self, function_arn, invocation_id, error_response):
        """Tells that the handler raised. ``error_response`` is a text, or the whole error object."""
        if not isinstance(error_response, dict):
            error_response = {'errorMessage': str(error_response)}
        self._call('POST', _path(function_arn, '/work'), json.dumps(error_response),
                   {_HEADER_INVOCATION_ID: invocation_id, _HEADER_FUNCTION_ERROR: FUNCTION_HANDLED_ERROR})

    def put_initialization_result(self, function_arn, error=None):
        """Tells that the handler is loaded, or why not."""
        answer = {'Success': error is None, 'Response': '' if error is None else str(error)}
        self._call('PUT', _path(function_arn, '/initialized'), json.dumps(answer), {})

    # -- HTTP

    def _call(self, method, path, body, headers):
        headers = dict(headers)
        if self._token:
            headers[_HEADER_AUTH_TOKEN] = self._token
        data = _as_bytes(body)
        retriable = method == 'GET'
        while True:
            connection, fresh = self._connection()
            try:
                connection.request(method, path, body=data if method != 'GET' else None, headers=headers)
                response = connection.getresponse()
                answer = response.read()
            except (OSError, http.client.HTTPException) as e:
                self._close()
                # A stale connection says nothing about the core; a fresh one does.
                if retriable and not fresh:
                    continue
                raise IPCException('The core does not answer on {}:{}: {} ({})'.format(
                    self._host, self._port, e, type(e).__name__))
            except BaseException:
                self._close()
                raise
            self._local.used = time.monotonic()
            if 200 <= response.status < 300:
                return response.status, response.headers, answer
            raise IPCException('{} {} was refused with status {}: {}'.format(
                method, path, response.status, answer.decode('utf-8', 'replace')), response.status)

    def _connection(self):
        connection = getattr(self._local, 'connection', None)
        if connection is not None:
            if time.monotonic() - self._local.used < _REUSABLE_FOR_SECONDS:
                return connection, False
            self._close()
        connection = http.client.HTTPConnection(self._host, self._port)
        self._local.connection = connection
        self._local.used = time.monotonic()
        return connection, True

    def _close(self):
        connection = getattr(self._local, 'connection', None)
        self._local.connection = None
        if connection is not None:
            connection.close()


def _path(function_arn, rest=''):
    return '/2016-11-01/functions/' + function_arn + rest


def _as_text(value):
    return value.decode('ascii') if isinstance(value, (bytes, bytearray)) else value


def _as_bytes(value):
    if value is None:
        return b''
    if isinstance(value, str):
        return value.encode('utf-8')
    if hasattr(value, 'read'):
        return _as_bytes(value.read())
    return bytes(value)
