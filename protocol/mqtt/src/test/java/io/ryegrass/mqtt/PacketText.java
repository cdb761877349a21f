package io.ryegrass.mqtt;

import java.lang.reflect.RecordComponent;
import java.util.HexFormat;

/** Packets as text that shows what is in their arrays, so that two can be compared. */
final class PacketText {
  private PacketText() {}

  static String of(Object value) {
    return switch (value) {
      case null -> "-";
      case byte[] bytes -> HexFormat.of().formatHex(bytes);
      case MalformedPacketException fault -> "fault " + fault.reasonCode();
      case Record data -> {
        StringBuilder text = new StringBuilder(data.getClass().getSimpleName()).append('{');
        for (RecordComponent component : data.getClass().getRecordComponents()) {
          try {
            component.getAccessor().setAccessible(true);
            text.append(component.getName())
                .append('=')
                .append(of(component.getAccessor().invoke(data)))
                .append(' ');
          } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
          }
        }
        yield text.append('}').toString();
      }
      case Iterable<?> list -> {
        StringBuilder text = new StringBuilder("[");
        list.forEach(item -> text.append(of(item)).append(' '));
        yield text.append(']').toString();
      }
      default -> value.toString();
    };
  }
}
