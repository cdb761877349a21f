'use strict';
// The public face of the Greengrass Core SDK for Node.js, for packages that bring none: Lambda, IotData, SecretsManager.
// Streams need the published SDK (npm aws-greengrass-core-sdk) in the package.

exports.GreengrassInterfaceVersion = '1.5';
exports.Lambda = require('./lambda');
exports.IotData = require('./iotdata');
exports.SecretsManager = require('./secretsmanager');
