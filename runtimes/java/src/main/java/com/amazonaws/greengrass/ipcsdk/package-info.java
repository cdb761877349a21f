/**
 * The client of the core that AWS's Greengrass Core SDK for Java expects to find beside a function,
 * under AWS's names (v1-lambda-runtime.md section 6): {@link
 * com.amazonaws.greengrass.ipcsdk.DefaultIPCClient} hands work to other functions, to the router
 * (publish), to shadows and secrets, and waits for answers. It may be used by many threads at once.
 * Nothing is kept here that a death of the process could lose: a call that returned was taken by
 * the core.
 */
@NullMarked
package com.amazonaws.greengrass.ipcsdk;

import org.jspecify.annotations.NullMarked;
