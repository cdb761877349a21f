package io.ryegrass.nucleus;

/** Something that ends when closed; closing twice does nothing. */
@FunctionalInterface
public interface Subscription extends AutoCloseable {
  @Override
  void close();
}
