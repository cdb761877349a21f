package io.ryegrass.registry;

import io.ryegrass.policy.PolicyDocument;
import io.ryegrass.policy.PolicyEvaluator;
import io.ryegrass.policy.PolicyException;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Sql;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * May this certificate do that? Answered from parsed policies that are kept until the next change
 * of the registry (mqtt-cloud, section 5): those of the certificate and of the groups, with their
 * parents, of the thing that it is attached to.
 *
 * <p>Over MQTT the policies of groups count only for the thing whose name is the client id ("For
 * the policy to take effect, the clientId and the thing name must match"); over HTTPS, where there
 * is no client id, those of all things of the certificate count.
 */
final class DeviceAuthority {
  private static final Logger LOG = LoggerFactory.getLogger(DeviceAuthority.class);

  /** Twice as many as the broker takes connections; beyond it the whole cache starts anew. */
  private static final int MAX_CACHED = 20_000;

  /** Different policies; a fleet has a few, which all its certificates share. */
  private static final int MAX_DOCUMENTS = 2_000;

  private static final CertificateFacts NO_FACTS = new CertificateFacts(Map.of(), Map.of());

  private static final String CLIENT_ID = "iot:ClientId";
  private static final String THING = "iot:Connection.Thing.";

  private final CloudStore store;
  private final Registry registry;
  private final Map<String, Cached> cache = new ConcurrentHashMap<>();
  private final Map<String, Document> documents = new ConcurrentHashMap<>();
  private final AtomicLong marks = new AtomicLong();
  private final AtomicLong epoch = new AtomicLong();
  private final List<Runnable> changes = new CopyOnWriteArrayList<>();

  DeviceAuthority(CloudStore store, Registry registry) {
    this.store = store;
    this.registry = registry;
  }

  /** Values of policy variables and of condition keys, one each and several. */
  record Facts(Map<String, String> texts, Map<String, List<String>> lists) {}

  /**
   * @param epoch when it was read; a negative one is nobody's and says that it must be read anew
   * @param things the things of the certificate: policies of their groups, and what variables say
   *     of them
   * @param plain whether no policy asks for a variable or a condition
   */
  private record Cached(
      long epoch,
      boolean active,
      Map<String, OfThing> things,
      List<PolicyDocument> own,
      List<PolicyDocument> all,
      CertificateFacts facts,
      boolean plain) {}

  /**
   * @param policies those of the certificate and of the thing's groups
   */
  private record OfThing(List<PolicyDocument> policies, Map<String, String> texts) {}

  /**
   * @param plain whether it asks for no variable and no condition
   */
  private record Document(PolicyDocument policy, boolean plain) {}

  private record Read(List<PolicyDocument> policies, boolean plain) {}

  /** Called after each change is on disk. */
  void forget() {
    epoch.incrementAndGet();
    cache.clear();
    changes.forEach(Runnable::run);
  }

  /** Called after a change that concerns this certificate alone is on disk. */
  void forget(String certificateId) {
    // not removed: who has read it and not yet kept it would keep what was so before
    cache.put(certificateId, inactive(-marks.incrementAndGet()));
    changes.forEach(Runnable::run);
  }

  private static Cached inactive(long readAt) {
    return new Cached(readAt, false, Map.of(), List.of(), List.of(), NO_FACTS, true);
  }

  /** Calls back after each change of what certificates may do. */
  void onChange(Runnable listener) {
    changes.add(listener);
  }

  /** The things of an active certificate; empty when it is unknown or not active. */
  Optional<Set<String>> things(String certificateId) {
    Cached cached = cached(certificateId);
    return cached.active() ? Optional.of(cached.things().keySet()) : Optional.empty();
  }

  boolean isAllowed(
      String certificateId, String action, String resource, Map<String, String> variables) {
    Cached cached = cached(certificateId);
    if (!cached.active()) {
      return false;
    }
    String client = variables.get(CLIENT_ID);
    OfThing thing = client == null ? null : cached.things().get(client);
    List<PolicyDocument> policies =
        client == null ? cached.all() : thing == null ? cached.own() : thing.policies();
    if (cached.plain()) {
      return PolicyEvaluator.evaluate(policies, action, resource, Map.of())
          == PolicyEvaluator.Decision.ALLOW;
    }
    Facts facts = facts(certificateId, cached.facts(), thing, variables);
    return PolicyEvaluator.evaluate(policies, action, resource, facts.texts(), facts.lists())
        == PolicyEvaluator.Decision.ALLOW;
  }

  /** What the policies of a connection may refer to; for the operator who asks. */
  Facts facts(Sql sql, String certificateId, String client) {
    CertificateFacts facts =
        Certificates.find(sql, certificateId)
            .map(c -> CertificateFacts.of(Certificates.parse(c.pem())))
            .orElse(NO_FACTS);
    boolean attached =
        !certificateId.isEmpty() && Certificates.things(sql, certificateId).contains(client);
    OfThing thing = attached ? new OfThing(List.of(), thingTexts(sql, client)) : null;
    return facts(
        certificateId, facts, thing, client.isEmpty() ? Map.of() : Map.of(CLIENT_ID, client));
  }

  private static Facts facts(
      String certificateId,
      CertificateFacts certificate,
      @Nullable OfThing thing,
      Map<String, String> variables) {
    Map<String, String> texts = new HashMap<>(certificate.texts());
    texts.putAll(variables);
    texts.put("iot:CertificateId", certificateId);
    if (variables.containsKey(CLIENT_ID)) {
      texts.put(THING + "IsAttached", Boolean.toString(thing != null));
    }
    if (thing != null) {
      texts.putAll(thing.texts());
    }
    return new Facts(texts, certificate.lists());
  }

  private static Map<String, String> thingTexts(Sql sql, String name) {
    Map<String, String> texts = new LinkedHashMap<>();
    texts.put(THING + "ThingName", name);
    ThingRecords.find(sql, name)
        .ifPresent(
            thing -> {
              if (thing.type() != null) {
                texts.put(THING + "ThingTypeName", thing.type());
              }
              thing
                  .attributes()
                  .properties()
                  .forEach(
                      a ->
                          texts.put(
                              THING + "Attributes[" + a.getKey() + "]", a.getValue().asString("")));
            });
    return texts;
  }

  private Cached cached(String certificateId) {
    Cached known = cache.get(certificateId);
    if (known != null && known.epoch() == epoch.get()) {
      return known;
    }
    long before = epoch.get();
    Cached read = store.read(sql -> read(sql, certificateId, before));
    if (cache.size() >= MAX_CACHED) {
      cache.clear();
    }
    if (epoch.get() == before) {
      if (known == null) {
        cache.putIfAbsent(certificateId, read);
      } else {
        cache.replace(certificateId, known, read);
      }
    }
    return read;
  }

  private Cached read(Sql sql, String certificateId, long readAt) {
    Optional<Certificates.Certificate> certificate =
        Certificates.find(sql, certificateId).filter(c -> c.status().equals("ACTIVE"));
    if (certificate.isEmpty()) {
      return inactive(readAt);
    }
    Read own = documents(sql, Set.of(registry.certArn(certificateId)));
    boolean plain = own.plain();
    Set<PolicyDocument> all = new LinkedHashSet<>(own.policies());
    Map<String, OfThing> things = new LinkedHashMap<>();
    for (String thing : Certificates.things(sql, certificateId)) {
      Set<String> targets = new LinkedHashSet<>();
      for (String group : GroupMembers.groupsOf(sql, thing)) {
        targets.add(registry.thingGroupArn(group));
        ThingGroups.find(sql, group)
            .ifPresent(
                g ->
                    ThingGroups.parents(sql, g)
                        .forEach(p -> targets.add(registry.thingGroupArn(p.name()))));
      }
      Read ofGroups = documents(sql, targets);
      plain &= ofGroups.plain();
      List<PolicyDocument> policies = new ArrayList<>(own.policies());
      policies.addAll(ofGroups.policies());
      all.addAll(ofGroups.policies());
      things.put(thing, new OfThing(List.copyOf(policies), thingTexts(sql, thing)));
    }
    return new Cached(
        readAt,
        true,
        java.util.Collections.unmodifiableMap(things),
        own.policies(),
        List.copyOf(all),
        plain ? NO_FACTS : CertificateFacts.of(Certificates.parse(certificate.get().pem())),
        plain);
  }

  private Read documents(Sql sql, Set<String> targets) {
    List<PolicyDocument> policies = new ArrayList<>();
    boolean plain = true;
    for (String target : targets) {
      for (String text : IotPolicies.documents(sql, target)) {
        try {
          Document document = document(text);
          plain &= document.plain();
          policies.add(document.policy());
        } catch (PolicyException e) {
          // written by a version that took it; a device is not let in by what cannot be read
          LOG.error("a policy attached to {} cannot be read: {}", target, e.getMessage());
          return new Read(List.of(), true);
        }
      }
    }
    return new Read(List.copyOf(policies), plain);
  }

  private Document document(String text) {
    if (documents.size() >= MAX_DOCUMENTS) {
      documents.clear();
    }
    return documents.computeIfAbsent(
        text,
        t -> new Document(PolicyDocument.parse(t), !t.contains("${") && !t.contains("Condition")));
  }
}
