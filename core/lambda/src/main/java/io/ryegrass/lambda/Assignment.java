package io.ryegrass.lambda;

/** The answer to a worker's question for work. */
sealed interface Assignment {
  record Given(Work work) implements Assignment {}

  /** Nothing now, ask again. */
  record NothingYet() implements Assignment {}

  /** This worker gets no more work. */
  record Over() implements Assignment {}
}
