package io.ryegrass.lambda;

/** A worker's open question for work; answered once, on any thread, with no lock held. */
@FunctionalInterface
interface Question {
  void answer(Assignment assignment);
}
