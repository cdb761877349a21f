package io.ryegrass.javaruntime;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A function's handler, {@code package.Class::method} or {@code package.Class} (then {@code
 * handleRequest}), in any form that AWS Lambda for Java knows: {@link RequestHandler}, {@link
 * RequestStreamHandler}, and plain methods that take nothing, an input, a {@link Context}, both, or
 * streams. Of several methods of that name the one with the most parameters is it, and of those one
 * that takes a context.
 */
final class Handler {
  private final @Nullable Object instance;
  private final Method method;
  private final boolean binary;

  /** Null when the handler takes no input, or the streams. */
  private final @Nullable Type input;

  private final boolean streams;

  private Handler(@Nullable Object instance, Method method, boolean binary) {
    this.instance = instance;
    this.method = method;
    this.binary = binary;
    Class<?>[] parameters = method.getParameterTypes();
    this.streams =
        parameters.length >= 2
            && parameters[0] == InputStream.class
            && parameters[1] == OutputStream.class;
    this.input =
        streams || parameters.length == 0 || parameters[0] == Context.class
            ? null
            : inputType(
                instance == null ? method.getDeclaringClass() : instance.getClass(), method);
  }

  /**
   * Loads and makes it.
   *
   * @throws Failure when the name names nothing that can be called
   * @throws Throwable what the function's own code throws while its class is loaded and made
   */
  static Handler load(String name, ClassLoader loader, boolean binary) throws Throwable {
    int colons = name.indexOf("::");
    String className = colons < 0 ? name : name.substring(0, colons);
    String methodName = colons < 0 ? "handleRequest" : name.substring(colons + 2);
    Class<?> type;
    try {
      type = Class.forName(className, true, loader);
    } catch (ClassNotFoundException e) {
      throw new Failure(
          "Runtime.ClassNotFound",
          "There is no class " + className + " in the function's package or its lib folder");
    } catch (ExceptionInInitializerError e) {
      throw e.getCause() == null ? e : e.getCause();
    }
    Method method = choose(type, methodName);
    if (method == null) {
      throw new Failure(
          "Runtime.NoSuchHandler",
          "The class "
              + className
              + " has no public method "
              + methodName
              + " that takes an event");
    }
    method.setAccessible(true);
    if (Modifier.isStatic(method.getModifiers())) {
      return new Handler(null, method, binary);
    }
    try {
      return new Handler(type.getConstructor().newInstance(), method, binary);
    } catch (NoSuchMethodException e) {
      throw new Failure(
          "Runtime.NoConstructor",
          "The class " + className + " has no public constructor without parameters");
    } catch (InvocationTargetException e) {
      throw e.getCause() == null ? e : e.getCause();
    }
  }

  private static @Nullable Method choose(Class<?> type, String name) {
    Method best = null;
    // Level by level: of a method that a public class has from one that is not public, getMethods
    // knows a bridge only, which has lost its types.
    for (Class<?> level = type;
        level != null && level != Object.class;
        level = level.getSuperclass()) {
      best = better(best, level.getDeclaredMethods(), name);
    }
    return better(best, type.getMethods(), name);
  }

  private static @Nullable Method better(@Nullable Method known, Method[] methods, String name) {
    Method best = known;
    for (Method method : methods) {
      if (method.getName().equals(name)
          && Modifier.isPublic(method.getModifiers())
          && !method.isBridge()
          && !method.isSynthetic()
          && method.getDeclaringClass() != Object.class
          && callable(method.getParameterTypes())
          && (best == null || rank(method) > rank(best))) {
        best = method;
      }
    }
    return best;
  }

  private static boolean callable(Class<?>[] p) {
    if (p.length <= 1) {
      return true;
    }
    boolean streams = p[0] == InputStream.class && p[1] == OutputStream.class;
    return p.length == 2
        ? streams || p[1] == Context.class
        : p.length == 3 && streams && p[2] == Context.class;
  }

  private static int rank(Method method) {
    Class<?>[] p = method.getParameterTypes();
    boolean context = p.length > 0 && p[p.length - 1] == Context.class;
    return p.length * 4 + (context ? 2 : 0) + (Modifier.isAbstract(method.getModifiers()) ? 0 : 1);
  }

  /** The type of the first parameter, with what subclasses say about its variables. */
  private static Type inputType(Class<?> type, Method method) {
    Type declared = method.getGenericParameterTypes()[0];
    if (!(declared instanceof TypeVariable)) {
      return declared;
    }
    Map<TypeVariable<?>, Type> known = new HashMap<>();
    for (Class<?> level = type; level != null; level = level.getSuperclass()) {
      Type above = level.getGenericSuperclass();
      if (above instanceof ParameterizedType) {
        Type[] arguments = ((ParameterizedType) above).getActualTypeArguments();
        TypeVariable<?>[] names =
            ((Class<?>) ((ParameterizedType) above).getRawType()).getTypeParameters();
        for (int i = 0; i < names.length; i++) {
          Type own = known.get(arguments[i]);
          known.put(names[i], own == null ? arguments[i] : own);
        }
      }
    }
    Type found = known.get(declared);
    return found == null ? declared : found;
  }

  /**
   * Calls it.
   *
   * @return what the caller gets
   * @throws Failure when the event does not fit, or the result cannot be sent
   * @throws Throwable what the handler throws
   */
  byte[] call(byte[] payload, Context context) throws Throwable {
    if (streams) {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      InputStream in = new ByteArrayInputStream(payload);
      if (instance instanceof RequestStreamHandler && method.getName().equals("handleRequest")) {
        ((RequestStreamHandler) instance).handleRequest(in, out, context);
      } else if (method.getParameterCount() == 2) {
        invoke(in, out);
      } else {
        invoke(in, out, context);
      }
      return out.toByteArray();
    }
    return encode(plain(payload, context));
  }

  @SuppressWarnings("unchecked")
  private @Nullable Object plain(byte[] payload, Context context) throws Throwable {
    int parameters = method.getParameterCount();
    if (input == null) {
      return parameters == 0 ? invoke() : invoke(context);
    }
    Object event = decode(payload, input);
    if (instance instanceof RequestHandler
        && parameters == 2
        && method.getName().equals("handleRequest")) {
      return ((RequestHandler<@Nullable Object, @Nullable Object>) instance)
          .handleRequest(event, context);
    }
    return parameters == 1 ? invoke(event) : invoke(event, context);
  }

  private @Nullable Object invoke(@Nullable Object... arguments) throws Throwable {
    try {
      return method.invoke(instance, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause() == null ? e : e.getCause();
    }
  }

  private @Nullable Object decode(byte[] payload, Type type) {
    Class<?> raw = Binder.raw(type, Collections.<TypeVariable<?>, Type>emptyMap());
    if (raw == InputStream.class) {
      return new ByteArrayInputStream(payload);
    }
    if (binary) {
      if (raw == byte[].class || raw == Object.class) {
        return payload;
      } else if (raw == ByteBuffer.class) {
        return ByteBuffer.wrap(payload);
      } else if (raw == String.class) {
        return new String(payload, StandardCharsets.UTF_8);
      }
      throw new Failure(
          "Runtime.UnmarshalError",
          "A handler with encoding type \"binary\" takes byte[], ByteBuffer, InputStream or String, not "
              + raw.getName());
    }
    try {
      Object tree;
      if (payload.length == 0) {
        boolean value =
            raw.isPrimitive() || raw.isArray() || raw.getName().startsWith("java.lang.");
        tree =
            value && raw != Object.class || Iterable.class.isAssignableFrom(raw)
                ? null
                : Collections.emptyMap();
      } else {
        tree = Json.read(payload);
      }
      return Binder.bind(tree, type);
    } catch (Json.NotJson e) {
      throw new Failure(
          "Runtime.UnmarshalError",
          "The payload is not JSON ("
              + e.getMessage()
              + "). A function that takes other payloads needs the input payload encoding type \"binary\".");
    } catch (Binder.DoesNotFit e) {
      throw new Failure("Runtime.UnmarshalError", String.valueOf(e.getMessage()));
    }
  }

  private byte[] encode(@Nullable Object result) throws IOException {
    if (!binary) {
      try {
        return JsonWriter.bytes(result);
      } catch (JsonWriter.NotWritable e) {
        throw new Failure(
            "Runtime.MarshalError",
            "What the handler returned cannot be made JSON: " + e.getMessage());
      }
    }
    if (result == null) {
      return new byte[0];
    } else if (result instanceof byte[]) {
      return (byte[]) result;
    } else if (result instanceof String) {
      return ((String) result).getBytes(StandardCharsets.UTF_8);
    } else if (result instanceof ByteBuffer) {
      ByteBuffer buffer = ((ByteBuffer) result).duplicate();
      byte[] bytes = new byte[buffer.remaining()];
      buffer.get(bytes);
      return bytes;
    }
    throw new Failure(
        "Runtime.MarshalError",
        "A handler with encoding type \"binary\" returns byte[], ByteBuffer or String, not "
            + result.getClass().getName());
  }
}
