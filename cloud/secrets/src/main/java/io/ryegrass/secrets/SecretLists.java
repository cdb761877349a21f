package io.ryegrass.secrets;

import static io.ryegrass.secrets.Directory.seconds;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.awsapi.CallAuthoriser;
import io.ryegrass.awsapi.CallContext;
import io.ryegrass.secrets.SecretTables.Secret;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Sql;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** DescribeSecret, ListSecrets and BatchGetSecretValue. */
final class SecretLists {
  private static final int ROWS = 200;

  private final CloudStore store;
  private final Directory directory;
  private final SecretVersions versions;
  private final CallAuthoriser authoriser;
  private final String region;

  /**
   * @param authoriser asked about each secret of a batch
   */
  SecretLists(
      CloudStore store,
      Directory directory,
      SecretVersions versions,
      CallAuthoriser authoriser,
      String region) {
    this.store = store;
    this.directory = directory;
    this.versions = versions;
    this.authoriser = authoriser;
    this.region = region;
  }

  ObjectNode describe(CallContext c, ObjectNode in) {
    return store.read(
        sql -> {
          Secret secret = directory.required(sql, in);
          ObjectNode out = entry(sql, secret, "VersionIdsToStages");
          if (secret.purge() != null) {
            // here the API reference means the day of the deletion, in lists that of the request
            out.put("DeletedDate", seconds(secret.purge()));
          }
          return out;
        });
  }

  /** What DescribeSecret and the entries of ListSecrets have in common. */
  private static ObjectNode entry(Sql sql, Secret s, String stagesMember) {
    ObjectNode out = Directory.answer(s);
    if (s.description() != null) {
      out.put("Description", s.description());
    }
    if (s.kmsKeyId() != null) {
      out.put("KmsKeyId", s.kmsKeyId());
    }
    out.put("CreatedDate", seconds(s.created())).put("LastChangedDate", seconds(s.changed()));
    if (s.accessed() != null) {
      out.put("LastAccessedDate", seconds(s.accessed()));
    }
    if (s.deleted() != null) {
      out.put("DeletedDate", seconds(s.deleted()));
    }
    if (!s.tags().isEmpty()) {
      ArrayNode tags = out.putArray("Tags");
      s.tags()
          .propertyStream()
          .forEach(
              e -> tags.addObject().put("Key", e.getKey()).put("Value", e.getValue().asString("")));
    }
    ObjectNode stages = out.putObject(stagesMember);
    SecretTables.stages(sql, s.arn())
        .forEach((id, labels) -> labels.forEach(stages.putArray(id)::add));
    if (stages.isEmpty()) {
      out.remove(stagesMember); // a secret that never had a value shows none, as at AWS
    }
    return out;
  }

  /** A page of secrets and where the next one begins, empty when there is none. */
  private record Page(List<Secret> secrets, String next) {}

  private Page page(Sql sql, ObjectNode in, boolean ascending, boolean deleted, int most) {
    Filters filters = new Filters(in.path("Filters"), region);
    String kind = ascending ? "asc" : "desc";
    long created = ascending ? Long.MIN_VALUE : Long.MAX_VALUE;
    String name = "";
    String token = in.path("NextToken").asString("");
    if (!token.isEmpty()) {
      List<String> parts = Tokens.parts(token, kind, 2);
      created = Tokens.parseLong(parts.getFirst());
      name = parts.getLast();
    }
    List<Secret> found = new ArrayList<>();
    while (true) {
      List<Secret> rows = SecretTables.after(sql, created, name, ascending, ROWS);
      for (Secret row : rows) {
        boolean there = row.purge() == null || row.purge().isAfter(directory.now());
        if (there && (deleted || row.deleted() == null) && filters.match(row)) {
          if (found.size() == most) {
            return new Page(found, Tokens.of(kind, Long.toString(created), name));
          }
          found.add(row);
        }
        created = row.created().toEpochMilli();
        name = row.name();
      }
      if (rows.size() < ROWS) {
        return new Page(found, "");
      }
    }
  }

  ObjectNode list(CallContext c, ObjectNode in) {
    boolean ascending = !in.path("SortOrder").asString("asc").equals("desc");
    boolean deleted = in.path("IncludePlannedDeletion").asBoolean(false);
    return store.read(
        sql -> {
          Page page = page(sql, in, ascending, deleted, in.path("MaxResults").asInt(100));
          ObjectNode out = Directory.object();
          ArrayNode list = out.putArray("SecretList");
          page.secrets().forEach(s -> list.add(entry(sql, s, "SecretVersionsToStages")));
          if (!page.next().isEmpty()) {
            out.put("NextToken", page.next());
          }
          return out;
        });
  }

  ObjectNode batch(CallContext c, ObjectNode in) {
    boolean byId = in.has("SecretIdList");
    if (byId == in.has("Filters")) {
      throw Faults.invalidParameter(
          "Either 'SecretIdList' or 'Filters' must be provided, but not both.");
    }
    if (byId && (in.has("MaxResults") || in.has("NextToken"))) {
      throw Faults.invalidParameter(
          "'Filters' not specified. 'Filters' must also be specified when '"
              + (in.has("MaxResults") ? "MaxResults" : "NextToken")
              + "' is provided.");
    }
    ObjectNode out = Directory.object();
    List<String> ids = new ArrayList<>();
    if (byId) {
      in.path("SecretIdList").forEach(id -> ids.add(id.asString("")));
    } else {
      Page page = store.read(sql -> page(sql, in, true, false, in.path("MaxResults").asInt(20)));
      page.secrets().forEach(s -> ids.add(s.arn()));
      if (!page.next().isEmpty()) {
        out.put("NextToken", page.next());
      }
    }
    ArrayNode values = out.putArray("SecretValues");
    ArrayNode errors = out.putArray("Errors");
    for (String id : ids) {
      ObjectNode single = Directory.object().put("SecretId", id);
      try {
        authoriser.authorise(c, SecretsService.PREFIX + "GetSecretValue", single);
        values.add(versions.get(c, single));
      } catch (AwsException e) {
        errors
            .addObject()
            .put("SecretId", id)
            .put("ErrorCode", e.code())
            .put("Message", e.getMessage());
      }
    }
    return out;
  }
}
