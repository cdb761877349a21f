package io.ryegrass.registry;

import java.util.function.Function;

/**
 * One HTTPS operation for devices. The gateway authorises it before it calls the handler.
 *
 * @param pathTemplate for example {@code /greengrass/discover/thing/{thingName}}; {@code {x+}}
 *     takes several segments
 * @param action for example {@code greengrass:Discover}
 * @param resource the ARN to authorise
 */
public record DeviceRoute(
    String method,
    String pathTemplate,
    String action,
    Function<DeviceRequest, String> resource,
    Function<DeviceRequest, DeviceResponse> handler) {}
