"""Takes a Lambda function ARN apart and puts one together."""

import re

_ARN = re.compile(
    r'^(?P<unqualified>arn:aws(?:-[a-z]+)*:lambda:'
    r'(?P<region>[a-z0-9-]*):(?P<account>\d*):function:(?P<name>[a-zA-Z0-9-_]+))'
    r'(?::(?P<qualifier>\$LATEST|[a-zA-Z0-9-_]+))?$')


class FunctionArnFields(object):
    """The parts of a function ARN; ``qualifier`` is ``''`` where the ARN names no version and no alias.

    The ARNs of the core's own services (``arn:aws:lambda:::function:GGRouter``) have neither region nor account.
    """

    def __init__(self, function_arn_string):
        match = _ARN.match(function_arn_string) if function_arn_string else None
        if match is None:
            raise ValueError('Cannot parse given string as a function ARN: {}'.format(function_arn_string))
        self.unqualified_arn = match.group('unqualified')
        self.region = match.group('region')
        self.account_id = match.group('account')
        self.name = match.group('name')
        self.qualifier = match.group('qualifier') or ''

    @staticmethod
    def build_function_arn(unqualified_arn, qualifier):
        """The ARN with its qualifier, or as it is when there is none."""
        return '{}:{}'.format(unqualified_arn, qualifier) if qualifier else unqualified_arn

    @staticmethod
    def build_arn_string(region, account_id, name, qualifier):
        """Older form of :meth:`build_function_arn`, kept for SDKs of its time."""
        unqualified = 'arn:aws:lambda:{}:{}:function:{}'.format(region, account_id, name)
        return FunctionArnFields.build_function_arn(unqualified, qualifier)

    def to_arn_string(self):
        return FunctionArnFields.build_function_arn(self.unqualified_arn, self.qualifier)

    def __str__(self):
        return self.to_arn_string()
