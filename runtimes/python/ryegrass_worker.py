"""A Python worker of the core, on Python 2.7 and 3.6 to 3.13.

Loads the handler, tells the core that it is initialised, then asks for work, calls the handler and gives the answer, until
SIGTERM. What the handler raises becomes a 'Handled' error for the caller; when this process dies, the core answers 'Unhandled'.
Code at the top of the handler's module runs first and may take as long as it likes (long-lived functions loop there).

What this module imports every function pays for at each start, and so it is next to nothing: ``logging``, ``traceback`` and
``json`` come when they are needed. The root logger is set up when something first imports ``logging``.
"""

import atexit
import os
import sys
import time

try:
    import _signal as signal  # what the module signal wraps in an enum
except ImportError:
    import signal

_HERE = os.path.dirname(os.path.abspath(__file__))

# How often, and how long in all, a worker asks a core that does not answer before it gives up.
_CORE_GONE_ATTEMPTS = 4

_TEXT = type(u'')
_BYTES_LIKE = (bytes, bytearray, memoryview)


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

    def __init__(self, arn, function_arn, work):
        self.function_name = arn.name
        self.function_version = arn.qualifier
        self.invoked_function_arn = function_arn
        self.aws_request_id = work[0]
        self._client_context_text = work[2]
        self._deadline_ms = work.deadline_ms

    def __getattr__(self, name):
        if name != 'client_context':  # taken apart only for a handler that looks at it
            raise AttributeError(name)
        self.client_context = decode_client_context(self._client_context_text)
        return self.client_context

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
    import json
    try:
        return json.loads(payload.decode('utf-8'))
    except ValueError as e:
        raise BadInput('The payload is not JSON ({}). A function that takes other payloads needs '
                       'the input payload encoding type "binary".'.format(e))


def encode_result(result, encoding):
    if encoding != 'binary':
        if result is None:
            return b'null'
        import json
        return json.dumps(result).encode('utf-8')
    if result is None:
        return b''
    if isinstance(result, bytes):
        return result
    if isinstance(result, _TEXT):
        return result.encode('utf-8')
    if isinstance(result, _BYTES_LIKE):
        return result.tobytes() if isinstance(result, memoryview) else bytes(result)
    raise TypeError('a function with encoding type "binary" returns bytes, not {}'.format(type(result).__name__))


def decode_client_context(text):
    fields = {}
    if text:
        import binascii
        import json
        try:
            fields = json.loads(binascii.a2b_base64(text).decode('utf-8'))
        except ValueError:
            log('warning', 'The client context of this call is not base64 of JSON; it is left out.')
    return ClientContext(fields if isinstance(fields, dict) else {})


def text_of(error):
    for kind in (str, _TEXT, repr):  # Python 2 may have text beyond ASCII; some errors cannot tell themselves
        try:
            text = kind(error)
        except Exception:
            continue
        return text if isinstance(text, _TEXT) else text.decode('utf-8', 'replace')
    return type(error).__name__


def error_object(error, kind=None):
    """AWS Lambda's three fields. The trace is without the frames of this file."""
    import traceback
    trace = sys.exc_info()[2]
    while trace is not None and trace.tb_frame.f_code.co_filename == _THIS_FILE and trace.tb_next is not None:
        trace = trace.tb_next
    return {
        'errorMessage': text_of(error),
        'errorType': kind or type(error).__name__,
        'stackTrace': traceback.format_tb(trace),
    }


_THIS_FILE = text_of.__code__.co_filename


def load_handler(name):
    """``module.function``; the module may lie in a folder or package (``app/main.handler``)."""
    module_name, dot, function_name = name.replace('/', '.').rpartition('.')
    if not dot or not module_name or not function_name:
        raise ImportError('The handler "{}" is not of the form module.function'.format(name))
    __import__(module_name)
    module = sys.modules[module_name]
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
        self._pid = os.getpid()

    def on_signal(self, signum, frame):
        if os.getpid() != self._pid:
            # A child that the function forked: it has no answer to give, and ends as any other process.
            signal.signal(signum, signal.SIG_DFL)
            os.kill(os.getpid(), signum)
            return
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

    def run(self):
        work = None
        while not self.stop.asked:
            if work is None:
                work = self._patiently(self._get_work)
            self.stop.busy = True
            answer, failed = self._handle(work)
            work = self._answer(work[0], answer, failed)
            self.stop.busy = False

    def _get_work(self):
        return self.ipc.get_work(self.function_arn)

    def _handle(self, work):
        """The answer, and whether it is an error."""
        try:
            event = decode_event(work[1], self.encoding)
            result = self.handler(event, Context(self.arn, self.function_arn, work))
        except BadInput as e:
            log('error', '%s', e)
            return self._error(e, 'Runtime.UnmarshalError')
        except Exception as e:
            log('exception', 'The handler raised %s: %s', type(e).__name__, text_of(e))
            return self._error(e)
        try:
            return encode_result(result, self.encoding), False
        except (TypeError, ValueError, OverflowError, RuntimeError) as e:  # RuntimeError: nested too deeply
            log('error', 'What the handler returned cannot be sent: %s', e)
            return self._error(e, 'Runtime.MarshalError')

    @staticmethod
    def _error(error, kind=None):
        from greengrass_ipc_python_sdk.ipc_client import error_payload
        return error_payload(error_object(error, kind)), True

    def _answer(self, invocation_id, answer, failed):
        """Gives the answer and asks for more; returns work, or None when it is to be asked for again."""
        from greengrass_ipc_python_sdk.ipc_client import IPCException
        if self.stop.asked:
            self._answer_only(invocation_id, answer, failed)
            return None
        told = []

        def between(refusal):
            told.append(True)
            self.stop.busy = False
            if refusal is not None:
                self._refused(refusal)
            if self.stop.asked:
                raise SystemExit(0)

        try:
            return self.ipc.answer_and_get_work(self.function_arn, invocation_id, answer, failed, between)
        except IPCException as e:
            if e.status is not None:
                raise
            if not told:
                self._answer_only(invocation_id, answer, failed)
            return None

    def _answer_only(self, invocation_id, answer, failed):
        from greengrass_ipc_python_sdk.ipc_client import IPCException
        try:
            self._patiently(lambda: self.ipc.post_answer(self.function_arn, invocation_id, answer, failed))
        except IPCException as e:
            self._refused(e)

    @staticmethod
    def _refused(e):
        if e.status in (401, 403) or e.status is None:
            raise e
        # The core no longer waits for this answer (its caller timed out): go on with the next work.
        log('warning', 'The core did not take the answer: %s', e)

    def _patiently(self, call):
        """Asks again for a short while when nobody answers; a core that says no is believed at once."""
        from greengrass_ipc_python_sdk.ipc_client import IPCException
        for attempt in range(1, _CORE_GONE_ATTEMPTS + 1):
            try:
                return call()
            except IPCException as e:
                if e.status is not None or attempt == _CORE_GONE_ATTEMPTS or self.stop.asked:
                    raise
                import random
                time.sleep(random.uniform(0.1, 0.2) * 2 ** attempt)


def log(kind, text, *arguments, **more):
    """A line of the runtime; ``kind`` is a method of a logger."""
    import logging
    getattr(logging.getLogger(__name__), kind)(text, *arguments, **more)


def configure_logging(logging):
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter('[%(levelname)s]-%(filename)s:%(lineno)d,%(message)s'))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)


class LoggingOnDemand(object):
    """Waits on ``sys.meta_path`` for the first import of ``logging`` and sets the root logger up behind it."""

    def find_spec(self, name, path=None, target=None):
        if name != 'logging':
            return None
        sys.meta_path.remove(self)
        for finder in sys.meta_path:
            spec = finder.find_spec(name, path, target)
            if spec is not None and spec.loader is not None:
                self._configure_after(spec.loader)
                return spec
        return None

    @staticmethod
    def _configure_after(loader):
        execute = loader.exec_module

        def execute_and_configure(module):
            execute(module)
            if hasattr(module, 'StreamHandler'):  # a function may bring a module of that name
                configure_logging(module)

        loader.exec_module = execute_and_configure


def prepare_logging():
    if sys.version_info[0] > 2 and 'logging' not in sys.modules:
        sys.meta_path.insert(0, LoggingOnDemand())
    else:
        import logging
        configure_logging(logging)


def keep_compiled_code_apart(task_root):
    """Compiled code of the function goes where the core says, never into its folder, which nobody changes.

    PYTHONPYCACHEPREFIX would do the same, and have each function compile Python's own library anew as well.
    """
    folder = os.environ.get('RYEGRASS_PYTHON_CACHE')
    if sys.version_info < (3, 8):
        sys.dont_write_bytecode = True
        return
    import importlib.machinery as machinery

    class FunctionsOwn(machinery.SourceFileLoader):
        def get_code(self, fullname):
            before = sys.pycache_prefix, sys.dont_write_bytecode
            sys.pycache_prefix = folder or before[0]
            sys.dont_write_bytecode = before[1] or not folder
            try:
                return machinery.SourceFileLoader.get_code(self, fullname)
            finally:
                sys.pycache_prefix, sys.dont_write_bytecode = before

    kinds = ((machinery.ExtensionFileLoader, machinery.EXTENSION_SUFFIXES),
             (FunctionsOwn, machinery.SOURCE_SUFFIXES),
             (machinery.SourcelessFileLoader, machinery.BYTECODE_SUFFIXES))

    def hook(path):
        if path != task_root and not path.startswith(task_root + os.sep):
            raise ImportError('not a folder of the function', path=path)
        if not os.path.isdir(path):
            raise ImportError('only folders are searched', path=path)
        return machinery.FileFinder(path, *kinds)

    sys.path_hooks.insert(0, hook)
    sys.path_importer_cache.pop(task_root, None)


def leave(code):
    """Ends the process though the function may have left threads and timers running."""
    try:
        atexit._run_exitfuncs()
        if 'logging' in sys.modules:
            sys.modules['logging'].shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def exit_code(e):
    return e.code if isinstance(e.code, int) else 0 if e.code is None else 1


def handler_and_rest(arguments):
    """``--handler NAME`` and what else stands on the command line, which is the function's."""
    rest = list(arguments)
    for i, argument in enumerate(rest):
        if argument == '--handler' and i + 1 < len(rest):
            return rest[i + 1], rest[:i] + rest[i + 2:]
        if argument.startswith('--handler='):
            return argument[len('--handler='):], rest[:i] + rest[i + 1:]
    sys.stderr.write('usage: lambda_runtime.py --handler MODULE.FUNCTION [arguments of the function]\n')
    sys.exit(2)


def main(argv):
    name, rest = handler_and_rest(argv[1:])
    task_root = os.environ.get('LAMBDA_TASK_ROOT') or os.getcwd()
    sys.path[:] = order_path(sys.path, task_root)
    sys.argv = [os.path.join(task_root, name)] + rest

    from greengrass_common.env_vars import ENCODING_TYPE, MY_FUNCTION_ARN
    from greengrass_common.function_arn_fields import FunctionArnFields
    from greengrass_ipc_python_sdk.ipc_client import IPCClient, IPCException

    keep_compiled_code_apart(task_root)
    prepare_logging()
    ipc = IPCClient()
    arn = FunctionArnFields(MY_FUNCTION_ARN)
    stop = Stop()
    signal.signal(signal.SIGTERM, stop.on_signal)
    try:
        try:
            handler = load_handler(name)
        except Exception as e:
            log('exception', 'The handler %s cannot be loaded: %s', name, text_of(e))
            ipc.put_initialization_result(MY_FUNCTION_ARN, u'{}: {}'.format(type(e).__name__, text_of(e)))
            leave(1)
        except SystemExit as e:
            if not stop.asked:
                log('error', 'The module of the handler %s ended the process itself, with %r', name, e.code)
            raise
        ipc.put_initialization_result(MY_FUNCTION_ARN)
        Worker(ipc, arn, handler, ENCODING_TYPE, stop).run()
    except IPCException as e:
        log('error', 'This worker ends, the core has no use for it any more: %s', e)
        leave(1)
    except SystemExit as e:
        leave(exit_code(e))
    except BaseException:
        log('critical', 'This worker ends by an error', exc_info=True)
        leave(1)
    leave(0)
