// Calls each operation of the IPC service once through AWS's SDK for JavaScript and prints one line of
// JSON for each: what came back, or the name of the error. JavaScriptClientTest judges the lines.
const { once } = require('node:events');
const { greengrasscoreipc } = require('aws-iot-device-sdk-v2');
const model = greengrasscoreipc.model;

const tell = (name, result) => console.log(JSON.stringify({ name, ...result }));

async function attempt(name, work) {
  try {
    tell(name, { ok: (await work()) ?? {} });
  } catch (error) {
    const modelled = error.serviceError; // which shape it is, the SDK tells by the class of its members
    const text = JSON.stringify({ text: String(error), ...modelled, inner: String(error.internalError ?? '') });
    tell(name, { error: modelled?._errorCode ?? modelled?.constructor?.name ?? 'none', message: text });
  }
}

async function main() {
  const client = greengrasscoreipc.createClient(); // socket and token from the environment
  await client.connect();
  const heard = [];
  const subscription = client.subscribeToTopic({ topic: 'js/topic' });
  subscription.on('message', (event) => heard.push(event));
  await attempt('SubscribeToTopic', () => subscription.activate());
  await attempt('PublishToTopic', () =>
    client.publishToTopic({ topic: 'js/topic', publishMessage: { jsonMessage: { message: { hi: 'there' } } } }));
  await attempt('PublishToTopic binary', () =>
    client.publishToTopic({ topic: 'js/topic', publishMessage: { binaryMessage: { message: 'bytes' } } }));
  while (heard.length < 2) await once(subscription, 'message', { signal: AbortSignal.timeout(30000) });
  tell('heard', {
    json: heard[0].jsonMessage.message,
    topic: heard[0].jsonMessage.context.topic,
    binary: Buffer.from(heard[1].binaryMessage.message).toString(),
  });
  await subscription.close();

  const cloud = client.subscribeToIoTCore({ topicName: 'cloud/js', qos: model.QOS.AT_LEAST_ONCE });
  await attempt('SubscribeToIoTCore', () => cloud.activate());
  await attempt('PublishToIoTCore', () =>
    client.publishToIoTCore({ topicName: 'cloud/js', qos: model.QOS.AT_LEAST_ONCE, payload: 'up' }));

  await attempt('GetConfiguration', () => client.getConfiguration({ keyPath: ['message'] }));
  const changes = client.subscribeToConfigurationUpdate({ keyPath: [] });
  await attempt('SubscribeToConfigurationUpdate', () => changes.activate());
  const changed = once(changes, 'message', { signal: AbortSignal.timeout(30000) });
  await attempt('UpdateConfiguration', () =>
    client.updateConfiguration({ keyPath: [], timestamp: new Date(), valueToMerge: { message: 'new' } }));
  tell('changed', { keyPath: (await changed)[0].configurationUpdateEvent.keyPath });
  const validations = client.subscribeToValidateConfigurationUpdates({});
  await attempt('SubscribeToValidateConfigurationUpdates', () => validations.activate());
  await attempt('SendConfigurationValidityReport', () =>
    client.sendConfigurationValidityReport({
      configurationValidityReport: { status: model.ConfigurationValidityStatus.ACCEPTED, deploymentId: 'd' },
    }));

  const updates = client.subscribeToComponentUpdates({});
  await attempt('SubscribeToComponentUpdates', () => updates.activate());
  await attempt('DeferComponentUpdate', () => client.deferComponentUpdate({ deploymentId: 'd', recheckAfterMs: 1 }));
  await attempt('UpdateState', () => client.updateState({ state: model.ReportedLifecycleState.RUNNING }));
  await attempt('ListComponents', () => client.listComponents({}));
  await attempt('GetComponentDetails', () => client.getComponentDetails({ componentName: 'js' }));
  await attempt('RestartComponent', () => client.restartComponent({ componentName: 'js' }));
  await attempt('StopComponent', () => client.stopComponent({ componentName: 'js' }));
  await attempt('PauseComponent', () => client.pauseComponent({ componentName: 'js' }));
  await attempt('ResumeComponent', () => client.resumeComponent({ componentName: 'js' }));

  let deploymentId = 'none';
  await attempt('CreateLocalDeployment', async () => {
    const created = await client.createLocalDeployment({ rootComponentVersionsToAdd: new Map([['a', '1.0.0']]) });
    deploymentId = created.deploymentId;
    return created;
  });
  await attempt('ListLocalDeployments', () => client.listLocalDeployments({}));
  await attempt('GetLocalDeploymentStatus', () => client.getLocalDeploymentStatus({ deploymentId }));
  await attempt('CancelLocalDeployment', () => client.cancelLocalDeployment({ deploymentId }));
  await attempt('CreateDebugPassword', () => client.createDebugPassword({}));
  await attempt('ValidateAuthorizationToken', () => client.validateAuthorizationToken({ token: 'x' }));
  await attempt('PutComponentMetric', () =>
    client.putComponentMetric({ metrics: [{ name: 'm', unit: model.MetricUnitType.COUNT, value: 1 }] }));

  await attempt('GetSecretValue', () => client.getSecretValue({ secretId: 'greengrass-db' }));
  const shadow = { thingName: 'MyDevice1', shadowName: 'js' };
  await attempt('UpdateThingShadow', () => client.updateThingShadow({ ...shadow, payload: '{"state":{}}' }));
  await attempt('GetThingShadow', () => client.getThingShadow(shadow));
  await attempt('ListNamedShadowsForThing', () => client.listNamedShadowsForThing({ thingName: 'MyDevice1' }));
  await attempt('DeleteThingShadow', () => client.deleteThingShadow(shadow));
  const certificates = client.subscribeToCertificateUpdates({ certificateOptions: { certificateType: 'SERVER' } });
  await attempt('SubscribeToCertificateUpdates', () => certificates.activate());
  await attempt('VerifyClientDeviceIdentity', () =>
    client.verifyClientDeviceIdentity({ credential: { clientDeviceCertificate: 'good' } }));
  let token = 'none';
  await attempt('GetClientDeviceAuthToken', async () => {
    const answer = await client.getClientDeviceAuthToken({
      credential: { mqttCredential: { clientId: 'id', certificatePem: 'good' } },
    });
    token = answer.clientDeviceAuthToken;
    return answer;
  });
  await attempt('AuthorizeClientDeviceAction', () =>
    client.authorizeClientDeviceAction({
      clientDeviceAuthToken: token,
      operation: 'mqtt:publish',
      resource: 'mqtt:topic:a',
    }));
  await attempt('not authorised', () =>
    client.publishToTopic({ topic: 'forbidden', publishMessage: { binaryMessage: { message: 'x' } } }));
  await client.close();
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
