/**
 * Names of the environment, ARNs and the log, as AWS's Greengrass Core SDK for Java expects them
 * beside a function (v1-lambda-runtime.md section 6). Values and small parsers only; nothing here
 * talks to anyone but the log, which is the standard output.
 */
@NullMarked
package com.amazonaws.greengrass.common;

import org.jspecify.annotations.NullMarked;
