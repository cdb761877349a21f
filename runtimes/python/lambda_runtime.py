"""Bootstrap of a Python worker of the core.

    python3 -u lambda_runtime.py --handler module.function

Loads the handler, tells the core that it is initialised, then asks for work, calls the handler and gives the answer, until
SIGTERM. What the handler raises becomes a 'Handled' error for the caller; when this process dies, the core answers 'Unhandled'.
Code at the top of the handler's module runs first and may take as long as it likes (long-lived functions loop there).
"""

import argparse
import atexit
import base64
import importlib
import json
import logging
import os
import random
import signal
import sys
import time
import traceback

_HERE = os.path.dirname(os.path.abspath(__file__))

# How often, and how long in all, a worker asks a core that does not answer before it gives up.
_CORE_GONE_ATTEMPTS = 4


def order_path(path, task_root):
    """Our support modules, the function's code, what was there, our SDK: see README.md for why in this order."""
    own = (_HERE, os.path.join(_HERE, 'support'), os.path.join(_HERE, 'sdk'), task_root, '')
    return ([os.path.join(_HERE, 'support'), task_root]
            + [p for p in path if p not in own]
            + [os.path.join(_HERE, 'sdk')])


class ClientContext(object):
    """``context.client_context``: who called. ``custom['subject']`` is the topic of a routed message."""

    def __init__(self, fields):
        self.client = fields.get('client')
        self.env = fields.get('env')
        self.custom = fields.get('custom')


class Context(object):
    """The second argument of a handler."""

    def __init__(self, arn, invocation_id, client_context, deadline_ms):
        self.function_name = arn.name
        self.function_version = arn.qualifier
        self.invoked_function_arn = arn.to_arn_string()
        self.aws_request_id = invocation_id
        self.client_context = client_context
        self._deadline_ms = deadline_ms

    def get_remaining_time_in_millis(self):
        if self._deadline_ms is None:
            return 0
        return max(0, self._deadline_ms - int(time.time() * 1000))

    def log(self, message):
        sys.stdout.write(str(message) + '\n')


class BadInput(Exception):
    """The payload is not what the encoding type promises."""


def decode_event(payload, encoding):
    if encoding == 'binary':
        return payload
    if not payload:
        return {}
    try:
        return json.loads(payload.decode('utf-8'))
    except ValueError as e:
        raise BadInput('The payload is not JSON ({}). A function that takes other payloads needs '
                       'the input payload encoding type "binary".'.format(e))


def encode_result(result, encoding):
    if encoding != 'binary':
        return json.dumps(result).encode('utf-8')
    if result is None:
        return b''
    if isinstance(result, str):
        return result.encode('utf-8')
    if isinstance(result, (bytes, bytearray, memoryview)):
        return bytes(result)
    raise TypeError('a function with encoding type "binary" returns bytes, not {}'.format(type(result).__name__))


def decode_client_context(text):
    fields = {}
    if text:
        try:
            fields = json.loads(base64.b64decode(text).decode('utf-8'))
        except ValueError:
            logging.getLogger(__name__).warning('The client context of this call is not base64 of JSON; it is left out.')
    return ClientContext(fields if isinstance(fields, dict) else {})


def error_object(error, kind=None):
    trace = error.__traceback__
    if trace is not None and trace.tb_next is not None:
        trace = trace.tb_next  # without the frame of this file
    return {
        'errorMessage': str(error),
        'errorType': kind or type(error).__name__,
        'stackTrace': traceback.format_tb(trace),
    }


def load_handler(name):
    """``module.function``; the module may lie in a folder or package (``app/main.handler``)."""
    module_name, dot, function_name = name.replace('/', '.').rpartition('.')
    if not dot or not module_name or not function_name:
        raise ImportError('The handler "{}" is not of the form module.function'.format(name))
    module = importlib.import_module(module_name)
    handler = getattr(module, function_name, None)
    if handler is None:
        raise ImportError('The module {} has no function {}'.format(module_name, function_name))
    if not callable(handler):
        raise ImportError('{}.{} is not a function'.format(module_name, function_name))
    return handler


class Stop(object):
    """SIGTERM: at once while waiting or loading, after the answer while the handler works."""

    def __init__(self):
        self.busy = False
        self.asked = False

    def on_signal(self, signum, frame):
        self.asked = True
        if not self.busy:
            raise SystemExit(0)


class Worker(object):
    def __init__(self, ipc, arn, handler, encoding, stop):
        self.ipc = ipc
        self.arn = arn
        self.function_arn = arn.to_arn_string()
        self.handler = handler
        self.encoding = encoding
        self.stop = stop
        self.log = logging.getLogger(__name__)

    def run(self):
        while not self.stop.asked:
            work = self._patiently(lambda: self.ipc.get_work(self.function_arn))
            self.stop.busy = True
            try:
                self._handle(work)
            finally:
                self.stop.busy = False

    def _handle(self, work):
        from greengrass_ipc_python_sdk.ipc_client import WorkItem
        try:
            event = decode_event(work.payload, self.encoding)
            context = Context(self.arn, work.invocation_id, decode_client_context(work.client_context), work.deadline_ms)
            result = self.handler(event, context)
        except BadInput as e:
            self.log.error('%s', e)
            self._post_error(work, error_object(e, 'Runtime.UnmarshalError'))
            return
        except Exception as e:
            self.log.exception('The handler raised %s: %s', type(e).__name__, e)
            self._post_error(work, error_object(e))
            return
        try:
            answer = encode_result(result, self.encoding)
        except (TypeError, ValueError, OverflowError) as e:
            self.log.error('What the handler returned cannot be sent: %s', e)
            self._post_error(work, error_object(e, 'Runtime.MarshalError'))
            return
        self._answer(lambda: self.ipc.post_work_result(self.function_arn, WorkItem(work.invocation_id, answer)))

    def _post_error(self, work, error):
        self._answer(lambda: self.ipc.post_handler_err(self.function_arn, work.invocation_id, error))

    def _answer(self, call):
        from greengrass_ipc_python_sdk.ipc_client import IPCException
        try:
            self._patiently(call)
        except IPCException as e:
            if e.status in (401, 403) or e.status is None:
                raise
            # The core no longer waits for this answer (its caller timed out): go on with the next work.
            self.log.warning('The core did not take the answer: %s', e)

    def _patiently(self, call):
        """Asks again for a short while when nobody answers; a core that says no is believed at once."""
        from greengrass_ipc_python_sdk.ipc_client import IPCException
        for attempt in range(1, _CORE_GONE_ATTEMPTS + 1):
            try:
                return call()
            except IPCException as e:
                if e.status is not None or attempt == _CORE_GONE_ATTEMPTS or self.stop.asked:
                    raise
                time.sleep(random.uniform(0.1, 0.2) * 2 ** attempt)


def configure_logging():
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter('[%(levelname)s]-%(filename)s:%(lineno)d,%(message)s'))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)


def leave(code):
    """Ends the process though the function may have left threads and timers running."""
    try:
        atexit._run_exitfuncs()
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def main(argv):
    parser = argparse.ArgumentParser(prog='lambda_runtime.py')
    parser.add_argument('--handler', required=True, metavar='MODULE.FUNCTION')
    arguments, rest = parser.parse_known_args(argv[1:])

    task_root = os.environ.get('LAMBDA_TASK_ROOT') or os.getcwd()
    sys.path[:] = order_path(sys.path, task_root)
    sys.argv = [os.path.join(task_root, arguments.handler)] + rest

    from greengrass_common.env_vars import ENCODING_TYPE, MY_FUNCTION_ARN
    from greengrass_common.function_arn_fields import FunctionArnFields
    from greengrass_ipc_python_sdk.ipc_client import IPCClient, IPCException

    configure_logging()
    log = logging.getLogger(__name__)
    ipc = IPCClient()
    arn = FunctionArnFields(MY_FUNCTION_ARN)
    stop = Stop()
    signal.signal(signal.SIGTERM, stop.on_signal)
    try:
        try:
            handler = load_handler(arguments.handler)
        except Exception as e:
            log.exception('The handler %s cannot be loaded: %s', arguments.handler, e)
            ipc.put_initialization_result(MY_FUNCTION_ARN, '{}: {}'.format(type(e).__name__, e))
            leave(1)
        ipc.put_initialization_result(MY_FUNCTION_ARN)
        Worker(ipc, arn, handler, ENCODING_TYPE, stop).run()
    except IPCException as e:
        log.error('This worker ends, the core has no use for it any more: %s', e)
        leave(1)
    except SystemExit as e:
        leave(e.code if isinstance(e.code, int) else 0 if e.code is None else 1)
    except BaseException:
        log.critical('This worker ends by an error', exc_info=True)
        leave(1)
    leave(0)


if __name__ == '__main__':
    main(sys.argv)
