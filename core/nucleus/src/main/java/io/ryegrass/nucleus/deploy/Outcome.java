package io.ryegrass.nucleus.deploy;

import io.ryegrass.nucleus.deploy.DeploymentTable.Event;

/** What became of one state's work, and the progress with what was found out. */
record Outcome(Event event, Progress progress) {
  static Outcome done(Progress p) {
    return new Outcome(Event.DONE, p);
  }
}
