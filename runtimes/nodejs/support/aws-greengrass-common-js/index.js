'use strict';
// What the Greengrass Core SDK for Node.js expects from the core: names of the environment, ARNs of functions, a logger.

const env = process.env;

const envVars = {
  AUTH_TOKEN: env.AWS_CONTAINER_AUTHORIZATION_TOKEN,
  MY_FUNCTION_ARN: env.MY_FUNCTION_ARN,
  SHADOW_FUNCTION_ARN: env.SHADOW_FUNCTION_ARN,
  ROUTER_FUNCTION_ARN: env.ROUTER_FUNCTION_ARN,
  SECRETS_MANAGER_FUNCTION_ARN: env.SECRETS_MANAGER_FUNCTION_ARN,
  GG_DAEMON_PORT: env.GG_DAEMON_PORT,
  GGC_MAX_INTERFACE_VERSION: env.GGC_MAX_INTERFACE_VERSION,
  ENCODING_TYPE: env.ENCODING_TYPE,
};

// Region and account are empty in the ARNs of the core's own services.
const ARN = /^arn:(aws(?:-[a-z]+)*):lambda:([a-z0-9-]*):(\d*):function:([a-zA-Z0-9-_]+)(?::([a-zA-Z0-9-_]+|\$LATEST))?$/;

class FunctionArnFields {
  constructor(arn) {
    const match = ARN.exec(arn);
    if (!match) throw new Error(`"${arn}" is not the ARN of a function`);
    this.partition = match[1];
    this.region = match[2];
    this.accountId = match[3];
    this.name = match[4];
    this.qualifier = match[5];
    this.unqualifiedArn = `arn:${this.partition}:lambda:${this.region}:${this.accountId}:function:${this.name}`;
  }

  toArnString() {
    return buildFunctionArn(this.unqualifiedArn, this.qualifier);
  }
}

function buildFunctionArn(unqualifiedArn, qualifier) {
  return qualifier ? `${unqualifiedArn}:${qualifier}` : unqualifiedArn;
}

FunctionArnFields.buildFunctionArn = buildFunctionArn;

/** Writes to the function's log. The SDK tells every call at the level debug; like Python's, it is not written. */
class LocalWatchLogger {
  debug() {}

  info(...args) {
    console.info(...args);
  }

  warn(...args) {
    console.warn(...args);
  }

  error(...args) {
    console.error(...args);
  }
}

module.exports = { envVars, FunctionArnFields, buildFunctionArn, logging: { LocalWatchLogger } };
