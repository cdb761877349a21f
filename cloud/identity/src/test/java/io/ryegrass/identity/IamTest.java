package io.ryegrass.identity;

import static io.ryegrass.identity.ApiRig.allow;
import static io.ryegrass.identity.ApiRig.session;
import static io.ryegrass.identity.ApiRig.statement;
import static io.ryegrass.identity.ApiRig.trust;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.store.testing.OnBothDatabases;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.services.iam.IamClient;
import software.amazon.awssdk.services.iam.model.ContextKeyTypeEnum;
import software.amazon.awssdk.services.iam.model.IamException;
import software.amazon.awssdk.services.iam.model.PolicyEvaluationDecisionType;
import software.amazon.awssdk.services.iam.model.Tag;
import software.amazon.awssdk.services.iam.model.User;
import software.amazon.awssdk.services.sts.model.StsException;

/** Users, groups, boundaries, sessions, tags and the simulator, by AWS's own clients. */
@OnBothDatabases
class IamTest {
  private static final String ROOT = "arn:aws:iam::000000000000:root";

  @TempDir Path folder;
  private ApiRig rig;
  private IamClient iam;

  @BeforeEach
  void start() throws IOException {
    rig = new ApiRig(folder, 1000);
    iam = rig.iam();
  }

  @AfterEach
  void stop() {
    rig.close();
  }

  private static void refused(Runnable call, String code, String message) {
    assertThatThrownBy(call::run)
        .isInstanceOfSatisfying(
            IamException.class, e -> assertThat(e.awsErrorDetails().errorCode()).isEqualTo(code))
        .hasMessageContaining(message);
  }

  @Test
  void aUserMayDoWhatItsGroupsMayAndNoMoreOnceItIsOut() {
    AwsCredentials ann = rig.newUser("ann");
    iam.createGroup(r -> r.groupName("readers"));
    iam.putGroupPolicy(
        r -> r.groupName("readers").policyName("p").policyDocument(allow("iam:ListUsers", "*")));
    refused(() -> rig.iam(ann).listUsers(), "AccessDenied", "no identity-based policy allows");
    iam.addUserToGroup(r -> r.groupName("readers").userName("ann"));
    assertThat(rig.iam(ann).listUsers().users()).hasSize(1);
    assertThat(iam.getGroup(r -> r.groupName("readers")).users())
        .extracting(User::userName)
        .containsExactly("ann");
    iam.updateUser(r -> r.userName("ann").newUserName("anna"));
    assertThat(rig.iam(ann).listUsers().users()).extracting(User::userName).containsExactly("anna");
    refused(
        () -> iam.deleteUser(r -> r.userName("anna")),
        "DeleteConflict",
        "must remove users from group first");
    iam.removeUserFromGroup(r -> r.groupName("readers").userName("anna"));
    refused(() -> rig.iam(ann).listUsers(), "AccessDenied", "anna is not authorized to perform");
    refused(
        () -> iam.getGroup(r -> r.groupName("none")),
        "NoSuchEntity",
        "The group with name none cannot be found.");
  }

  @Test
  void aBoundaryLimitsWhatPoliciesAllow() {
    AwsCredentials ann = rig.newUser("ann");
    iam.putUserPolicy(r -> r.userName("ann").policyName("all").policyDocument(allow("iam:*", "*")));
    String boundary =
        iam.createPolicy(r -> r.policyName("limit").policyDocument(allow("iam:List*", "*")))
            .policy()
            .arn();
    iam.putUserPermissionsBoundary(r -> r.userName("ann").permissionsBoundary(boundary));
    assertThat(rig.iam(ann).listUsers().users()).hasSize(1);
    refused(
        () -> rig.iam(ann).createUser(r -> r.userName("bob")),
        "AccessDenied",
        "because no permissions boundary allows the iam:CreateUser action");
    refused(
        () -> iam.deletePolicy(r -> r.policyArn(boundary)),
        "DeleteConflict",
        "Cannot delete a policy attached to entities.");
    assertThat(
            iam.getUser(r -> r.userName("ann"))
                .user()
                .permissionsBoundary()
                .permissionsBoundaryArn())
        .isEqualTo(boundary);
    iam.deleteUserPermissionsBoundary(r -> r.userName("ann"));
    rig.iam(ann).createUser(r -> r.userName("bob"));
  }

  @Test
  void tagsOfPrincipalsAndRequestsDecide() {
    AwsCredentials ann = rig.newUser("ann");
    iam.putUserPolicy(
        r ->
            r.userName("ann")
                .policyName("tagged")
                .policyDocument(
                    statement(
                        "\"Effect\":\"Allow\",\"Action\":\"iam:CreateUser\",\"Resource\":\"*\","
                            + "\"Condition\":{\"StringEquals\":{\"aws:RequestTag/team\":"
                            + "\"${aws:PrincipalTag/team}\"},\"ForAllValues:StringEquals\":"
                            + "{\"aws:TagKeys\":[\"team\"]}}")));
    Tag team = Tag.builder().key("team").value("red").build();
    Tag other = Tag.builder().key("cost").value("1").build();
    refused(
        () -> rig.iam(ann).createUser(r -> r.userName("bob").tags(team)),
        "AccessDenied",
        "iam:CreateUser");
    iam.tagUser(r -> r.userName("ann").tags(team));
    rig.iam(ann).createUser(r -> r.userName("bob").tags(team));
    refused(
        () -> rig.iam(ann).createUser(r -> r.userName("eve").tags(team, other)),
        "AccessDenied",
        "iam:CreateUser");
    assertThat(iam.listUserTags(r -> r.userName("bob")).tags()).containsExactly(team);
    refused(
        () ->
            iam.tagUser(
                r -> r.userName("bob").tags(team, Tag.builder().key("TEAM").value("x").build())),
        "InvalidInput",
        "Duplicate tag keys found.");
  }

  @Test
  void aSessionMayDoWhatTheRoleAndItsOwnPolicyAllow() {
    iam.createRole(r -> r.roleName("ops").assumeRolePolicyDocument(trust(ROOT)));
    iam.putRolePolicy(
        r -> r.roleName("ops").policyName("p").policyDocument(allow("iam:List*", "*")));
    var made =
        rig.sts(rig.rootKey())
            .assumeRole(
                r ->
                    r.roleArn("arn:aws:iam::000000000000:role/ops")
                        .roleSessionName("ss")
                        .policy(allow("iam:ListUsers", "*")));
    assertThat(made.packedPolicySize()).isPositive();
    IamClient limited = rig.iam(session(made.credentials()));
    assertThat(limited.listUsers().users()).isEmpty();
    refused(
        limited::listRoles,
        "AccessDenied",
        "because no session policy allows the iam:ListRoles action");
    assertThat(iam.getRole(r -> r.roleName("ops")).role().roleLastUsed().lastUsedDate())
        .isNotNull();
  }

  @Test
  void aRoleIsAssumedOnlyByWhomItTrustsAndUnderItsConditions() {
    AwsCredentials ann = rig.newUser("ann");
    String role = "arn:aws:iam::000000000000:role/partner";
    iam.createRole(
        r ->
            r.roleName("partner")
                .assumeRolePolicyDocument(
                    statement(
                        "\"Effect\":\"Allow\",\"Principal\":{\"AWS\":"
                            + "\"arn:aws:iam::000000000000:user/ann\"},\"Action\":"
                            + "\"sts:AssumeRole\",\"Condition\":{\"StringEquals\":"
                            + "{\"sts:ExternalId\":\"42\"}}")));
    assertThatThrownBy(() -> rig.sts(ann).assumeRole(r -> r.roleArn(role).roleSessionName("ss")))
        .isInstanceOf(StsException.class)
        .hasMessageContaining(
            "User: arn:aws:iam::000000000000:user/ann is not authorized to perform:"
                + " sts:AssumeRole on resource: "
                + role);
    assertThat(
            rig.sts(ann)
                .assumeRole(r -> r.roleArn(role).roleSessionName("ss").externalId("42"))
                .assumedRoleUser()
                .arn())
        .isEqualTo("arn:aws:sts::000000000000:assumed-role/partner/ss");
    assertThatThrownBy(
            () ->
                rig.sts(ann)
                    .assumeRole(
                        r ->
                            r.roleArn(role)
                                .roleSessionName("ss")
                                .externalId("42")
                                .durationSeconds(7200)))
        .hasMessageContaining(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
  }

  @Test
  void sessionsOfUsersAndFederatedUsersAreWhatTheySay() {
    AwsCredentials ann = rig.newUser("ann");
    iam.putUserPolicy(r -> r.userName("ann").policyName("all").policyDocument(allow("*", "*")));
    AwsCredentials own = session(rig.sts(ann).getSessionToken().credentials());
    assertThat(rig.sts(own).getCallerIdentity().arn())
        .isEqualTo("arn:aws:iam::000000000000:user/ann");
    assertThatThrownBy(() -> rig.sts(own).getSessionToken())
        .hasMessageContaining("Cannot call GetSessionToken with session credentials");
    var federated =
        rig.sts(ann).getFederationToken(r -> r.name("bob").policy(allow("iam:ListUsers", "*")));
    IamClient bob = rig.iam(session(federated.credentials()));
    assertThat(federated.federatedUser().federatedUserId()).isEqualTo("000000000000:bob");
    assertThat(bob.listUsers().users()).hasSize(1);
    refused(bob::listRoles, "AccessDenied", "federated-user/bob is not authorized");
    AwsCredentials bare =
        session(rig.sts(ann).getFederationToken(r -> r.name("eve")).credentials());
    refused(() -> rig.iam(bare).listUsers(), "AccessDenied", "federated-user/eve");
  }

  @Test
  void whoHasNoIdentityProviderSaysSoAndNeedsNoSignature() {
    assertThatThrownBy(
            () ->
                rig.sts(rig.rootKey())
                    .assumeRoleWithWebIdentity(
                        r ->
                            r.roleArn("arn:aws:iam::000000000000:role/ops")
                                .roleSessionName("ss")
                                .webIdentityToken("eyJhIjoxfQ.eyJpc3MiOiJodHRwczovL2EuYiJ9.c2ln")))
        .isInstanceOf(StsException.class)
        .hasMessageContaining("No OpenIDConnect provider found in your account for https://a.b");
  }

  @Test
  void listsArePagedByMarkers() {
    for (int i = 0; i < 7; i++) {
      String name = "role" + i;
      iam.createRole(r -> r.roleName(name).assumeRolePolicyDocument(trust(ROOT)));
    }
    List<String> names = new ArrayList<>();
    iam.listRolesPaginator(r -> r.maxItems(3))
        .forEach(
            page -> {
              assertThat(page.roles()).hasSizeLessThanOrEqualTo(3);
              page.roles().forEach(role -> names.add(role.roleName()));
            });
    assertThat(names)
        .containsExactly("role0", "role1", "role2", "role3", "role4", "role5", "role6");
    refused(() -> iam.listRoles(r -> r.marker("10")), "ValidationError", "Invalid Marker.");
  }

  @Test
  void versionsOfPoliciesHaveTheirLimitsAndTheirDefault() {
    String arn =
        iam.createPolicy(r -> r.policyName("p").policyDocument(allow("s3:*", "*"))).policy().arn();
    for (int i = 2; i <= 5; i++) {
      iam.createPolicyVersion(r -> r.policyArn(arn).policyDocument(allow("iam:*", "*")));
    }
    refused(
        () -> iam.createPolicyVersion(r -> r.policyArn(arn).policyDocument(allow("iam:*", "*"))),
        "LimitExceeded",
        "A managed policy can have up to 5 versions.");
    refused(
        () -> iam.deletePolicyVersion(r -> r.policyArn(arn).versionId("v1")),
        "DeleteConflict",
        "Cannot delete the default version of a policy.");
    iam.setDefaultPolicyVersion(r -> r.policyArn(arn).versionId("v3"));
    assertThat(iam.listPolicyVersions(r -> r.policyArn(arn)).versions())
        .extracting(v -> v.versionId() + v.isDefaultVersion())
        .containsExactly("v5false", "v4false", "v3true", "v2false", "v1false");
    refused(
        () -> iam.deletePolicy(r -> r.policyArn(arn)),
        "DeleteConflict",
        "This policy has more than one version.");
  }

  @Test
  void malformedPoliciesAreRefusedInTheWordsOfIam() {
    refused(
        () -> create("{\"Version\":\"2012-10-17\",\"Statement\":[]}"),
        "MalformedPolicyDocument",
        "Syntax errors in policy.");
    refused(
        () -> create(allow("s3:ListBucket", "arn:aws:s3::bucket")),
        "MalformedPolicyDocument",
        "The policy failed legacy parsing");
    refused(
        () -> create(allow("s3:ListBucket", "bucket")),
        "MalformedPolicyDocument",
        "Resource bucket must be in ARN format or \"*\".");
    refused(
        () -> create(allow("s3:List:Bucket", "*")),
        "MalformedPolicyDocument",
        "Actions/Condition can contain only one colon.");
    refused(
        () -> create(statement("\"Effect\":\"Allow\",\"Action\":\"s3:*\"")),
        "MalformedPolicyDocument",
        "Policy statement must contain resources.");
    refused(
        () ->
            iam.createRole(
                r -> r.roleName("r").assumeRolePolicyDocument(allow("sts:AssumeRole", "*"))),
        "MalformedPolicyDocument",
        "Has prohibited field Resource");
  }

  private void create(String document) {
    iam.createPolicy(r -> r.policyName("p").policyDocument(document));
  }

  @Test
  void theSimulatorAnswersAsCallsAreDecided() {
    rig.newUser("ann");
    iam.putUserPolicy(
        r ->
            r.userName("ann")
                .policyName("p")
                .policyDocument(
                    statement(
                        "\"Effect\":\"Allow\",\"Action\":\"greengrass:*\",\"Resource\":\"*\","
                            + "\"Condition\":{\"IpAddress\":{\"aws:SourceIp\":"
                            + "\"10.0.0.0/8\"}}")));
    String ann = "arn:aws:iam::000000000000:user/ann";
    var without =
        iam.simulatePrincipalPolicy(
                r -> r.policySourceArn(ann).actionNames("greengrass:CreateDeployment"))
            .evaluationResults()
            .getFirst();
    assertThat(without.evalDecision()).isEqualTo(PolicyEvaluationDecisionType.IMPLICIT_DENY);
    assertThat(without.missingContextValues()).containsExactly("aws:SourceIp");
    var with =
        iam.simulatePrincipalPolicy(
                r ->
                    r.policySourceArn(ann)
                        .actionNames("greengrass:CreateDeployment", "iot:CreateThing")
                        .contextEntries(
                            c ->
                                c.contextKeyName("aws:SourceIp")
                                    .contextKeyType(ContextKeyTypeEnum.IP)
                                    .contextKeyValues("10.1.2.3")))
            .evaluationResults();
    assertThat(with)
        .extracting(r -> r.evalDecision())
        .containsExactly(
            PolicyEvaluationDecisionType.ALLOWED, PolicyEvaluationDecisionType.IMPLICIT_DENY);
    assertThat(with.getFirst().matchedStatements()).hasSize(1);
  }

  @Test
  void serviceLinkedRolesAreMadeAndGoneByTheirOwnOperationsOnly() {
    var role =
        iam.createServiceLinkedRole(r -> r.awsServiceName("greengrass.amazonaws.com")).role();
    assertThat(role.arn())
        .isEqualTo(
            "arn:aws:iam::000000000000:role/aws-service-role/greengrass.amazonaws.com/"
                + role.roleName());
    refused(
        () -> iam.deleteRole(r -> r.roleName(role.roleName())),
        "UnmodifiableEntity",
        "this role is only modifiable by AWS");
    String task = iam.deleteServiceLinkedRole(r -> r.roleName(role.roleName())).deletionTaskId();
    assertThat(iam.getServiceLinkedRoleDeletionStatus(r -> r.deletionTaskId(task)).statusAsString())
        .isEqualTo("SUCCEEDED");
    assertThat(iam.listRoles().roles()).isEmpty();
  }

  @Test
  void theAccountTellsEverythingAtOnce() {
    rig.newUser("ann");
    iam.createGroup(r -> r.groupName("g"));
    iam.addUserToGroup(r -> r.groupName("g").userName("ann"));
    iam.createRole(r -> r.roleName("ops").assumeRolePolicyDocument(trust(ROOT)));
    iam.attachRolePolicy(
        r ->
            r.roleName("ops")
                .policyArn(
                    "arn:aws:iam::aws:policy/service-role/AWSGreengrassResourceAccessRolePolicy"));
    var details = iam.getAccountAuthorizationDetails();
    assertThat(details.userDetailList().getFirst().groupList()).containsExactly("g");
    assertThat(details.roleDetailList().getFirst().attachedManagedPolicies()).hasSize(1);
    assertThat(details.policies()).isNotEmpty();
    assertThat(iam.getAccountSummary().summaryMapAsStrings()).containsEntry("Users", 1);
    iam.createAccountAlias(r -> r.accountAlias("my-fleet"));
    assertThat(iam.listAccountAliases().accountAliases()).containsExactly("my-fleet");
  }
}
