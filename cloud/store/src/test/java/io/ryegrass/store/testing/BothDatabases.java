package io.ryegrass.store.testing;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ClassTemplateInvocationContext;
import org.junit.jupiter.api.extension.ClassTemplateInvocationContextProvider;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.Extension;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Makes the two runs of a class marked {@link OnBothDatabases}. */
final class BothDatabases implements ClassTemplateInvocationContextProvider {

  private record Run(TestDatabase.Kind kind)
      implements ClassTemplateInvocationContext, BeforeAllCallback, ExecutionCondition {

    @Override
    public String getDisplayName(int index) {
      return kind.name();
    }

    @Override
    public List<Extension> getAdditionalExtensions() {
      return List.of(this);
    }

    @Override
    public void beforeAll(ExtensionContext context) {
      TestDatabase.use(kind);
    }

    @Override
    public void prepareInvocation(ExtensionContext context) {
      TestDatabase.use(kind);
    }

    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
      return context.getTestMethod().isEmpty()
              || kind == TestDatabase.Kind.SQLITE
              || PostgresProgram.isInstalled()
          ? ConditionEvaluationResult.enabled("")
          : ConditionEvaluationResult.disabled(PostgresProgram.MISSING);
    }
  }

  @Override
  public boolean supportsClassTemplate(ExtensionContext context) {
    return true;
  }

  @Override
  public Stream<ClassTemplateInvocationContext> provideClassTemplateInvocationContexts(
      ExtensionContext context) {
    return Stream.of(TestDatabase.Kind.values()).map(Run::new);
  }
}
