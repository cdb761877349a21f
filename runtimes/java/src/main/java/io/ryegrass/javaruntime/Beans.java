package io.ryegrass.javaruntime;

import java.lang.reflect.AccessibleObject;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The properties of a class as AWS's Java runtime sees them: public getters and setters, public
 * fields, private fields that have a getter and no setter, and the components of a record. The name
 * of a property is that of its accessor with the leading capitals in lower case ({@code getURL}:
 * {@code url}).
 */
final class Beans {
  private static final Map<Class<?>, Beans> KNOWN = new ConcurrentHashMap<>();

  private final Map<String, Property> properties = new LinkedHashMap<>();

  /** A property; any of the three ways may be missing. */
  static final class Property {
    private final String name;
    private @Nullable Method getter;
    private @Nullable Method setter;
    private @Nullable Field field;

    Property(String name) {
      this.name = name;
    }

    String name() {
      return name;
    }

    @Nullable Object read(Object bean) throws ReflectiveOperationException {
      if (getter != null) {
        return getter.invoke(bean);
      }
      return field == null ? null : field.get(bean);
    }

    /** Null when it cannot be set. */
    @Nullable Type type() {
      if (setter != null) {
        return setter.getGenericParameterTypes()[0];
      }
      return field == null || Modifier.isFinal(field.getModifiers())
          ? null
          : field.getGenericType();
    }

    void write(Object bean, @Nullable Object value) throws ReflectiveOperationException {
      if (setter != null) {
        setter.invoke(bean, value);
      } else if (field != null) {
        field.set(bean, value);
      }
    }
  }

  private Beans(Class<?> type) {
    for (Method method : type.getMethods()) {
      if (method.getDeclaringClass() == Object.class
          || Modifier.isStatic(method.getModifiers())
          || method.isBridge()) {
        continue;
      }
      String name = method.getName();
      int parameters = method.getParameterCount();
      Class<?> returned = method.getReturnType();
      if (parameters == 0
          && returned != void.class
          && name.startsWith("get")
          && name.length() > 3) {
        property(decapitalised(name.substring(3))).getter = open(method);
      } else if (parameters == 0
          && (returned == boolean.class || returned == Boolean.class)
          && name.startsWith("is")
          && name.length() > 2) {
        Property property = property(decapitalised(name.substring(2)));
        if (property.getter == null) {
          property.getter = open(method);
        }
      } else if (parameters == 1 && name.startsWith("set") && name.length() > 3) {
        property(decapitalised(name.substring(3))).setter = open(method);
      }
    }
    for (Class<?> level = type;
        level != null && level != Object.class;
        level = level.getSuperclass()) {
      for (Field field : level.getDeclaredFields()) {
        if (Modifier.isStatic(field.getModifiers()) || Modifier.isTransient(field.getModifiers())) {
          continue;
        }
        Property known = properties.get(field.getName());
        if (Modifier.isPublic(field.getModifiers()) || known != null) {
          Property property = known == null ? property(field.getName()) : known;
          if (property.field == null && property.setter == null) {
            property.field = open(field);
          }
        }
      }
    }
    for (Method accessor : Records.accessors(type)) {
      property(accessor.getName()).getter = open(accessor);
    }
  }

  static Beans of(Class<?> type) {
    Beans known = KNOWN.get(type);
    if (known == null) {
      known = new Beans(type);
      KNOWN.put(type, known);
    }
    return known;
  }

  /** Classes that are values, not beans: their text is their form. */
  static boolean isOfTheJdk(Class<?> type) {
    String name = type.getName();
    return name.startsWith("java.") || name.startsWith("javax.") || name.startsWith("sun.");
  }

  private Property property(String name) {
    Property property = properties.get(name);
    if (property == null) {
      property = new Property(name);
      properties.put(name, property);
    }
    return property;
  }

  Collection<Property> readable() {
    List<Property> all = new ArrayList<>();
    for (Property property : properties.values()) {
      if (property.getter != null || property.field != null) {
        all.add(property);
      }
    }
    return all;
  }

  /** By its name, else by its name in other capitals. */
  @Nullable Property find(String name) {
    Property property = properties.get(name);
    if (property == null) {
      for (Property other : properties.values()) {
        if (other.name.equalsIgnoreCase(name)) {
          return other;
        }
      }
    }
    return property;
  }

  private static <T extends AccessibleObject> T open(T member) {
    member.setAccessible(true);
    return member;
  }

  private static String decapitalised(String name) {
    int capitals = 0;
    while (capitals < name.length() && Character.isUpperCase(name.charAt(capitals))) {
      capitals++;
    }
    return name.substring(0, capitals).toLowerCase(Locale.ROOT) + name.substring(capitals);
  }
}
