package com.amazonaws.greengrass.common;

/** Levels of {@link GreengrassLogger}. */
public enum LogLevel {
  NOTSET,
  TRACE,
  DEBUG,
  INFO,
  WARN,
  ERROR,
  FATAL
}
