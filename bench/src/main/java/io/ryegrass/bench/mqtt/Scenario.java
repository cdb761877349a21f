package io.ryegrass.bench.mqtt;

import java.util.ArrayList;
import java.util.List;

/** One way of loading a broker. Several publishers have a topic each; subscribers take all. */
record Scenario(int publishers, int subscribers, int qos, int payload, boolean tls) {
  static final int[] PAYLOADS = {100, 10_240};

  /** {@code 1to100.qos0.100B.plain} */
  String name() {
    String size = payload < 1024 ? payload + "B" : payload / 1024 + "KB";
    return shape() + ".qos" + qos + "." + size + "." + (tls ? "tls" : "plain");
  }

  String shape() {
    return publishers + "to" + subscribers;
  }

  static List<Scenario> all(int[] payloads) {
    List<Scenario> all = new ArrayList<>();
    for (boolean tls : new boolean[] {false, true}) {
      for (int payload : payloads) {
        for (int[] shape : new int[][] {{1, 1}, {50, 1}, {1, 100}}) {
          for (int qos = 0; qos <= 1; qos++) {
            all.add(new Scenario(shape[0], shape[1], qos, payload, tls));
          }
        }
      }
    }
    return all;
  }
}
