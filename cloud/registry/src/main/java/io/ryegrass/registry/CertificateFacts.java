package io.ryegrass.registry;

import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.naming.InvalidNameException;
import javax.naming.NamingException;
import javax.naming.directory.Attribute;
import javax.naming.ldap.LdapName;
import javax.naming.ldap.Rdn;
import javax.security.auth.x500.X500Principal;
import org.jspecify.annotations.Nullable;

/**
 * What policies and templates may ask of a certificate (developer guide, "X.509 certificate AWS IoT
 * Core policy variables").
 *
 * @param texts {@code iot:Certificate.Subject.CommonName}, its first value, and {@code ….0}, {@code
 *     ….1} …
 * @param lists {@code iot:Certificate.Subject.CommonName.List} …
 */
record CertificateFacts(Map<String, String> texts, Map<String, List<String>> lists) {
  /** "Array fields are limited to five items". */
  private static final int MAX_VALUES = 5;

  /** "All string values are limited to 1024 characters." */
  private static final int MAX_LENGTH = 1024;

  /** Object identifiers of the attributes of a name, and what IoT calls them. */
  private static final Map<String, String> ATTRIBUTES =
      Map.ofEntries(
          Map.entry("2.5.4.46", "DistinguishedNameQualifier"),
          Map.entry("2.5.4.6", "Country"),
          Map.entry("2.5.4.10", "Organization"),
          Map.entry("2.5.4.11", "OrganizationalUnit"),
          Map.entry("2.5.4.8", "State"),
          Map.entry("2.5.4.3", "CommonName"),
          Map.entry("2.5.4.5", "SerialNumber"),
          Map.entry("2.5.4.12", "Title"),
          Map.entry("2.5.4.4", "Surname"),
          Map.entry("2.5.4.42", "GivenName"),
          Map.entry("2.5.4.43", "Initials"),
          Map.entry("2.5.4.65", "Pseudonym"),
          Map.entry("2.5.4.44", "GenerationQualifier"));

  /** Kinds of alternative names (RFC 5280, GeneralName). */
  private static final Map<Integer, String> ALTERNATIVES =
      Map.of(
          1, "RFC822Name",
          2, "DNSName",
          4, "DirectoryName",
          6, "UniformResourceIdentifier",
          7, "IPAddress");

  static CertificateFacts of(X509Certificate certificate) {
    Map<String, List<String>> found = new LinkedHashMap<>();
    name("iot:Certificate.Subject.", certificate.getSubjectX500Principal(), found);
    name("iot:Certificate.Issuer.", certificate.getIssuerX500Principal(), found);
    try {
      alternatives("iot:Certificate.Subject.", certificate.getSubjectAlternativeNames(), found);
      alternatives("iot:Certificate.Issuer.", certificate.getIssuerAlternativeNames(), found);
    } catch (CertificateParsingException e) {
      found.keySet().removeIf(key -> key.contains("AlternativeName"));
    }
    add(found, "iot:Certificate.SerialNumber", certificate.getSerialNumber().toString());
    Map<String, String> texts = new LinkedHashMap<>();
    Map<String, List<String>> lists = new LinkedHashMap<>();
    found.forEach(
        (key, values) -> {
          texts.put(key, values.getFirst());
          for (int i = 0; i < values.size(); i++) {
            texts.put(key + "." + i, values.get(i));
          }
          lists.put(key + ".List", List.copyOf(values));
        });
    lists.put("iot:Certificate.AvailableKeys", List.copyOf(found.keySet()));
    return new CertificateFacts(Map.copyOf(texts), Map.copyOf(lists));
  }

  static List<String> commonNames(X509Certificate certificate) {
    Map<String, List<String>> found = new LinkedHashMap<>();
    name("", certificate.getSubjectX500Principal(), found);
    return found.getOrDefault("CommonName", List.of());
  }

  /** Parameters of a template of just-in-time provisioning. */
  static Map<String, String> templateParameters(X509Certificate certificate) {
    Map<String, List<String>> found = new LinkedHashMap<>();
    name("", certificate.getSubjectX500Principal(), found);
    Map<String, String> parameters = new LinkedHashMap<>();
    for (String key :
        List.of(
            "Country",
            "Organization",
            "OrganizationalUnit",
            "DistinguishedNameQualifier",
            "CommonName",
            "SerialNumber")) {
      put(parameters, key, found.get(key));
    }
    put(parameters, "StateName", found.get("State"));
    return parameters;
  }

  private static void put(Map<String, String> to, String key, @Nullable List<String> values) {
    if (values != null) {
      to.put("AWS::IoT::Certificate::" + key, values.getFirst());
    }
  }

  /** Attributes in the order of the certificate; an RDN may hold several. */
  private static void name(String prefix, X500Principal name, Map<String, List<String>> found) {
    try {
      for (Rdn rdn : new LdapName(name.getName(X500Principal.RFC2253, ATTRIBUTES)).getRdns()) {
        var all = rdn.toAttributes().getAll();
        while (all.hasMore()) {
          Attribute attribute = all.next();
          if (ATTRIBUTES.containsValue(attribute.getID())
              && attribute.get() instanceof String value) {
            add(found, prefix + attribute.getID(), value);
          } else if (attribute.get() instanceof String value
              && keyword(attribute.getID()) instanceof String known) {
            add(found, prefix + known, value);
          }
        }
      }
    } catch (InvalidNameException e) {
      found.keySet().removeIf(key -> key.startsWith(prefix));
    } catch (NamingException e) {
      found.keySet().removeIf(key -> key.startsWith(prefix));
    }
  }

  /** The keywords that the JDK writes whatever it is asked for. */
  private static @Nullable String keyword(String keyword) {
    return switch (keyword) {
      case "CN" -> "CommonName";
      case "O" -> "Organization";
      case "OU" -> "OrganizationalUnit";
      case "C" -> "Country";
      case "ST" -> "State";
      default -> null;
    };
  }

  private static void alternatives(
      String prefix, @Nullable Collection<List<?>> names, Map<String, List<String>> found) {
    if (names == null) {
      return;
    }
    for (List<?> name : names) {
      String kind = name.getFirst() instanceof Integer number ? ALTERNATIVES.get(number) : null;
      if (kind != null && name.get(1) instanceof String value) {
        add(found, prefix + "AlternativeName." + kind, value);
      }
    }
  }

  /** A value with a wildcard in it, or one that is too long, is not given to policies. */
  private static void add(Map<String, List<String>> found, String key, String value) {
    if (value.isEmpty()
        || value.length() > MAX_LENGTH
        || value.indexOf('*') >= 0
        || value.indexOf('?') >= 0) {
      return;
    }
    List<String> values = found.computeIfAbsent(key, k -> new ArrayList<>());
    if (values.size() < MAX_VALUES) {
      values.add(value);
    }
  }
}
