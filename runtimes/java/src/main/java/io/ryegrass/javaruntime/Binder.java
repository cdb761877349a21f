package io.ryegrass.javaruntime;

import java.lang.reflect.Array;
import java.lang.reflect.Constructor;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.lang.reflect.WildcardType;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.Collections;
import java.util.Date;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.jspecify.annotations.Nullable;

/**
 * Makes of what {@link Json} read the type that a handler asks for: primitives and their boxes,
 * strings, enums, arrays, collections, maps, Optional, dates, classes that are made from a text
 * ({@code valueOf}, {@code fromString}, {@code parse}, or a constructor), records, and beans
 * (constructor without parameters, setters, public fields). Unknown members are left out, as AWS's
 * runtime does.
 */
final class Binder {
  /** A value does not fit the type; the message says where. */
  static final class DoesNotFit extends RuntimeException {
    private static final long serialVersionUID = 1;

    DoesNotFit(String message) {
      super(message);
    }
  }

  private Binder() {}

  static @Nullable Object bind(@Nullable Object tree, Type type) {
    return bind(tree, type, Collections.<TypeVariable<?>, Type>emptyMap(), "the event");
  }

  private static @Nullable Object bind(
      @Nullable Object tree, Type type, Map<TypeVariable<?>, Type> variables, String where) {
    if (type instanceof TypeVariable) {
      Type known = variables.get(type);
      return bind(
          tree,
          known == null ? ((TypeVariable<?>) type).getBounds()[0] : known,
          known == null ? variables : Collections.<TypeVariable<?>, Type>emptyMap(),
          where);
    }
    if (type instanceof WildcardType) {
      return bind(tree, ((WildcardType) type).getUpperBounds()[0], variables, where);
    }
    if (type instanceof GenericArrayType) {
      return array(tree, ((GenericArrayType) type).getGenericComponentType(), variables, where);
    }
    Class<?> raw = raw(type, variables);
    Type[] arguments =
        type instanceof ParameterizedType
            ? resolved(((ParameterizedType) type).getActualTypeArguments(), variables)
            : new Type[0];
    if (raw == Optional.class) {
      return Optional.ofNullable(
          tree == null ? null : bind(tree, argument(arguments, 0), variables, where));
    }
    if (tree == null) {
      if (raw.isPrimitive()) {
        throw new DoesNotFit(where + " is null, and " + raw + " cannot be");
      }
      return null;
    }
    if (raw.isInstance(tree)
        && (raw == Object.class || raw == tree.getClass() || raw == Number.class)) {
      return tree;
    }
    if (raw.isPrimitive()
        || Number.class.isAssignableFrom(raw)
        || raw == Boolean.class
        || raw == Character.class) {
      return scalar(tree, raw, where);
    }
    if (raw == String.class || raw == CharSequence.class) {
      if (tree instanceof Map || tree instanceof List) {
        throw misfit(tree, raw, where);
      }
      return tree.toString();
    }
    if (raw.isArray()) {
      return array(tree, raw.getComponentType(), variables, where);
    }
    if (raw.isEnum()) {
      for (Object constant : raw.getEnumConstants()) {
        if (((Enum<?>) constant).name().equals(tree)) {
          return constant;
        }
      }
      throw misfit(tree, raw, where);
    }
    if (Collection.class.isAssignableFrom(raw) || raw == Iterable.class) {
      return collection(tree, raw, argument(arguments, 0), variables, where);
    }
    if (Map.class.isAssignableFrom(raw)) {
      return map(tree, raw, argument(arguments, 0), argument(arguments, 1), variables, where);
    }
    if (raw == Date.class && tree instanceof Number) {
      return new Date(((Number) tree).longValue());
    }
    if (raw == Date.class && tree instanceof String) {
      Object instant = fromText(java.time.Instant.class, (String) tree, where);
      return instant == null ? null : Date.from((java.time.Instant) instant);
    }
    if (tree instanceof String) {
      Object made = fromText(raw, (String) tree, where);
      if (made != null) {
        return made;
      }
    }
    if (tree instanceof Map && !Beans.isOfTheJdk(raw)) {
      Map<TypeVariable<?>, Type> own = new HashMap<>();
      TypeVariable<?>[] parameters = raw.getTypeParameters();
      for (int i = 0; i < parameters.length && i < arguments.length; i++) {
        own.put(parameters[i], arguments[i]);
      }
      return Records.isRecord(raw)
          ? record((Map<?, ?>) tree, raw, own, where)
          : bean((Map<?, ?>) tree, raw, own, where);
    }
    throw misfit(tree, raw, where);
  }

  private static DoesNotFit misfit(Object tree, Class<?> type, String where) {
    String kind =
        tree instanceof Map
            ? "an object"
            : tree instanceof List ? "an array" : tree instanceof String ? "a string" : "" + tree;
    return new DoesNotFit(where + " is " + kind + ", which does not fit " + type.getName());
  }

  private static Type argument(Type[] arguments, int i) {
    return i < arguments.length ? arguments[i] : Object.class;
  }

  private static Type[] resolved(Type[] types, Map<TypeVariable<?>, Type> variables) {
    Type[] all = types.clone();
    for (int i = 0; i < all.length; i++) {
      Type known = all[i] instanceof TypeVariable ? variables.get(all[i]) : null;
      if (known != null) {
        all[i] = known;
      }
    }
    return all;
  }

  static Class<?> raw(Type type, Map<TypeVariable<?>, Type> variables) {
    if (type instanceof Class) {
      return (Class<?>) type;
    }
    if (type instanceof ParameterizedType) {
      return (Class<?>) ((ParameterizedType) type).getRawType();
    }
    if (type instanceof GenericArrayType) {
      return Array.newInstance(
              raw(((GenericArrayType) type).getGenericComponentType(), variables), 0)
          .getClass();
    }
    if (type instanceof WildcardType) {
      return raw(((WildcardType) type).getUpperBounds()[0], variables);
    }
    Type known = variables.get(type);
    return known == null
        ? raw(((TypeVariable<?>) type).getBounds()[0], variables)
        : raw(known, variables);
  }

  private static Object scalar(Object tree, Class<?> type, String where) {
    try {
      if (type == boolean.class || type == Boolean.class) {
        if (tree instanceof Boolean) {
          return tree;
        }
        if (tree.equals("true") || tree.equals("false")) {
          return tree.equals("true");
        }
        throw misfit(tree, type, where);
      }
      if (type == char.class || type == Character.class) {
        if (tree instanceof String && ((String) tree).length() == 1) {
          return ((String) tree).charAt(0);
        }
        throw misfit(tree, type, where);
      }
      if (!(tree instanceof Number) && !(tree instanceof String)) {
        throw misfit(tree, type, where);
      }
      BigDecimal number = new BigDecimal(tree.toString().trim());
      if (type == int.class || type == Integer.class) {
        return whole(number).intValueExact();
      } else if (type == long.class || type == Long.class) {
        return whole(number).longValueExact();
      } else if (type == double.class || type == Double.class || type == Number.class) {
        return number.doubleValue();
      } else if (type == float.class || type == Float.class) {
        return number.floatValue();
      } else if (type == short.class || type == Short.class) {
        return whole(number).shortValueExact();
      } else if (type == byte.class || type == Byte.class) {
        return whole(number).byteValueExact();
      } else if (type == BigDecimal.class) {
        return number;
      } else if (type == BigInteger.class) {
        return whole(number);
      }
      Object made = fromText(type, tree.toString(), where);
      if (made != null) {
        return made;
      }
      throw misfit(tree, type, where);
    } catch (ArithmeticException | NumberFormatException e) {
      throw misfit(tree, type, where);
    }
  }

  /** As AWS's runtime: what stands behind the point is left out. */
  private static BigInteger whole(BigDecimal number) {
    return number.toBigInteger();
  }

  private static Object array(
      @Nullable Object tree, Type element, Map<TypeVariable<?>, Type> variables, String where) {
    Class<?> raw = raw(element, variables);
    if (raw == byte.class && tree instanceof String) {
      try {
        return Base64.getDecoder().decode((String) tree);
      } catch (IllegalArgumentException e) {
        throw new DoesNotFit(where + " is a string that is not base64, and byte[] is wanted");
      }
    }
    if (!(tree instanceof List)) {
      throw misfit(String.valueOf(tree), raw, where);
    }
    List<?> list = (List<?>) tree;
    Object array = Array.newInstance(raw, list.size());
    for (int i = 0; i < list.size(); i++) {
      Array.set(array, i, bind(list.get(i), element, variables, where + "[" + i + "]"));
    }
    return array;
  }

  @SuppressWarnings("unchecked")
  private static Object collection(
      Object tree,
      Class<?> type,
      Type element,
      Map<TypeVariable<?>, Type> variables,
      String where) {
    if (!(tree instanceof List)) {
      throw misfit(tree, type, where);
    }
    Collection<@Nullable Object> all;
    if (!type.isInterface() && !Modifier.isAbstract(type.getModifiers())) {
      all = (Collection<@Nullable Object>) create(type, where);
    } else if (SortedSet.class.isAssignableFrom(type)) {
      all = new TreeSet<>();
    } else if (Set.class.isAssignableFrom(type)) {
      all = new LinkedHashSet<>();
    } else if (Queue.class.isAssignableFrom(type)) {
      all = new ArrayDeque<>();
    } else {
      all = new ArrayList<>();
    }
    int i = 0;
    for (Object value : (List<?>) tree) {
      all.add(bind(value, element, variables, where + "[" + i++ + "]"));
    }
    return all;
  }

  @SuppressWarnings("unchecked")
  private static Object map(
      Object tree,
      Class<?> type,
      Type key,
      Type value,
      Map<TypeVariable<?>, Type> variables,
      String where) {
    if (!(tree instanceof Map)) {
      throw misfit(tree, type, where);
    }
    Map<@Nullable Object, @Nullable Object> all;
    if (!type.isInterface() && !Modifier.isAbstract(type.getModifiers())) {
      all = (Map<@Nullable Object, @Nullable Object>) create(type, where);
    } else if (ConcurrentMap.class.isAssignableFrom(type)) {
      all =
          (Map<@Nullable Object, @Nullable Object>)
              (Map<?, ?>) new ConcurrentHashMap<Object, Object>();
    } else if (SortedMap.class.isAssignableFrom(type)) {
      all = new TreeMap<>();
    } else {
      all = new LinkedHashMap<>();
    }
    for (Map.Entry<?, ?> entry : ((Map<?, ?>) tree).entrySet()) {
      all.put(
          bind(entry.getKey(), key, variables, "a key of " + where),
          bind(entry.getValue(), value, variables, where + "." + entry.getKey()));
    }
    return all;
  }

  /** Null when the class has no way to be made from a text. */
  private static @Nullable Object fromText(Class<?> type, String text, String where) {
    try {
      for (String name : new String[] {"valueOf", "fromString", "parse"}) {
        for (Method method : type.getMethods()) {
          if (method.getName().equals(name)
              && Modifier.isStatic(method.getModifiers())
              && method.getParameterCount() == 1
              && (method.getParameterTypes()[0] == String.class
                  || method.getParameterTypes()[0] == CharSequence.class)
              && type.isAssignableFrom(method.getReturnType())) {
            return method.invoke(null, text);
          }
        }
      }
      if (!Modifier.isAbstract(type.getModifiers())) {
        return type.getConstructor(String.class).newInstance(text);
      }
    } catch (NoSuchMethodException e) {
      return null;
    } catch (InvocationTargetException e) {
      throw new DoesNotFit(where + " does not fit " + type.getName() + ": " + e.getCause());
    } catch (ReflectiveOperationException e) {
      throw new DoesNotFit(where + " does not fit " + type.getName() + ": " + e);
    }
    return null;
  }

  static Object create(Class<?> type, String where) {
    try {
      Constructor<?> constructor = type.getDeclaredConstructor();
      constructor.setAccessible(true);
      return constructor.newInstance();
    } catch (InvocationTargetException e) {
      throw new DoesNotFit(
          where
              + " cannot be made: the constructor of "
              + type.getName()
              + " failed: "
              + e.getCause());
    } catch (ReflectiveOperationException e) {
      throw new DoesNotFit(
          where
              + " cannot be made: "
              + type.getName()
              + " is abstract, or has no constructor without parameters");
    }
  }

  private static Object bean(
      Map<?, ?> tree, Class<?> type, Map<TypeVariable<?>, Type> variables, String where) {
    Object bean = create(type, where);
    Beans properties = Beans.of(type);
    for (Map.Entry<?, ?> entry : tree.entrySet()) {
      String name = String.valueOf(entry.getKey());
      Beans.Property property = properties.find(name);
      Type wanted = property == null ? null : property.type();
      if (property == null || wanted == null) {
        continue;
      }
      String inner = where + "." + name;
      if (entry.getValue() == null && raw(wanted, variables).isPrimitive()) {
        continue; // as AWS's runtime: it stays what it is
      }
      try {
        property.write(bean, bind(entry.getValue(), wanted, variables, inner));
      } catch (InvocationTargetException e) {
        throw new DoesNotFit(inner + " was refused by " + type.getName() + ": " + e.getCause());
      } catch (ReflectiveOperationException e) {
        throw new DoesNotFit(inner + " cannot be set in " + type.getName() + ": " + e);
      }
    }
    return bean;
  }

  private static Object record(
      Map<?, ?> tree, Class<?> type, Map<TypeVariable<?>, Type> variables, String where) {
    List<Method> accessors = Records.accessors(type);
    @Nullable Object[] values = new @Nullable Object[accessors.size()];
    for (int i = 0; i < values.length; i++) {
      String name = accessors.get(i).getName();
      Type wanted = accessors.get(i).getGenericReturnType();
      Object value = tree.get(name);
      if (value == null && raw(wanted, variables).isPrimitive()) {
        values[i] = Array.get(Array.newInstance(raw(wanted, variables), 1), 0);
      } else {
        values[i] = bind(value, wanted, variables, where + "." + name);
      }
    }
    try {
      return Records.constructor(type, accessors).newInstance(values);
    } catch (InvocationTargetException e) {
      throw new DoesNotFit(where + " was refused by " + type.getName() + ": " + e.getCause());
    } catch (ReflectiveOperationException e) {
      throw new DoesNotFit(where + " cannot be made: " + e);
    }
  }
}
