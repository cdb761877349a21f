package io.ryegrass.awsapi;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What is known about each service without reading its model, so that a model is read only when a
 * request for it arrives, and what the models do not say.
 */
final class Services {

  /**
   * One service.
   *
   * @param modelFile name of the model in AWS's artifact
   * @param signingName name in the credential scope
   * @param actionPrefix prefix of IAM actions
   * @param validationCode error code for input that breaks a constraint; not part of the models.
   *     For greengrass (V1) and iot these are the only modelled candidates
   */
  record Service(String modelFile, String signingName, String actionPrefix, String validationCode) {

    /** Name in CloudTrail's {@code eventSource}, before {@code .amazonaws.com}. */
    String eventSource() {
      return switch (actionPrefix) {
        case "iotjobsdata" -> "iot";
        default -> actionPrefix;
      };
    }
  }

  /** This cloud's own service, which no AWS has; its model is a resource of this module. */
  static final String OWN = "ryegrass";

  private static final Map<String, Service> ALL = new LinkedHashMap<>();

  static {
    put("cloudtrail", "cloudtrail-2013-11-01", "cloudtrail", "cloudtrail", "ValidationException");
    put("greengrass", "greengrass-2017-06-07", "greengrass", "greengrass", "BadRequestException");
    put(
        "greengrassv2",
        "greengrassv2-2020-11-30",
        "greengrass",
        "greengrass",
        "ValidationException");
    put("iam", "iam-2010-05-08", "iam", "iam", "ValidationError");
    put("iot", "iot-2015-05-28", "iot", "iot", "InvalidRequestException");
    put("iotdata", "data-ats.iot-2015-05-28", "iotdata", "iot", "InvalidRequestException");
    put(
        "iot-jobs-data",
        "data.jobs.iot-2017-09-29",
        "iot-jobs-data",
        "iotjobsdata",
        "InvalidRequestException");
    put("lambda", "lambda-2015-03-31", "lambda", "lambda", "ValidationException");
    put("logs", "logs-2014-03-28", "logs", "logs", "InvalidParameterException");
    put(
        "secretsmanager",
        "secretsmanager-2017-10-17",
        "secretsmanager",
        "secretsmanager",
        "ValidationException");
    put(OWN, "ryegrass-2026-11-21", OWN, OWN, "ValidationException");
    put("sts", "sts-2011-06-15", "sts", "sts", "ValidationError");
  }

  private static final Map<String, String> RENAMED_ACTIONS =
      Map.of(
          "lambda:Invoke", "lambda:InvokeFunction",
          "lambda:InvokeAsync", "lambda:InvokeFunction",
          "lambda:InvokeWithResponseStream", "lambda:InvokeFunction",
          "iotdata:GetRetainedMessage", "iot:GetRetainedMessage");

  /**
   * Enumerations that are not held against input, because values that the models do not list are
   * right: newer runtimes, and V1's runtime of executables; or because the service refuses others
   * in words of its own.
   */
  private static final Set<String> OPEN_ENUMS =
      Set.of("lambda.Runtime", "greengrass.FunctionIsolationMode", "greengrass.DeploymentType");

  private static final Map<String, String> FORMER_SIGNING_NAMES =
      Map.of("execute-api", "iot", "iotdevicegateway", "iotdata");

  private Services() {}

  private static void put(
      String name, String file, String signing, String action, String validation) {
    ALL.put(name, new Service(file, signing, action, validation));
  }

  static Set<String> names() {
    return ALL.keySet();
  }

  static Service of(String name) {
    Service service = ALL.get(name);
    if (service == null) {
      throw new IllegalArgumentException("unknown service " + name + "; known are " + names());
    }
    return service;
  }

  static List<Map.Entry<String, Service>> all() {
    return List.copyOf(ALL.entrySet());
  }

  /** Known services of a signing name, without operations: what they would do is answered 501. */
  static List<ServiceOperations> unserved(String signingName) {
    return ALL.entrySet().stream()
        .filter(e -> e.getValue().signingName().equals(signingName))
        .map(e -> ServiceOperations.of(e.getKey()).build())
        .toList();
  }

  /** Today's name for what older clients sign as, for example Debian's AWS CLI 2.9. */
  static String currentSigningName(String signed) {
    return FORMER_SIGNING_NAMES.getOrDefault(signed, signed);
  }

  /** Operations of STS whose callers prove by other means who they are. */
  static boolean isOpen(String action) {
    return action.equals("AssumeRoleWithWebIdentity") || action.equals("AssumeRoleWithSAML");
  }

  static boolean hasOpenEnum(String service, String shape) {
    return OPEN_ENUMS.contains(service + "." + shape);
  }

  static String iamAction(String service, String operation) {
    return RENAMED_ACTIONS.getOrDefault(
        service + ":" + operation, of(service).actionPrefix() + ":" + operation);
  }
}
