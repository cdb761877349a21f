'use strict';

const IPCClient = require('aws-greengrass-ipc-sdk-js');
const { envVars, FunctionArnFields, buildFunctionArn } = require('aws-greengrass-common-js');

const BASE64 = /^(?:[0-9a-zA-Z+/]{4})*(?:[0-9a-zA-Z+/]{2}==|[0-9a-zA-Z+/]{3}=)?$/;

/** The ARN to call; throws a sentence when the parameters do not make one. */
function targetOf(params) {
  if (params.FunctionName === undefined) throw new Error('"FunctionName" is a required parameter');
  const fields = new FunctionArnFields(params.FunctionName);
  if (fields.qualifier && params.Qualifier && fields.qualifier !== params.Qualifier) {
    throw new Error(`Qualifier '${params.Qualifier}' does not match the version in FunctionName`);
  }
  if (params.ClientContext && !BASE64.test(params.ClientContext)) throw new Error('ClientContext is not base64');
  if (!['Event', 'RequestResponse', undefined, null].includes(params.InvocationType)) {
    throw new Error(`InvocationType '${params.InvocationType}' is incorrect, should be 'Event' or 'RequestResponse'`);
  }
  return buildFunctionArn(fields.unqualifiedArn, fields.qualifier || params.Qualifier);
}

class Lambda {
  constructor() {
    this.ipc = new IPCClient(envVars.AUTH_TOKEN);
  }

  /** {FunctionName, InvocationType, ClientContext (base64), Payload, Qualifier}; the answer to an Event is the invocation's id. */
  invoke(params, callback) {
    let arn;
    try {
      arn = targetOf(params);
    } catch (e) {
      callback(e, null);
      return;
    }
    const type = params.InvocationType || 'RequestResponse';
    this.ipc.postWork(arn, params.Payload, params.ClientContext || '', type, (error, invocationId) => {
      if (error) {
        callback(error, null);
      } else if (type === 'Event') {
        callback(null, invocationId);
      } else {
        this.ipc.getWorkResult(arn, invocationId, (failure, Payload, FunctionError, StatusCode) => {
          if (failure) callback(failure, null);
          else callback(null, { FunctionError, StatusCode, Payload });
        });
      }
    });
  }
}

module.exports = Lambda;
