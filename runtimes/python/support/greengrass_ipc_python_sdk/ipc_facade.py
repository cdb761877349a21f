"""Calls to services of the group by address, the form that the machine-learning SDK uses.

An address is the ARN of the function that serves: ``arn:aws:lambda:<region>:aws:function:GG-ML-INF-<algorithm>-<name>`` for
inference, ``...:function:MLFeedback`` for feedback. Those functions belong to connectors; where none is deployed under that
address, the call raises GreengrassRuntimeException, which the SDK hands on as its GreengrassDependencyException.
"""

from greengrass_ipc_python_sdk.ipc_client import IPCClient, IPCException, as_payload
from greengrass_ipc_python_sdk.wire import as_native


class GreengrassRuntimeException(Exception):
    """The service was not reached."""


class GreengrassServiceMessage(object):
    """``context`` is a client context in base64; ``payload`` the body."""

    def __init__(self, context, payload):
        self.context = context
        self.payload = payload


class GreengrassServiceCallOutput(object):
    """``response`` is a GreengrassServiceMessage, or None where ``error_response`` tells what the service failed with."""

    def __init__(self, response, error_response):
        self.response = response
        self.error_response = error_response


class GreengrassServiceClient(object):
    def __init__(self):
        self._ipc = IPCClient()

    def call(self, address, message):
        try:
            context = as_native(message.context) if message.context else ''
            invocation_id = self._ipc.post_work(address, as_payload(message.payload), context)
            result = self._ipc.get_work_result(address, invocation_id)
        except IPCException as e:
            if e.status == 404:
                raise GreengrassRuntimeException(
                    'No service answers at {}: no connector that serves this name is deployed on this core. {}'.format(
                        as_native(address), e))
            raise GreengrassRuntimeException('The service at {} was not reached: {}'.format(as_native(address), e))
        if result.func_err:
            return GreengrassServiceCallOutput(None, _text(result.payload) or result.func_err)
        return GreengrassServiceCallOutput(GreengrassServiceMessage('', result.payload), None)


def _text(payload):
    return payload if str is bytes else payload.decode('utf-8', 'replace')
