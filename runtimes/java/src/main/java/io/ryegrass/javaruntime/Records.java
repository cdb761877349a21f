package io.ryegrass.javaruntime;

import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;

/** Records, seen from Java 8, which does not know them. */
final class Records {
  private Records() {}

  static boolean isRecord(Class<?> type) {
    Class<?> above = type.getSuperclass();
    return above != null && above.getName().equals("java.lang.Record");
  }

  /** The accessors of its components, in order; none where it is no record. */
  static List<Method> accessors(Class<?> type) {
    List<Method> all = new ArrayList<>();
    if (isRecord(type)) {
      try {
        Object[] components = (Object[]) Class.class.getMethod("getRecordComponents").invoke(type);
        if (components != null) {
          for (Object component : components) {
            all.add((Method) component.getClass().getMethod("getAccessor").invoke(component));
          }
        }
      } catch (ReflectiveOperationException e) {
        throw new IllegalStateException("This Java does not tell the components of " + type, e);
      }
    }
    return all;
  }

  /** The constructor that takes all components. */
  static Constructor<?> constructor(Class<?> type, List<Method> accessors)
      throws NoSuchMethodException {
    Class<?>[] types = new Class<?>[accessors.size()];
    for (int i = 0; i < types.length; i++) {
      types[i] = accessors.get(i).getReturnType();
    }
    Constructor<?> constructor = type.getDeclaredConstructor(types);
    constructor.setAccessible(true);
    return constructor;
  }
}
