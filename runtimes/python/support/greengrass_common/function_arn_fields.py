"""Takes a Lambda function ARN apart and puts one together."""

_LETTERS = frozenset('abcdefghijklmnopqrstuvwxyz')
_DIGITS = frozenset('0123456789')
_REGION = _LETTERS | _DIGITS | frozenset('-')
_NAME = _REGION | frozenset('ABCDEFGHIJKLMNOPQRSTUVWXYZ_')


class FunctionArnFields(object):
    """The parts of a function ARN; ``qualifier`` is ``''`` where the ARN names no version and no alias.

    The ARNs of the core's own services (``arn:aws:lambda:::function:GGRouter``) have neither region nor account.
    Taken apart by hand, since importing ``re`` is a good part of a new worker's start.
    """

    def __init__(self, function_arn_string):
        fields = function_arn_string.split(':') if function_arn_string else ()
        if not (len(fields) in (7, 8) and fields[0] == 'arn' and _is_partition(fields[1])
                and fields[2] == 'lambda' and fields[5] == 'function'
                and _REGION.issuperset(fields[3]) and _DIGITS.issuperset(fields[4])
                and fields[6] and _NAME.issuperset(fields[6])
                and (len(fields) == 7 or _is_qualifier(fields[7]))):
            raise ValueError('Cannot parse given string as a function ARN: {}'.format(function_arn_string))
        self.unqualified_arn = ':'.join(fields[:7])
        self.region = fields[3]
        self.account_id = fields[4]
        self.name = fields[6]
        self.qualifier = fields[7] if len(fields) == 8 else ''

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


def _is_partition(text):
    """``aws`` and its relatives (``aws-cn``, ``aws-us-gov``)."""
    words = text.split('-')
    return words[0] == 'aws' and all(w and _LETTERS.issuperset(w) for w in words[1:])


def _is_qualifier(text):
    return text == '$LATEST' or (text != '' and _NAME.issuperset(text))
