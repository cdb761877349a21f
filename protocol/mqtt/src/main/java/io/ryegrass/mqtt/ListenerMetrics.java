package io.ryegrass.mqtt;

/**
 * Gauges and counters (since start) of all listeners of a broker together at one moment.
 *
 * @param openSockets accepted and not yet closed, whatever they have come to
 * @param pendingSockets of these, whose CONNECT was not answered yet
 * @param handshakes TLS handshakes in progress
 * @param waitingHandshakes clients whose ClientHello is there and that wait for a place
 * @param acceptedSockets ever accepted, those refused at once included
 * @param refusedSockets closed at once, because the bound of sockets was reached
 * @param displacedSockets closed before their CONNECT, because newer ones needed the place
 * @param lateSockets closed, because they had not come as far as MQTT in time
 * @param refusedHandshakes closed, because too many others waited
 * @param displacedHandshakes closed, because they stood still while others waited
 * @param failedHandshakes ended by either side, strangers' certificates included
 * @param refusedAlpn clients that offered no protocol that the listener takes
 * @param refusedUpgrades HTTP requests that did not become a WebSocket
 */
public record ListenerMetrics(
    int openSockets,
    int pendingSockets,
    int handshakes,
    int waitingHandshakes,
    long acceptedSockets,
    long refusedSockets,
    long displacedSockets,
    long lateSockets,
    long refusedHandshakes,
    long displacedHandshakes,
    long failedHandshakes,
    long refusedAlpn,
    long refusedUpgrades) {}
