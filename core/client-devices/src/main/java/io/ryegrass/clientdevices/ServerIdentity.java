package io.ryegrass.clientdevices;

import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.ryegrass.durable.DurableFiles;
import io.ryegrass.model.Json;
import io.ryegrass.mqtt.ServerTls;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The broker's key and certificate, with what they were made for. One file, so that key and
 * certificate can never be of two generations; readable by its owner only.
 *
 * @param addresses host names and addresses that were asked for
 */
record ServerIdentity(
    String groupId,
    Set<String> addresses,
    PrivateKey key,
    List<X509Certificate> chain,
    String caPem) {
  private static final Logger LOG = LoggerFactory.getLogger(ServerIdentity.class);
  static final String KEY_ALGORITHM = "RSA";

  X509Certificate certificate() {
    return chain.getFirst();
  }

  /**
   * From two thirds of its life on, or when it is for another group, or an address is missing
   * (LESSON-24).
   */
  boolean isDueForRenewal(String wantedGroup, Set<String> wantedAddresses, Instant now) {
    Instant from = certificate().getNotBefore().toInstant();
    Instant to = certificate().getNotAfter().toInstant();
    Duration life = Duration.between(from, to);
    return !groupId.equals(wantedGroup)
        || !addresses.containsAll(wantedAddresses)
        || now.isAfter(from.plus(life.multipliedBy(2).dividedBy(3)));
  }

  /**
   * Client certificates are asked for and proven, their chains are not judged: admission names the
   * certificate itself.
   */
  SslContext tls() {
    try {
      return ServerTls.context(key, chain, new ProvenKeyTrust(), ClientAuth.REQUIRE);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(
          "The broker's certificate cannot be used for TLS: " + e.getMessage(), e);
    }
  }

  void save(Path file) {
    ObjectNode json = Json.object();
    json.put("groupId", groupId);
    var names = json.putArray("addresses");
    addresses.forEach(names::add);
    json.put("privateKeyPem", Pems.encode("PRIVATE KEY", key.getEncoded()));
    StringBuilder certificates = new StringBuilder();
    try {
      for (X509Certificate c : chain) {
        certificates.append(Pems.encode("CERTIFICATE", c.getEncoded()));
      }
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(
          "The broker's certificate cannot be written: " + e.getMessage(), e);
    }
    json.put("certificatePem", certificates.toString());
    json.put("caPem", caPem);
    DurableFiles.writeAtomically(file, Json.bytes(json), DurableFiles.OWNER_ONLY);
  }

  /** What was saved; empty when there is nothing or it cannot be read, which is told in the log. */
  static Optional<ServerIdentity> load(Path file) {
    Optional<byte[]> content = DurableFiles.read(file);
    if (content.isEmpty()) {
      return Optional.empty();
    }
    try {
      JsonNode json = Json.read(content.get());
      List<String> names = new ArrayList<>();
      json.path("addresses").forEach(n -> names.add(n.asString()));
      return Optional.of(
          new ServerIdentity(
              json.path("groupId").asString(""),
              Set.copyOf(names),
              Pems.privateKey(KEY_ALGORITHM, json.path("privateKeyPem").asString("")),
              Pems.certificates(json.path("certificatePem").asString("")),
              json.path("caPem").asString("")));
    } catch (JacksonException | GeneralSecurityException | IllegalArgumentException e) {
      LOG.warn(
          "The broker's certificate in {} cannot be read ({}); a new one is requested",
          file,
          e.getMessage());
      return Optional.empty();
    }
  }
}
