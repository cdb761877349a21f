package io.ryegrass.lambda;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Builds the environment of a worker (v1-lambda-runtime.md section 2.1). Nothing is taken over from
 * the core's own environment but the language: a function sees the same on every host.
 *
 * @param thingName thing name of the core
 * @param port the daemon port
 * @param component variables the nucleus gives to the component (v2-ipc.md section 10), read at
 *     each start
 */
record FunctionEnvironment(String thingName, int port, Map<String, String> component) {
  static final String ROUTER_ARN = "arn:aws:lambda:::function:GGRouter";
  static final String SHADOW_ARN = "arn:aws:lambda:::function:GGShadowService";
  static final String SECRETS_ARN = "arn:aws:lambda:::function:GGSecretManager";

  /** Where a function finds its machine-learning models (MLI-13, MLI-14). */
  static final String RESOURCE_PREFIX = "AWS_GG_RESOURCE_PREFIX";

  /** Highest SDK interface version of the core: 1.5 is what the last Core SDKs say. */
  private static final String INTERFACE_VERSION = "1.5";

  private static final String PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

  Map<String, String> of(
      FunctionConfiguration f, String taskRoot, String home, String token, String worker) {
    Map<String, String> all = new LinkedHashMap<>();
    all.put("PATH", PATH);
    all.put("HOME", home);
    all.put("LANG", "C.UTF-8");
    all.put("TZ", ":/etc/localtime");
    // Compiled Python stays out of the function's code, which is never changed after it was
    // unpacked; PYTHONPYCACHEPREFIX would hide the compiled standard library as well.
    all.put("RYEGRASS_PYTHON_CACHE", home + "/.pycache");
    // Python 2 prints text beyond ASCII to a pipe only with it.
    all.put("PYTHONIOENCODING", "utf-8:backslashreplace");
    all.putAll(component);
    all.putAll(f.variables());
    // From here on the contract: a variable of the function cannot change it.
    all.put("MY_FUNCTION_ARN", f.arn());
    all.put("ENCODING_TYPE", f.binary() ? "binary" : "json");
    all.put("ROUTER_FUNCTION_ARN", ROUTER_ARN);
    all.put("SHADOW_FUNCTION_ARN", SHADOW_ARN);
    all.put("SECRETS_MANAGER_FUNCTION_ARN", SECRETS_ARN + ":1");
    all.put("AWS_CONTAINER_AUTHORIZATION_TOKEN", token);
    all.put("GG_DAEMON_PORT", Integer.toString(port));
    all.put("GGC_MAX_INTERFACE_VERSION", INTERFACE_VERSION);
    all.put("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:" + port + "/" + token);
    all.put("AWS_LAMBDA_FUNCTION_NAME", f.functionName());
    all.put("AWS_LAMBDA_FUNCTION_VERSION", f.arn().substring(f.arn().lastIndexOf(':') + 1));
    all.put("_HANDLER", f.handler());
    all.put("LAMBDA_TASK_ROOT", taskRoot);
    all.put(ProcessTree.MARK, worker);
    all.put("AWS_IOT_THING_NAME", thingName);
    all.put(
        "AWS_IOT_THING_ARN",
        "arn:aws:iot:" + f.region() + ":" + f.account() + ":thing/" + thingName);
    if (!f.groupId().isEmpty()) {
      all.put("GROUP_ID", f.groupId());
      all.put("AWS_GREENGRASS_GROUP_NAME", f.groupName());
    }
    return all;
  }
}
