'use strict';

const { envVars } = require('aws-greengrass-common-js');
const Lambda = require('./lambda');

class SecretsManager {
  constructor() {
    this.lambda = new Lambda();
  }

  /** {SecretId, VersionStage, DeStringifyResultFlag}: the answer is JSON, or with the flag the object. */
  getSecretValue(params, callback) {
    if (params.SecretId === undefined) {
      callback(new Error('"SecretId" is a required parameter'), null);
      return;
    }
    if (params.VersionId !== undefined) {
      callback(new Error('Query by VersionId is not supported; use VersionStage'), null);
      return;
    }
    const request = { SecretId: params.SecretId };
    if (params.VersionStage !== undefined) request.VersionStage = params.VersionStage;
    const call = { FunctionName: envVars.SECRETS_MANAGER_FUNCTION_ARN, Payload: JSON.stringify(request) };
    this.lambda.invoke(call, (error, data) => {
      if (error) {
        callback(error, null);
        return;
      }
      const text = data.Payload.toString();
      let answer;
      try {
        answer = JSON.parse(text);
      } catch (e) {
        callback(new Error(`The answer of the secrets service is not JSON: ${text}`), null);
        return;
      }
      if (data.FunctionError || answer.Status !== undefined) callback(new Error(text), null);
      else callback(null, params.DeStringifyResultFlag ? answer : text);
    });
  }
}

module.exports = SecretsManager;
