"""Messages through the subscription table, and thing shadows."""

import base64
import json

from greengrass_common.env_vars import MY_FUNCTION_ARN, ROUTER_FUNCTION_ARN, SHADOW_FUNCTION_ARN
from greengrasssdk import Lambda

# What the caller writes -> what the core is told.
_QUEUE_FULL_POLICIES = {'': '', 'BestEffort': 'BestEffort', 'AllOrException': 'AllOrError'}


class ShadowError(Exception):
    """The shadow service said no."""


class Client(object):
    def __init__(self):
        self.lambda_client = Lambda.Client()

    def publish(self, **kwargs):
        """Publishes ``payload`` on ``topic``; the group's subscriptions decide who gets it.

        ``queueFullPolicy``: BestEffort (as many targets as possible) or AllOrException (all of them or an exception).
        """
        topic = _required('topic', kwargs)
        payload = kwargs.get('payload', b'')
        policy = kwargs.get('queueFullPolicy', '')
        if policy not in _QUEUE_FULL_POLICIES:
            raise ValueError('"queueFullPolicy" must be BestEffort or AllOrException, not {}.'.format(policy))
        context = {'source': MY_FUNCTION_ARN, 'subject': topic, 'queueFullPolicy': _QUEUE_FULL_POLICIES[policy]}
        self.lambda_client._invoke_internal(ROUTER_FUNCTION_ARN, payload, _client_context(context), 'Event')

    def get_thing_shadow(self, **kwargs):
        return self._shadow('get', _required('thingName', kwargs), b'')

    def update_thing_shadow(self, **kwargs):
        return self._shadow('update', _required('thingName', kwargs), _required('payload', kwargs))

    def delete_thing_shadow(self, **kwargs):
        return self._shadow('delete', _required('thingName', kwargs), b'')

    def _shadow(self, operation, thing, payload):
        topic = '$aws/things/{}/shadow/{}'.format(thing, operation)
        answer = self.lambda_client._invoke_internal(
            SHADOW_FUNCTION_ARN, payload, _client_context({'subject': topic}))
        body = answer['Payload']
        document = body.read() if hasattr(body, 'read') else body
        if answer['FunctionError']:
            raise ShadowError('Request for shadow state returned {} error: {}'.format(
                answer['FunctionError'], _text(document)))
        try:
            state = json.loads(_text(document))
        except ValueError:
            raise ShadowError('The shadow service answered with something that is not JSON: ' + _text(document))
        if isinstance(state, dict) and 'code' in state and 'message' in state:
            raise ShadowError('Request for shadow state returned error code {} with message "{}"'.format(
                state['code'], state['message']))
        return {'payload': document}


def _client_context(custom):
    return base64.b64encode(json.dumps({'custom': custom}).encode('utf-8')).decode('ascii')


def _required(name, kwargs):
    if name not in kwargs:
        raise ValueError('Parameter "{}" is a required parameter but was not provided.'.format(name))
    return kwargs[name]


def _text(data):
    return data.decode('utf-8', 'replace') if isinstance(data, bytes) else data
