'use strict';

const { envVars } = require('aws-greengrass-common-js');
const Lambda = require('./lambda');

function encoded(custom) {
  return Buffer.from(JSON.stringify({ custom })).toString('base64');
}

function lacks(params, names, callback) {
  const missing = names.find((name) => params[name] === undefined);
  if (missing) callback(new Error(`"${missing}" is a required parameter`), null);
  return missing !== undefined;
}

class IotData {
  constructor() {
    this.lambda = new Lambda();
  }

  /** {topic, payload, queueFullPolicy: 'AllOrError' | 'BestEffort' | ''} */
  publish(params, callback) {
    if (lacks(params, ['topic', 'payload'], callback)) return;
    const queueFullPolicy = params.queueFullPolicy || '';
    if (!['', 'BestEffort', 'AllOrError'].includes(queueFullPolicy)) {
      callback(new Error(`queueFullPolicy "${queueFullPolicy}" is not supported`), null);
      return;
    }
    this.lambda.invoke({
      FunctionName: envVars.ROUTER_FUNCTION_ARN,
      InvocationType: 'Event',
      ClientContext: encoded({ source: envVars.MY_FUNCTION_ARN, subject: params.topic, queueFullPolicy }),
      Payload: params.payload,
    }, callback);
  }

  getThingShadow(params, callback) {
    this._shadow('get', params, '', callback);
  }

  updateThingShadow(params, callback) {
    if (lacks(params, ['thingName', 'payload'], callback)) return;
    this._shadow('update', params, params.payload, callback);
  }

  deleteThingShadow(params, callback) {
    this._shadow('delete', params, '', callback);
  }

  _shadow(operation, params, payload, callback) {
    if (lacks(params, ['thingName'], callback)) return;
    this.lambda.invoke({
      FunctionName: envVars.SHADOW_FUNCTION_ARN,
      ClientContext: encoded({ subject: `$aws/things/${params.thingName}/shadow/${operation}` }),
      Payload: payload,
    }, callback);
  }
}

module.exports = IotData;
