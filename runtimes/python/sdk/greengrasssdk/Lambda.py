"""Calls another function of the same core."""

import io

from greengrass_common.env_vars import MY_FUNCTION_ARN
from greengrass_common.function_arn_fields import FunctionArnFields
from greengrass_ipc_python_sdk.ipc_client import IPCClient, IPCException

_INVOCATION_TYPES = ('RequestResponse', 'Event')


_BASE64 = frozenset(b'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/')


def _is_base64(value):
    digits = value.rstrip(b'=')
    return len(value) % 4 == 0 and len(value) - len(digits) <= 2 and _BASE64.issuperset(digits)


class InvocationException(Exception):
    """The core did not take the call, or lost it."""


class StreamingBody(object):
    """The answer of a function, read like a file."""

    def __init__(self, payload):
        self._stream = io.BytesIO(payload)
        self._amount_read = 0

    def read(self, amt=None):
        chunk = self._stream.read(amt)
        self._amount_read += len(chunk)
        return chunk

    def close(self):
        self._stream.close()


class Client(object):
    def __init__(self, endpoint='localhost', port=None):
        self.ipc = IPCClient(endpoint=endpoint)

    def invoke(self, **kwargs):
        """Invokes ``FunctionName`` (an ARN, with version or alias or with ``Qualifier`` beside it).

        ``InvocationType`` is RequestResponse (waits, the default) or Event; ``Payload`` bytes; ``ClientContext`` base64 bytes.
        Returns ``{'Payload': StreamingBody | bytes, 'FunctionError': '' | 'Handled' | 'Unhandled'}``.
        """
        if 'FunctionName' not in kwargs:
            raise ValueError('"FunctionName" is a required argument of Lambda.Client.invoke and was not given.')
        fields = FunctionArnFields(kwargs['FunctionName'])
        qualifier = kwargs.get('Qualifier', '')
        if qualifier and fields.qualifier and qualifier != fields.qualifier:
            raise ValueError('The Qualifier {} differs from the one in the function ARN, {}.'.format(
                qualifier, fields.qualifier))
        arn = FunctionArnFields.build_function_arn(fields.unqualified_arn, fields.qualifier or qualifier)

        client_context = kwargs.get('ClientContext', b'')
        if not hasattr(client_context, 'decode'):
            raise ValueError('"ClientContext" must be bytes.')
        if not _is_base64(client_context):
            raise ValueError('"ClientContext" of Lambda.Client.invoke must be base64 encoded.')

        invocation_type = kwargs.get('InvocationType', 'RequestResponse')
        if invocation_type not in _INVOCATION_TYPES:
            raise ValueError('"InvocationType" must be one of {}, not {}.'.format(
                ', '.join(_INVOCATION_TYPES), invocation_type))
        return self._invoke_internal(arn, kwargs.get('Payload', b''), client_context.decode('ascii'), invocation_type)

    def _invoke_internal(self, function_arn, payload, client_context, invocation_type='RequestResponse'):
        if not MY_FUNCTION_ARN:
            # Not on a core (a unit test of the function): nothing is sent and nothing comes back.
            return {'Payload': StreamingBody(b'{}'), 'FunctionError': ''}
        try:
            invocation_id = self.ipc.post_work(function_arn, payload, client_context, invocation_type)
            if invocation_type == 'Event':
                return {'Payload': b'', 'FunctionError': ''}
            result = self.ipc.get_work_result(function_arn, invocation_id)
        except IPCException as e:
            raise InvocationException('Failed to invoke function due to ' + str(e))
        return {'Payload': result.payload if result.func_err else StreamingBody(result.payload),
                'FunctionError': result.func_err}
