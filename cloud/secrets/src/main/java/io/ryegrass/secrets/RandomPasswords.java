package io.ryegrass.secrets;

import io.ryegrass.awsapi.CallContext;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/** GetRandomPassword. */
final class RandomPasswords {
  private static final int DEFAULT_LENGTH = 32;
  private static final List<Kind> KINDS =
      List.of(
          new Kind("ExcludeLowercase", "abcdefghijklmnopqrstuvwxyz"),
          new Kind("ExcludeUppercase", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
          new Kind("ExcludeNumbers", "0123456789"),
          new Kind("ExcludePunctuation", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"));

  private final SecureRandom random;

  RandomPasswords(SecureRandom random) {
    this.random = random;
  }

  private record Kind(String exclusion, String characters) {}

  ObjectNode get(CallContext c, ObjectNode in) {
    int length = in.path("PasswordLength").asInt(DEFAULT_LENGTH);
    List<String> sets = sets(in);
    String all = String.join("", sets);
    if (all.isEmpty()) {
      throw Faults.invalidParameter(
          "The request excludes all characters; leave some for the password.");
    }
    boolean each = in.path("RequireEachIncludedType").asBoolean(true);
    if (each && length < sets.size()) {
      throw Faults.invalidParameter(
          "Password length " + length + " is too short based on the required types.");
    }
    char[] password = new char[length];
    for (int i = 0; i < length; i++) {
      password[i] = pick(each && i < sets.size() ? sets.get(i) : all);
    }
    for (int i = length - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      char moved = password[i];
      password[i] = password[j];
      password[j] = moved;
    }
    return Directory.object().put("RandomPassword", new String(password));
  }

  private static List<String> sets(ObjectNode in) {
    String excluded = in.path("ExcludeCharacters").asString("");
    List<String> sets = new ArrayList<>();
    for (Kind kind : KINDS) {
      if (!in.path(kind.exclusion()).asBoolean(false)) {
        addRest(sets, kind.characters(), excluded);
      }
    }
    if (in.path("IncludeSpace").asBoolean(false)) {
      addRest(sets, " ", excluded);
    }
    return sets;
  }

  private static void addRest(List<String> sets, String characters, String excluded) {
    StringBuilder rest = new StringBuilder();
    characters.chars().filter(ch -> excluded.indexOf(ch) < 0).forEach(ch -> rest.append((char) ch));
    if (!rest.isEmpty()) {
      sets.add(rest.toString());
    }
  }

  private char pick(String characters) {
    return characters.charAt(random.nextInt(characters.length()));
  }
}
