package io.ryegrass.registry;

import static io.ryegrass.registry.Answers.text;

import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.store.CloudStore;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/**
 * Certificates attached to things. A thing can have several, so that a certificate can be replaced
 * without a gap; a certificate can stand for several things.
 */
final class ThingPrincipals {
  private final CloudStore store;
  private final Registry registry;

  ThingPrincipals(CloudStore store, Registry registry) {
    this.store = store;
    this.registry = registry;
  }

  void serve(ServiceOperations.Builder iot) {
    iot.json("AttachThingPrincipal", this::attach)
        .json("DetachThingPrincipal", this::detach)
        .json("ListThingPrincipals", this::principalsOf)
        .json("ListPrincipalThings", this::thingsOf);
  }

  /** The certificate id of a principal ARN. */
  private String certificateId(String principal) {
    String prefix = registry.certArn("");
    if (!principal.startsWith(prefix)) {
      throw Answers.invalid(
          "principal '" + principal + "' is not a certificate of this account and Region");
    }
    return principal.substring(prefix.length());
  }

  private ObjectNode attach(CallContext call, ObjectNode in) {
    String named = certificateId(text(in, "principal"));
    return registry.change(
        named,
        sql -> {
          String id = Certificates.require(sql, named).id();
          String thing = ThingRecords.require(sql, text(in, "thingName")).name();
          sql.update(
              "INSERT INTO thing_principals (thing, certificate) VALUES (?, ?)"
                  + " ON CONFLICT (thing, certificate) DO NOTHING",
              thing,
              id);
          return Answers.object();
        });
  }

  private ObjectNode detach(CallContext call, ObjectNode in) {
    String id = certificateId(text(in, "principal"));
    return registry.change(
        id,
        sql -> {
          String thing = ThingRecords.require(sql, text(in, "thingName")).name();
          if (sql.update(
                  "DELETE FROM thing_principals WHERE thing = ? AND certificate = ?", thing, id)
              == 0) {
            Certificates.require(sql, id);
          }
          return Answers.object();
        });
  }

  private ObjectNode principalsOf(CallContext call, ObjectNode in) {
    String name = text(in, "thingName");
    List<String> principals =
        store.read(
            sql -> {
              if (ThingRecords.find(sql, name).isEmpty()) {
                throw Answers.missing(
                    "Failed to list principals for thing "
                        + name
                        + " because the thing does not exist in your account");
              }
              return sql.list(
                  "SELECT certificate FROM thing_principals WHERE thing = ? ORDER BY certificate"
                      + " LIMIT 10000",
                  row -> registry.certArn(row.text("certificate")),
                  name);
            });
    return Answers.page(in, Answers.Paging.RESULTS, "principals", principals);
  }

  private ObjectNode thingsOf(CallContext call, ObjectNode in) {
    String id = certificateId(text(in, "principal"));
    List<String> names = store.read(sql -> Certificates.things(sql, id));
    return Answers.page(in, Answers.Paging.RESULTS, "things", names);
  }
}
