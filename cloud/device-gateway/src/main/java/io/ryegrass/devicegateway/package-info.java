/**
 * The doors of the cloud: the HTTP listener of the AWS APIs, the HTTPS listener for devices with
 * client certificates, the MQTT listener, and one port on which ALPN chooses between MQTT and HTTPS
 * and {@code wss://host/mqtt} is MQTT, too, for devices and for callers with a signed URL.
 *
 * <p>{@link io.ryegrass.devicegateway.DeviceGateway} is used in two steps. {@code bind} takes the
 * ports, so that the addresses are known and a taken port is told before anything else happens;
 * until {@code serve} hands in the services, HTTP answers 503 and MQTT refuses with "server
 * unavailable".
 *
 * <p>A device is whoever proves in the TLS handshake that it has the key of a certificate that the
 * registry holds as ACTIVE. The chain is not looked at: the registry is the authority, as in IoT
 * Core, where certificates of foreign CAs may be registered. Each request and each MQTT packet is
 * then authorised by the IoT policies of that certificate. What is sent after a change of the
 * registry is judged anew; certificates that stop being active, and access keys that end, lose
 * their MQTT connections within {@code ConnectionWatch.PERIOD}.
 *
 * <p>Messages that devices publish to reserved topics ({@code $aws/…}) go to the services that
 * handle them and nowhere else; the PUBACK follows when the service has stored their effect. What
 * services send goes through {@link io.ryegrass.registry.DeviceMessages}.
 *
 * <p>Not here: what the operations do, the MQTT protocol itself (protocol/mqtt), signatures and
 * protocols of the AWS APIs (protocol/aws-api). Sessions, queued and retained messages are on disk;
 * when the process dies devices reconnect and are given what was owed to them.
 */
@NullMarked
package io.ryegrass.devicegateway;

import org.jspecify.annotations.NullMarked;
