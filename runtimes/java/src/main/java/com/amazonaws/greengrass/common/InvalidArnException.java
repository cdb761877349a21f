package com.amazonaws.greengrass.common;

/** A text is not the ARN of a function. */
public class InvalidArnException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public InvalidArnException(String message) {
    super(message);
  }
}
