package io.ryegrass.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.store.testing.OnBothDatabases;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.services.iot.model.GroupNameAndArn;
import software.amazon.awssdk.services.iot.model.InvalidQueryException;
import software.amazon.awssdk.services.iot.model.InvalidRequestException;
import software.amazon.awssdk.services.iot.model.ResourceAlreadyExistsException;
import software.amazon.awssdk.services.iot.model.ResourceNotFoundException;
import software.amazon.awssdk.services.iot.model.ThingDocument;
import software.amazon.awssdk.services.iot.model.VersionConflictException;

/** Static and dynamic groups, and the fleet index behind the latter (developer guide). */
@OnBothDatabases
class ThingGroupsTest {
  @TempDir Path folder;
  private TestRegistry cloud;

  @BeforeEach
  void start() throws IOException {
    cloud = new TestRegistry(folder);
  }

  @AfterEach
  void stop() {
    cloud.close();
  }

  private void group(String name, String parent) {
    cloud.iot.createThingGroup(
        b -> {
          b.thingGroupName(name);
          if (!parent.isEmpty()) {
            b.parentGroupName(parent);
          }
        });
  }

  @Test
  void aHierarchyIsSevenGroupsDeepAndListedWithAndWithoutRecursion() {
    group("g1", "");
    for (int i = 2; i <= 7; i++) {
      group("g" + i, "g" + (i - 1));
    }
    assertThatThrownBy(() -> group("g8", "g7")).isInstanceOf(InvalidRequestException.class);
    var metadata = cloud.iot.describeThingGroup(b -> b.thingGroupName("g3")).thingGroupMetadata();
    assertThat(metadata.parentGroupName()).isEqualTo("g2");
    assertThat(metadata.rootToParentThingGroups())
        .extracting(GroupNameAndArn::groupName)
        .containsExactly("g1", "g2");
    assertThat(cloud.iot.listThingGroups(b -> {}).thingGroups()).hasSize(7);
    assertThat(cloud.iot.listThingGroups(b -> b.recursive(false)).thingGroups()).hasSize(1);
    assertThat(cloud.iot.listThingGroups(b -> b.parentGroup("g5")).thingGroups())
        .extracting(GroupNameAndArn::groupName)
        .containsExactly("g6", "g7");
    assertThat(cloud.iot.listThingGroups(b -> b.parentGroup("g5").recursive(false)).thingGroups())
        .extracting(GroupNameAndArn::groupName)
        .containsExactly("g6");
    assertThatThrownBy(() -> cloud.iot.listThingGroups(b -> b.parentGroup("none")))
        .isInstanceOf(ResourceNotFoundException.class);
    group("g2", "g1"); // as it is
    assertThatThrownBy(() -> group("g2", ""))
        .isInstanceOf(ResourceAlreadyExistsException.class)
        .hasMessageContaining(
            "Thing Group g2 already exists in current account with different properties");
    assertThatThrownBy(() -> cloud.iot.deleteThingGroup(b -> b.thingGroupName("g1")))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining(
            "Cannot delete thing group : g1 when there are still child groups attached to it");
    cloud.iot.deleteThingGroup(b -> b.thingGroupName("none")); // no error, says the API
  }

  @Test
  void aThingIsInOneGroupOfAHierarchyAndAGroupListsThoseBelowIt() {
    group("plant", "");
    group("hall", "plant");
    group("other", "");
    var thing = cloud.iot.createThing(b -> b.thingName("t"));
    cloud.iot.addThingToThingGroup(
        b ->
            b.thingArn(thing.thingArn())
                .thingGroupArn(cloud.registry.thingGroupArn("hall"))
                .thingName("t"));
    cloud.iot.addThingToThingGroup(b -> b.thingName("t").thingGroupName("other"));
    assertThatThrownBy(
            () -> cloud.iot.addThingToThingGroup(b -> b.thingName("t").thingGroupName("plant")))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("same hierarchy");
    assertThatThrownBy(() -> cloud.iot.addThingToThingGroup(b -> b.thingName("t")))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("Need to specify at least one of them");
    assertThat(cloud.iot.listThingsInThingGroup(b -> b.thingGroupName("plant")).things()).isEmpty();
    assertThat(
            cloud
                .iot
                .listThingsInThingGroup(b -> b.thingGroupName("plant").recursive(true))
                .things())
        .containsExactly("t");

    cloud.iot.updateThingGroupsForThing(
        b -> b.thingName("t").thingGroupsToRemove("hall").thingGroupsToAdd("plant"));

    assertThat(cloud.iot.listThingGroupsForThing(b -> b.thingName("t")).thingGroups())
        .extracting(GroupNameAndArn::groupName)
        .containsExactly("other", "plant");
  }

  @Test
  void anUpdateMergesAttributesAndCountsVersions() {
    cloud.iot.createThingGroup(
        b ->
            b.thingGroupName("g")
                .thingGroupProperties(
                    p ->
                        p.thingGroupDescription("d")
                            .attributePayload(a -> a.attributes(Map.of("a", "1")))));
    assertThat(
            cloud
                .iot
                .updateThingGroup(
                    b ->
                        b.thingGroupName("g")
                            .expectedVersion(1L)
                            .thingGroupProperties(
                                p ->
                                    p.attributePayload(
                                        a -> a.merge(true).attributes(Map.of("b", "2")))))
                .version())
        .isEqualTo(2);
    var properties =
        cloud.iot.describeThingGroup(b -> b.thingGroupName("g")).thingGroupProperties();
    assertThat(properties.thingGroupDescription()).isEqualTo("d");
    assertThat(properties.attributePayload().attributes()).isEqualTo(Map.of("a", "1", "b", "2"));
    assertThatThrownBy(
            () ->
                cloud.iot.updateThingGroup(
                    b ->
                        b.thingGroupName("g")
                            .expectedVersion(1L)
                            .thingGroupProperties(p -> p.thingGroupDescription("e"))))
        .isInstanceOf(VersionConflictException.class);
  }

  @Test
  void theIndexFindsThingsByWhatTheRegistryKnows() {
    cloud.iot.createThingType(b -> b.thingTypeName("pumps"));
    group("plant", "");
    cloud.iot.createThing(
        b ->
            b.thingName("Pump-1")
                .thingTypeName("pumps")
                .attributePayload(a -> a.attributes(Map.of("bar", "5", "place", "cellar"))));
    cloud.iot.createThing(
        b -> b.thingName("pump-2").attributePayload(a -> a.attributes(Map.of("bar", "12"))));
    cloud.iot.addThingToThingGroup(b -> b.thingName("pump-2").thingGroupName("plant"));

    assertThat(found("*")).containsExactly("Pump-1", "pump-2");
    assertThat(found("thingName:pump*")).containsExactly("Pump-1", "pump-2");
    assertThat(found("thingTypeName:pumps AND attributes.place:CELLAR")).containsExactly("Pump-1");
    assertThat(found("attributes.bar>=6")).containsExactly("pump-2");
    assertThat(found("attributes.bar:[1 TO 5]")).containsExactly("Pump-1");
    assertThat(found("thingGroupNames:plant")).containsExactly("pump-2");
    assertThat(found("cellar OR plant")).containsExactly("Pump-1", "pump-2");
    assertThat(found("-attributes.place:*")).containsExactly("pump-2");
    assertThatThrownBy(() -> found("thingName:")).isInstanceOf(InvalidQueryException.class);
    assertThatThrownBy(() -> found("connectivity.connected:true"))
        .isInstanceOf(InvalidQueryException.class);
    assertThatThrownBy(() -> cloud.iot.searchIndex(b -> b.indexName("x").queryString("*")))
        .isInstanceOf(ResourceNotFoundException.class);
    assertThat(
            cloud
                .iot
                .searchIndex(b -> b.indexName("AWS_ThingGroups").queryString("thingGroupName:p*"))
                .thingGroups())
        .hasSize(1);
    var first = cloud.iot.searchIndex(b -> b.queryString("*").maxResults(1));
    assertThat(cloud.iot.searchIndex(b -> b.queryString("*").nextToken(first.nextToken())).things())
        .extracting(ThingDocument::thingName)
        .containsExactly("pump-2");
    assertThat(
            cloud
                .iot
                .getStatistics(b -> b.queryString("*").aggregationField("attributes.bar"))
                .statistics()
                .sum())
        .isEqualTo(17.0);
    assertThatThrownBy(
            () ->
                cloud.iot.updateIndexingConfiguration(
                    b ->
                        b.thingIndexingConfiguration(
                            c ->
                                c.thingIndexingMode("REGISTRY")
                                    .thingConnectivityIndexingMode("STATUS"))))
        .isInstanceOf(InvalidRequestException.class);
  }

  private Iterable<String> found(String query) {
    return cloud.iot.searchIndex(b -> b.queryString(query)).things().stream()
        .map(ThingDocument::thingName)
        .toList();
  }

  @Test
  void aDynamicGroupFollowsWhatThingsAre() {
    cloud.iot.createThing(
        b -> b.thingName("t").attributePayload(a -> a.attributes(Map.of("bar", "61"))));
    cloud.iot.createThing(
        b -> b.thingName("u").attributePayload(a -> a.attributes(Map.of("bar", "60"))));
    var made =
        cloud.iot.createDynamicThingGroup(
            b -> b.thingGroupName("high").queryString("attributes.bar>60"));
    assertThat(made.queryVersion()).isEqualTo("2017-09-30");
    assertThat(made.indexName()).isEqualTo("AWS_Things");
    assertThat(members("high")).containsExactly("t");

    cloud.iot.updateThing(
        b -> b.thingName("u").attributePayload(a -> a.attributes(Map.of("bar", "70"))));
    cloud.iot.updateThing(
        b -> b.thingName("t").attributePayload(a -> a.attributes(Map.of("bar", "1"))));
    assertThat(members("high")).containsExactly("u");

    cloud.iot.updateDynamicThingGroup(
        b ->
            b.thingGroupName("high")
                .thingGroupProperties(p -> p.thingGroupDescription("all"))
                .queryString("thingGroupNames:plant OR attributes.bar:1"));
    assertThat(members("high")).containsExactly("t");
    group("plant", "");
    cloud.iot.addThingToThingGroup(b -> b.thingName("u").thingGroupName("plant"));
    assertThat(members("high")).containsExactly("t", "u");
    assertThat(cloud.iot.describeThingGroup(b -> b.thingGroupName("high")).statusAsString())
        .isEqualTo("ACTIVE");
    assertThatThrownBy(
            () -> cloud.iot.addThingToThingGroup(b -> b.thingName("t").thingGroupName("high")))
        .isInstanceOf(InvalidRequestException.class);
    assertThatThrownBy(
            () ->
                cloud.iot.updateIndexingConfiguration(
                    b -> b.thingIndexingConfiguration(c -> c.thingIndexingMode("OFF"))))
        .isInstanceOf(InvalidRequestException.class);
    assertThatThrownBy(
            () ->
                cloud.iot.createDynamicThingGroup(
                    b -> b.thingGroupName("bad").queryString("a AND")))
        .isInstanceOf(InvalidQueryException.class);

    cloud.iot.deleteDynamicThingGroup(b -> b.thingGroupName("high"));

    assertThatThrownBy(() -> members("high")).isInstanceOf(ResourceNotFoundException.class);
  }

  private Iterable<String> members(String group) {
    return cloud.iot.listThingsInThingGroup(b -> b.thingGroupName(group)).things();
  }
}
