"""The Core SDK of ours, with the core's answers put in by hand."""

import base64
import json
import os
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(ROOT, 'support'), os.path.join(ROOT, 'sdk')]
os.environ['MY_FUNCTION_ARN'] = 'arn:aws:lambda:us-east-1:000000000000:function:me:1'
os.environ['ROUTER_FUNCTION_ARN'] = 'arn:aws:lambda:::function:GGRouter'
os.environ['SHADOW_FUNCTION_ARN'] = 'arn:aws:lambda:::function:GGShadowService'
os.environ['SECRETS_MANAGER_FUNCTION_ARN'] = 'arn:aws:lambda:::function:GGSecretManager:1'

if not hasattr(unittest.TestCase, 'assertRaisesRegex'):  # Python 2
    unittest.TestCase.assertRaisesRegex = unittest.TestCase.assertRaisesRegexp

import greengrasssdk  # noqa: E402
from greengrass_common.function_arn_fields import FunctionArnFields  # noqa: E402
from greengrass_ipc_python_sdk.ipc_client import IPCException, WorkResult  # noqa: E402
from greengrasssdk.IoTDataPlane import ShadowError  # noqa: E402
from greengrasssdk.Lambda import InvocationException  # noqa: E402
from greengrasssdk.SecretsManager import SecretsManagerError  # noqa: E402

OTHER = 'arn:aws:lambda:us-east-1:000000000000:function:other'


class Ipc(object):
    """Notes the work that is posted and gives the prepared answer."""

    def __init__(self, payload=b'', func_err='', error=None):
        self.answer = WorkResult(payload, func_err)
        self.error = error
        self.posted = []

    def post_work(self, *work):
        if self.error:
            raise self.error
        self.posted.append(work)
        return 'id'

    def get_work_result(self, arn, invocation_id):
        return self.answer


def client(kind, ipc):
    made = greengrasssdk.client(kind)
    if kind == 'lambda':
        made.ipc = ipc
    else:
        made.lambda_client.ipc = ipc
    return made


class LambdaClientTest(unittest.TestCase):
    def test_qualifier_of_arn_and_argument_must_agree(self):
        ipc = Ipc(b'1')
        client('lambda', ipc).invoke(FunctionName=OTHER + ':2', Qualifier='2')
        self.assertEqual(OTHER + ':2', ipc.posted[0][0])
        with self.assertRaises(ValueError):
            client('lambda', ipc).invoke(FunctionName=OTHER + ':2', Qualifier='3')

    def test_wrong_arguments_are_value_errors(self):
        made = client('lambda', Ipc())
        for arguments in ({}, {'FunctionName': 'short-name'}, {'FunctionName': OTHER, 'ClientContext': b'***'},
                          {'FunctionName': OTHER, 'ClientContext': u'te*t'},
                          {'FunctionName': OTHER, 'InvocationType': 'DryRun'}):
            with self.assertRaises(ValueError):
                made.invoke(**arguments)

    def test_an_event_returns_no_payload_and_does_not_wait(self):
        ipc = Ipc(b'never asked for')
        answer = client('lambda', ipc).invoke(FunctionName=OTHER, InvocationType='Event')
        self.assertEqual({'Payload': b'', 'FunctionError': ''}, answer)

    def test_a_function_error_comes_with_its_payload(self):
        answer = client('lambda', Ipc(b'{"errorMessage":"x"}', 'Unhandled')).invoke(FunctionName=OTHER)
        self.assertEqual({'Payload': b'{"errorMessage":"x"}', 'FunctionError': 'Unhandled'}, answer)

    def test_a_core_that_says_no_is_an_invocation_exception(self):
        with self.assertRaisesRegex(InvocationException, 'Failed to invoke function due to refused'):
            client('lambda', Ipc(error=IPCException('refused', 404))).invoke(FunctionName=OTHER)


class IoTDataClientTest(unittest.TestCase):
    def test_publish_refuses_an_unknown_queue_full_policy_and_a_missing_topic(self):
        made = client('iot-data', Ipc())
        with self.assertRaises(ValueError):
            made.publish(topic='a', queueFullPolicy='AllOrError')
        with self.assertRaises(ValueError):
            made.publish(payload='x')

    def test_shadow_calls_go_to_the_shadow_service_by_subject(self):
        ipc = Ipc(b'{"version": 1}')
        self.assertEqual({'payload': b'{"version": 1}'},
                         client('iot-data', ipc).update_thing_shadow(thingName='t', payload=b'{}'))
        arn, payload, context, kind = ipc.posted[0]
        self.assertEqual(('arn:aws:lambda:::function:GGShadowService', b'{}', 'RequestResponse'), (arn, payload, kind))
        self.assertEqual({'custom': {'subject': '$aws/things/t/shadow/update'}}, json.loads(base64.b64decode(context).decode()))

    def test_a_shadow_answer_with_code_and_message_is_a_shadow_error(self):
        with self.assertRaisesRegex(ShadowError, '404.*No shadow exists'):
            client('iot-data', Ipc(b'{"code": 404, "message": "No shadow exists"}')).get_thing_shadow(thingName='t')
        with self.assertRaises(ShadowError):
            client('iot-data', Ipc(b'{}', 'Handled')).delete_thing_shadow(thingName='t')


class SecretsManagerClientTest(unittest.TestCase):
    def test_a_secret_is_asked_by_id_and_stage_without_client_context(self):
        ipc = Ipc(b'{"ARN": "a", "Name": "n", "VersionId": "v", "SecretString": "s", "CreatedDate": 1000}')
        value = client('secretsmanager', ipc).get_secret_value(SecretId='n', VersionStage='AWSCURRENT')
        self.assertEqual('s', value['SecretString'])
        self.assertEqual({'SecretId': 'n', 'VersionStage': 'AWSCURRENT'}, json.loads(ipc.posted[0][1].decode()))
        self.assertEqual('', ipc.posted[0][2])

    def test_status_and_message_are_an_error(self):
        with self.assertRaisesRegex(SecretsManagerError, '403'):
            client('secretsmanager', Ipc(b'{"Status": 403, "Message": "no"}')).get_secret_value(SecretId='n')
        with self.assertRaises(SecretsManagerError):
            client('secretsmanager', Ipc()).get_secret_value(SecretId='n', VersionId='v')


class FunctionArnFieldsTest(unittest.TestCase):
    def test_parts_of_an_arn(self):
        fields = FunctionArnFields(OTHER + ':$LATEST')
        self.assertEqual(('us-east-1', '000000000000', 'other', '$LATEST', OTHER),
                         (fields.region, fields.account_id, fields.name, fields.qualifier, fields.unqualified_arn))
        self.assertEqual('', FunctionArnFields(OTHER).qualifier)
        self.assertEqual(OTHER + ':1', FunctionArnFields.build_function_arn(OTHER, '1'))
        self.assertEqual(OTHER, FunctionArnFields.build_function_arn(OTHER, ''))
        for wrong in ('', None, 'other', OTHER + ':1:2', 'arn:aws:iot:us-east-1:0:thing/x'):
            with self.assertRaises(ValueError):
                FunctionArnFields(wrong)


class ServiceClientTest(unittest.TestCase):
    """v1-lambda-runtime.md section 8: the calls of greengrass_machine_learning_sdk."""

    ADDRESS = 'arn:aws:lambda:eu-west-1:aws:function:GG-ML-INF-image-classification-imageClassification'

    def call(self, ipc):
        from greengrass_ipc_python_sdk.ipc_facade import GreengrassServiceClient, GreengrassServiceMessage
        service = GreengrassServiceClient()
        service._ipc = ipc
        return service.call(self.ADDRESS, GreengrassServiceMessage(base64.b64encode(b'{"custom": {}}'), bytearray(b'jpeg')))

    def test_a_service_that_is_there_answers_with_a_message(self):
        ipc = Ipc(b'{"Body": "[0.3]"}')
        output = self.call(ipc)
        self.assertEqual((b'{"Body": "[0.3]"}', None), (output.response.payload, output.error_response))
        self.assertEqual((self.ADDRESS, b'jpeg', 'eyJjdXN0b20iOiB7fX0='), ipc.posted[0])

    def test_what_a_service_fails_with_is_its_error_response(self):
        output = self.call(Ipc(u'{"errorMessage": "no \u00fc"}'.encode('utf-8'), 'Handled'))
        self.assertIsNone(output.response)
        self.assertEqual(u'{"errorMessage": "no \u00fc"}', output.error_response if str is not bytes else output.error_response.decode('utf-8'))
        output = self.call(Ipc(b'', 'Unhandled'))
        self.assertEqual((None, 'Unhandled'), (output.response, output.error_response))

    def test_a_service_that_is_not_deployed_is_named_and_so_is_the_remedy(self):
        from greengrass_ipc_python_sdk.ipc_facade import GreengrassRuntimeException
        with self.assertRaisesRegex(GreengrassRuntimeException, self.ADDRESS + ': no connector that serves this name .*not deployed'):
            self.call(Ipc(error=IPCException('is not deployed on this core', 404)))
        with self.assertRaisesRegex(GreengrassRuntimeException, 'was not reached: the queue is full'):
            self.call(Ipc(error=IPCException('the queue is full', 429)))


class SupportModulesTest(unittest.TestCase):
    """v1-lambda-runtime.md section 4.1: what the public SDKs, and packages of their time, import."""

    def test_the_names_that_packages_import_are_there_and_take_their_arguments(self):
        from greengrass_common.common_log_appender import local_cloudwatch_handler
        from greengrass_common.env_vars import (AUTH_TOKEN, GG_DAEMON_PORT, MY_FUNCTION_ARN, ROUTER_FUNCTION_ARN,
                                                SECRETS_MANAGER_FUNCTION_ARN, SHADOW_FUNCTION_ARN)
        from greengrass_common.greengrass_message import GreengrassMessage
        from greengrass_common.local_cloudwatch_handler import LocalCloudwatchLogHandler
        from greengrass_ipc_python_sdk.ipc_client import IPCClient
        from greengrass_ipc_python_sdk.ipc_facade import (GreengrassRuntimeException, GreengrassServiceCallOutput,
                                                          GreengrassServiceClient, GreengrassServiceMessage)
        from greengrass_ipc_python_sdk.utils.exponential_backoff import retry
        self.assertTrue(MY_FUNCTION_ARN and ROUTER_FUNCTION_ARN and SHADOW_FUNCTION_ARN and SECRETS_MANAGER_FUNCTION_ARN)
        self.assertEqual((None, '8000'), (AUTH_TOKEN, GG_DAEMON_PORT))
        self.assertIsInstance(local_cloudwatch_handler, LocalCloudwatchLogHandler)
        LocalCloudwatchLogHandler('component', 'group')
        self.assertEqual(({'a': 1}, b'x'), (lambda m: (m.extension_map, m.payload))(GreengrassMessage(b'x', a=1)))
        self.assertEqual(['call'], [n for n in dir(GreengrassServiceClient) if not n.startswith('_')])
        self.assertEqual('r', GreengrassServiceCallOutput('r', None).response)
        self.assertEqual(({}, b''), (lambda m: (m.context, m.payload))(GreengrassServiceMessage({}, b'')))
        self.assertTrue(issubclass(GreengrassRuntimeException, Exception))
        self.assertEqual(3, retry(time_out_secs=1)(lambda n: n + 1)(2))
        for name in ('post_work', 'get_work_result', 'get_work', 'post_work_result', 'post_handler_err',
                     'put_initialization_result'):
            self.assertTrue(callable(getattr(IPCClient(endpoint='localhost', port=8000), name)))

    def test_what_the_machine_learning_sdk_asks_before_its_first_call(self):
        from greengrass_common.env_vars import GGC_MAX_INTERFACE_VERSION
        from greengrass_common.parse_version import parse_version
        self.assertEqual(('1', '5'), parse_version('1.5'))
        self.assertEqual(('1', '5'), parse_version('1.5.2'))
        for wrong in (GGC_MAX_INTERFACE_VERSION, '', '1', '1.x'):  # None: the core did not say
            with self.assertRaises(ValueError):
                parse_version(wrong)

    def test_work_is_three_things_and_no_error_is_an_empty_text(self):
        from greengrass_ipc_python_sdk.ipc_client import WorkItem
        invocation, payload, context = WorkItem('id', b'p', 'c', 7)
        self.assertEqual(('id', b'p', 'c'), (invocation, payload, context))
        self.assertEqual('', WorkResult(b'', '').func_err)

    def test_a_core_that_is_not_there_is_an_ipc_exception_without_a_status(self):
        import socket
        from greengrass_ipc_python_sdk.ipc_client import IPCClient
        with_nobody = socket.socket()
        with_nobody.bind(('127.0.0.1', 0))
        ipc = IPCClient()
        ipc._port = with_nobody.getsockname()[1]
        with self.assertRaisesRegex(IPCException, 'does not answer') as raised:
            ipc.post_work(OTHER, b'', '')
        self.assertIsNone(raised.exception.status)
        with_nobody.close()

    def test_a_header_cannot_be_smuggled_in_by_a_client_context(self):
        from greengrass_ipc_python_sdk.ipc_client import IPCClient
        with self.assertRaises(ValueError):
            IPCClient().post_work(OTHER, b'', 'x\r\nAuthorization: other')


if __name__ == '__main__':
    unittest.main()
