package io.ryegrass.durable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DurableFilesTest {
  @TempDir Path folder;

  @Test
  void aKeyIsReadableByItsOwnerOnlyAndMissingFoldersAreMade() throws Exception {
    Path key = folder.resolve("a/b/key.pem");
    DurableFiles.writeAtomically(key, new byte[] {1, 2}, DurableFiles.OWNER_ONLY);
    assertThat(Files.getPosixFilePermissions(key)).isEqualTo(DurableFiles.OWNER_ONLY);
    DurableFiles.writeAtomically(key, new byte[] {3}, DurableFiles.OWNER_ONLY);
    assertThat(DurableFiles.read(key)).contains(new byte[] {3});
    DurableFiles.delete(key);
    DurableFiles.delete(key);
    assertThat(DurableFiles.read(key)).isEmpty();
  }

  @Test
  void anInterruptDoesNotFailAWriteAndIsNotLost() {
    Thread.currentThread().interrupt();
    DurableFiles.writeAtomically(folder.resolve("f"), new byte[] {1});
    assertThat(Thread.interrupted()).isTrue();
    assertThat(DurableFiles.read(folder.resolve("f"))).contains(new byte[] {1});
  }

  @Test
  void aPlaceThatCannotBeWrittenIsNamed() throws Exception {
    Path file = Files.createFile(folder.resolve("plain"));
    assertThatThrownBy(() -> DurableFiles.writeAtomically(file.resolve("below"), new byte[1]))
        .isInstanceOf(DurableException.class)
        .hasMessageContaining("plain")
        .hasMessageContaining("check that the disk has room");
  }

  @Test
  void aLockedFolderIsRefusedWithinTheProcessAndFreeAfterClose() {
    try (DataFolderLock lock = DataFolderLock.acquire(folder)) {
      assertThat(lock).isNotNull();
      assertThatThrownBy(() -> DataFolderLock.acquire(folder))
          .isInstanceOf(DurableException.class)
          .hasMessageContaining(Long.toString(ProcessHandle.current().pid()))
          .hasMessageContaining("stop that process or choose another folder");
    }
    DataFolderLock.acquire(folder).close();
  }

  /** Holds a folder until it is killed. */
  static final class Holder {
    private Holder() {}

    public static void main(String[] args) throws Exception {
      try (DataFolderLock lock = DataFolderLock.acquire(Path.of(args[0]))) {
        System.out.println("locked " + lock);
        System.in.read();
      }
    }
  }

  @Test
  void aLockEndsWithAKilledProcessAndNamesItsHolderUntilThen() throws Exception {
    Process holder =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Holder.class.getName(),
                folder.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (var out = holder.inputReader()) {
      assertThat(out.readLine()).startsWith("locked");
      assertThatThrownBy(() -> DataFolderLock.acquire(folder))
          .hasMessageContaining("process " + holder.pid());
    } finally {
      holder.destroyForcibly();
    }
    assertThat(holder.waitFor(60, TimeUnit.SECONDS)).isTrue();
    DataFolderLock.acquire(folder).close();
  }
}
