'use strict';
// Where modules come from: ours that the Core SDK expects come before the function's own copies (old packages bring outdated
// ones); the Core SDK of ours comes after, for packages that bring none.

const Module = require('module');
const path = require('path');

const SUPPORT = path.join(__dirname, '..', 'support');
const SDK = path.join(__dirname, '..', 'sdk');
const OURS = ['aws-greengrass-common-js', 'aws-greengrass-ipc-sdk-js'];

function install() {
  const found = Module._resolveFilename;
  Module._resolveFilename = function resolve(request, ...rest) {
    return OURS.includes(request) ? path.join(SUPPORT, request, 'index.js') : found.call(this, request, ...rest);
  };
  // Also for programs that the function starts.
  process.env.NODE_PATH = [SUPPORT].concat(process.env.NODE_PATH ? [process.env.NODE_PATH] : [], [SDK]).join(path.delimiter);
  Module._initPaths();
}

/** ES modules know no NODE_PATH; interpreters that offer a hook get ours, for the others a package brings what it imports. */
function installForModules() {
  const { pathToFileURL } = require('url');
  if (typeof Module.registerHooks === 'function') {
    Module.registerHooks({
      resolve(specifier, context, next) {
        try {
          return next(specifier, context);
        } catch (e) {
          if (!/^aws-greengrass-[a-z-]+$/.test(specifier)) throw e;
          return { url: pathToFileURL(require.resolve(specifier)).href, format: 'commonjs', shortCircuit: true };
        }
      },
    });
  } else if (typeof Module.register === 'function') {
    const files = {};
    for (const name of OURS) files[name] = pathToFileURL(path.join(SUPPORT, name, 'index.js')).href;
    files['aws-greengrass-core-sdk'] = pathToFileURL(path.join(SDK, 'aws-greengrass-core-sdk', 'index.js')).href;
    Module.register('./hooks.mjs', { parentURL: pathToFileURL(__filename).href, data: files });
  }
}

module.exports = { install, installForModules };
