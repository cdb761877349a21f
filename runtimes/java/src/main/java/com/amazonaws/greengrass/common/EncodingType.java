package com.amazonaws.greengrass.common;

/** Values of {@code ENCODING_TYPE}. */
public enum EncodingType {
  binary,
  json
}
