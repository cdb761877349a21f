package io.ryegrass.cloudlink;

/**
 * Life cycle of one connection to the cloud. {@link #on} is the whole table; an event that has no
 * meaning in a state leaves it.
 *
 * <pre>
 *            START             ACCEPTED
 *   IDLE ────────▶ CONNECTING ─────────▶ CONNECTED
 *                   ▲      │                 │
 *               DUE │      │ REFUSED         │ LOST
 *                   │      ▼                 ▼
 *                   └──── WAITING ◀──────────┘        CLOSE from anywhere ▶ CLOSED
 * </pre>
 */
enum LinkState {
  IDLE,
  CONNECTING,
  CONNECTED,
  WAITING,
  CLOSED;

  enum Event {
    /** The connection is wanted. */
    START,
    /** CONNACK with return code 0. */
    ACCEPTED,
    /** No CONNACK in time, or one with another code, or no TCP or TLS connection. */
    REFUSED,
    /** An accepted connection ended. */
    LOST,
    /** The back-off has passed, or another connection got through. */
    DUE,
    CLOSE
  }

  LinkState on(Event event) {
    if (event == Event.CLOSE) {
      return CLOSED;
    }
    return switch (this) {
      case IDLE -> event == Event.START ? CONNECTING : this;
      case CONNECTING ->
          switch (event) {
            case ACCEPTED -> CONNECTED;
            case REFUSED, LOST -> WAITING;
            default -> this;
          };
      case CONNECTED -> event == Event.LOST ? WAITING : this;
      case WAITING -> event == Event.DUE ? CONNECTING : this;
      case CLOSED -> this;
    };
  }
}
