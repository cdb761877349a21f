package io.ryegrass.functions;

import java.util.Map;
import java.util.function.Supplier;

/**
 * A published version of a function.
 *
 * @param functionArn qualified by the version's number
 * @param version the number, as text
 * @param runtime {@code python3.8} …, as given
 * @param timeout seconds
 * @param memorySize MB
 * @param codeSha256 base64
 * @param codeSize bytes of the package
 * @param code reads the package (a ZIP file)
 */
public record FunctionVersion(
    String functionArn,
    String name,
    String version,
    String runtime,
    String handler,
    int timeout,
    int memorySize,
    Map<String, String> environment,
    String codeSha256,
    long codeSize,
    Supplier<byte[]> code) {

  /** The package. */
  public byte[] zip() {
    return code.get();
  }
}
