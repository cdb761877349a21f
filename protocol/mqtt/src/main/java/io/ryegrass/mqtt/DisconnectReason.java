package io.ryegrass.mqtt;

/**
 * Why a connection ended, in the words of AWS IoT Core's life cycle events (mqtt-cloud reference,
 * section 8).
 */
public enum DisconnectReason {
  AUTH_ERROR,
  CLIENT_INITIATED_DISCONNECT,
  CONNECTION_LOST,
  DUPLICATE_CLIENTID,
  MQTT_KEEP_ALIVE_TIMEOUT,
  CLIENT_ERROR,
  FORBIDDEN_ACCESS,
  SERVER_ERROR,
  SERVER_INITIATED_DISCONNECT,
  API_INITIATED_DISCONNECT,
  WEBSOCKET_TTL_EXPIRATION,
  THROTTLED
}
