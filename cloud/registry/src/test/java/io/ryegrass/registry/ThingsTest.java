package io.ryegrass.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.registry.TestRegistry.Published;
import io.ryegrass.store.testing.OnBothDatabases;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.services.iot.model.Configuration;
import software.amazon.awssdk.services.iot.model.EventType;
import software.amazon.awssdk.services.iot.model.InvalidRequestException;
import software.amazon.awssdk.services.iot.model.ResourceNotFoundException;
import software.amazon.awssdk.services.iot.model.Tag;
import software.amazon.awssdk.services.iot.model.VersionConflictException;
import tools.jackson.databind.JsonNode;

/** Things, types, billing groups, tags, and what is told of them (developer guide, registry). */
@OnBothDatabases
class ThingsTest {
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

  @Test
  void attributesAreReplacedOrMergedAndAnEmptyValueRemovesOne() {
    cloud.iot.createThing(
        b -> b.thingName("t").attributePayload(a -> a.attributes(Map.of("a", "1", "b", "2"))));
    cloud.iot.updateThing(
        b ->
            b.thingName("t")
                .attributePayload(a -> a.merge(true).attributes(Map.of("b", "", "c", "3"))));
    assertThat(cloud.iot.describeThing(b -> b.thingName("t")))
        .satisfies(
            t -> {
              assertThat(t.attributes()).isEqualTo(Map.of("a", "1", "c", "3"));
              assertThat(t.version()).isEqualTo(2);
            });

    cloud.iot.updateThing(
        b -> b.thingName("t").attributePayload(a -> a.attributes(Map.of("d", "4"))));

    assertThat(cloud.iot.describeThing(b -> b.thingName("t")).attributes())
        .isEqualTo(Map.of("d", "4"));
  }

  @Test
  void aChangeThatExpectsAnotherVersionIsRefused() {
    cloud.iot.createThing(b -> b.thingName("t"));
    assertThatThrownBy(() -> cloud.iot.updateThing(b -> b.thingName("t").expectedVersion(7L)))
        .isInstanceOf(VersionConflictException.class)
        .hasMessageContaining("The version for thing t does not match the expected version.");
    assertThatThrownBy(() -> cloud.iot.deleteThing(b -> b.thingName("t").expectedVersion(7L)))
        .isInstanceOf(VersionConflictException.class);
    cloud.iot.deleteThing(b -> b.thingName("t").expectedVersion(1L));
    cloud.iot.deleteThing(b -> b.thingName("t")); // once more is no error
  }

  @Test
  void aThingWithoutTypeHasThreeAttributesAtMost() {
    Map<String, String> four = Map.of("a", "1", "b", "2", "c", "3", "d", "4");
    assertThatThrownBy(
            () ->
                cloud.iot.createThing(
                    b -> b.thingName("t").attributePayload(a -> a.attributes(four))))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("give it a type");
    cloud.iot.createThingType(b -> b.thingTypeName("pumps"));
    cloud.iot.createThing(
        b -> b.thingName("t").thingTypeName("pumps").attributePayload(a -> a.attributes(four)));
  }

  @Test
  void thingsAreFilteredByTypeAndAttributeAndAPageGoesOnAfterADeletion() {
    cloud.iot.createThingType(b -> b.thingTypeName("pumps"));
    for (int i = 0; i < 6; i++) {
      String name = "t" + i;
      String hall = "hall-" + i % 2;
      cloud.iot.createThing(
          b ->
              b.thingName(name)
                  .thingTypeName("pumps")
                  .attributePayload(a -> a.attributes(Map.of("hall", hall))));
    }
    cloud.iot.createThing(b -> b.thingName("other"));

    assertThat(cloud.iot.listThings(b -> b.attributeName("hall").attributeValue("hall-1")).things())
        .extracting(t -> t.thingName())
        .containsExactlyInAnyOrder("t1", "t3", "t5");
    assertThat(
            cloud
                .iot
                .listThings(
                    b ->
                        b.attributeName("hall")
                            .attributeValue("hall-")
                            .usePrefixAttributeValue(true))
                .things())
        .hasSize(6);
    var first = cloud.iot.listThings(b -> b.thingTypeName("pumps").maxResults(2));
    first.things().forEach(t -> cloud.iot.deleteThing(b -> b.thingName(t.thingName())));
    var rest = cloud.iot.listThings(b -> b.thingTypeName("pumps").nextToken(first.nextToken()));
    assertThat(rest.things()).hasSize(4);
    assertThat(rest.nextToken()).isNull();
    assertThatThrownBy(() -> cloud.iot.listThings(b -> b.nextToken("nobody gave this")))
        .isInstanceOf(InvalidRequestException.class);
  }

  @Test
  void aDeprecatedTypeTakesNoNewThingsAndIsDeletedFiveMinutesLater() {
    cloud.iot.createThingType(
        b ->
            b.thingTypeName("pumps")
                .thingTypeProperties(
                    p -> p.thingTypeDescription("old").searchableAttributes("a", "b")));
    assertThatThrownBy(() -> cloud.iot.deleteThingType(b -> b.thingTypeName("pumps")))
        .isInstanceOf(InvalidRequestException.class);
    cloud.iot.deprecateThingType(b -> b.thingTypeName("pumps"));
    assertThatThrownBy(() -> cloud.iot.createThing(b -> b.thingName("t").thingTypeName("pumps")))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("Can not create new thing with depreated thing type:pumps");
    assertThatThrownBy(() -> cloud.iot.deleteThingType(b -> b.thingTypeName("pumps")))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("Please wait for 5 minutes after deprecation and then retry");
    assertThat(cloud.iot.describeThingType(b -> b.thingTypeName("pumps")).thingTypeMetadata())
        .satisfies(
            m -> {
              assertThat(m.deprecated()).isTrue();
              assertThat(m.deprecationDate()).isNotNull();
            });

    cloud.clock.forward(java.time.Duration.ofMinutes(6));
    cloud.iot.deleteThingType(b -> b.thingTypeName("pumps"));

    assertThatThrownBy(() -> cloud.iot.describeThingType(b -> b.thingTypeName("pumps")))
        .isInstanceOf(ResourceNotFoundException.class);
  }

  @Test
  void aThingCountsUnderOneBillingGroup() {
    cloud.iot.createBillingGroup(
        b -> b.billingGroupName("plant").tags(Tag.builder().key("k").value("v").build()));
    cloud.iot.createThing(b -> b.thingName("t").billingGroupName("plant"));
    cloud.iot.createThing(b -> b.thingName("u"));
    cloud.iot.addThingToBillingGroup(b -> b.billingGroupName("plant").thingName("u"));
    assertThat(cloud.iot.listThingsInBillingGroup(b -> b.billingGroupName("plant")).things())
        .containsExactlyInAnyOrder("t", "u");
    assertThat(cloud.iot.describeThing(b -> b.thingName("u")).billingGroupName())
        .isEqualTo("plant");

    cloud.iot.removeThingFromBillingGroup(b -> b.billingGroupName("plant").thingName("u"));
    cloud.iot.deleteBillingGroup(b -> b.billingGroupName("plant"));

    assertThat(cloud.iot.describeThing(b -> b.thingName("t")).billingGroupName()).isNull();
  }

  @Test
  void tagsAreKeptByArnAndGoWithTheirResource() {
    String arn = cloud.iot.createThingGroup(b -> b.thingGroupName("g")).thingGroupArn();
    cloud.iot.tagResource(
        b -> b.resourceArn(arn).tags(Tag.builder().key("team").value("blue").build()));
    assertThat(cloud.iot.listTagsForResource(b -> b.resourceArn(arn)).tags())
        .containsExactly(Tag.builder().key("team").value("blue").build());
    cloud.iot.untagResource(b -> b.resourceArn(arn).tagKeys("team"));
    assertThat(cloud.iot.listTagsForResource(b -> b.resourceArn(arn)).tags()).isEmpty();
    cloud.iot.deleteThingGroup(b -> b.thingGroupName("g"));
    assertThatThrownBy(() -> cloud.iot.listTagsForResource(b -> b.resourceArn(arn)))
        .isInstanceOf(ResourceNotFoundException.class);
  }

  @Test
  void eventsAreOffUntilSomebodySwitchesThemOn() {
    cloud.iot.createThing(b -> b.thingName("quiet"));
    assertThat(cloud.published).isEmpty();
    assertThat(cloud.iot.describeEventConfigurations(b -> {}).eventConfigurations().values())
        .extracting(Configuration::enabled)
        .containsOnly(false);
    Configuration on = Configuration.builder().enabled(true).build();
    cloud.iot.updateEventConfigurations(
        b ->
            b.eventConfigurations(
                Map.of(
                    EventType.THING, on,
                    EventType.THING_TYPE, on,
                    EventType.THING_TYPE_ASSOCIATION, on,
                    EventType.THING_GROUP, on,
                    EventType.THING_GROUP_MEMBERSHIP, on,
                    EventType.THING_GROUP_HIERARCHY, on)));

    cloud.iot.createThingType(b -> b.thingTypeName("pumps"));
    String id = cloud.iot.createThing(b -> b.thingName("t").thingTypeName("pumps")).thingId();
    cloud.iot.updateThing(
        b -> b.thingName("t").attributePayload(a -> a.attributes(Map.of("a", "1"))));
    cloud.iot.createThingGroup(b -> b.thingGroupName("plant"));
    cloud.iot.createThingGroup(b -> b.thingGroupName("hall").parentGroupName("plant"));
    cloud.iot.addThingToThingGroup(b -> b.thingName("t").thingGroupName("hall"));
    cloud.iot.deleteThing(b -> b.thingName("t"));
    cloud.iot.deleteThingGroup(b -> b.thingGroupName("hall"));

    assertThat(cloud.published)
        .extracting(Published::topic)
        .containsExactly(
            "$aws/events/thingType/pumps/created",
            "$aws/events/thing/t/created",
            "$aws/events/thingTypeAssociation/thing/t/thingType/pumps/added",
            "$aws/events/thing/t/updated",
            "$aws/events/thingGroup/plant/created",
            "$aws/events/thingGroup/hall/created",
            "$aws/events/thingGroupHierarchy/thingGroup/plant/childThingGroup/hall/added",
            "$aws/events/thingGroupMembership/thingGroup/hall/thing/t/added",
            "$aws/events/thingGroupMembership/thingGroup/hall/thing/t/removed",
            "$aws/events/thingTypeAssociation/thing/t/thingType/pumps/removed",
            "$aws/events/thing/t/deleted",
            "$aws/events/thingGroupHierarchy/thingGroup/plant/childThingGroup/hall/removed",
            "$aws/events/thingGroup/hall/deleted");
    JsonNode updated = cloud.last("$aws/events/thing/t/updated");
    assertThat(updated.path("eventType").asString()).isEqualTo("THING_EVENT");
    assertThat(updated.path("operation").asString()).isEqualTo("UPDATED");
    assertThat(updated.path("accountId").asString()).isEqualTo("000000000000");
    assertThat(updated.path("thingId").asString()).isEqualTo(id);
    assertThat(updated.path("versionNumber").asInt()).isEqualTo(2);
    assertThat(updated.path("thingTypeName").asString()).isEqualTo("pumps");
    assertThat(updated.path("attributes").path("a").asString()).isEqualTo("1");
    JsonNode added = cloud.last("$aws/events/thingGroupMembership/thingGroup/hall/thing/t/added");
    JsonNode removed =
        cloud.last("$aws/events/thingGroupMembership/thingGroup/hall/thing/t/removed");
    assertThat(added.path("membershipId").asString())
        .isEqualTo(removed.path("membershipId").asString());
    assertThat(
            List.of(
                cloud
                    .last("$aws/events/thingGroup/hall/created")
                    .path("parentGroupName")
                    .asString()))
        .containsExactly("plant");
  }
}
