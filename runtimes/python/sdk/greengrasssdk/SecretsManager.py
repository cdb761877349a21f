"""Secrets that the group deployed to this core."""

import datetime
import json

from greengrass_common.env_vars import SECRETS_MANAGER_FUNCTION_ARN
from greengrasssdk import Lambda


class SecretsManagerError(Exception):
    """The secret is not there or not for this function."""


class Client(object):
    def __init__(self):
        self.lambda_client = Lambda.Client()

    def get_secret_value(self, **kwargs):
        """Returns the value of ``SecretId`` (ARN or name), by default of the stage AWSCURRENT."""
        if 'SecretId' not in kwargs:
            raise ValueError('Parameter "SecretId" is a required parameter but was not provided.')
        if kwargs.get('VersionId'):
            raise SecretsManagerError('VersionId is not supported on a core: ask by VersionStage.')
        request = {'SecretId': kwargs['SecretId']}
        if kwargs.get('VersionStage'):
            request['VersionStage'] = kwargs['VersionStage']
        answer = self.lambda_client._invoke_internal(
            SECRETS_MANAGER_FUNCTION_ARN, json.dumps(request).encode('utf-8'), '')
        body = answer['Payload']
        data = body.read() if hasattr(body, 'read') else body
        text = data.decode('utf-8', 'replace') if isinstance(data, bytes) else data
        if answer['FunctionError']:
            raise SecretsManagerError('Request for secret value returned error {}: {}'.format(
                answer['FunctionError'], text))
        try:
            value = json.loads(text)
        except ValueError:
            raise SecretsManagerError('The secrets service answered with something that is not JSON: ' + text)
        if 'Status' in value and 'Message' in value:
            raise SecretsManagerError('Request for secret value returned error code {} with message {}'.format(
                value['Status'], value['Message']))
        if 'CreatedDate' in value:
            value['CreatedDate'] = datetime.datetime.fromtimestamp(value['CreatedDate'] / 1000.0)
        return value
