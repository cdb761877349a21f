/**
 * The core's side towards client devices: who they are, and the local MQTT broker that they connect
 * to.
 *
 * <p>Two built-in components under AWS's names: {@code aws.greengrass.clientdevices.Auth} holds the
 * devices of the group; {@code aws.greengrass.clientdevices.mqtt.Moquette} is the broker, which is
 * {@code protocol/mqtt}'s engine with TLS. {@link io.ryegrass.clientdevices.ClientDevices} makes
 * both; the core program gives them to the nucleus together with a {@link
 * io.ryegrass.clientdevices.ServerCertificateSource} from the link to the cloud.
 *
 * <p><b>Admission</b> (V1): the certificate that TLS has proven must be the one that the group
 * lists for the thing whose name is the MQTT client id. No chain is looked at, because the
 * certificate itself is named; so it works without the cloud.
 *
 * <p><b>Messages.</b> What a device publishes goes to the bus as {@code ROUTED}, and the
 * subscription table alone says who gets it; the broker fans nothing out. What the bus has for a
 * device reaches it if it subscribed by MQTT as well.
 *
 * <p><b>Certificate.</b> Key and request are made here, the group's certificate authority in the
 * cloud signs. Both are kept on the disk together, so the broker starts without the cloud; renewal
 * begins at two thirds of the life, or when the addresses or the group change, and the running
 * broker takes the new one without dropping anybody.
 *
 * <p>What it does not do: device policies and verification of V2 client devices, the bridge,
 * shadows.
 *
 * <p>When the process dies at any moment: the certificate file is the old or the new one, whole;
 * sessions and QoS 1 messages for devices are the broker engine's promise; a message that was on
 * its way between broker and a target on the bus is lost unless that target stores it.
 */
@NullMarked
package io.ryegrass.clientdevices;

import org.jspecify.annotations.NullMarked;
